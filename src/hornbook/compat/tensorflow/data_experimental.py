"""`tf.data.experimental`: methods of data sets as functions for `Dataset.apply`, and counts."""

from collections.abc import Callable
from typing import Any

from hornbook import data
from hornbook.compat.tensorflow import pipelines


def _applied(name: str) -> Callable:
    """A method as a function whose result takes a data set."""

    def made(*args: Any, **options: Any) -> Callable:
        return lambda dataset: getattr(dataset, name)(*args, **options)

    made.__name__ = name
    return made


bucket_by_sequence_length = _applied("bucket_by_sequence_length")
dense_to_sparse_batch = _applied("sparse_batch")
enumerate_dataset = _applied("enumerate")
group_by_window = _applied("group_by_window")
ignore_errors = _applied("ignore_errors")
parallel_interleave = _applied("interleave")
rejection_resample = _applied("rejection_resample")
scan = _applied("scan")
snapshot = _applied("snapshot")
take_while = _applied("take_while")
unbatch = _applied("unbatch")
unique = _applied("unique")


def assert_cardinality(expected_cardinality: Any) -> Callable:
    """The same elements, with a known number of them, for `Dataset.apply`."""
    return lambda dataset: pipelines.assert_cardinality(dataset, expected_cardinality)


def dense_to_ragged_batch(
    batch_size: int, drop_remainder: bool = False, row_splits_dtype: Any = None
) -> Callable:
    """`ragged_batch` for `Dataset.apply`."""
    return lambda dataset: dataset.ragged_batch(batch_size, drop_remainder)


def prefetch_to_device(device: Any, buffer_size: Any = None) -> Callable:
    """`prefetch` for `Dataset.apply`; batches go to the device when `fit` reads them."""
    return lambda dataset: dataset.prefetch(data.AUTOTUNE if buffer_size is None else buffer_size)


def shuffle_and_repeat(buffer_size: int, count: Any = None, seed: int | None = None) -> Callable:
    """`shuffle` and then `repeat` for `Dataset.apply`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable,
    batch_size: int,
    num_parallel_batches: Any = None,
    drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Callable:
    """`map` and then `batch` for `Dataset.apply`."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(
        batch_size, drop_remainder
    )


def get_single_element(dataset: data.Dataset) -> Any:
    """The only element of a data set."""
    return pipelines.get_single_element(dataset)


def cardinality(dataset: data.Dataset) -> Any:
    """The number of elements; -1 if infinite, -2 if unknown."""
    return dataset.cardinality()
