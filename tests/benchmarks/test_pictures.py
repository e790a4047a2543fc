"""The benchmark of changed pictures runs, and finds both libraries' pictures alike."""

import pytest

pytest.importorskip("keras_preprocessing")


@pytest.mark.filterwarnings("ignore")
def test_the_table_of_pictures(capsys):
    from benchmarks import pictures

    assert pictures.main(["--sizes", "16", "--rounds", "1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + len(pictures.OPTIONS) + 1
    assert all(row.count("|") == rows[0].count("|") for row in rows)
