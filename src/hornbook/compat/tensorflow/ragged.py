"""`tf.ragged` in its usual forms: rows of different lengths."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.attributes import Shape
from hornbook.compat.tensorflow.arrays import concat, is_text
from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.sparse import SparseTensor
from hornbook.compat.tensorflow.tensors import plain, tensor


class RaggedTensor:
    """Rows of different lengths: their elements, and where each row ends.

    Args:
        values: the elements of all rows; an array, or ragged again.
        row_splits: the start of each row, and the end of the last.
    """

    def __init__(self, values: Any, row_splits: Any):
        self.values = values
        self.row_splits = tensor(np.asarray(row_splits, "int64"))
        self.uniform_row_length: int | None = None

    @classmethod
    def from_row_splits(cls, values: Any, row_splits: Any, name: Any = None, **_: Any) -> Any:
        """Rows from where each begins, and the end of the last."""
        return cls(_values(values), row_splits)

    @classmethod
    def from_row_lengths(cls, values: Any, row_lengths: Any, name: Any = None, **_: Any) -> Any:
        """Rows from their lengths."""
        return cls(_values(values), np.concatenate([[0], np.cumsum(np.asarray(row_lengths))]))

    @classmethod
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: Any = None, **_: Any
    ) -> Any:
        """Rows from the row of each element."""
        rows = np.asarray(value_rowids)
        count = int(rows[-1]) + 1 if nrows is None else int(nrows)
        return cls.from_row_lengths(values, np.bincount(rows, minlength=count))

    @classmethod
    def from_row_starts(cls, values: Any, row_starts: Any, name: Any = None, **_: Any) -> Any:
        """Rows from where each begins."""
        made = _values(values)
        return cls(made, np.append(np.asarray(row_starts), len(made)))

    @classmethod
    def from_row_limits(cls, values: Any, row_limits: Any, name: Any = None, **_: Any) -> Any:
        """Rows from where each ends."""
        return cls(_values(values), np.append(0, np.asarray(row_limits)))

    @classmethod
    def from_uniform_row_length(
        cls, values: Any, uniform_row_length: Any, nrows: Any = None, name: Any = None, **_: Any
    ) -> Any:
        """Rows of one length."""
        made, length = _values(values), int(uniform_row_length)
        count = int(nrows) if nrows is not None else len(made) // length if length else 0
        if count * length != len(made):
            raise ValueError(
                f"RaggedTensor.from_uniform_row_length: {len(made)} values are not rows of {length}"
            )
        found = cls(made, np.arange(count + 1) * length)
        found.uniform_row_length = length
        return found

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: Any = None, **_: Any
    ) -> Any:
        """Rows of rows, from the splits of each axis; the outermost first."""
        return _nested(cls.from_row_splits, flat_values, nested_row_splits)

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: Any = None, **_: Any
    ) -> Any:
        """Rows of rows, from the lengths of each axis; the outermost first."""
        return _nested(cls.from_row_lengths, flat_values, nested_row_lengths)

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Any,
        nested_nrows: Any = None,
        name: Any = None,
        **_: Any,
    ) -> Any:
        """Rows of rows, from the row of each element along each axis; the outermost first."""
        counts = nested_nrows or [None] * len(nested_value_rowids)
        pairs = [*zip(nested_value_rowids, counts, strict=True)]
        return _nested(lambda inner, pair: cls.from_value_rowids(inner, *pair), flat_values, pairs)

    @classmethod
    def from_tensor(
        cls, tensor: Any, lengths: Any = None, padding: Any = None, name: Any = None, **_: Any
    ) -> Any:
        """The rows of a matrix, without their padding."""
        array = np.asarray(tensor, object if is_text(tensor) else None)
        counts = np.full(len(array), array.shape[1]) if lengths is None else np.asarray(lengths)
        if padding is not None:
            kept = array != padding
            counts = np.where(kept.any(1), kept.shape[1] - kept[:, ::-1].argmax(1), 0)
        rows = [row[:n] for row, n in zip(array, counts, strict=True)]
        return cls.from_row_lengths(np.concatenate(rows), counts)

    @classmethod
    def from_sparse(cls, st_input: SparseTensor, name: Any = None, **_: Any) -> Any:
        """The stored elements of each row."""
        places = np.asarray(st_input.indices)
        return cls.from_value_rowids(st_input.values, places[:, 0], st_input.shape[0])

    # ---- what it is

    @property
    def flat_values(self) -> Any:
        """The elements, however deep."""
        return self.values.flat_values if isinstance(self.values, RaggedTensor) else self.values

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        kind = self.flat_values.dtype
        return as_dtype("string" if kind == "O" else kind)

    @property
    def nested_row_splits(self) -> tuple:
        """The splits of each axis of rows; the outermost first."""
        inner = self.values
        return self.row_splits, *getattr(inner, "nested_row_splits", ())

    def nested_row_lengths(self, name: Any = None) -> tuple:
        """The lengths of the rows of each axis; the outermost first."""
        return tuple(tensor(np.diff(np.asarray(one))) for one in self.nested_row_splits)

    def nested_value_rowids(self, name: Any = None) -> tuple:
        """The row of each element of each axis; the outermost first."""
        inner = self.values
        rest = inner.nested_value_rowids() if isinstance(inner, RaggedTensor) else ()
        return self.value_rowids(), *rest

    @property
    def ragged_rank(self) -> int:
        """How many axes have rows of different lengths."""
        inner = self.values
        return 1 + (inner.ragged_rank if isinstance(inner, RaggedTensor) else 0)

    @property
    def shape(self) -> Shape:
        """The shape; `None` for sizes that differ."""
        return Shape((self.nrows(), self.uniform_row_length, *self.values.shape[1:]))

    def get_shape(self) -> Shape:
        """The shape; `None` for sizes that differ."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Nothing: the shape is known."""

    def bounding_shape(self, axis: Any = None, name: Any = None, **_: Any) -> Any:
        """The shape that holds all rows."""
        inner = self.values
        rest = (
            np.asarray(inner.bounding_shape())[1:].tolist()
            if isinstance(inner, RaggedTensor)
            else inner.shape[1:]
        )
        longest = int(np.max(np.diff(np.asarray(self.row_splits)), initial=0))
        whole = np.array((self.nrows(), longest, *rest), "int64")
        return tensor(whole if axis is None else whole[axis])

    def nrows(self, out_type: Any = None, name: Any = None) -> int:
        """The number of rows."""
        return len(self.row_splits) - 1

    def row_lengths(self, axis: int = 1, name: Any = None) -> Any:
        """The length of each row; of each row of an inner axis, as a ragged tensor."""
        if axis > 1:
            return self.with_values(self.values.row_lengths(axis - 1))
        return tensor(np.diff(np.asarray(self.row_splits)))

    def row_limits(self, name: Any = None) -> Any:
        """Where each row ends."""
        return self.row_splits[1:]

    def row_starts(self, name: Any = None) -> Any:
        """Where each row begins."""
        return self.row_splits[:-1]

    def value_rowids(self, name: Any = None) -> Any:
        """The row of each element."""
        return tensor(np.repeat(np.arange(self.nrows()), np.asarray(self.row_lengths())))

    # ---- its rows

    def __len__(self) -> int:
        return self.nrows()

    def _row(self, k: int) -> Any:
        first, last = np.asarray(self.row_splits)[k : k + 2].tolist()
        return self.values[first:last]

    def __iter__(self) -> Iterator[Any]:
        return (self._row(k) for k in range(self.nrows()))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            rows = self[key[0]]
            if not key[1:]:
                return rows
            if not isinstance(rows, RaggedTensor):
                return rows[key[1:] if len(key) > 2 else key[1]]
            if not isinstance(key[1], slice):
                return stacked([row[key[1]] for row in rows])
            return from_rows([row[key[1:] if len(key) > 2 else key[1]] for row in rows])
        if isinstance(key, slice):
            return from_rows([self._row(k) for k in range(self.nrows())[key]], self)
        return self._row(range(self.nrows())[int(key)])

    def to_list(self) -> list:
        """Lists of lists; text as bytes."""
        return [
            one.to_list() if isinstance(one, RaggedTensor) else plain(one).tolist() for one in self
        ]

    def numpy(self) -> np.ndarray:
        """An array of the rows."""
        return self.__array__()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        made = np.empty(self.nrows(), object)
        made[:] = [np.asarray(one) for one in self] if len(made) else []
        return made

    def to_tensor(self, default_value: Any = None, name: Any = None, shape: Any = None) -> Any:
        """A whole array, padded at the ends of rows."""
        whole = np.asarray(self.bounding_shape()).tolist()
        if shape is not None:
            asked = np.asarray(shape).tolist()
            whole = [a if b is None or b == -1 else b for a, b in zip(whole, asked, strict=False)]
        flat = np.asarray(self.flat_values)
        text = flat.dtype == "O"
        blank = (b"" if text else 0) if default_value is None else default_value
        made = np.full(whole, np.asarray(blank).item() if not np.ndim(blank) else blank, flat.dtype)
        _fill(made, self)
        return tensor(made) if text else jnp.asarray(made)

    def to_sparse(self, name: Any = None) -> SparseTensor:
        """The same as a sparse array."""
        lengths = np.asarray(self.row_lengths())
        column = np.arange(lengths.sum()) - np.repeat(np.asarray(self.row_splits)[:-1], lengths)
        places = np.stack([np.asarray(self.value_rowids()), column], -1)
        return SparseTensor(places, self.values, self.bounding_shape())

    def _joined(self, values: list, axis: int) -> "RaggedTensor":
        """Ragged and whole arrays, this one among them, joined along an axis; for `tf.concat`."""
        axis %= len(self.shape)
        if axis == 0:
            return from_rows([row for one in values for row in one])
        return from_rows([concat(rows, axis - 1) for rows in zip(*values, strict=True)])

    def with_values(self, new_values: Any) -> "RaggedTensor":
        """Other elements in the same rows."""
        made = RaggedTensor(new_values, self.row_splits)
        made.uniform_row_length = self.uniform_row_length
        return made

    def with_flat_values(self, new_values: Any) -> "RaggedTensor":
        """Other elements in the same rows, however deep."""
        inner = self.values
        deep = isinstance(inner, RaggedTensor)
        return self.with_values(inner.with_flat_values(new_values) if deep else _values(new_values))

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """The elements with several axes as one."""
        rank = len(self.shape)
        outer, inner = outer_axis % rank, inner_axis % rank
        if outer == inner:
            return self
        if outer > 1:
            return self.with_values(self.values.merge_dims(outer - 1, inner - 1))
        if outer:
            ends, values = np.asarray(self.row_splits), self.values
            for _ in range(inner - 1):
                deep = isinstance(values, RaggedTensor)
                ends = np.asarray(values.row_splits)[ends] if deep else ends * values.shape[1]
                values = values.merge_dims(0, 1) if deep else values.reshape(-1, *values.shape[2:])
            return RaggedTensor(values, ends)
        if inner == 1:
            return self.values
        if isinstance(self.values, RaggedTensor):
            return self.values.merge_dims(0, inner - 1)
        return self.values.reshape((-1, *np.shape(self.values)[inner:]))

    def _like_flat(self, other: Any) -> Any:
        """Another tensor, or a number, as values for the elements."""
        if not isinstance(other, RaggedTensor):
            return spread(self, other)
        if not same_rows(self, other):
            raise incompatible(self, other)
        return other.flat_values

    def consumers(self) -> list:
        """What uses it: nothing is kept of that."""
        return []

    def __repr__(self) -> str:
        return f"<tf.RaggedTensor {self.to_list()}>"

    def __str__(self) -> str:
        return repr(self)


def same_rows(first: RaggedTensor, second: RaggedTensor) -> bool:
    """Whether two ragged tensors have rows of the same lengths."""
    pairs = first.nested_row_splits, second.nested_row_splits
    return len(pairs[0]) == len(pairs[1]) and all(map(np.array_equal, *pairs))


def incompatible(first: Any, second: Any) -> InvalidArgumentError:
    """The error for arguments whose rows do not match."""
    shapes = " and ".join(str(list(getattr(one, "shape", ()))) for one in (first, second))
    return InvalidArgumentError(
        None,
        None,
        f"Expected 'tf.Tensor' or ragged arguments of matching rows: Unable to broadcast: "
        f"dimension size mismatch in dimension of the shapes {shapes}",
    )


def places_of(value: RaggedTensor) -> list[np.ndarray]:
    """The index of each element of the flat values, along each axis of rows."""
    splits = [np.asarray(one) for one in value.nested_row_splits]
    place = np.arange(splits[-1][-1])
    found = []
    for split in reversed(splits):
        row = np.searchsorted(split, place, side="right") - 1
        found.append(place - split[row])
        place = row
    return [place, *reversed(found)]


def spread(like: RaggedTensor, value: Any) -> Any:
    """A whole array, broadcast to the elements of a ragged tensor."""
    array = value if hasattr(value, "dtype") else np.asarray(value)
    if not np.ndim(array):
        return value
    outer = like.ragged_rank + 1
    axes = outer + np.ndim(like.flat_values) - 1
    if np.ndim(array) > axes:
        raise incompatible(like, array)
    shape = (*[1] * (axes - np.ndim(array)), *array.shape)
    rows = [np.asarray([like.nrows()]), *map(np.asarray, like.nested_row_lengths())]
    for size, lengths in zip(shape[:outer], rows, strict=True):
        if size != 1 and (lengths != size).any():
            raise incompatible(like, array)
    places = places_of(like)
    index = tuple(
        np.zeros_like(place) if size == 1 else place
        for size, place in zip(shape[:outer], places, strict=True)
    )
    return array.reshape(shape)[index]


def _operator(name: str) -> Any:
    def apply(self: RaggedTensor, *other: Any) -> Any:
        flat = [self._like_flat(one) for one in other]
        return self.with_flat_values(getattr(self.flat_values, name)(*flat))

    return apply


for _name in "add sub mul truediv floordiv mod pow and or xor".split():
    setattr(RaggedTensor, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(RaggedTensor, f"__r{_name}__", _operator(f"__r{_name}__"))
for _name in "lt le gt ge eq ne neg abs invert".split():
    setattr(RaggedTensor, f"__{_name}__", _operator(f"__{_name}__"))
RaggedTensor.__hash__ = object.__hash__  # type: ignore[method-assign]


def _nested(made: Any, flat_values: Any, parts: Any) -> Any:
    found = flat_values
    for one in reversed(parts):
        found = made(found, one)
    return found


def _fill(made: np.ndarray, rows: RaggedTensor) -> None:
    for place, row in zip(made, rows, strict=False):
        if isinstance(row, RaggedTensor):
            _fill(place, row)
        else:
            kept = np.asarray(row)[: len(place)]
            place[: len(kept)] = kept


def _values(values: Any) -> Any:
    if isinstance(values, RaggedTensor):
        return values
    if is_text(values):
        return tensor(np.asarray(values, object))
    if hasattr(values, "dtype"):
        return values
    array = np.asarray(values)
    kind = {"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype)
    return jnp.asarray(array.astype(kind if array.size else "float32"))


def stacked(values: list) -> Any:
    """Tensors of one shape, stacked."""
    return tensor(np.array(values, object)) if is_text(values) else ops.stack(values)


def from_rows(rows: list, like: Any = None) -> RaggedTensor:
    """Rows put together."""
    if any(isinstance(row, RaggedTensor) for row in rows):
        inner = from_rows([one for row in rows for one in row])
        return RaggedTensor.from_row_lengths(inner, [len(row) for row in rows])
    lengths = [len(row) for row in rows]
    if any(map(is_text, rows)):
        parts = [np.asarray(row, object) for row in rows]
        return RaggedTensor.from_row_lengths(tensor(np.concatenate(parts)), lengths)
    if not rows and like is not None:
        return like.from_row_lengths(like.values[:0], [])
    return RaggedTensor.from_row_lengths(ops.concatenate([jnp.asarray(r) for r in rows]), lengths)


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = None,
) -> Any:
    """Nested lists as rows of different lengths."""
    rows = list(pylist)
    _check(rows)
    deep = any(isinstance(one, list | tuple | np.ndarray) for row in rows for one in row)
    if deep and (ragged_rank is None or ragged_rank > 1):
        inner = constant([one for row in rows for one in row], dtype)
        return RaggedTensor.from_row_lengths(inner, [len(row) for row in rows])
    flat = [one for row in rows for one in row]
    text = is_text(flat) or dtype == "string"
    values = _values(np.array(flat, object) if text else flat)
    if dtype is not None and not text:
        values = ops.cast(values, dtype)
    return RaggedTensor.from_row_lengths(values, [len(row) for row in rows])


def _check(rows: list) -> None:
    """Raise for lists of different depths, and for texts among numbers."""
    are_rows = {isinstance(one, list | tuple | np.ndarray) for one in rows}
    if len(are_rows) > 1:
        raise ValueError("all scalar values must have the same nesting depth")
    values = [one for row in rows if isinstance(row, list | tuple) for one in row]
    if len({isinstance(one, str | bytes) for one in values}) > 1:
        raise ValueError("tf.ragged.constant: numbers and texts cannot be mixed")


def stack(values: Any, axis: int = 0, name: str | None = None) -> RaggedTensor:
    """Arrays of different lengths as rows."""
    return from_rows(list(values))


def ragged_range(starts: Any, limits: Any = None, deltas: Any = 1, **_: Any) -> RaggedTensor:
    """Rows of numbers at equal distances."""
    first, last = (0, starts) if limits is None else (starts, limits)
    first, last, step = np.broadcast_arrays(first, last, deltas)
    rows = [np.arange(*one).astype("int32") for one in zip(first, last, step, strict=True)]
    return from_rows(rows)


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> RaggedTensor:
    """The elements of each row where a mask is true."""
    pairs = zip(np.asarray(data), np.asarray(mask, bool), strict=True)
    return from_rows([row[kept] for row, kept in pairs])
