"""Each row of docs/differences.md says what differs, why, and which test covers it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "differences.md"
HEADS = [f"| In {library} | Here | Why | Test |" for library in ("Keras", "Theano")]
ROWS = [
    line
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and line not in HEADS  # the line below a head begins without a space
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_difference_has_its_reason_and_its_test(row):
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    assert len(cells) == 4 and all(cells), "four cells: in Keras, here, why, test"
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", cells[3])
    assert named, "name the test as `folder/test_file.py::test_name`"
    for file, function in named:
        assert f"def {function}(" in (TESTS / file).read_text(), f"{file} has no {function}"
