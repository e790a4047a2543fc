"""numpy's functions that reshape, join, split, index and multiply arrays."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.dtype import canonical
from hornbook.core.symbolic import SymbolicTensor, Tensor, op
from hornbook.ops import rows
from hornbook.ops.rows import binary, operand, row, unary

Shape = int | Sequence[int]

# ---- shape


def ndim(x: Any) -> int:
    """The number of axes.

    Example:
        >>> hornbook.ops.ndim(np.zeros((2, 3)))
        2
    """
    return len(x.shape) if hasattr(x, "shape") else np.ndim(x)


def size(x: Any) -> int | None:
    """The number of elements; `None` if unknown.

    Example:
        >>> hornbook.ops.size(np.zeros((2, 3)))
        6
    """
    if isinstance(x, SymbolicTensor) and None in x.shape:
        return None
    return int(np.prod(x.shape)) if hasattr(x, "shape") else np.size(x)


@op
def reshape(x: Tensor, newshape: Shape) -> Array:
    """The same elements in another shape.

    Args:
        x: array.
        newshape: sizes; one may be -1 or `None` and is inferred. A further `None` means the size of
            the same axis of `x`.

    Raises:
        ValueError: for any other negative size, or a second -1.

    Example:
        >>> hornbook.ops.reshape(np.arange(6), (2, None)).shape
        (2, 3)
    """
    x = rows.array(x)
    sizes = [newshape] if isinstance(newshape, int) else list(rows.sizes(newshape))
    negative = [n for n in sizes if isinstance(n, int) and n < 0]
    if negative not in ([], [-1]):
        raise ValueError(f"reshape: sizes must not be negative, except one -1; got {newshape!r}")
    open_places = [i for i, n in enumerate(sizes) if n is None or (isinstance(n, int) and n == -1)]
    for i in open_places[:-1]:
        if sizes[i] is None and i < x.ndim:
            sizes[i] = x.shape[i]
    return jnp.reshape(x, tuple(-1 if n is None else n for n in sizes))


def _swapped(x: Array, axis1: int, axis2: int) -> Array:
    return jnp.swapaxes(x, rows.axis_of(x, axis1), rows.axis_of(x, axis2))


def _transposed(x: Array, axes: Any) -> Array:
    if axes is not None:
        axes = [rows.axis_of(x, axis) for axis in axes]
        if sorted(axes) != [*range(x.ndim)]:
            raise ValueError(f"transpose: axes {axes} are not a permutation of those of {x.shape}")
    return jnp.transpose(x, axes)


def _expanded(x: Any, axis: Any) -> Array:
    return jnp.expand_dims(rows.array(x), rows.axes(axis))


def _concatenated(xs: Any, axis: int) -> Array:
    return jnp.concatenate([rows.array(x) for x in xs], axis)


def _stacked(x: Any, axis: int) -> Array:
    on_host = all(isinstance(v, np.ndarray | np.generic) for v in x)
    if on_host and len({(v.shape, v.dtype) for v in x}) == 1:
        return jnp.asarray(np.stack(x, axis))  # one transfer instead of one each
    return jnp.stack([rows.array(v) for v in x], axis)


def _counts(repeats: Any) -> Any:
    return np.asarray(repeats) if isinstance(repeats, list | tuple) else repeats


def _diagonal(x: Array, offset: int, axis1: int, axis2: int) -> Array:
    axis1, axis2 = rows.axis_of(x, axis1), rows.axis_of(x, axis2)
    if axis1 == axis2:
        raise ValueError(f"diagonal: axis1 and axis2 are both axis {axis1} of shape {x.shape}")
    return jnp.diagonal(x, offset, axis1, axis2)


ravel = unary(jnp.ravel, "Flatten an array to one axis.")
squeeze = rows.along_axis(
    lambda x, axis: jnp.squeeze(x, rows.axes(axis)),
    "Remove axes of size 1 (`axis=None`: all of them).",
    axis=None,
)
expand_dims = row(
    lambda x, axis: rows.at_once(_expanded, x, axis),
    "Insert new axes of size 1 at `axis`.",
)
moveaxis = row(
    lambda x, source, destination: jnp.moveaxis(rows.array(x), source, destination),
    "Move axes from `source` to `destination`.",
)
swapaxes = row(lambda x, axis1, axis2: _swapped(rows.array(x), axis1, axis2), "Swap two axes.")
transpose = row(
    lambda x, axes=None: _transposed(rows.array(x), axes),
    "Permute the axes; by default reverse them.",
)
broadcast_to = row(
    lambda x, shape: jnp.broadcast_to(rows.array(x), rows.sizes(shape)),
    "Broadcast an array to `shape`.",
)
flip = rows.along_axis(jnp.flip, "Reverse an array along an axis (`None`: all axes).", axis=None)
fliplr = unary(jnp.fliplr, "Reverse an array along the second axis.")
flipud = unary(jnp.flipud, "Reverse an array along the first axis.")
roll = row(
    lambda x, shift, axis=None: jnp.roll(rows.array(x), shift, rows.axes(axis)),
    "Shift elements by `shift` places along an axis, wrapping around at the end.",
)
repeat = row(
    lambda x, repeats, axis=None: jnp.repeat(rows.array(x), _counts(repeats), axis),
    "Repeat each element `repeats` times along an axis (`None`: of the flattened array).",
)
tile = row(
    lambda x, repeats: jnp.tile(rows.array(x), rows.sizes(repeats)),
    "Repeat the whole array `repeats` times along each axis.",
)
rot90 = row(
    lambda array, k=1, axes=(0, 1): jnp.rot90(rows.array(array), k, axes),
    "Rotate an array by `k` times 90 degrees in the plane of two axes.",
)
view = row(
    lambda x, dtype=None: rows.array(x).view(dtype and canonical(dtype)),
    "Reinterpret the bytes as another dtype.",
)


@op
def pad(x: Tensor, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    """Pad an array before and after along its axes.

    Args:
        x: array.
        pad_width: `(before, after)` for each axis, or one pair or number for all.
        mode: `"constant"`, `"reflect"`, `"symmetric"`, `"edge"`, `"wrap"` ...
        constant_values: for mode `"constant"`, default 0.

    Raises:
        ValueError: if `constant_values` is given with another mode.

    Example:
        >>> hornbook.ops.pad(np.array([1, 2]), (1, 0)).tolist()
        [0, 1, 2]
    """
    if constant_values is None:
        return jnp.pad(rows.array(x), pad_width, mode)
    if mode != "constant":
        raise ValueError(f"constant_values requires mode='constant', not {mode!r}")
    return jnp.pad(rows.array(x), pad_width, mode, constant_values=constant_values)


# ---- joining and splitting


def _joined(fn, doc):
    return row(lambda xs: fn([operand(x) for x in xs]), doc)


concatenate = row(
    lambda xs, axis=0: rows.at_once(_concatenated, xs, axis),
    "Join arrays along an existing axis.",
)
stack = row(
    lambda x, axis=0: rows.at_once(_stacked, x, axis),
    "Stack arrays of the same shape along a new axis.",
)
hstack = _joined(jnp.hstack, "Join arrays along the second axis (vectors: the first).")
vstack = _joined(jnp.vstack, "Join arrays along the first axis (vectors become rows).")
dstack = _joined(jnp.dstack, "Join arrays along the third axis.")
append = row(
    lambda x1, x2, axis=None: jnp.append(rows.array(x1), rows.array(x2), axis),
    "Append `x2` to `x1` along an axis (`None`: both flattened).",
)


def _split(fn, doc):
    def split(x, indices_or_sections, axis=0):
        x = rows.array(x)
        return fn(x, _sections(indices_or_sections), rows.axis_of(x, axis))

    return row(split, doc)


def _split_fixed(fn, doc):
    def split(x, indices_or_sections):
        return fn(rows.array(x), _sections(indices_or_sections))

    return row(split, doc)


def _sections(value):
    return value if isinstance(value, int) else tuple(int(i) for i in value)


split = _split(jnp.split, "Split along an axis, into a number of equal parts or at indices.")
array_split = _split(jnp.array_split, "Like `split`, but sizes of the parts may differ by one.")
hsplit = _split_fixed(jnp.hsplit, "Split along the second axis (vectors: the first).")
vsplit = _split_fixed(jnp.vsplit, "Split along the first axis.")
dsplit = _split_fixed(jnp.dsplit, "Split along the third axis.")

# ---- indexing

get_item = row(lambda x, key: rows.array(x)[key], "`x[key]`.")


@op
def take(x: Tensor, indices: Tensor, axis: int | None = None) -> Array:
    """The elements at given indices along an axis (`None`: of the flattened array).

    Negative indices count from the end; out of range gives NaN (for integers, the smallest one).

    Example:
        >>> hornbook.ops.take(np.array([5, 6, 7]), np.array([2, 0])).tolist()
        [7, 5]
    """
    return jnp.take(rows.array(x), rows.array(indices), axis)


@op
def take_along_axis(x: Tensor, indices: Tensor, axis: int | None = None) -> Array:
    """For each position, the element at that position's index along an axis."""
    x = rows.array(x)
    axis = axis if axis is None else rows.axis_of(x, axis)
    return jnp.take_along_axis(x, rows.array(indices), axis)


@op
def where(condition: Tensor, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition is true, else `x2`; without them, the indices where it is true.

    Example:
        >>> hornbook.ops.where(np.array([True, False]), 1, 0).tolist()
        [1, 0]
    """
    if x1 is None and x2 is None:
        return jnp.where(rows.array(condition))
    return jnp.where(rows.array(condition), operand(x1), operand(x2))


@op
def select(condlist: list, choicelist: list, default: Any = 0) -> Array:
    """For each position, the choice of the first true condition, else `default`."""
    choices = [rows.array(c) for c in choicelist]
    return jnp.select([rows.array(c) for c in condlist], choices, default)


nonzero = unary(jnp.nonzero, "The indices of nonzero elements, one vector for each axis.")


@op
def unravel_index(indices: Tensor, shape: Shape) -> tuple[Array, ...]:
    """Convert flat indices to one index array for each axis of `shape`."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    return jnp.unravel_index(rows.array(indices), sizes)


diag = row(lambda x, k=0: jnp.diag(rows.array(x), k), "The diagonal of a matrix, or its inverse.")
diagflat = row(lambda x, k=0: jnp.diagflat(rows.array(x), k), "A diagonal matrix of all elements.")
diagonal = row(
    lambda x, offset=0, axis1=0, axis2=1: _diagonal(rows.array(x), offset, axis1, axis2),
    "The diagonal in the plane of two axes.",
)
trace = row(
    lambda x, offset=0, axis1=0, axis2=1: jnp.trace(
        rows.number(rows.array(x)), offset, axis1, axis2
    ),
    "The sum of the diagonal in the plane of two axes.",
)
tril = row(lambda x, k=0: jnp.tril(rows.array(x), k), "Lower triangle up to diagonal `k`, else 0.")
triu = row(lambda x, k=0: jnp.triu(rows.array(x), k), "Upper triangle from diagonal `k`, else 0.")

# ---- products

dot = binary(jnp.dot, "The dot product over the last axis of `x1` and the second to last of `x2`.")
inner = binary(jnp.inner, "The inner product over the last axes.")
outer = binary(jnp.outer, "The outer product of the flattened arrays.")
vdot = binary(jnp.vdot, "The dot product of the flattened arrays, with `x1` conjugated.")
kron = binary(jnp.kron, "The Kronecker product: each element of `x1` times all of `x2`.")


@op
def matmul(x1: Tensor, x2: Tensor) -> Array:
    """The matrix product over the last two axes; the others broadcast. int8 gives int32.

    Example:
        >>> hornbook.ops.matmul(np.ones((2, 3)), np.ones((3, 4))).shape
        (2, 4)
    """
    x1, x2 = rows.array(x1), rows.array(x2)
    wide = "int32" if x1.dtype == x2.dtype == "int8" else None
    return jnp.matmul(x1, x2, preferred_element_type=wide)


@op
def tensordot(x1: Tensor, x2: Tensor, axes: Any = 2) -> Array:
    """Contraction over the last axes of `x1` and the first of `x2`, or over two lists of axes."""
    return jnp.tensordot(rows.array(x1), rows.array(x2), axes)


@op
def einsum(subscripts: str, *operands: Tensor, **kwargs: Any) -> Array:
    """Sums of products in Einstein's notation; int8 gives int32.

    Example:
        >>> hornbook.ops.einsum("ij,j->i", np.ones((2, 3)), np.ones(3)).tolist()
        [3.0, 3.0]
    """
    arrays = [rows.array(x) for x in operands]
    if {a.dtype.name for a in arrays} == {"int8"}:
        kwargs.setdefault("preferred_element_type", "int32")
    return jnp.einsum(subscripts, *arrays, **kwargs)


@op
def cross(
    x1: Tensor,
    x2: Tensor,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """The cross product of vectors of 2 or 3 elements."""
    return jnp.cross(rows.array(x1), rows.array(x2), axisa, axisb, axisc, axis)


def vectorize(pyfunc: Any, *, excluded: Any = None, signature: str | None = None) -> Any:
    """Turn a function of scalars into one of arrays that broadcast.

    Args:
        pyfunc: the function.
        excluded: positions or names of arguments that are passed unchanged.
        signature: core axes, such as `"(m,n),(n)->(m)"`.

    Example:
        >>> hornbook.ops.vectorize(lambda a, b: a + b)(np.arange(2), 1).tolist()
        [1, 2]
    """
    return op(jnp.vectorize(pyfunc, excluded=excluded or frozenset(), signature=signature))


@op
def slogdet(x: Tensor) -> tuple[Array, Array]:
    """The sign of the determinant and the logarithm of its absolute value."""
    return tuple(jnp.linalg.slogdet(rows.floating(x)))


rows.publish(globals())
