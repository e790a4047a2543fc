"""The command for machines with a GPU, on the CPU."""

import json

import pytest

from benchmarks import gpu
from benchmarks.compare import Result

TESTS = """
import pytest

def test_good():
    pass

def test_bad():
    assert 1 == 2, "one is not two"

@pytest.fixture
def broken():
    raise ValueError("no such thing")

def test_with_it(broken):
    pass

def test_slow():
    import time
    time.sleep(60)
"""


def test_failures_have_names_and_reasons_though_time_runs_out(tmp_path, monkeypatch):
    file = tmp_path / "test_some.py"
    file.write_text(TESTS)
    monkeypatch.setattr(gpu.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(gpu, "CLOSING", 2)
    options = [str(file), "--noconftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    found = gpu.run_tests(options, on_gpu=False, limit=6)
    assert found["run"] == 3 and found["status"] != 0, found["said"]
    failed = {one["test"].split("::")[1]: one["reason"] for one in found["failed"]}
    assert "one is not two" in failed["test_bad"]
    assert failed["test_with_it"] == "ValueError: no such thing"


def test_rows_end_in_time_and_are_collected(monkeypatch):
    results = [vars(Result("mlp", peer, [1.0], first_loss=1.0)) for peer in ("hornbook", "torch")]
    asked = []

    def run(command, environ, limit):
        asked.append((command[command.index("--workloads") + 1], limit))
        if len(asked) == 2:
            return 1, "something\nNo GPU memory"
        out = command[command.index("--json") + 1]
        with open(out, "w") as file:
            json.dump({"about": {"jax": "1"}, "results": results}, file)
        return 0, ""

    monkeypatch.setattr(gpu, "run", run)
    groups = [["mlp", "gru"], ["convnet"]]
    end = gpu.time.perf_counter() + 100
    found, problems, about = gpu.run_rows(groups, ["hornbook", "torch"], [], end)
    assert [one.peer for one in found] == ["hornbook", "torch"] and about == {"jax": "1"}
    assert asked[0][0] == "mlp,gru" and 80 < asked[0][1] < 90
    assert problems == ["convnet: status 1: No GPU memory"]
    assert gpu.run_rows(groups, ["torch"], [], 0.0)[1] == [
        "no time for mlp, gru",
        "no time for convnet",
    ]


def test_a_dry_run_says_that_it_has_no_gpu(tmp_path, monkeypatch, capsys):
    page = tmp_path / "gpu.md"
    monkeypatch.setattr(gpu, "device", lambda: "cpu cpu")
    monkeypatch.setattr(gpu, "QUICK", (["no_such_file.py"], []))
    assert gpu.main(["--dry-run", "--markdown", str(page)]) == 1
    assert "no GPU" in capsys.readouterr().out
    assert "0 tests, 0 failed" in page.read_text()


def test_every_folder_and_row_exists():
    assert all((gpu.ROOT / one).exists() for one in gpu.TESTS)
    with pytest.raises(SystemExit):
        gpu.main(["--rows", "nothing"])
