"""Batches made on demand: Keras's `PyDataset`."""

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from hornbook.core import tree
from hornbook.core.random import host_generator


class PyDataset:
    """A data set that makes its own batches; subclasses define `__len__` and `__getitem__`.

    While the model trains on a batch, `workers` threads make the next ones.

    Args:
        workers: number of threads that make batches; 0 makes each one on demand.
        use_multiprocessing: warns if set; threads are used either way.
        max_queue_size: how many batches may be made in advance.

    Example:
        >>> import hornbook as keras
        >>> class Squares(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0).reshape(4, 1) + index
        ...         return x, x**2
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> len(model.fit(Squares(), epochs=2, verbose=0).epoch)
        2
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ):
        if use_multiprocessing:
            warnings.warn(
                f"{type(self).__name__}: use_multiprocessing=True runs threads, not processes",
                stacklevel=2,
            )
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`: `x`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        count = self.num_batches if type(self).num_batches is not PyDataset.num_batches else None
        if count is None:
            raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")
        return count

    def __iter__(self) -> Iterator[Any]:
        """The batches in order."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """Number of batches in an epoch; `None` if endless."""
        return len(self)

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


class Batches:
    """Arrays in memory as a source of batches, optionally reshuffled each pass.

    Args:
        data: a structure of arrays with equal numbers of samples; leaves may be `None`.
        batch: samples in a batch; the last one may be smaller.
        shuffle: whether each pass draws a new order.

    Example:
        >>> [x.tolist() for x, in Batches((np.arange(3),), 2)]
        [[0, 1], [2]]
    """

    def __init__(self, data: tuple, batch: int, shuffle: bool = False):
        self.data, self.batch, self.shuffle = data, batch, shuffle
        self.samples = len(next(leaf for leaf in tree.flatten(data) if leaf is not None))

    def __len__(self) -> int:
        return -(-self.samples // self.batch)

    def __iter__(self) -> Iterator[tuple]:
        count = self.samples
        order = host_generator().permutation(count) if self.shuffle else np.arange(count)
        for start in range(0, count, self.batch):
            chosen = order[start : start + self.batch]
            yield tree.map_structure(lambda leaf: leaf[chosen], self.data, none_is_leaf=False)  # noqa: B023


def ahead(source: Any, order: Any) -> Iterator[Any]:
    """`source[index]` for each index in order, prefetched if the source has workers.

    Args:
        source: indexable; `workers` and `max_queue_size` are looked up.
        order: integers.
    """
    workers = getattr(source, "workers", 0)
    if not workers:
        yield from (source[int(index)] for index in order)
        return
    depth = max(1, getattr(source, "max_queue_size", 10))
    yield from made_ahead(lambda index: source[int(index)], order, workers, depth)


def made_ahead(make: Callable, items: Any, workers: int, depth: int) -> Iterator[Any]:
    """`make(item)` for each item in order, prefetched by threads.

    Args:
        make: called in the worker threads.
        items: iterated in the caller's thread.
        workers: how many threads.
        depth: how many items may be in flight.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future] = []
        try:
            for item in items:
                waiting.append(pool.submit(make, item))
                if len(waiting) >= depth:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def in_advance(items: Iterator, depth: int) -> Iterator[Any]:
    """The items of an iterator in order, up to `depth` of them read ahead by a thread."""
    end = object()
    read = made_ahead(lambda _: next(items, end), itertools.repeat(None), 1, depth + 1)
    with contextlib.closing(read):  # type: ignore[type-var]
        yield from itertools.takewhile(lambda item: item is not end, read)
