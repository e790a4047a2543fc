"""Functions that move and join the elements of arrays; those of texts, on the host."""

import builtins
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.attributes import Shape, known
from hornbook.compat.tensorflow import shown
from hornbook.compat.tensorflow.tensors import Tensor, tensor
from hornbook.core import tree
from hornbook.core.symbolic import SymbolicTensor, op
from hornbook.core.variable import Variable
from hornbook.ops.rows import at_once, is_known


def is_text(value: Any) -> bool:
    """Whether a value is text, or an array or list of texts."""
    if isinstance(value, list | tuple):
        return bool(value) and is_text(value[0])
    return isinstance(value, str | bytes) or getattr(getattr(value, "dtype", 0), "kind", "") in (
        *"OUS",
    )


def sizes(shape: Any) -> tuple:
    """A shape given as numbers, arrays or a list of both, as a tuple; `None` where unknown."""
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    shape = np.asarray(shape) if is_known(shape) else shape  # elements of an array are traced
    return tuple(None if size is None else int(size) for size in shape)


def _moved(on_host: Callable, function: Callable, value: Any, *settings: Any) -> Any:
    """A function of numpy for texts, today's for others."""
    if is_text(value):
        return tensor(on_host(np.asarray(value, object), *settings))
    return at_once(function, value, *settings)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """An array with another axis of size 1; also one of texts."""
    return _moved(np.expand_dims, ops.expand_dims, input, axis)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """An array in another shape; also one of texts."""
    return _moved(np.reshape, ops.reshape, tensor, sizes(shape))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """An array without its axes of size 1; also one of texts."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return _moved(np.squeeze, ops.squeeze, input, axis)


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Arrays joined along an axis; also of texts. Shapes stay numbers of the host."""
    if not isinstance(values, list | tuple):
        return values
    ragged = next((one for one in values if hasattr(one, "_joined")), None)
    if ragged is not None:
        return ragged._joined(values, int(axis))
    if any(map(is_text, values)):
        return tensor(np.concatenate([np.asarray(one, object) for one in values], axis))
    if all(_is_sizes(one) for one in values):
        return Sizes(np.concatenate([np.asarray(one, int) for one in values]).tolist())
    return at_once(ops.concatenate, list(values), int(axis))


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, int) for one in value)


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Arrays of one shape stacked along a new axis; also of texts."""
    values = list(values)
    if any(map(is_text, values)):
        return tensor(np.stack([np.asarray(one, object) for one in values], axis))
    return at_once(ops.stack, values, axis)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Slices of an array along an axis; the first `batch_dims` axes are shared."""
    if is_text(params):
        return tensor(np.take(np.asarray(params, object), np.asarray(indices), axis or 0))
    return _gather(params, indices, axis=batch_dims if axis is None else axis, batch=batch_dims)


@op
def _gather(params: Any, indices: Any, axis: int = 0, batch: int = 0) -> jax.Array:
    def take(array: Any, index: Any, along: int) -> jax.Array:
        return jnp.take(array, index, along)

    params, indices = jnp.asarray(params), jnp.asarray(indices)
    along = axis + params.ndim if axis < 0 else axis
    batch = batch + indices.ndim if batch < 0 else batch
    for _ in range(batch):
        take = jax.vmap(take, (0, 0, None))
    return take(params, indices, along - batch)


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Any:
    """Slices of an array; the last axis of `indices` has the position of each."""
    if is_text(params):
        return tensor(np.asarray(params, object)[tuple(np.moveaxis(np.asarray(indices), -1, 0))])
    return _gather_nd(params, indices, batch=batch_dims)


@op
def _gather_nd(params: Any, indices: Any, batch: int = 0) -> jax.Array:
    def take(array: Any, index: Any) -> jax.Array:
        return array[tuple(jnp.moveaxis(index, -1, 0))]

    for _ in range(batch):
        take = jax.vmap(take)
    return take(jnp.asarray(params), jnp.asarray(indices))


def _scattered(method: str) -> Callable:
    @op
    def scatter(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> jax.Array:
        place = tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))
        return getattr(jnp.asarray(tensor).at[place], method)(updates)

    scatter.__doc__ = f"An array with elements or slices changed by `{method}`."
    return scatter


tensor_scatter_nd_update = _scattered("set")
tensor_scatter_nd_add = _scattered("add")
tensor_scatter_nd_max = _scattered("max")
tensor_scatter_nd_min = _scattered("min")


@op
def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> jax.Array:
    """An array with updates subtracted from elements or slices."""
    return tensor_scatter_nd_add(tensor, indices, -jnp.asarray(updates))


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Zeros of a shape, with updates added at positions."""
    zeros = jnp.zeros(sizes(shape), getattr(updates, "dtype", jnp.asarray(updates).dtype))
    return tensor_scatter_nd_add(zeros, indices, updates)


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str = "") -> Any:
    """The elements where a mask is true, whose axes begin at `axis`."""
    chosen: Any = (*(_part(None),) * (axis or 0), np.asarray(known(mask), bool))
    if is_text(tensor) or isinstance(tensor, np.ndarray):
        return _host(np.asarray(tensor)[chosen])
    return jnp.asarray(tensor)[chosen]


_host = tensor


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Elements of `x` where the condition is true, else of `y`; without both, the positions."""
    if x is None and y is None:
        return jnp.asarray(np.argwhere(np.asarray(known(condition))).astype("int64"))
    if is_text(x) or is_text(y):
        chosen = np.where(np.asarray(condition), np.asarray(x, object), np.asarray(y, object))
        return tensor(chosen)
    return ops.where(condition, x, y)


def split(
    value: Any,
    num_or_size_splits: Any,
    axis: int = 0,
    num: int | None = None,
    name: str | None = None,
) -> list:
    """The parts of an array: a number of equal ones, or parts of given sizes, one of them -1."""
    if np.ndim(num_or_size_splits) == 0:
        return list(ops.split(value, int(num_or_size_splits), int(axis)))
    parts = [int(size) for size in num_or_size_splits]
    if -1 in parts:
        parts[parts.index(-1)] = value.shape[axis] - sum(parts) - 1
    return list(ops.split(value, np.cumsum(parts)[:-1].tolist(), int(axis)))


@op
def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> jax.Array:
    """Each element or slice repeated."""
    return jnp.repeat(jnp.asarray(input), jnp.asarray(repeats), axis)


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    constant_values: Any = 0,
    name: str | None = None,
) -> Any:
    """An array with more elements before and after, for each axis."""
    pads = [tuple(map(int, pair)) for pair in paddings]
    if is_text(tensor):
        return _host(np.pad(np.asarray(tensor, object), pads, constant_values=constant_values))
    mode = mode.lower()
    return ops.pad(tensor, pads, mode, constant_values if mode == "constant" else None)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """A part of an array from a position on; a size of -1 is the rest."""
    both = zip(sizes(begin), sizes(size), strict=True)
    return input_[tuple(_part(start, None if n < 0 else start + n) for start, n in both)]


_part = builtins.slice


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, **masks: Any) -> Any:
    """A part of an array with strides; masks are bits of axes, as in TensorFlow."""
    begin, end = sizes(begin), sizes(end)
    steps = sizes(strides) if strides is not None else (1,) * len(begin)

    def has(mask: str, axis: int) -> int:
        return masks.get(mask, 0) >> axis & 1

    key: list = []
    for axis, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        if has("ellipsis_mask", axis):
            key.append(Ellipsis)
        elif has("new_axis_mask", axis):
            key.append(None)
        elif has("shrink_axis_mask", axis):
            key.append(first)
        else:
            start = None if has("begin_mask", axis) else first
            key.append(_part(start, None if has("end_mask", axis) else last, step))
    return input_[tuple(key)]


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """An array broadcast to a shape."""
    return _moved(np.broadcast_to, ops.broadcast_to, input, sizes(shape))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Shape:
    """The shape that two shapes are broadcast to."""
    return Shape(np.broadcast_shapes(tuple(shape_x), tuple(shape_y)))


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """An array repeated along its axes; also one of texts."""
    return _moved(np.tile, ops.tile, input, sizes(multiples))


def size(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The number of elements."""
    shape = tuple(input.shape) if hasattr(input, "shape") else np.shape(input)
    return None if None in shape else tensor(np.int32(math.prod(shape)))


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes."""
    return tensor(np.int32(len(input.shape) if hasattr(input, "shape") else np.ndim(input)))


def _elementwise(name: str) -> Callable:
    def method(self: Any, other: Any) -> Any:
        return tensor(getattr(self.numpy(), name)(np.asarray(other)))

    return method


class Sizes(Shape):
    """What `tf.shape` returns: a shape of the host that is printed and computed with as a tensor.

    Example:
        >>> Sizes((2, 3)), (Sizes((2, 3)) * 2).numpy().tolist()
        (<tf.Tensor: shape=(2,), dtype=int32, numpy=array([2, 3], dtype=int32)>, [4, 6])
    """

    def numpy(self) -> np.ndarray:
        """The sizes in an array."""
        return np.array(self, "int32")

    def __repr__(self) -> str:
        return tuple.__repr__(self) if None in self else shown.as_repr(self.numpy())

    def __str__(self) -> str:
        return tuple.__repr__(self) if None in self else shown.as_text(self.numpy())

    def __format__(self, spec: str) -> str:
        return tuple.__repr__(self) if None in self else shown.as_formatted(self.numpy(), spec)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Sizes(found) if isinstance(key, builtins.slice) else found

    __add__, __radd__ = _elementwise("__add__"), _elementwise("__radd__")
    __sub__, __rsub__ = _elementwise("__sub__"), _elementwise("__rsub__")
    __mul__, __rmul__ = _elementwise("__mul__"), _elementwise("__rmul__")
    __truediv__, __floordiv__ = _elementwise("__truediv__"), _elementwise("__floordiv__")


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The sizes of an array."""
    return Sizes(input.shape if is_text(input) and hasattr(input, "shape") else ops.shape(input))


def shape_n(input: Any, out_type: Any = None, name: str | None = None) -> list:
    """The sizes of several arrays."""
    return [shape(one) for one in input]


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """The array, if it has a shape, in which `None` is any size.

    Raises:
        ValueError: if it has another one.
    """
    wanted = sizes(shape)
    if len(wanted) != len(x.shape) or any(
        None not in (one, two) and one != two for one, two in zip(wanted, x.shape, strict=True)
    ):
        raise ValueError(f"ensure_shape: the shape is {tuple(x.shape)}, not {wanted}")
    return x


def is_tensor(x: Any) -> bool:
    """Whether a value is a tensor or variable; numpy's arrays are none."""
    return isinstance(x, jax.Array | SymbolicTensor | Variable | Tensor)


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list:
    """Arrays of coordinates of a grid."""
    return list(ops.meshgrid(*args, indexing=indexing))


class nest:
    """`tf.nest`: functions of nested lists, tuples and dictionaries."""

    @staticmethod
    def flatten(structure: Any, expand_composites: bool = False) -> list:
        """The leaves in order; those of dictionaries by sorted keys."""
        return tree.flatten(structure)

    @staticmethod
    def map_structure(func: Callable, *structure: Any, **options: Any) -> Any:
        """A function of the leaves of structures."""
        return tree.map_structure(func, *structure)

    @staticmethod
    def pack_sequence_as(structure: Any, flat_sequence: Any, **options: Any) -> Any:
        """Leaves in the form of a structure."""
        return tree.unflatten_as(structure, list(flat_sequence))

    @staticmethod
    def is_nested(structure: Any) -> bool:
        """Whether a value is a list, tuple or dictionary."""
        return tree.is_nested(structure)

    assert_same_structure = staticmethod(tree.assert_same_structure)
