"""Input pipelines with tf.data's names: `Dataset`."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.data import stored
from hornbook.data.elements import (
    apply,
    as_array,
    as_element,
    cast,
    count_rows,
    leaves,
    locked,
    pad,
    rebuild,
    rows,
    stack,
    stack_ragged,
)
from hornbook.data.passes import (
    AHEAD,
    AUTOTUNE,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Passes,
    Read,
    Seed,
    call,
    each,
    from_the_start,
    in_turn,
    one_by_one,
    shortest,
    shuffled,
    threads_of,
    together,
    windows,
)
from hornbook.training.dataset import in_advance

CYCLE = 16  # elements that `interleave` reads at a time


class Dataset(Passes):
    """A sequence of elements, read one by one: an input pipeline with tf.data's names.

    An element is an array, a number or a text, or a nested tuple or dict of those. Methods return
    new data sets and read nothing; iterating does, from the start each time. `fit`, `evaluate`,
    `predict` and `adapt` take a data set of batches, and read it ahead in a thread.

    Functions passed to `map`, `filter`, `interleave` and `flat_map` run as plain Python on numpy
    values. An element that is a tuple is passed as several arguments.

    An iterator has a position that can be saved and restored, by `get_state` and `set_state`. It is
    the number of elements given so far, whatever threads have read ahead. To restore it, orders are
    drawn again, and `map` is not called for elements before the position, except those that a later
    `shuffle`, `filter`, `interleave` or `unbatch` needs. So functions must be deterministic.

    Example:
        >>> x, y = np.arange(6.0), np.arange(6)
        >>> data = keras.data.Dataset.from_tensor_slices((x, y)).shuffle(6, seed=0).batch(4)
        >>> data = data.map(lambda x, y: (x / 2, y))
        >>> [y.shape for x, y in data]
        [(4,), (2,)]
        >>> batches = iter(data)
        >>> first, state = next(batches), batches.get_state()
        >>> again = iter(data)
        >>> again.set_state(state)
        >>> bool((next(again)[1] == next(batches)[1]).all())
        True
    """

    @staticmethod
    def from_tensor_slices(tensors: Any) -> "Dataset":
        """The rows of arrays, as elements.

        Args:
            tensors: an array or list, or a nested tuple or dict of those, with equal numbers of
                rows. They are not copied; elements are read-only.

        Raises:
            ValueError: if the numbers of rows differ.
        """
        arrays = apply(_read_only, tensors)
        return Dataset(lambda start, key: rows(arrays, start), count_rows(arrays, "Dataset"))

    @staticmethod
    def from_tensors(tensors: Any) -> "Dataset":
        """A single element."""
        element = apply(_read_only, tensors)
        return Dataset(lambda start, key: iter([as_element(element)][start:]), 1)

    @staticmethod
    def from_elements(elements: list) -> "Dataset":
        """The items of a list, as elements of any shapes."""
        return Dataset(lambda start, key: iter(elements[start:]), len(elements))

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple = (),
        output_signature: Any = None,
    ) -> "Dataset":
        """The elements of a generator.

        Args:
            generator: function that returns an iterable; called for each pass.
            output_types: the structure with dtypes to cast to.
            output_shapes: the structure with shapes to check; `None` is any size.
            args: arguments of `generator`.
            output_signature: instead of these, the structure with objects that have both.

        Raises:
            TypeError: if `generator` is not callable.
            ValueError: for an element of another shape.
        """
        if not callable(generator):
            raise TypeError(
                "Dataset.from_generator: generator is a function that returns an iterable, not "
                f"{generator!r}; pass the function itself, without calling it"
            )
        if output_signature is not None:
            output_types = apply(lambda spec: spec.dtype, output_signature)
            output_shapes = apply(lambda spec: spec.shape, output_signature)

        def read(start: int, key: tuple) -> Iterator:
            elements = itertools.islice(generator(*args), start, None)
            return (cast(as_element(one), output_types, output_shapes) for one in elements)

        return Dataset(read)

    @staticmethod
    def range(*args: int, output_type: Any = "int64") -> "Dataset":
        """Integers, as by Python's `range`: `range(stop)`, `range(start, stop, step)`."""
        numbers, kind = range(*args), np.dtype(standardize_dtype(output_type)).type
        return Dataset(lambda start, key: map(kind, numbers[start:]), len(numbers))

    @staticmethod
    def zip(*datasets: Any) -> "Dataset":
        """Elements of several data sets together; it ends with the shortest.

        Args:
            datasets: data sets, or one nested tuple or dict of them.
        """
        structure = datasets[0] if len(datasets) == 1 else datasets
        sources = tuple(leaves(structure))

        def read(start: int, key: tuple) -> Iterator:
            elements = zip(*(source._read(start, key) for source in sources), strict=False)
            return (rebuild(structure, values) for values in elements)

        return Dataset(read, shortest([source._count for source in sources]), sources)

    # ---- one element at a time

    def map(
        self,
        map_func: Callable,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> "Dataset":
        """Apply a function to each element.

        Args:
            map_func: function of an element; its result is the new element.
            num_parallel_calls: number of threads that call it; -1 (`AUTOTUNE`) for one per core,
                up to 8. Default none: it is called in the thread that reads.
            deterministic: accepted for tf.data's sake; the order is always kept.
        """
        threads = threads_of(num_parallel_calls, "map")

        def read(start: int, key: tuple) -> Iterator:
            function = partial(call, map_func, "map")
            numbered = enumerate(self._read(start, key), start)
            return map(as_element, each(function, numbered, threads))

        return self._then(read, self._count)

    def filter(self, predicate: Callable) -> "Dataset":
        """The elements for which a function is true."""

        def elements(key: tuple) -> Iterator:
            for numbered in enumerate(self._read(0, key)):
                if call(predicate, "filter", numbered):
                    yield numbered[1]

        return self._then(from_the_start(elements), UNKNOWN_CARDINALITY)

    def enumerate(self, start: int = 0) -> "Dataset":
        """Pairs of a number and an element, as by Python's `enumerate`."""

        def read(first: int, key: tuple) -> Iterator:
            return ((np.int64(n), e) for n, e in enumerate(self._read(first, key), start + first))

        return self._then(read, self._count)

    # ---- which elements, and in which order

    def take(self, count: int) -> "Dataset":
        """The first `count` elements; all if -1."""
        if count == -1:
            return self.skip(0)

        def read(start: int, key: tuple) -> Iterator:
            return itertools.islice(self._read(start, key), max(count - start, 0))

        known = count if self._count == INFINITE_CARDINALITY else min(count, self._count)
        return self._then(read, known)

    def skip(self, count: int) -> "Dataset":
        """All but the first `count` elements; none if -1."""
        if count == -1:
            return self.take(0)
        known = self._count if self._count < 0 else max(self._count - count, 0)
        return self._then(lambda start, key: self._read(start + count, key), known)

    def shard(self, num_shards: int, index: int) -> "Dataset":
        """Every `num_shards`-th element, from number `index` on."""
        if not 0 <= index < num_shards:
            raise ValueError(f"Dataset.shard: index is 0 to {num_shards - 1}, not {index}")

        def read(start: int, key: tuple) -> Iterator:
            first = index + start * num_shards
            return itertools.islice(self._read(first, key), 0, None, num_shards)

        known = self._count if self._count < 0 else len(range(index, self._count, num_shards))
        return self._then(read, known)

    def repeat(self, count: int | None = None) -> "Dataset":
        """The elements `count` times over; endlessly by default, or if -1."""
        times = None if count == -1 else count
        size = self._count
        if times is None:
            known = INFINITE_CARDINALITY if size else 0
        else:
            known = size * times if size >= 0 or not times else size

        def read(start: int, key: tuple) -> Iterator:
            first, start, unread = 0, start, 0
            if size > 0:
                first, start = divmod(start, size)
            elif size == UNKNOWN_CARDINALITY:
                start, unread = 0, start
            numbers = itertools.count(first) if times is None else range(first, times)
            keys = ((*key, number) for number in numbers)
            return itertools.islice(one_by_one(self._read, keys, start), unread, None)

        return self._then(read, known)

    def concatenate(self, dataset: "Dataset") -> "Dataset":
        """The elements of this data set, then those of another."""
        first, second = self._count, dataset._count

        def read(start: int, key: tuple) -> Iterator:
            if 0 <= first <= start:
                return dataset._read(start - first, key)
            if first >= 0:
                return itertools.chain(self._read(start, key), dataset._read(0, key))
            both = itertools.chain(self._read(0, key), dataset._read(0, key))
            return itertools.islice(both, start, None)

        return Dataset(read, together(first, second), (self, dataset))

    def shuffle(
        self,
        buffer_size: int | None,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> "Dataset":
        """Shuffle: each element is drawn from a buffer of the next `buffer_size` ones.

        Args:
            buffer_size: elements in the buffer; `None` for all, which is a uniform shuffle.
            seed: seed of the order; default drawn from hornbook's, see `set_random_seed`.
            reshuffle_each_iteration: whether each pass has another order, the default.
        """
        if buffer_size is not None and buffer_size != UNKNOWN_CARDINALITY and buffer_size < 1:
            raise ValueError(f"Dataset.shuffle: buffer_size is 1 or more, not {buffer_size!r}")
        room = None if buffer_size in (None, UNKNOWN_CARDINALITY) else buffer_size
        own = Seed(seed)

        def elements(key: tuple) -> Iterator:
            draws = own.draws(() if reshuffle_each_iteration is False else key)
            return shuffled(self._read(0, key), draws, room)

        return Dataset(from_the_start(elements), self._count, (self,), own)

    # ---- several elements in one, and one in several

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> "Dataset":
        """Stack consecutive elements.

        Args:
            batch_size: elements in a batch.
            drop_remainder: whether to drop the last batch if it is smaller.
            num_parallel_calls: number of threads that stack, see `map`.
            deterministic: accepted for tf.data's sake; the order is always kept.

        Raises:
            ValueError: if the structures or shapes of elements differ.
        """
        threads = threads_of(num_parallel_calls, "batch")
        return self._batched(stack, batch_size, drop_remainder, "batch", threads)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
    ) -> "Dataset":
        """Stack consecutive elements, padded at the end to one shape.

        Args:
            batch_size, drop_remainder: see `batch`.
            padded_shapes: the structure with shapes, in which `None` means the longest in the
                batch, the default.
            padding_values: the structure with padding values; default 0, or "" for text.
        """
        padded = partial(pad, shapes=padded_shapes, values=padding_values)
        return self._batched(padded, batch_size, drop_remainder, "padded_batch")

    def ragged_batch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Like `batch`, but arrays of different shapes become an array of arrays (dtype object)."""
        return self._batched(stack_ragged, batch_size, drop_remainder, "ragged_batch")

    def _batched(
        self, stacked: Callable, size: int, drop: bool, name: str, threads: int = 0
    ) -> "Dataset":
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"Dataset.{name}: batch_size is a positive integer, not {size!r}")
        count = self._count
        known = count if count < 0 else count // size if drop else -(-count // size)

        def groups(elements: Iterator) -> Iterator:
            while group := list(itertools.islice(elements, size)):
                if len(group) == size or not drop:
                    yield group

        def read(start: int, key: tuple) -> Iterator:
            return each(stacked, groups(self._read(start * size, key)), threads)

        made = self._then(read, known)
        made._batch_size = int(size)
        return made

    def unbatch(self) -> "Dataset":
        """The rows of each element, as elements."""

        def elements(key: tuple) -> Iterator:
            for batch in self._read(0, key):
                count_rows(batch, "Dataset.unbatch")
                yield from rows(batch)

        return self._then(from_the_start(elements), UNKNOWN_CARDINALITY)

    def window(
        self, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False
    ) -> "Dataset":
        """Windows of consecutive elements; a window is a data set, or a tuple or dict of them.

        Args:
            size: elements in a window.
            shift: elements between the starts of two windows; default `size`.
            stride: elements between two elements of a window.
            drop_remainder: whether to drop windows that the end cuts off.

        Example:
            >>> windows = keras.data.Dataset.range(5).window(3, shift=1, drop_remainder=True)
            >>> [one.tolist() for one in windows.flat_map(lambda window: window.batch(3))]
            [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        shift = size if shift is None else shift
        if min(size, shift, stride) < 1:
            raise ValueError(
                f"Dataset.window: size, shift and stride are 1 or more, not {size}, {shift}, "
                f"{stride}"
            )
        span, count = (size - 1) * stride + 1, self._count
        last = count - span + 1 if drop_remainder else count
        known = count if count < 0 else len(range(0, max(last, 0), shift))

        def read(start: int, key: tuple) -> Iterator:
            source = self._read(start * shift, key)
            for chosen in windows(source, size, shift, stride):
                if len(chosen) < size and drop_remainder:
                    return
                columns = map(list, zip(*map(leaves, chosen), strict=True))
                yield rebuild(chosen[0], [*map(Dataset.from_elements, columns)])

        return self._then(read, known)

    def interleave(
        self,
        map_func: Callable,
        cycle_length: int | None = None,
        block_length: int = 1,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> "Dataset":
        """Turn each element into a data set, and read several of those in turn.

        Args:
            map_func: function of an element that returns a `Dataset`.
            cycle_length: data sets read in turn; default 16 (TensorFlow's depends on the machine).
            block_length: elements that are read from each before the next one's turn.
            num_parallel_calls: if set, each data set in turn is read ahead by a thread.
            deterministic: accepted for tf.data's sake; the order is always kept.
        """
        cycle = CYCLE if cycle_length in (None, AUTOTUNE) else cycle_length
        if cycle < 1 or block_length < 1:
            raise ValueError(
                f"Dataset.interleave: cycle_length and block_length are 1 or more, not {cycle}, "
                f"{block_length}"
            )
        parallel = bool(threads_of(num_parallel_calls, "interleave"))

        def opened(key: tuple) -> Iterator[Iterator]:
            for numbered in enumerate(self._read(0, key)):
                inner = call(map_func, "interleave", numbered)
                if not isinstance(inner, Dataset):
                    raise TypeError(
                        "Dataset.interleave: map_func returns a Dataset, not "
                        f"{type(inner).__name__}"
                    )
                elements = inner._read(0, (*key, numbered[0]))
                yield in_advance(elements, block_length) if parallel else elements

        def elements(key: tuple) -> Iterator:
            return in_turn(opened(key), cycle, block_length)

        return self._then(from_the_start(elements), UNKNOWN_CARDINALITY)

    def flat_map(self, map_func: Callable) -> "Dataset":
        """Turn each element into a data set, and read those one after another."""
        return self.interleave(map_func, cycle_length=1)

    # ---- memory and threads

    def cache(self, filename: Any = None) -> "Dataset":
        """Keep the elements of the first whole pass, and read those in later passes.

        Args:
            filename: a file to keep them in, also for later processes; default in memory.

        Raises:
            ValueError: if the file exists and was not written by `cache`.
        """
        kept = stored.in_file(os.fspath(filename), self._read) if filename else None
        return self._then(kept or stored.in_memory(self._read), self._count)

    def prefetch(self, buffer_size: int = AUTOTUNE) -> "Dataset":
        """Read up to `buffer_size` elements ahead in a thread; 2 if -1 (`AUTOTUNE`)."""
        if buffer_size < 1 and buffer_size != AUTOTUNE:
            raise ValueError(f"Dataset.prefetch: buffer_size is 1 or more, not {buffer_size!r}")
        depth = AHEAD if buffer_size == AUTOTUNE else buffer_size
        made = self._then(lambda *where: in_advance(self._read(*where), depth), self._count)
        made._batch_size, made._is_prefetched = self._batch_size, True
        return made

    # ---- all together

    def apply(self, transformation_func: Callable[["Dataset"], "Dataset"]) -> "Dataset":
        """`transformation_func(self)`, to chain functions of data sets."""
        return transformation_func(self)

    def reduce(self, initial_state: Any, reduce_func: Callable) -> Any:
        """Combine all elements: `state = reduce_func(state, element)`, from `initial_state` on."""
        state = as_element(initial_state)
        for element in self:
            state = as_element(reduce_func(state, element))
        return state

    def _then(self, read: Read, cardinality: int) -> "Dataset":
        return Dataset(read, cardinality, (self,))


def _read_only(value: Any) -> Any:
    return locked(as_array(value, "an array").view())
