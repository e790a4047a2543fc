"""Any data becomes slabs: rows that lie on the device, and how many batches to take from them.

Arrays become one slab for the whole epoch, shuffled by an index that travels instead of the data; a
generator gives a slab for each batch. The loop knows slabs alone.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import settings, tree
from hornbook.core.dtype import NARROW, is_float
from hornbook.core.random import host_generator

RESIDENT_BYTES = 4 * 2**30  # larger arrays stay on the host and are sent piece by piece
PIECE_BYTES = 64 * 2**20


@dataclasses.dataclass
class Slab:
    """Some consecutive batches: `steps` of them, of `batch` rows each.

    Attributes:
        data: `(x, y, sample_weight)`, arrays with rows along the first axis.
        rows: int32 indices, `steps * batch` of them; `None` for the rows in order.
        batch: rows in a batch.
        steps: number of batches.
    """

    data: tuple
    rows: Any
    batch: int
    steps: int


# ---- from what a user passes to arrays


def to_array(value: Any, what: str = "data") -> Any:
    """One array-like as a numpy or JAX array of a dtype to train with.

    Args:
        value: array, nested list, pandas object, sparse matrix or foreign tensor.
        what: how messages call it.

    Raises:
        TypeError: for text and Python objects, with the column and the row.
        ValueError: for nested lists of unequal lengths.
    """
    if isinstance(value, jax.Array):
        return value
    if hasattr(value, "toarray") and hasattr(value, "tocsr"):
        value = value.toarray()
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
    columns = getattr(value, "columns", None)
    if columns is not None or hasattr(value, "iloc"):
        value = _from_pandas(value, columns, what)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{what} is a nested list whose rows have different lengths ({error}); "
            "pad them to one length, for instance with utils.pad_sequences"
        ) from None
    if array.dtype.kind in "OUSVMm":
        raise TypeError(_text_message(array, what))
    name = NARROW.get(array.dtype.name, array.dtype.name)
    if is_float(array.dtype):
        name = settings.floatx()
    elif settings.floatx() == "float64" and array.dtype.kind in "iu":
        name = array.dtype.name
    return np.ascontiguousarray(array) if array.dtype.name == name else array.astype(name)


def _from_pandas(value, columns, what):
    if columns is None:
        return value.to_numpy()
    for column in columns:
        series = value[column]
        if series.dtype.kind not in "fiub" and not _is_numeric_extension(series):
            raise TypeError(
                f"column {column!r} of {what} is not numeric (dtype {series.dtype}; the value in "
                f"row {series.index[0]!r} is {series.iloc[0]!r}). Encode it as numbers, or drop it: "
                f"{what}.drop(columns=[{column!r}])"
            )
    return value.to_numpy(dtype=np.result_type(*(_numeric_dtype(value[c]) for c in columns)))


def _is_numeric_extension(series) -> bool:
    return (
        getattr(series.dtype, "_is_numeric", False) or getattr(series.dtype, "kind", "O") in "fiub"
    )


def _numeric_dtype(series):
    return (
        np.dtype("float64")
        if _has_missing(series)
        else getattr(series.dtype, "numpy_dtype", series.dtype)
    )


def _has_missing(series) -> bool:
    return bool(series.isna().any())


def _text_message(array: np.ndarray, what: str) -> str:
    """Where in an array of objects the first thing that is no number stands."""
    for position, item in np.ndenumerate(array):
        if isinstance(item, bool | int | float | np.number):
            continue
        place = f"row {position[0]}" if position else "the value"
        if len(position) > 1:
            place += f", column {position[1]}"
        if isinstance(item, list | tuple | np.ndarray):
            return (
                f"{what} is an array of Python lists ({place}: {str(item)[:40]}...); pad them to "
                "one length, for instance with utils.pad_sequences"
            )
        return f"{what} has {item!r} in {place}, which is not a number; encode it as numbers first"
    return f"{what} has dtype {array.dtype}; convert it with .astype('float32')"


def to_arrays(structure: Any, what: str) -> Any:
    """A structure of array-likes as a structure of arrays; lists of numbers are one array."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: to_arrays(child, f"{what}[{key!r}]") for key, child in structure.items()}
    if isinstance(structure, list | tuple) and structure and not _is_numbers(structure):
        return [to_arrays(child, f"{what}[{i}]") for i, child in enumerate(structure)]
    array = to_array(structure, what)
    if array.ndim == 0:
        raise ValueError(f"{what} is a single number; it needs an axis of samples")
    return array


def _is_numbers(value: Any) -> bool:
    """Whether nested lists are numbers (one array) rather than arrays (several inputs)."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return not hasattr(value, "shape")


def count_rows(data: Any, what: str = "data") -> int:
    """The common number of rows of all arrays.

    Raises:
        ValueError: if they differ, naming each.
    """
    sizes = {name: leaf.shape[0] for name, leaf in tree.named_leaves(data) if leaf is not None}
    if len(set(sizes.values())) > 1:
        labels = {"0": "x", "1": "y", "2": "sample_weight"}
        named = ", ".join(
            f"{labels.get(k.partition('/')[0], k)}{k[1:] if '/' in k else ''}: {v}"
            for k, v in sizes.items()
        )
        raise ValueError(f"the arrays of {what} have different numbers of samples ({named})")
    if not sizes:
        raise ValueError(f"there are no arrays in {what}")
    return next(iter(sizes.values()))


def take_rows(data: Any, rows: Any) -> Any:
    """Some rows of every array."""
    return tree.map_structure(lambda leaf: None if leaf is None else leaf[rows], data)


# ---- weights for classes


def class_weights(weights: dict, y: Any, names: list[str]) -> Any:
    """Sample weights from weights for classes.

    Args:
        weights: from class to weight, or from output name to such a dict.
        y: labels: integers (N,) or (N, 1), sequences of them (N, T), or one-hot (N, K).
        names: names of the outputs.

    Returns:
        float32 arrays in the form of `y`; classes not named weigh 1.
    """
    if any(isinstance(value, dict) for value in weights.values()):
        unknown = set(weights) - set(names)
        if unknown:
            raise ValueError(f"class_weight names {sorted(unknown)}; the outputs are {names}")
        labels = y if isinstance(y, dict) else dict(zip(names, _as_list(y), strict=True))
        return {
            name: class_weights(weights[name], labels[name], [name])
            if name in weights
            else np.ones(np.shape(labels[name])[0], "float32")
            for name in labels
        }
    if isinstance(y, list | tuple | dict):
        return tree.map_structure(lambda leaf: class_weights(weights, leaf, names), y)
    labels = np.asarray(y)
    if is_float(labels.dtype) and labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(-1)
    elif labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim == 2 and labels.shape[-1] > 1 and set(np.unique(labels)) <= {0, 1}:
        if (labels.sum(-1) == 1).all():
            labels = labels.argmax(-1)
    result = np.ones(labels.shape, "float32")
    for label, weight in weights.items():
        result[labels == label] = weight
    return result


def _as_list(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


# ---- feeds


def split_validation(data: tuple, fraction: float) -> tuple[tuple, tuple]:
    """The first rows to train on, and the last `fraction` of them to validate on."""
    if not 0 < fraction < 1:
        raise ValueError(f"validation_split is a fraction between 0 and 1, not {fraction!r}")
    rows = count_rows(data)
    border = int(rows * (1 - fraction))
    if border in (0, rows):
        raise ValueError(f"validation_split={fraction} of {rows} samples leaves one part empty")
    return take_rows(data, slice(None, border)), take_rows(data, slice(border, None))


def bucket(rows: int) -> int:
    """A size a little above `rows`, one of few: data sets of similar size share compiled code."""
    if rows <= 8:
        return rows
    unit = 1 << (rows.bit_length() - 4)
    return -(-rows // unit) * unit


def _pad_rows(array: Any, size: int) -> Any:
    if len(array) == size:
        return array
    if isinstance(array, jax.Array):
        return jnp.concatenate(
            [array, jnp.zeros((size - len(array), *array.shape[1:]), array.dtype)]
        )
    padded = np.zeros((size, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded


class ArrayFeed:
    """Batches of arrays: on the device once, shuffled by index each epoch.

    Args:
        data: `(x, y, sample_weight)`.
        batch_size: rows in a batch; the last may be smaller.
        shuffle: whether each epoch has another order; `"batch"` shuffles batches, not rows.
        steps: at most so many batches an epoch.
    """

    def __init__(self, data: tuple, batch_size: int, shuffle: bool | str, steps: int | None = None):
        self.rows = count_rows(data)
        if self.rows == 0:
            raise ValueError("the arrays have no samples")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer):
            raise TypeError(f"batch_size is a positive integer, not {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size is a positive integer, not {batch_size!r}")
        self.batch = min(int(batch_size), self.rows)
        self.shuffle = shuffle
        self.total = -(-self.rows // self.batch)
        self.steps = min(steps, self.total) if steps else self.total
        size = sum(leaf.nbytes for leaf in tree.flatten(data) if leaf is not None)
        self.resident = size <= RESIDENT_BYTES
        self.data = data
        if self.resident:
            padded = bucket(self.rows)
            self.data = tree.map_structure(
                lambda leaf: None if leaf is None else jnp.asarray(_pad_rows(leaf, padded)), data
            )
        self.row_bytes = max(1, size // self.rows)

    def order(self) -> np.ndarray | None:
        """This epoch's order of rows; `None` for as they are."""
        if not self.shuffle:
            return None
        if self.shuffle == "batch":
            starts = host_generator().permutation(self.rows // self.batch) * self.batch
            rows = (starts[:, None] + np.arange(self.batch)).ravel()
            return np.concatenate([rows, np.arange(len(rows), self.rows)]).astype("int32")
        return host_generator().permutation(self.rows).astype("int32")

    def epoch(self) -> Iterator[Slab]:
        """The slabs of one pass over the data."""
        rows = self.order()
        full = min(self.rows // self.batch, self.steps)
        pieces = [(0, full, self.batch)] if full else []
        if self.steps > full:
            pieces.append((full * self.batch, 1, self.rows - full * self.batch))
        for start, steps, batch in pieces:
            if self.resident:
                yield self._resident(rows, start, steps, batch)
            else:
                yield from self._sent(rows, start, steps, batch)

    def _resident(self, rows, start, steps, batch) -> Slab:
        if rows is None and start == 0:
            return Slab(self.data, None, batch, steps)
        if rows is None:
            return Slab(self.data, np.arange(start, start + batch, dtype="int32"), batch, steps)
        return Slab(
            self.data,
            _pad_rows(rows[start : start + steps * batch], self._index_size(steps, batch)),
            batch,
            steps,
        )

    def _index_size(self, steps: int, batch: int) -> int:
        return bucket(steps) * batch if steps > 1 else batch

    def _sent(self, rows, start, steps, batch) -> Iterator[Slab]:
        at_once = max(1, PIECE_BYTES // (self.row_bytes * batch))
        for first in range(0, steps, at_once):
            count = min(at_once, steps - first)
            begin = start + first * batch
            chosen = slice(begin, begin + count * batch)
            piece = take_rows(self.data, chosen if rows is None else rows[chosen])
            yield Slab(
                tree.map_structure(lambda a: a if a is None else jnp.asarray(a), piece),
                None,
                batch,
                count,
            )


class IterableFeed:
    """Batches from an iterator, generator, data set or indexable sequence of batches.

    Args:
        source: gives `x`, `(x, y)` or `(x, y, sample_weight)`, one batch at a time.
        steps: batches in an epoch; needed for endless sources. Given, an epoch goes on where the
            last one stopped.
        shuffle: whether an indexable sequence is visited in another order each epoch.
        prepare: applied to each `(x, y, sample_weight)`.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None = None,
        shuffle: bool = False,
        prepare: Callable[[tuple], tuple] | None = None,
    ):
        self.source = source
        self.indexable = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self.steps = steps
        if steps is None and hasattr(source, "__len__"):
            self.steps = len(source)
        self.endless = steps is not None
        self.shuffle = shuffle
        self.prepare = prepare or (lambda batch: batch)
        self.batch: int | None = None
        self._running: Iterator | None = None
        self._peeked: list[Slab] = []

    def peek(self) -> tuple:
        """The first batch's `(x, y, sample_weight)`; it still comes first in the first epoch."""
        self._running = iter(self._batches())
        try:
            self._peeked.append(self._slab(next(self._running)))
        except StopIteration:
            raise ValueError(f"{type(self.source).__name__} gave no batches") from None
        return self._peeked[0].data

    def _batches(self) -> Iterator:
        if not self.indexable:
            yield from self.source
            return
        count = len(self.source)
        order = host_generator().permutation(count) if self.shuffle else range(count)
        for index in order:
            yield self.source[int(index)]

    def epoch(self) -> Iterator[Slab]:
        """The slabs of one epoch."""
        if not self._peeked and (self._running is None or not self.endless):
            self._running = iter(self._batches())
        done = len(self._peeked)
        while self._peeked:
            yield self._peeked.pop()
        while self.steps is None or done < self.steps:
            try:
                item = next(self._running)  # type: ignore[arg-type]
            except StopIteration:
                if not self._restart(done):
                    break
                continue
            yield self._slab(item)
            done += 1
        self.steps = self.steps or done
        getattr(self.source, "on_epoch_end", lambda: None)()

    def _restart(self, done: int) -> bool:
        """Begin the source again where an epoch is longer than it; generators cannot."""
        restartable = self.indexable or not isinstance(self.source, Iterator)
        if self.endless and restartable and done > 0:
            self._running = iter(self._batches())
            return True
        if self.endless and done < (self.steps or 0):
            import warnings

            warnings.warn(
                f"the data ended after {done} of {self.steps} batches of this epoch; a generator "
                "must give steps_per_epoch * epochs batches",
                stacklevel=6,
            )
        return False

    def _slab(self, item: Any) -> Slab:
        data = self.prepare(unpack(item))
        rows = count_rows(data, "a batch")
        self.batch = rows
        return Slab(
            tree.map_structure(lambda a: a if a is None else jnp.asarray(a), data), None, rows, 1
        )


def unpack(item: Any) -> tuple:
    """`x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` as a triple of structures of arrays."""
    parts = tuple(item) if isinstance(item, tuple) else (item,)
    if len(parts) > 3:
        raise ValueError(
            f"a batch is (x, y, sample_weight), or its beginning; got {len(parts)} parts"
        )
    x, y, weight = (*parts, None, None)[:3]
    return to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(weight, "sample_weight")


def is_iterable_source(x: Any) -> bool:
    """Whether `x` gives batches itself, rather than being arrays."""
    if x is None or isinstance(x, list | tuple | dict | np.ndarray | jax.Array):
        return False
    if hasattr(x, "__array__") or hasattr(x, "iloc") or hasattr(x, "tocsr"):
        return False
    return isinstance(x, Iterable) or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))
