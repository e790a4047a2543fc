"""The benchmark of augmented pictures runs."""


def test_the_table_of_augmentation(capsys, monkeypatch):
    from benchmarks import augmentation

    monkeypatch.setattr(augmentation, "WORKS", {"flip": augmentation.WORKS["flip"]})
    assert augmentation.main(["--sizes", "8", "--rounds", "1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3 and all(row.count("|") == rows[0].count("|") for row in rows)
