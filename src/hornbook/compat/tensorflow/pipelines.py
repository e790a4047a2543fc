"""Methods of `tf.data.Dataset` that hornbook's data sets do not have."""

import inspect
import itertools
import os
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.tensorflow.data_options import Options
from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.sparse import SparseTensor
from hornbook.compat.tensorflow.values import constant
from hornbook.data.elements import apply, as_element, leaves, pad, spread
from hornbook.data.passes import (
    END,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Seed,
    call,
    from_the_start,
)

Dataset = data.Dataset


def _then(self: Dataset, elements: Callable[[tuple], Iterator], seed: Any = None) -> Dataset:
    """A data set of unknown length whose elements are computed from the first on."""
    return Dataset(from_the_start(elements), UNKNOWN_CARDINALITY, (self,), seed)


def _called(function: Callable, *parts: Any) -> Any:
    """The result of a function of the elements; a tuple among them is several arguments."""
    listed = [one if type(one) is tuple else (one,) for one in parts]
    return function(*itertools.chain.from_iterable(listed))


# ---- which elements


def take_while(self: Dataset, predicate: Callable) -> Dataset:
    """The elements up to the first for which a function is false."""

    def elements(key: tuple) -> Iterator:
        for numbered in enumerate(self._read(0, key)):
            if not call(predicate, "take_while", numbered):
                return
            yield numbered[1]

    return _then(self, elements)


def unique(self: Dataset) -> Dataset:
    """Each different element once."""

    def elements(key: tuple) -> Iterator:
        seen = set()
        for element in self._read(0, key):
            held = np.asarray(element)
            told = held.tobytes() if held.dtype.kind != "O" else held.item()
            if told not in seen:
                seen.add(told)
                yield element

    return _then(self, elements)


def ignore_errors(self: Dataset, log_warning: bool = False) -> Dataset:
    """The elements that can be computed; those that raise are left out.

    Raises:
        Exception: the error, if no element can be read after it, as in a generator.
    """

    def elements(key: tuple) -> Iterator:
        source, read, last = self._read(0, key), 0, None
        while True:
            try:
                element = next(source)
            except StopIteration:
                broken = inspect.isgenerator(source) or 0 <= read < self._count
                if last is not None and broken:
                    raise last from None
                return
            except Exception as error:
                last = error
                if log_warning:
                    print(f"Dataset.ignore_errors: element {read} is left out: {error}")
            else:
                last = None
                yield element
            read += 1

    return _then(self, elements)


def get_single_element(self: Dataset) -> Any:
    """The only element.

    Raises:
        InvalidArgumentError: if there is none, or more than one.
    """
    found = list(itertools.islice(iter(self), 2))
    if len(found) != 1:
        told = "is empty" if not found else "has more than one element"
        raise InvalidArgumentError(None, None, f"Dataset.get_single_element: the data set {told}")
    return found[0]


def assert_cardinality(self: Dataset, expected_cardinality: Any) -> Dataset:
    """The same elements, with a known number of them.

    Raises:
        InvalidArgumentError: at the end of a pass that has another number.
    """
    count = int(expected_cardinality)

    def elements(key: tuple) -> Iterator:
        given = 0
        for element in self._read(0, key):
            given += 1
            if given > count >= 0:
                break
            yield element
        if count >= 0 and given != count:
            more = "more" if given > count else f"{given}"
            told = f"Dataset.assert_cardinality: {count} elements were asserted, and there are "
            raise InvalidArgumentError(None, None, told + more)

    return Dataset(from_the_start(elements), count, (self,))


def scan(self: Dataset, initial_state: Any, scan_func: Callable) -> Dataset:
    """The outputs of `state, output = scan_func(state, element)`, from `initial_state` on."""

    def elements(key: tuple) -> Iterator:
        state = as_element(initial_state)
        for element in self._read(0, key):
            state, output = scan_func(state, element)
            state = as_element(state)
            yield as_element(output)

    return Dataset(from_the_start(elements), self._count, (self,))


def snapshot(self: Dataset, path: Any, *settings: Any, **options: Any) -> Dataset:
    """The elements of the first pass, kept in a file of the folder for later passes."""
    os.makedirs(path, exist_ok=True)
    return self.cache(os.path.join(os.fspath(path), "elements"))


# ---- several elements in one


def group_by_window(
    self: Dataset,
    key_func: Callable,
    reduce_func: Callable,
    window_size: Any = None,
    window_size_func: Callable | None = None,
) -> Dataset:
    """Group elements by a key, and turn each full group into a data set.

    Args:
        key_func: the key of an element: an integer.
        reduce_func: `reduce_func(key, group)` returns a data set.
        window_size: elements in a full group.
        window_size_func: instead, a function of the key.
    """

    def elements(key: tuple) -> Iterator:
        groups: dict[int, list] = {}

        def reduced(number: int) -> Iterator:
            group = Dataset.from_elements(groups.pop(number))
            return reduce_func(np.int64(number), group)._read(0, (*key, number))

        for element in self._read(0, key):
            number = int(_called(key_func, element))
            groups.setdefault(number, []).append(element)
            size = window_size if window_size_func is None else window_size_func(np.int64(number))
            if len(groups[number]) >= int(size):
                yield from reduced(number)
        for number in sorted(groups):
            yield from reduced(number)

    return _then(self, elements)


def bucket_by_sequence_length(
    self: Dataset,
    element_length_func: Callable,
    bucket_boundaries: list,
    bucket_batch_sizes: list,
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Dataset:
    """Batches of elements of similar length.

    Args:
        element_length_func: the length of an element.
        bucket_boundaries: the lengths at which the next bucket begins, rising.
        bucket_batch_sizes: elements in a batch, for each bucket: one more than the boundaries.
        padded_shapes, padding_values: as for `padded_batch`.
        pad_to_bucket_boundary: whether to pad to the longest length of the bucket.
        no_padding: whether to stack elements, which then have one length.
        drop_remainder: whether to drop smaller batches at the end.

    Raises:
        ValueError: if the numbers of boundaries and sizes do not match.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError(
            "bucket_by_sequence_length: len(bucket_batch_sizes) must equal "
            f"len(bucket_boundaries) + 1; got {len(bucket_batch_sizes)} sizes and "
            f"{len(bucket_boundaries)} boundaries"
        )
    edges = np.asarray(bucket_boundaries)

    def bucket(*element: Any) -> int:
        return int(np.searchsorted(edges, int(element_length_func(*element)), side="right"))

    def batches(number: int, group: Dataset) -> Dataset:
        size = int(bucket_batch_sizes[number])
        if no_padding:
            return group.batch(size, drop_remainder)
        if not pad_to_bucket_boundary:
            return group.padded_batch(size, padded_shapes, padding_values, drop_remainder)
        if number == len(edges):
            told = "bucket_by_sequence_length: an element is longer than the last boundary"
            raise InvalidArgumentError(None, None, told)

        def padded(elements: Any) -> Any:
            first = elements[0]
            flat = leaves(first)
            asked = [None] * len(flat)
            if padded_shapes is not None:
                asked = spread(padded_shapes, first, len(flat))
            full = iter([_filled(*one, int(edges[number]) - 1) for one in zip(asked, flat)])
            return pad(elements, apply(lambda _: next(full), first), padding_values)

        return group._batched(padded, size, drop_remainder, "bucket_by_sequence_length")

    return group_by_window(
        self, bucket, batches, window_size_func=lambda number: bucket_batch_sizes[int(number)]
    )


def _filled(shape: Any, leaf: Any, size: int) -> list:
    sizes = [None] * np.ndim(leaf) if shape is None else shape
    return [size if one in (None, -1) else one for one in sizes]


def sparse_batch(self: Dataset, batch_size: int, row_shape: Any) -> Dataset:
    """Batches as sparse arrays, whose rows have one shape.

    Args:
        batch_size: elements in a batch.
        row_shape: the shape of a row; `None` for the longest in the batch.
    """

    def stacked(elements: Any) -> Any:
        rows = [np.asarray(one) for one in elements]
        places = [
            [number, *place] for number, row in enumerate(rows) for place in np.ndindex(row.shape)
        ]
        longest = np.max([row.shape for row in rows], axis=0).tolist()
        sizes = [b if a in (None, -1) else a for a, b in zip(row_shape, longest, strict=True)]
        values = np.concatenate([row.ravel() for row in rows])
        indices = np.array(places, "int64").reshape(-1, 1 + len(sizes))
        return SparseTensor(indices, values, [len(rows), *sizes])

    return self._batched(stacked, batch_size, False, "sparse_batch")


def rebatch(self: Dataset, batch_size: Any, drop_remainder: bool = False) -> Dataset:
    """The rows of batches in batches of another size.

    Args:
        batch_size: an integer, or a list of sizes that are used in turn.
        drop_remainder: whether to drop the last batch if it is smaller.
    """
    sizes = [batch_size] if isinstance(batch_size, int | np.integer) else list(batch_size)
    single = self.unbatch()
    if len(sizes) == 1:
        return single.batch(int(sizes[0]), drop_remainder)

    def elements(key: tuple) -> Iterator:
        rows = single._read(0, key)
        for size in itertools.cycle(sizes):
            group = list(itertools.islice(rows, int(size)))
            if not group or (len(group) < size and drop_remainder):
                return
            yield from Dataset.from_elements(group).batch(len(group))._read(0, key)

    return _then(self, elements)


# ---- several data sets in one


def choose_from_datasets(
    datasets: Any, choice_dataset: Dataset, stop_on_empty_dataset: bool = True
) -> Dataset:
    """Elements of several data sets, of which another one says which is next.

    Args:
        datasets: the data sets.
        choice_dataset: the number of a data set, for each element.
        stop_on_empty_dataset: whether to end with the first data set that ends.
    """
    listed = list(datasets)

    def elements(key: tuple) -> Iterator:
        sources = [one._read(0, key) for one in listed]
        ended: set[int] = set()
        for number in map(int, choice_dataset._read(0, key)):
            element = next(sources[number], END)
            if element is not END:
                yield element
                continue
            ended.add(number)
            if stop_on_empty_dataset or len(ended) == len(sources):
                return

    sources = (*listed, choice_dataset)
    return Dataset(from_the_start(elements), UNKNOWN_CARDINALITY, sources)


def sample_from_datasets(
    datasets: Any,
    weights: Any = None,
    seed: int | None = None,
    stop_on_empty_dataset: bool = False,
    rerandomize_each_iteration: Any = None,
) -> Dataset:
    """Elements of several data sets, drawn at random.

    Args:
        datasets: the data sets.
        weights: how often each is drawn, in sum 1; a data set of such weights; default equal.
        seed: of the draws.
        stop_on_empty_dataset: whether to end with the first data set that ends.
        rerandomize_each_iteration: whether each pass has other draws, the default.

    Raises:
        ValueError: if there is not one weight for each data set.
    """
    listed = list(datasets)
    if not listed:
        raise ValueError("sample_from_datasets: datasets must not be empty")
    changing = isinstance(weights, Dataset)
    fixed = [1.0] * len(listed) if weights is None or changing else np.asarray(weights).tolist()
    if len(fixed) != len(listed):
        raise ValueError(
            f"sample_from_datasets: {len(fixed)} weights for {len(listed)} data sets; pass one each"
        )
    own = Seed(seed)

    def elements(key: tuple) -> Iterator:
        given = itertools.repeat(fixed) if not changing else weights.repeat()._read(0, key)
        sources = [one._read(0, key) for one in listed]
        left = np.ones(len(sources))
        draws = own.draws(() if rerandomize_each_iteration is False else key)
        while True:
            shares = np.cumsum(np.asarray(next(given), float) * left)
            if not shares[-1]:
                return
            number = int(np.searchsorted(shares, next(draws) * shares[-1], side="right"))
            element = next(sources[number], END)
            if element is not END:
                yield element
            elif stop_on_empty_dataset:
                return
            else:
                left[number] = 0

    infinite = all(one._count == INFINITE_CARDINALITY for one in listed)
    count = INFINITE_CARDINALITY if infinite else UNKNOWN_CARDINALITY
    return Dataset(from_the_start(elements), count, tuple(listed), own)


def rejection_resample(
    self: Dataset,
    class_func: Callable,
    target_dist: Any,
    initial_dist: Any = None,
    seed: int | None = None,
) -> Dataset:
    """Pairs of class and element, of which so many are left out that classes have given shares.

    Args:
        class_func: the class of an element: an integer.
        target_dist: the share of each class in the result.
        initial_dist: the share of each class among the elements; default estimated on the way.
        seed: of the draws.
    """
    wanted, own = np.asarray(target_dist, float), Seed(seed)

    def elements(key: tuple) -> Iterator:
        draws = own.draws(key)
        seen = np.zeros(len(wanted))
        for element in self._read(0, key):
            number = int(_called(class_func, element))
            seen[number] += 1
            has = seen if initial_dist is None else np.asarray(initial_dist, float)
            kept = np.divide(wanted, has, out=np.zeros(len(wanted)), where=has > 0)
            if next(draws) * kept.max() < kept[number]:
                yield np.int64(number), element

    return _then(self, elements, own)


def counter(start: int = 0, step: int = 1, dtype: Any = "int64") -> Dataset:
    """Integers without end: `start`, `start + step`, ..."""
    kind = constant(0, dtype).dtype.type

    def read(first: int, key: tuple) -> Iterator:
        return map(kind, itertools.count(start + first * step, step))

    return Dataset(read, INFINITE_CARDINALITY)


def random(seed: int | None = None, rerandomize_each_iteration: Any = None) -> Dataset:
    """Random integers of 32 bits without end."""
    own = Seed(seed)

    def elements(key: tuple) -> Iterator:
        draws = own.draws(key if rerandomize_each_iteration else ())
        return (np.int64(one * 2**32) for one in draws)

    return Dataset(from_the_start(elements), INFINITE_CARDINALITY, (), own)


# ---- options


def options(self: Dataset) -> Options:
    """The settings of `with_options`, or the defaults."""
    return getattr(self, "_options", None) or Options()


def with_options(self: Dataset, options: Options) -> Dataset:
    """The same elements; the settings concern speed alone."""
    made = self.skip(0)
    made._batch_size = self._batch_size
    made._options = options  # type: ignore[attr-defined]
    return made


METHODS: tuple[Callable, ...] = (
    bucket_by_sequence_length,
    get_single_element,
    group_by_window,
    ignore_errors,
    options,
    rebatch,
    rejection_resample,
    scan,
    snapshot,
    sparse_batch,
    take_while,
    unique,
    with_options,
)


def named(method: Callable) -> Callable:
    """A method of data sets that accepts `name=`, as all of TensorFlow's do."""
    if "name" in inspect.signature(method).parameters:
        return method

    @wraps(method)
    def accepting(*args: Any, name: Any = None, **options: Any) -> Any:
        return method(*args, **options)

    return accepting
