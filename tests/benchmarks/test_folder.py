"""The benchmark of folders of pictures runs."""

import subprocess

import pytest

from benchmarks import folder


def test_the_table_of_a_folder(capsys, monkeypatch):
    pytest.importorskip("PIL")

    def here(command, **_):  # in this process, which has compiled already
        assert folder.main(command[command.index("--worker") :]) == 0
        return subprocess.CompletedProcess(command, 0, capsys.readouterr().out)

    monkeypatch.setattr(folder, "SIZE", 32)
    monkeypatch.setattr(subprocess, "run", here)
    assert folder.main(["--files", "6", "--rounds", "1", "--peers", "hornbook"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("6 files") and said.splitlines()[-1].startswith("| hornbook |")
    assert said.splitlines()[-1].count("(1x)") == 4
