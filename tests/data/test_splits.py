"""Windows of time series and parts of data sets, as Keras gives them."""

import random

import numpy as np
import pytest
from keras.src.utils import dataset_utils

import hornbook as keras

WINDOWS = keras.utils.timeseries_dataset_from_array
SPLIT = keras.utils.split_dataset


def windows_by_hand(data, targets, length, stride=1, rate=1, start=0, end=None):
    """The windows that Keras's documentation describes, one by one."""
    end = len(data) if end is None else end
    found = []
    for first in range(start, end, stride):
        steps = [first + i * rate for i in range(length)]
        if steps[-1] < end and (targets is None or first < len(targets)):
            found.append((data[steps], None if targets is None else targets[first]))
    return found


@pytest.mark.parametrize(
    "how",
    [
        {"sequence_length": 10, "sampling_rate": 2, "sequence_stride": 3},  # Keras's own example
        {"sequence_length": 4},
        {"sequence_length": 5, "start_index": 7, "end_index": 60, "sequence_stride": 2},
        {"sequence_length": 1, "sampling_rate": 5, "start_index": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [None, 2])
@pytest.mark.parametrize("cut", [None, 0, 12])
def test_windows_are_those_keras_describes(how, channels, cut):
    data = np.arange(99.0 * (channels or 1)).reshape(99, *([channels] if channels else []))
    targets = None if cut is None else np.arange(99 - cut) * 10
    names = {"sequence_stride": "stride", "sampling_rate": "rate", "start_index": "start",
             "end_index": "end", "sequence_length": "length"}  # fmt: skip
    expected = windows_by_hand(data, targets, **{names[key]: value for key, value in how.items()})
    made = WINDOWS(data, targets, batch_size=8, **how)
    batches = list(made)
    assert len(made) == len(batches) == -(-len(expected) // 8)
    for number, batch in enumerate(batches):
        part = expected[number * 8 : number * 8 + 8]
        x = batch if targets is None else batch[0]
        np.testing.assert_array_equal(x, [window for window, _ in part])
        assert x.dtype == data.dtype
        if targets is not None:
            np.testing.assert_array_equal(batch[1], [target for _, target in part])
    single = list(WINDOWS(data, targets, batch_size=None, **how))
    assert len(single) == len(expected)


def test_windows_of_keras_s_example_and_shuffled():
    first = next(iter(WINDOWS(np.arange(99), None, 10, sampling_rate=2, sequence_stride=3)))
    assert first[0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert first[1].tolist() == [3, 5, 7, 9, 11, 13, 15, 17, 19, 21]
    assert first[-1].tolist() == [78, 80, 82, 84, 86, 88, 90, 92, 94, 96]
    shuffled = WINDOWS(np.arange(50), np.arange(50), 3, shuffle=True, seed=4, batch_size=50)
    (x, y), (_, y2) = next(iter(shuffled)), next(iter(shuffled))
    np.testing.assert_array_equal(x[:, 0], y)
    assert sorted(y) == list(range(48)) and y.tolist() != y2.tolist() != list(range(48))
    again = WINDOWS(np.arange(50), np.arange(50), 3, shuffle=True, seed=4, batch_size=50)
    np.testing.assert_array_equal(next(iter(again))[1], y)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"start_index": 10}, "0 <= start_index < end_index < 10"),
        ({"end_index": 10}, "0 <= start_index < end_index < 10"),
        ({"start_index": 5, "end_index": 4}, "got 5 and 4"),
        ({"sampling_rate": 0}, "sampling_rate must be 1 or more and below 10"),
        ({"sequence_stride": 10}, "sequence_stride must be"),
        ({"sequence_length": 11}, "no window of sequence_length=11 fits"),
        ({"format": "torch"}, "'tf' or 'grain'"),
    ],
)
def test_windows_that_do_not_fit_are_explained(how, message):
    with pytest.raises(ValueError, match=message):
        WINDOWS(np.arange(10), None, **{"sequence_length": 2, **how})


def order_of_keras(count, seed):
    """Keras shuffles a list of the samples with Python's generator."""
    samples = list(range(count))
    random.Random(seed).shuffle(samples)
    return samples


@pytest.mark.parametrize("sizes", [(0.75, None), (None, 3), (4, 0.25), (0.2, 0.3), (3, 7)], ids=str)
@pytest.mark.parametrize("seed", [None, 5])
def test_arrays_are_split_as_by_keras(sizes, seed):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    left, right = dataset_utils._rescale_dataset_split_sizes(*sizes, 10)
    order = list(range(10)) if seed is None else order_of_keras(10, seed)
    how = {"shuffle": seed is not None, "seed": seed}
    for data in (
        (x, y),
        [x, y],
        {"a": x, "b": y},
        y,
        keras.data.Dataset.from_tensor_slices((x, y)),
    ):
        for part, numbers in zip(
            SPLIT(data, *sizes, **how), (order[:left], order[-right:]), strict=True
        ):
            assert len(part) == len(numbers)
            for sample, number in zip(part, numbers, strict=True):
                if isinstance(sample, dict):
                    sample = tuple(sample.values())
                if isinstance(sample, tuple):
                    np.testing.assert_array_equal(sample[0], x[number])
                    sample = sample[1]
                assert sample == number


def test_data_sets_are_read_once_and_batches_split_by_sample():
    data = keras.data.Dataset.range(10).shuffle(10, seed=1).batch(4).prefetch(1)
    left, right = SPLIT(data, 0.6)
    assert [len(batch) for batch in left] == [4, 2] and len(right) == 1
    for _ in range(2):  # no sample moves to the other part
        both = [int(n) for part in (left, right) for batch in part for n in batch]
        assert sorted(both) == list(range(10))
        assert both == [int(n) for part in (left, right) for batch in part for n in batch]


def test_data_sets_of_torch_stay_torch_s():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.arange(10))
    left, right = SPLIT(data, right_size=3)
    assert isinstance(left, torch.utils.data.Subset)
    assert [int(n) for (n,) in right] == [7, 8, 9] and len(left) == 7
    assert [int(n) for (n,) in SPLIT(data, 4, shuffle=True, seed=2)[0]] == order_of_keras(10, 2)[:4]


@pytest.mark.parametrize(
    ("data", "sizes", "message"),
    [
        (np.arange(10), (None, None), "pass left_size or right_size"),
        (np.arange(10), (1.5, None), "left_size is a fraction"),
        (np.arange(10), (None, 10), "right_size is a fraction .* 1 to 9; got 10"),
        (np.arange(10), (6, 5), "sum at most 10"),
        (np.arange(3), (0.1, None), "both must be positive"),
        ((np.arange(3), np.arange(4)), (0.5, None), r"int64\[3\], int64\[4\]"),
        ("text", (0.5, None), "got str"),
        (iter([1]), (0.5, None), "got list_iterator"),
    ],
)
def test_splits_that_cannot_be_are_explained(data, sizes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SPLIT(data, *sizes)
    with pytest.raises(TypeError, match="needs a torch.utils.data.Dataset"):
        SPLIT(np.arange(4), 0.5, preferred_backend="torch")
