"""Windows of a time series as a `Dataset`: `timeseries_dataset_from_array`."""

from typing import Any

import numpy as np

from hornbook.data.dataset import Dataset

WHERE = "timeseries_dataset_from_array"


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """A `Dataset` of sliding windows over a series.

    A window that starts at step `i` has the steps `i`, `i + sampling_rate`, `i + 2 * sampling_rate`
    and so on, and the target `targets[i]`. To predict the step after each window, pass
    `data[:-length]` and `data[length:]`.

    Args:
        data: the series `(steps, ...)`.
        targets: one for each step; `None` for windows only. If they end before the data, so do the
            starts of windows.
        sequence_length: steps in a window.
        sequence_stride: steps between the starts of two windows.
        sampling_rate: steps between two steps of a window.
        batch_size: windows per batch; `None` for single windows.
        shuffle: whether to shuffle the windows in each pass; otherwise they are in order.
        seed: seed of the order.
        start_index, end_index: steps before and from these on are ignored.
        format: `"tf"` or `"grain"`, accepted for Keras's sake; the result is a `Dataset`.

    Returns:
        A `Dataset` of `(windows, targets)` or of windows, of the dtypes passed.

    Raises:
        ValueError: for an option out of range, or if no window fits.

    Example:
        >>> series = np.arange(10)
        >>> windows = keras.utils.timeseries_dataset_from_array(series[:-3], series[3:], 3)
        >>> x, y = next(iter(windows))
        >>> x[0].tolist(), int(y[0])
        ([0, 1, 2], 3)
    """
    steps = _array(data)
    count = len(steps)
    start, end = start_index or 0, end_index or count
    if not 0 <= start < end <= count or (end_index is not None and not 0 < end_index < count):
        raise ValueError(
            f"{WHERE}: start_index and end_index must be 0 <= start_index < end_index < {count}, "
            f"the number of steps; got {start_index} and {end_index}"
        )
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < count:
            raise ValueError(
                f"{WHERE}: {name} must be 1 or more and below {count}, the number of steps; got "
                f"{value}"
            )
    if format not in ("tf", "grain"):
        raise ValueError(f"{WHERE}: format is 'tf' or 'grain', not {format!r}")
    fits = end - start - (sequence_length - 1) * sampling_rate
    labels = None if targets is None else _array(targets)
    if labels is not None:
        # Keras forgets start_index here, and fails if targets are shorter than data.
        fits = min(fits, len(labels) - start)
    if fits < 1 or sequence_length < 1:
        raise ValueError(
            f"{WHERE}: no window of sequence_length={sequence_length} fits into steps {start} to "
            f"{end} with sampling_rate={sampling_rate} and "
            f"{'no' if labels is None else len(labels)} targets"
        )
    starts = np.arange(start, start + fits, sequence_stride)
    if shuffle:
        seed = int(np.random.randint(10**6)) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    within = np.arange(0, sequence_length * sampling_rate, sampling_rate)

    def read(first: Any) -> Any:
        window = steps[np.add.outer(first, within)]
        return window if labels is None else (window, labels[first])

    made = Dataset.from_tensor_slices(starts)
    if shuffle:
        made = made.shuffle(None, seed)
    return (made if batch_size is None else made.batch(batch_size)).map(read)


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
