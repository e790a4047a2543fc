"""`predict(out=...)` writes into arrays that are there."""

import h5py
import numpy as np
import pytest

import hornbook as keras

X = np.random.default_rng(0).normal(size=(70, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def test_outputs_are_written_to_memory_maps_and_files(model, tmp_path):
    expected = model.predict(X, verbose=0)
    places = np.memmap(tmp_path / "out.bin", "float32", "w+", shape=(70, 2))
    assert model.predict(X, out=places, verbose=0) is places
    np.testing.assert_array_equal(places, expected)
    with h5py.File(tmp_path / "out.h5", "w") as file:
        rows = model.predict(X, out=file.create_dataset("y", (70, 2), "float64"), verbose=0)
        np.testing.assert_array_equal(rows[:], expected)
    assert model.predict(X[:1], out=np.zeros((1, 2), "float32")).any()


def test_batches_of_a_source_are_written_one_by_one(model):
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_predict_batch_end=lambda batch, logs: seen.append(logs["outputs"].shape)
    )
    out = np.zeros((20, 2), "float32")
    source = iter([X[:8], X[8:16], X[16:20]])
    model.predict(source, out=out, callbacks=[watch], verbose=0)
    np.testing.assert_allclose(out, model.predict(X[:20], verbose=0), rtol=1e-6)
    assert seen == [(8, 2), (8, 2), (4, 2)]


def test_a_mean_and_a_spread_are_written_as_a_pair(model):
    out = np.zeros((70, 2), "float32"), np.ones((70, 2), "float32")
    model.predict(X, samples=2, out=out, verbose=0)
    assert out[0].any() and not out[1].any()


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((60, 2), "float32", "at least 64 rows"),
        ((80, 2), "float32", "80 rows, but the data have 70"),
        ((70, 3), "float32", r"rows of shape \(2,\)"),
        ((70, 2), "int32", "the outputs are float32"),
    ],
)
def test_another_shape_or_dtype_is_an_error(model, shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        model.predict(X, out=np.zeros(shape, dtype), verbose=0)
