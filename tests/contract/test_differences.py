"""Each row of docs/differences.md and docs/beyond_keras.md says what it is and names its test."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOCS = TESTS.parent / "docs"
HEADS = [f"| In {library} | Here | Why | Test |" for library in ("Keras", "Theano")]
HEADS += ["| What | How | Test |"]
ROWS = [
    line
    for page in ("differences.md", "beyond_keras.md")
    for line in (DOCS / page).read_text().splitlines()
    if line.startswith("| ") and line not in HEADS  # the line below a head begins without a space
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_row_is_complete_and_names_its_test(row):
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    assert len(cells) in (3, 4) and all(cells), "in Keras, here, why, test; or what, how, test"
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", cells[-1])
    assert named, "name the test as `folder/test_file.py::test_name`"
    for file, function in named:
        assert f"def {function}(" in (TESTS / file).read_text(), f"{file} has no {function}"
