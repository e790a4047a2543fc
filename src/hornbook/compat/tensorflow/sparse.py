"""`tf.sparse`: positions and values of the elements that are not zero."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.attributes import Shape
from hornbook.compat.tensorflow.arrays import is_text
from hornbook.compat.tensorflow.shown import as_text
from hornbook.compat.tensorflow.tensors import tensor


class SparseTensor:
    """An array of which only some elements are stored.

    Args:
        indices: positions, (N, axes).
        values: N elements; numbers or texts.
        dense_shape: the shape.

    Raises:
        ValueError: if the sizes do not fit, or a position is outside.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        shape = tuple(int(size) for size in np.ravel(np.asarray(dense_shape)))
        places = np.asarray(indices, "int64").reshape(-1, len(shape))
        text = is_text(values)
        held = np.asarray(values, object) if text else values
        if len(places) != len(held):
            raise ValueError(f"SparseTensor: {len(places)} positions for {len(held)} values")
        self.indices = tensor(places)
        self.values = tensor(held) if text else ops.convert_to_tensor(_narrow(held))
        self.dense_shape = tensor(np.array(shape, "int64"))

    @property
    def shape(self) -> Shape:
        """The shape."""
        return Shape(np.asarray(self.dense_shape).tolist())

    def get_shape(self) -> Shape:
        """The shape."""
        return self.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self.values.dtype

    def with_values(self, new_values: Any) -> "SparseTensor":
        """Other values at the same positions."""
        return SparseTensor(self.indices, new_values, self.dense_shape)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        made = np.asarray(to_dense(self))
        return made if dtype is None else made.astype(dtype)

    def __mul__(self, other: Any) -> "SparseTensor":
        factors = np.broadcast_to(np.asarray(other), self.shape)
        return self.with_values(self.values * factors[tuple(np.asarray(self.indices).T)])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "SparseTensor":
        return self * (1 / np.asarray(other))

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={as_text(self.indices)}, values={as_text(self.values)}, "
            f"dense_shape={as_text(self.dense_shape)})"
        )


def _narrow(values: Any) -> Any:
    """Python's numbers as TensorFlow takes them."""
    if hasattr(values, "dtype"):
        return values
    array = np.asarray(values)
    return array.astype({"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype))


def to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: Any = None
) -> Any:
    """The whole array; an array stays what it is."""
    if not isinstance(sp_input, SparseTensor):
        return sp_input
    places = tuple(np.asarray(sp_input.indices).T)
    if is_text(sp_input.values):
        made = np.full(sp_input.shape, b"" if default_value is None else default_value, object)
        made[places] = np.asarray(sp_input.values)
        return tensor(made)
    base = ops.full(tuple(sp_input.shape), default_value or 0, sp_input.values.dtype.name)
    if not len(sp_input.indices):
        return base
    return ops.scatter_update(base, np.asarray(sp_input.indices), sp_input.values)


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of an array that are not zero, or no empty texts."""
    array = np.asarray(tensor, object if is_text(tensor) else None)
    places = np.argwhere((array != "") & (array != b"") if is_text(tensor) else array != 0)
    return SparseTensor(places, array[tuple(places.T)], array.shape)


def reorder(sp_input: SparseTensor, name: str | None = None) -> SparseTensor:
    """The same with its positions in row-major order."""
    places = np.asarray(sp_input.indices)
    order = np.lexsort(places.T[::-1])
    values = sp_input.values
    kept = np.asarray(values)[order] if is_text(values) else jnp.asarray(values)[order]
    return SparseTensor(places[order], kept, sp_input.dense_shape)


def add(a: Any, b: Any, threshold: Any = 0, name: str | None = None) -> Any:
    """The sum; sparse if both are."""
    if not (isinstance(a, SparseTensor) and isinstance(b, SparseTensor)):
        return ops.add(to_dense(a), to_dense(b))
    return from_dense(np.asarray(to_dense(a)) + np.asarray(to_dense(b)))


def sparse_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    """The product of a sparse matrix and an array, row by row of the sparse one."""
    if not isinstance(sp_a, SparseTensor):
        flipped = sparse_dense_matmul(b, _turned(sp_a, not adjoint_a), not adjoint_b)
        return ops.transpose(flipped)
    other = _turned(b, adjoint_b)
    rows, columns = np.asarray(sp_a.indices).T[:: -1 if adjoint_a else 1]
    parts = ops.take(other, columns, axis=0) * ops.expand_dims(sp_a.values, -1)
    return ops.segment_sum(parts, rows, sp_a.shape[1 if adjoint_a else 0])


def _turned(matrix: Any, adjoint: bool) -> Any:
    return ops.transpose(matrix) if adjoint else matrix


def transpose(sp_input: SparseTensor, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The same with its axes in another order."""
    order = list(range(len(sp_input.shape)))[::-1] if perm is None else list(perm)
    places = np.asarray(sp_input.indices)[:, order]
    made = SparseTensor(places, sp_input.values, np.asarray(sp_input.dense_shape)[order])
    return reorder(made)


def reshape(sp_input: SparseTensor, shape: Any, name: str | None = None) -> SparseTensor:
    """The same elements in another shape."""
    flat = np.ravel_multi_index(tuple(np.asarray(sp_input.indices).T), sp_input.shape)
    total = int(np.prod(sp_input.shape))
    wanted = [int(size) for size in shape]
    rest = total // int(np.prod([size for size in wanted if size != -1]) or 1)
    wanted = [rest if size == -1 else size for size in wanted]
    return SparseTensor(np.stack(np.unravel_index(flat, wanted), -1), sp_input.values, wanted)


def reduce_sum(
    sp_input: SparseTensor,
    axis: Any = None,
    keepdims: bool = False,
    name: str | None = None,
    **_: Any,
) -> Any:
    """Sums over axes."""
    return ops.sum(to_dense(sp_input), axis, keepdims)


def concat(axis: int, sp_inputs: Any, name: str | None = None, **_: Any) -> SparseTensor:
    """Sparse arrays joined along an axis."""
    places, before = [], 0
    for one in sp_inputs:
        moved = np.array(one.indices)
        moved[:, axis] += before
        before += one.shape[axis]
        places.append(moved)
    shape = list(sp_inputs[0].shape)
    shape[axis] = before
    texts = any(is_text(one.values) for one in sp_inputs)
    values = np.concatenate(
        [np.asarray(one.values, object if texts else None) for one in sp_inputs]
    )
    return reorder(SparseTensor(np.concatenate(places), values, shape))


def slice(sp_input: SparseTensor, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """A part of a sparse array."""
    first, count = np.asarray(start), np.asarray(size)
    places = np.asarray(sp_input.indices)
    inside = np.all((places >= first) & (places < first + count), -1)
    shape = np.minimum(first + count, sp_input.shape) - first
    return SparseTensor(places[inside] - first, np.asarray(sp_input.values)[inside], shape)


def expand_dims(sp_input: SparseTensor, axis: int = -1, name: str | None = None) -> SparseTensor:
    """The same with another axis of size 1."""
    places = np.asarray(sp_input.indices)
    place = axis + places.shape[1] + 1 if axis < 0 else axis
    shape = np.insert(np.asarray(sp_input.dense_shape), place, 1)
    return SparseTensor(np.insert(places, place, 0, 1), sp_input.values, shape)


def softmax(sp_input: SparseTensor, name: str | None = None) -> SparseTensor:
    """`softmax` of the stored elements of each row."""
    rows = np.asarray(sp_input.indices)[:, :-1]
    _, index = np.unique(rows, axis=0, return_inverse=True)
    index = np.ravel(index)
    values = jnp.asarray(sp_input.values)
    count = int(index.max()) + 1
    top = ops.segment_max(values, index, count)
    powers = ops.exp(values - top[index])
    return sp_input.with_values(powers / ops.segment_sum(powers, index, count)[index])


def eye(num_rows: int, num_columns: Any = None, dtype: Any = "float32", name: Any = None) -> Any:
    """A sparse identity matrix."""
    columns = num_rows if num_columns is None else num_columns
    count = min(num_rows, columns)
    places = np.repeat(np.arange(count)[:, None], 2, 1)
    return SparseTensor(places, np.ones(count, str(dtype)), (num_rows, columns))


def map_values(op: Any, *args: Any, **kwargs: Any) -> SparseTensor:
    """A function of the stored values."""
    first = next(one for one in args if isinstance(one, SparseTensor))
    plain = [one.values if isinstance(one, SparseTensor) else one for one in args]
    return first.with_values(op(*plain, **kwargs))


def reduce_max(sp_input: SparseTensor, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
    """The largest stored values over axes; 0 where nothing is stored."""
    lowest = np.iinfo if np.dtype(sp_input.dtype.name).kind == "i" else np.finfo
    least = lowest(sp_input.dtype.name).min
    found = ops.max(to_dense(sp_input, least), axis, keepdims)
    return ops.where(found == least, 0, found)


# ---- sets, which are the rows of sparse arrays


def _of_rows(one: Any) -> list[list]:
    array = one if isinstance(one, SparseTensor) else from_dense(one)
    if not isinstance(one, SparseTensor):
        return [row.tolist() for row in np.asarray(one).reshape(-1, np.shape(one)[-1])]
    rows: list[list] = [[] for _ in range(int(np.prod(array.shape[:-1])))]
    places = np.asarray(array.indices)[:, :-1]
    numbers = np.ravel_multi_index(tuple(places.T), array.shape[:-1])
    for k, value in zip(numbers, np.asarray(array.values).tolist(), strict=True):
        rows[k].append(value)
    return rows


def _sets(combine: Any) -> Any:
    def operation(a: Any, b: Any, *ignored: Any, **options: Any) -> SparseTensor:
        pairs = zip(_of_rows(a), _of_rows(b), strict=True)
        rows = [sorted(combine(set(one), set(two))) for one, two in pairs]
        longest = max(map(len, rows), default=0)
        outer = tuple(a.shape[:-1]) if hasattr(a, "shape") else np.shape(a)[:-1]
        places = [
            (*np.unravel_index(k, outer), column)
            for k, row in enumerate(rows)
            for column in range(len(row))
        ]
        values = [value for row in rows for value in row]
        return SparseTensor(np.array(places).reshape(-1, len(outer) + 1), values, (*outer, longest))

    operation.__doc__ = "Sets in the last axis, combined row by row and sorted."
    return operation


set_union = _sets(set.union)
set_intersection = _sets(set.intersection)
set_difference = _sets(set.difference)


def set_size(a: Any, validate_indices: bool = True) -> Any:
    """The number of distinct values in each row."""
    return jnp.asarray(np.array([len(set(row)) for row in _of_rows(a)], "int32"))
