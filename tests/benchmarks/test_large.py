"""The benchmark of larger work: equal models, and a run of small sizes."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import hornbook
from benchmarks import large, large_keras, large_rows
from benchmarks.large_rows import ROWS

MODELS = {row.model: row for row in reversed(large_rows.TABLE) if not row.file}


@pytest.mark.parametrize("row", MODELS.values(), ids=MODELS)
def test_torch_models_have_the_losses_of_keras_models(row):
    torch = pytest.importorskip("torch")
    from benchmarks import large_torch

    threads = torch.get_num_threads()
    row = replace(row.shrunk(), eager=False)
    x, y = row.data(row)
    own = large_keras.prepare(hornbook, large_keras.build(hornbook, row), row, x, y)
    other = large_torch.prepare(large_torch.build(row), row, x, y)
    for name, values in own.weights.items():
        large_torch.load(other, name, [np.array(value) for value in values])
    assert own.parameters == other.parameters
    np.testing.assert_allclose(own.go(False), other.go(False), rtol=0.01)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("file", [large_rows.ARRAY, large_rows.H5])
def test_files_hold_all_rows(file, tmp_path, monkeypatch):
    row = ROWS[file].of_gigabytes(1e-4)
    monkeypatch.setattr(large_rows, "BLOCK", 10)
    large_rows.write_file(row, tmp_path)
    x, y = large_rows.in_file(row, tmp_path)
    assert x.shape == (row.rows, 1024) and len(y) == row.rows == 26
    np.testing.assert_array_equal(x[20:], x[:6])


def test_a_run_of_small_sizes(tmp_path):
    out, page = tmp_path / "out.json", tmp_path / "out.md"
    arguments = ["--quick", "--peers", "hornbook", "--rows", "short", "--folder", str(tmp_path)]
    status = large.main([*arguments, "--json", str(out), "--markdown", str(page)])
    (result,) = json.loads(out.read_text())["results"]
    assert status == 0, result
    assert result["compilations"] > 0 and result["later"] == 0
    assert all(result[key] > 0 for key in ("build", "first", "again", "peak", "parameters"))
    assert result["seconds"][0] > 0 and np.isfinite(result["loss"])
    assert "| short | hornbook |" in page.read_text()


def test_a_full_disk_leaves_a_row_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(large, "SPARE", 1e18)
    given = ["--python", f"torch={sys.executable}", "--folder", str(tmp_path)]
    assert large.main(["--rows", "h5py", "--peers", "torch", *given]) == 0
    assert "h5py: left out" in capsys.readouterr().out


def test_differences_are_problems():
    def result(peer, **more):
        given = {"parameters": 5, "loss": 1.0}
        return large.Result("gpt", peer, **(given | more))

    good = [result("hornbook"), result("keras-jax", loss=1.001)]
    assert large.problems(good) == []
    for odd in ({"parameters": 6}, {"loss": 1.1}, {"loss": float("nan")}, {"later": 2}):
        assert len(large.problems([*good, result("torch", **odd)])) == 1, odd
    assert "died" in large.problems([*good, result("torch", error="died")])[0]
    page = large.summary([result("hornbook", first=2.0), result("torch", first=3.0)])
    assert "2 s (-, 1.5x)" in page.rows[0]
