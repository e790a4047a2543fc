"""`K.shape`: sizes, possibly of symbolic tensors, and arithmetic with them."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp

from hornbook import ops
from hornbook.core.symbolic import SymbolicTensor, op, substitute, symbolic_leaves

ARITHMETIC = "add sub mul truediv floordiv mod".split()


class Sizes(tuple):
    """Sizes of a tensor: a tuple, as functions expect, with the arithmetic of a tensor.

    Example:
        >>> Sizes((2, 3)) * 2
        (4, 6)
    """

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Sizes(found) if isinstance(index, slice) else found

    def __jax_array__(self) -> Any:
        return jnp.stack([jnp.asarray(size) for size in self])


def _elementwise(name: str, swapped: bool) -> Callable:
    def method(sizes: Sizes, other: Any) -> Any:
        others = tuple(other) if isinstance(other, list | tuple) else (other,) * len(sizes)
        if _are_sizes(others):
            pairs = zip(others, sizes) if swapped else zip(sizes, others)
            return Sizes(getattr(operator, name)(a, b) for a, b in pairs)
        array = ops.stack(list(sizes))
        return getattr(operator, name)(*((other, array) if swapped else (array, other)))

    return method


for _name in ARITHMETIC:
    setattr(Sizes, f"__{_name}__", _elementwise(_name, swapped=False))
    setattr(Sizes, f"__r{_name}__", _elementwise(_name, swapped=True))


@op
def _size(x, axis):
    return jnp.asarray(x.shape[axis], "int32")


def _is_size(thing: Any) -> bool:
    if isinstance(thing, SymbolicTensor):
        return not thing.shape and thing.dtype == "int32"
    return isinstance(thing, int) or jax.export.is_symbolic_dim(thing)


def _are_sizes(thing: Any) -> bool:
    return isinstance(thing, list | tuple) and bool(thing) and all(map(_is_size, thing))


def shape(x: Any) -> Sizes:
    """The shape; unknown sizes are symbolic tensors.

    Args:
        x: an array or symbolic tensor.

    Example:
        >>> rows, columns = shape(SymbolicTensor((None, 3)))
        >>> rows.dtype, columns
        ('int32', 3)
    """
    sizes = enumerate(ops.shape(x))
    return Sizes(_size(x, axis) if size is None else size for axis, size in sizes)


def stack(x: Any, axis: int = 0) -> Any:
    """Stack arrays along a new axis; sizes stay sizes."""
    return Sizes(x) if _are_sizes(x) else ops.stack(x, axis)


def concatenate(xs: Any, axis: int = 0) -> Any:
    """Concatenate arrays; sizes stay sizes."""
    return Sizes(chain(*xs)) if xs and all(map(_are_sizes, xs)) else ops.concatenate(xs, axis)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product over an axis; for sizes it is a size."""
    return math.prod(x) if _are_sizes(x) and axis is None else ops.prod(x, axis, keepdims)


def reshape(x: Any, newshape: Any) -> Any:
    """Reshape, to sizes that may be unknown."""
    unknown = symbolic_leaves(newshape)
    if len(unknown) == 1 and not {-1, None} & {n for n in newshape if n is not unknown[0]}:
        return ops.reshape(x, substitute(newshape, {unknown[0]: -1}))
    return _with_sizes(ops.reshape, x, newshape)


def tile(x: Any, repeats: Any) -> Any:
    """Tile an array, by counts that may be unknown."""
    return _with_sizes(ops.tile, x, repeats)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """Evenly spaced numbers, with bounds that may be sizes."""
    return _with_sizes(ops.arange, start, stop, step, dtype)


# Replacements for functions of today in old programs.
FITTED: dict[str, Callable] = {
    f"ops.{function.__name__}": function
    for function in (shape, stack, concatenate, prod, reshape, tile, arange)
}


@dataclass(frozen=True)
class _Later:
    """A number that is known once tensors have values.

    Args:
        tensor: index of the tensor whose size it is; `None` if it is computed.
        axis: the axis of that tensor.
        compute: the function that computes it.
        numbers: the arguments of that function.
    """

    tensor: int | None = None
    axis: int = 0
    compute: Callable = max
    numbers: tuple = ()


def _with_sizes(fn: Callable, *args: Any) -> Any:
    """Call `fn(*args)` with sizes as numbers, once their tensors have values."""
    leaves = symbolic_leaves(args)
    tensors: list[SymbolicTensor] = []
    later = {leaf: _later(leaf, tensors) if _of_sizes(leaf) else leaf for leaf in leaves}
    return _applied(fn, substitute(args, later), tensors) if tensors else fn(*args)


def _of_sizes(thing: Any) -> bool:
    """Whether it is a number, or computed only from sizes and numbers."""
    if not isinstance(thing, SymbolicTensor):
        return _is_size(thing)
    node = thing.node
    return node.op is _size or (bool(node.args) and all(map(_of_sizes, node.args)))


def _later(number: Any, tensors: list) -> Any:
    """A number without a value as a `_Later`; appends the tensors that it depends on."""
    if not isinstance(number, SymbolicTensor):
        return number
    node = number.node
    if node.op is _size:
        tensors.append(node.args[0])
        return _Later(len(tensors) - 1, node.args[1])
    return _Later(compute=node.op, numbers=tuple(_later(one, tensors) for one in node.args))


@op
def _applied(fn, args, tensors):
    return fn(*_now(args, tensors))


def _now(part: Any, tensors: list) -> Any:
    if isinstance(part, _Later):
        if part.tensor is None:
            return part.compute(*_now(part.numbers, tensors))
        return tensors[part.tensor].shape[part.axis]
    if isinstance(part, list | tuple):
        return tuple(_now(one, tensors) for one in part)
    return part
