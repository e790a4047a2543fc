"""The kinds of data that `fit`, `evaluate` and `predict` take: one table, one row each.

A row says how to recognise a kind, count it, cut it, and whether it can be re-read. Some kinds hold
samples and become arrays, the others yield batches. The first matching row applies.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from hornbook.core.random import host_generator
from hornbook.training.dataset import PyDataset, ahead
from hornbook.training.large import Unread, part_of


class Kind(NamedTuple):
    """A kind of data.

    Attributes:
        name: for readers.
        holds: whether a value is of this kind, given that no row above matched.
        array: `array(value, what)` returns the samples as an object with shape, dtype and slices;
            `what` is its name in messages. `None` for kinds that yield batches.
        length: number of samples or batches; `None` if unknown or endless.
        cut: for arrays `cut(array, start, stop)`, consecutive samples; for sources `cut(source,
            shuffle, start=0)`, an iterator over one pass from batch `start` on.
        again: whether it can be re-read from the start.
    """

    name: str
    holds: Callable[[Any], bool]
    array: Callable[[Any, str], Any] | None
    length: Callable[[Any], int | None] = lambda array: np.shape(array)[0]
    cut: Callable[..., Any] = part_of
    again: bool = True

    @property
    def gives_batches(self) -> bool:
        """Whether it yields batches, rather than holding samples."""
        return self.array is None


def kind_of(value: Any) -> Kind:
    """The row that matches a value.

    Example:
        >>> kind_of(np.ones(3)).name, kind_of(iter([1, 2])).name
        ('array of numpy', 'generator or iterator')
    """
    return next(kind for kind in KINDS if kind.holds(value))


def length_of(data: Any) -> int | None:
    """Number of samples or batches; `None` if unknown or endless.

    Example:
        >>> length_of(np.ones((3, 2))), length_of(range(2)), length_of(iter([1, 2]))
        (3, 2, None)
    """
    return kind_of(data).length(data)


def is_endless(data: Any) -> bool:
    """Whether a data set says that it never ends, as by `repeat()`.

    Example:
        >>> is_endless(range(2)), is_endless(keras.data.Dataset.range(2).repeat())
        (False, True)
    """
    return hasattr(data, "cardinality") and _stated(data) == -1


# ---- how to recognise


def a(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types)


def has(*names: str) -> Callable[[Any], bool]:
    return lambda value: all(hasattr(value, name) for name in names)


def _is_table(value: Any) -> bool:
    return hasattr(value, "iloc") or (hasattr(value, "columns") and hasattr(value, "__array__"))


# ---- samples as arrays


def _as_it_is(value: Any, what: str) -> Any:
    return value


def _from_torch(value: Any, what: str) -> Any:
    value = value.detach().cpu()
    return value.float() if "bfloat16" in str(value.dtype) else value


def _from_pandas(value: Any, what: str) -> np.ndarray:
    if not hasattr(value, "columns"):
        array = value.to_numpy()
        return array[:, None] if what.startswith("x") else array  # a column, as in Keras
    for column in value.columns:
        series = value[column]
        if series.dtype.kind not in "fiub" and not getattr(series.dtype, "_is_numeric", False):
            raise TypeError(
                f"column {column!r} of {what} is not numeric (dtype {series.dtype}; the value in "
                f"row {series.index[0]!r} is {series.iloc[0]!r}). Encode it as numbers, or drop it "
                f"with {what}.drop(columns=[{column!r}])"
            )
    return value.to_numpy(dtype=np.result_type(*(_dtype_of(value[c]) for c in value.columns)))


def _dtype_of(series: Any) -> Any:
    if series.isna().any():
        return np.dtype("float64")
    return getattr(series.dtype, "numpy_dtype", series.dtype)


# ---- how to count


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # some define it and still raise
        return None


def _stated(source: Any) -> int:
    """The cardinality of a data set: -1 if endless, -2 if unknown."""
    count = source.cardinality
    return int(count() if callable(count) else count)


def _cardinality(source: Any) -> int | None:
    count = _stated(source)
    return count if count >= 0 else None


# ---- how to cut


def _by_number(source: Any, shuffle: bool, start: int = 0) -> Iterator[Any]:
    """The batches of an indexable source, prefetched in its threads."""
    count = length_of(source)
    if count is None:
        return ahead(source, itertools.count(start))
    order = host_generator().permutation(count) if shuffle else range(count)
    return ahead(source, order[start:])


def _one_by_one(source: Any, shuffle: bool, start: int = 0) -> Iterator[Any]:
    batches = iter(source)  # not `yield from`, which would close a generator at the end
    for _ in range(start):
        next(batches, None)
    return batches


def _read_ahead(source: Any, shuffle: bool, start: int = 0) -> Iterator[Any]:
    return source.read_ahead()  # its position is restored by `set_state`


# A new kind goes before any row that would also match it.
KINDS = [
    Kind("array of jax", a(jax.Array), _as_it_is),
    Kind("array of numpy", a(np.ndarray), _as_it_is),  # memory maps too
    Kind("samples not read yet", a(Unread), _as_it_is),
    Kind("list", a(list, tuple, dict, type(None)), _as_it_is),
    Kind("sparse matrix", has("toarray", "tocsr"), lambda matrix, _: matrix.toarray()),
    Kind("tensor of torch", has("detach", "cpu"), _from_torch),
    Kind("table of pandas", _is_table, _from_pandas),
    Kind("array of another library", has("__array__"), _as_it_is),  # data sets of h5py and zarr
    Kind("PyDataset", a(PyDataset), None, lambda source: source.num_batches, _by_number),
    Kind("Dataset", has("cardinality", "read_ahead"), None, _cardinality, _read_ahead),
    Kind("data set of tf.data", has("cardinality"), None, _cardinality, _one_by_one),
    Kind("sequence of batches", has("__getitem__", "__len__"), None, _length, _by_number),
    Kind("generator or iterator", a(Iterator), None, _length, _one_by_one, again=False),
    Kind("loader of torch or grain", a(Iterable), None, _length, _one_by_one),  # any iterable
    Kind("number", lambda value: True, _as_it_is),
]
