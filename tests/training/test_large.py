"""Large arrays: what is copied, the pieces in which they are read, and the memory it takes."""

import subprocess
import sys
import textwrap

import h5py
import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook.training import labels, large
from hornbook.training.feed import ArrayFeed
from hornbook.training.sources import source_of

ROWS, BATCH = 103, 8
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def tiny(monkeypatch) -> None:
    """Treat arrays from half a kilobyte on as large."""
    monkeypatch.setattr(large, "SMALL_BYTES", 500)
    monkeypatch.setattr(large, "PIECE_BYTES", 800)  # five batches
    monkeypatch.setattr(large, "BLOCK_BYTES", 100)
    monkeypatch.setattr(large, "CHUNK_BYTES", 50)
    monkeypatch.setattr(large, "free_on_device", lambda: 0)  # an accelerator has no room for them


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as opened:
        yield opened


def numbers(dtype="float32"):
    x = np.arange(ROWS * 4).reshape(ROWS, 4).astype(dtype)
    return x, x[:, :1] % 7


def memory_map(tmp_path, array):
    made = np.memmap(tmp_path / f"{len(array)}.bin", array.dtype, "w+", shape=array.shape)
    made[:] = array
    return made


def kinds(tmp_path, file, dtype="float32"):
    x, _ = numbers(dtype)
    return {
        "memory map": memory_map(tmp_path, x),
        "part of a memory map": memory_map(tmp_path, np.repeat(x, 2, 0))[::2],
        "h5py": file.create_dataset("x", data=x),
        "transposed": np.asfortranarray(x),
    }


def given(feed):
    """The rows of x that a feed gives in an epoch, and the shapes of its slabs."""
    rows, shapes = [], []
    for slab in feed.epoch():
        x = np.asarray(slab.data[0])
        used = slab.whole * slab.batch + (slab.steps - slab.whole) * slab.rest
        rows.append(x[:used] if slab.order is None else x[slab.order[:used]])
        shapes.append((x.shape, slab.batch, slab.rest))
    return np.concatenate(rows), shapes


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_pieces_have_all_rows_and_one_shape(tiny, tmp_path, file, dtype):
    x, _ = numbers(dtype)
    for kind, array in kinds(tmp_path, file, dtype).items():
        data = source_of(keras.Model(), array).data
        assert isinstance(data[0], large.Unread), kind
        feed = ArrayFeed(data, BATCH, shuffle=False)
        found, shapes = given(feed)
        np.testing.assert_array_equal(found, x)
        assert found.dtype == ("int16" if dtype == "int16" else "float32")
        if not feed.resident:
            assert len(shapes) >= 2
            assert len(set(shapes)) == 1
        for _ in range(2):
            mixed, _ = given(ArrayFeed(data, BATCH, shuffle=True))
            assert (mixed != x).any()
            np.testing.assert_array_equal(mixed[np.argsort(mixed[:, 0])], x)


@pytest.mark.parametrize("kind", ["memory map", "part of a memory map", "h5py"])
def test_training_in_pieces_is_training_on_the_whole(tmp_path, file, kind, request):
    x, y = numbers()
    array = kinds(tmp_path, file)[kind]
    found = []
    for x_given in (x / 400, array):
        if x_given is array:
            request.getfixturevalue("tiny")
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Rescaling(1 if x_given is not array else 1 / 400),
             keras.layers.Dense(1)]
        )  # fmt: skip
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(
            x_given, y, BATCH, epochs=3, shuffle=False, validation_split=0.2, verbose=0
        ).history
        history["evaluated"] = model.evaluate(x_given, y, verbose=0)
        history["predicted"] = model.predict(x_given, verbose=0)[:, 0]
        found.append(history)
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, rtol=2e-5, atol=1e-6, err_msg=name)


def test_a_file_is_never_read_whole_and_only_as_far_as_the_steps_go(tiny, tmp_path, monkeypatch):
    read = []
    fill = large.fill

    def watched(out, array, rows):
        read.append(len(rows))
        return fill(out, array, rows)

    x, y = numbers()
    array = memory_map(tmp_path, x / 1000)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monkeypatch.setattr(large, "fill", watched)
    monkeypatch.setattr("hornbook.training.feed.fill", watched)
    model.fit(array, y, BATCH, steps_per_epoch=3, verbose=0)
    assert sum(read) <= 2 * 3 * BATCH + 2 * BATCH  # x and y, and the first batch to build with
    read.clear()
    model.fit(array, y, BATCH, epochs=2, verbose=0)
    assert max(read) <= large.PIECE_BYTES // 16


def test_orders_of_the_rows_of_a_file_are_by_blocks_and_mixed():
    order = large.shuffled_by_blocks(10_000, large.BLOCK_BYTES // 10, np.random.default_rng(0))
    assert sorted(order) == list(range(10_000))
    mixed = large.PIECE_BYTES // (large.BLOCK_BYTES // 10)
    blocks = {number // 10 for number in order[:mixed].tolist()}
    assert len(blocks) == mixed // 10  # so many whole blocks
    assert np.diff(order[:mixed]).tolist().count(1) < mixed / 4


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize(
    ("size", "free", "share", "copied"),
    [
        (large.SMALL_BYTES, 0, 0.01, True),
        (2**29, 2**33, 1, True),
        (2**29, 2**33, 0.1, False),  # few steps use it
        (2**29, 2**30, 1, False),  # little memory is free
        (2**31, 2**40, 1, False),
    ],
)
def test_what_is_copied_follows_from_size_free_memory_and_steps(
    size, free, share, copied, monkeypatch
):
    monkeypatch.setattr(large, "free_memory", lambda: free)
    assert large.may_be_copied([np.ones(3)], size, share) is copied


def test_a_file_is_not_copied_and_what_lies_on_the_device_stays(tmp_path, file, monkeypatch):
    monkeypatch.setattr(large, "free_memory", lambda: 2**40)
    monkeypatch.setattr(large, "free_on_device", lambda: 0)
    for array in (memory_map(tmp_path, np.ones((3, 2))), file.create_dataset("y", data=[1.0])):
        assert large.in_file(array)
        assert not large.may_be_copied([np.ones(3), array], 2**28, 1)
    assert large.may_be_copied([jax.numpy.ones(3)], 2**40, 0.1)
    assert large.copied(array := jax.numpy.ones((5, 2)), 8) is array


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_a_large_array_is_copied_once(tiny, backend, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    x, y = numbers()
    whole = large.copied(x, 112)
    np.testing.assert_array_equal(whole, np.pad(x, ((0, 9), (0, 0))))
    np.testing.assert_array_equal(large.copied(y, 112), np.pad(y, ((0, 9), (0, 0))))


def test_folds_of_a_large_array_share_compiled_code(tiny, tmp_path):
    x, y = numbers()
    array = memory_map(tmp_path, x)
    traces = []

    class Traced(keras.layers.Layer):
        def call(self, inputs):
            traces.append(inputs.shape)
            return inputs

    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Rescaling(0.01), Traced(), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(array[:96], y[:96], BATCH, verbose=0)
    count = len(traces)
    model.fit(array[:72], y[:72], BATCH, verbose=0)
    model.fit(array[8:96], y[8:96], BATCH, epochs=2, verbose=0)
    assert len(traces) == count


# ---- memory, measured

PROGRAM = """
import os, sys
import numpy as np, h5py
import hornbook as keras
from hornbook.training import labels, large
from pathlib import Path

kind, megabytes, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
large.RESIDENT_BYTES = limit * 2**20
large.SMALL_BYTES = min(large.SMALL_BYTES, limit * 2**19)
large.PIECE_BYTES = min(large.PIECE_BYTES, limit * 2**18)
dtype = "float64" if kind == "float64" else "float32"
rows = megabytes * 2**20 // (1024 * np.dtype(dtype).itemsize)
if kind == "h5py":
    with h5py.File("x.h5", "w") as file:
        file.create_dataset("x", (rows, 1024), dtype)
    x = h5py.File("x.h5")["x"]
elif kind == "memory map":
    x = np.memmap("x.bin", dtype, "w+", shape=(rows, 1024))
else:
    x = np.ones((rows, 1024), dtype)
y = np.zeros((rows, 1), "float32")
model = keras.Sequential([keras.Input((1024,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((256, 1024), "float32"), y[:256], 128, verbose=0)

def anonymous(name):  # mapped files do not count, because the system can reclaim them
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if name in line)

import threading
peak, done = [0], threading.Event()
def watch():
    while not done.wait(0.001):
        peak[0] = max(peak[0], anonymous("RssAnon"))
before = anonymous("RssAnon")
thread = threading.Thread(target=watch); thread.start()
model.fit(x, y, 128, epochs=2, verbose=0)
done.set(); thread.join()
print((peak[0] - before) // 2**20)
"""


def growth(tmp_path, kind, megabytes, limit) -> int:
    """By how many MiB a process grows beyond its data when it trains on this many MiB."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), kind, str(megabytes), str(limit)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@LINUX
@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("kind", ["memory map", "h5py", "float64", "in memory"])
def test_memory_beyond_the_data_is_bounded(tmp_path, kind):
    assert growth(tmp_path, kind, 128, 16) < 64  # half of the data


@LINUX
@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize(
    ("kind", "bound"),
    [("memory map", 256), ("h5py", 256), ("in memory", 256), ("float64", 1024 + 256)],
)
def test_memory_beyond_large_data_is_bounded_at_the_figures_of_the_docs(
    tmp_path, kind, bound, request
):
    if not request.config.getoption("--long"):
        pytest.skip("writes and reads 1.5 GB: --long")
    assert growth(tmp_path, kind, 1500, 1024) < bound


@pytest.mark.parametrize("kind", ["memory map", "h5py"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_numbers_without_a_meaning_are_found_in_pieces(
    tiny, tmp_path, file, monkeypatch, kind, shuffle
):
    monkeypatch.setattr(labels, "READ_LATER", 100)

    def stored(name, array):
        if kind == "h5py":
            return file.create_dataset(name, data=array)
        made = np.memmap(tmp_path / f"{name}.bin", array.dtype, "w+", shape=array.shape)
        made[:] = array
        return made

    ids, y = np.arange(ROWS * 4).reshape(ROWS, 4) % 7, np.arange(ROWS) % 3
    bad_ids, bad_y = ids.copy(), y.copy()
    bad_ids[ROWS - 2, 1], bad_y[ROWS - 2] = 7, 3
    model = keras.Sequential(
        [keras.Input((4,), dtype="int32"), keras.layers.Embedding(7, 2), keras.layers.Flatten(),
         keras.layers.Dense(3, activation="softmax")]
    )  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    right = stored("ids", ids), stored("y", y)
    model.fit(*right, batch_size=4, shuffle=shuffle, verbose=0)
    for run in (model.fit, model.evaluate):
        more = {"shuffle": shuffle} if run == model.fit else {}
        with pytest.raises(ValueError, match=rf"id 7 in row {ROWS - 2} "):
            run(stored(f"a{run.__name__}", bad_ids), right[1], batch_size=4, verbose=0, **more)
        with pytest.raises(ValueError, match=rf"label 3 in row {ROWS - 2};"):
            run(right[0], stored(f"b{run.__name__}", bad_y), batch_size=4, verbose=0, **more)
