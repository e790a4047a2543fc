"""Sequences as arrays. The values come from keras-preprocessing 1.1.2, which is Keras 2's."""

import random

import h5py
import numpy as np
import pandas
import pytest

import hornbook as keras
from hornbook.preprocessing import sequence
from hornbook.preprocessing.sequence import TimeseriesGenerator

SERIES = np.arange(24).reshape(12, 2)


def test_there_is_one_pad_sequences():
    assert keras.utils.pad_sequences is sequence.pad_sequences is keras.data.pad_sequences


@pytest.mark.parametrize("dtype", ["int32", "float32", "uint8", "bool", "U2", "object"])
def test_lists_and_arrays_are_padded_alike(dtype):
    rows = [[1, 2, 3], [], [4], [0, 5, 0, 7, 8]]
    rows = [[str(i) for i in row] for row in rows] if dtype == "U2" else rows
    for side in ("pre", "post"):
        options = {"maxlen": 3, "dtype": dtype, "padding": side, "truncating": side, "value": 0}
        lists = sequence.pad_sequences(rows, **options)
        arrays = sequence.pad_sequences([np.array(row, dtype) for row in rows], **options)
        np.testing.assert_array_equal(lists, arrays)
        assert lists.dtype == arrays.dtype == np.dtype(dtype)
    wanted = np.array([[1, 2, 3], [0, 0, 0], [4, 0, 0], [0, 5, 0]]).astype(dtype)
    np.testing.assert_array_equal(lists, wanted)


def test_lists_in_lists_are_no_numbers():
    for dtype in ("int32", "object"):
        with pytest.raises(ValueError, match=r"sequences\[1\]"):
            sequence.pad_sequences([[1], [[2, 3]]], dtype=dtype)


def test_the_sampling_table():
    wanted = [0.003152247875194, 0.003152247875194, 0.005475972693918, 0.007415564097374]
    np.testing.assert_allclose(sequence.make_sampling_table(4), wanted, rtol=1e-11)
    wanted = [0.099682830350400, 0.099682830350400, 0.173165461176680]
    np.testing.assert_allclose(sequence.make_sampling_table(3, 1e-2), wanted, rtol=1e-11)
    assert sequence.make_sampling_table(10, 10.0).max() == 1


@pytest.fixture
def same_random():
    state = random.getstate()
    yield
    random.setstate(state)


def test_skipgrams_are_drawn_as_in_keras_2(same_random):
    random.seed(7)
    pairs, labels = sequence.skipgrams([1, 2, 0, 3, 4], 6, window_size=2)
    assert pairs == [
        *([1, 5], [3, 1], [3, 3], [3, 2], [4, 3], [2, 5]),
        *([4, 1], [3, 4], [2, 3], [2, 1], [1, 2], [2, 1]),
    ]
    assert labels == [0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0]
    pairs, labels = sequence.skipgrams(
        [1, 2, 3], 6, window_size=1, negative_samples=0.5, categorical=True, seed=3
    )
    assert pairs == [[1, 2], [2, 3], [3, 2], [2, 5], [1, 1], [2, 1]]
    assert labels == [[0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [0, 1]]


def test_skipgrams_leave_out_what_the_table_says(same_random):
    random.seed(1)
    pairs, labels = sequence.skipgrams(
        [1, 2, 3, 4, 5], 9, window_size=1, sampling_table=[0.5] * 6, shuffle=False
    )
    assert pairs == [[1, 2], [4, 3], [4, 5], [5, 4], [1, 4], [4, 2], [4, 8], [5, 1]]
    assert labels == [1, 1, 1, 1, 0, 0, 0, 0]
    assert sequence.skipgrams([0, 0], 5) == ([], [])


WINDOWS = [
    (
        {"length": 4, "sampling_rate": 2, "batch_size": 3},
        [
            ([[[0, 1], [4, 5]], [[2, 3], [6, 7]], [[4, 5], [8, 9]]], [8, 10, 12]),
            ([[[6, 7], [10, 11]], [[8, 9], [12, 13]], [[10, 11], [14, 15]]], [14, 16, 18]),
            ([[[12, 13], [16, 17]], [[14, 15], [18, 19]]], [20, 22]),
        ],
    ),
    (
        {
            "length": 3,
            "stride": 2,
            "start_index": 1,
            "end_index": 9,
            "reverse": True,
            "batch_size": 2,
        },
        [
            ([[[6, 7], [4, 5], [2, 3]], [[10, 11], [8, 9], [6, 7]]], [8, 12]),
            ([[[14, 15], [12, 13], [10, 11]]], [16]),
        ],
    ),
    (
        {"length": 2, "shuffle": True, "batch_size": 3},
        [
            ([[[16, 17], [18, 19]], [[18, 19], [20, 21]], [[6, 7], [8, 9]]], [20, 22, 10]),
            ([[[16, 17], [18, 19]], [[16, 17], [18, 19]], [[0, 1], [2, 3]]], [20, 20, 4]),
            ([[[10, 11], [12, 13]], [[6, 7], [8, 9]], [[18, 19], [20, 21]]], [14, 10, 22]),
            ([[[18, 19], [20, 21]], [[10, 11], [12, 13]], [[14, 15], [16, 17]]], [22, 14, 18]),
        ],
    ),
]


@pytest.mark.parametrize(("options", "batches"), WINDOWS)
@pytest.mark.parametrize("kind", ["array", "list", "frame", "file"])
def test_windows_of_a_series(kind, options, batches, tmp_path):
    with h5py.File(tmp_path / "series.h5", "w") as file:
        series = {
            "array": SERIES,
            "list": SERIES.tolist(),
            "frame": pandas.DataFrame(SERIES),
            "file": file.create_dataset("x", data=SERIES),
        }[kind]
        windows = TimeseriesGenerator(series, SERIES[:, 0], **options)
        assert len(windows) == len(batches)
        for _ in range(2):  # as often as one likes
            np.random.seed(3)
            found = list(windows)
            assert len(found) == len(batches)
            for (x, y), (wanted_x, wanted_y) in zip(found, batches):
                np.testing.assert_array_equal(x, wanted_x)
                np.testing.assert_array_equal(y, wanted_y)


def test_windows_by_number():
    windows = TimeseriesGenerator(SERIES, SERIES, length=4, batch_size=3)
    np.testing.assert_array_equal(windows[-1][1], SERIES[[10, 11]])
    for index in (3, -4):
        with pytest.raises(IndexError):
            windows[index]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"length": 12}, "12 steps"), ({"length": 2, "end_index": 1}, "end_index")],
)
def test_windows_that_do_not_fit_are_told(options, said):
    with pytest.raises(ValueError, match=said):
        TimeseriesGenerator(SERIES, SERIES, **options)
    with pytest.raises(ValueError, match="targets 3"):
        TimeseriesGenerator(SERIES, SERIES[:3], length=2)


def test_a_model_learns_from_windows():
    series = np.arange(40.0).reshape(40, 1) / 40
    windows = TimeseriesGenerator(series, series[:, 0], length=3, batch_size=8)
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(windows, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.predict(windows, verbose=0).shape == (37, 1)
