"""The example programs, in a small form, on real data; skipped where there is none."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {  # program, what makes it small, which of its numbers must beat the other
    "housing": ({"rows": 2000, "epochs": 30}, "below"),
    "movies": ({"rows": 4000, "epochs": 2}, None),
    "digits": ({"rows": 200, "epochs": 1, "verbose": 0}, None),
}


@pytest.mark.parametrize("name", SMALL)
def test_example_prints_its_result_beside_a_baseline(name, data_dir, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.setenv("HORNBOOK_DATA", str(data_dir))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for module in (name, "data"):
        sys.modules.pop(module, None)
    arguments, better = SMALL[name]
    results = importlib.import_module(name).main(**arguments)
    baseline, ours = results.values()
    assert 0 < ours < 1e6
    assert 0 < baseline < 1e6
    if better == "below":
        assert ours < baseline
    printed = capsys.readouterr().out
    assert all(f"{label}: " in printed for label in results)


@pytest.mark.parametrize(
    ("name", "absent", "extras"),
    [
        ("digits", "sklearn", "sklearn"),
        ("housing", "sklearn", "pandas,sklearn"),
        ("housing", "pandas", "pandas,sklearn"),
    ],
)
def test_an_absent_library_ends_the_program_with_what_to_install(name, absent, extras):
    code = f"import runpy, sys; sys.modules[{absent!r}] = None; runpy.run_path({name + '.py'!r})"
    run = subprocess.run([sys.executable, "-c", code], cwd=EXAMPLES, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.endswith(f"pip install 'hornbook[{extras}]'\n")
    assert "Traceback" not in run.stderr


def test_the_tables_name_what_each_example_needs():
    for page in (EXAMPLES / "README.md", EXAMPLES.parent / "README.md"):
        rows = [line for line in page.read_text().splitlines() if ".py` |" in line]
        assert len(rows) == len(SMALL)
        for row in rows:
            program = re.search(r"(\w+\.py)` \| `pip install '?\.?(?:\[(.*?)\])?", row)
            asked = re.search(r"hornbook\[(.*?)\]", (EXAMPLES / program[1]).read_text())
            assert program[2] == (asked and asked[1])


def test_absent_data_ends_the_program_with_a_message(monkeypatch, tmp_path):
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    sys.modules.pop("data", None)
    with pytest.raises(SystemExit, match="HORNBOOK_DATA"):
        importlib.import_module("data").find("ratings.csv")
