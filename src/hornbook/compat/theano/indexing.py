"""`x[...]`: integers and slices (also symbolic), new axes, integer arrays, masks."""

import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbook.compat.theano import integers, logs
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import (
    TensorVariable,
    apply,
    as_tensor_variable,
    methods,
)
from hornbook.core.symbolic import SymbolicTensor


class Key(NamedTuple):
    """The structure of an index, with tensors replaced by their positions.

    Attributes:
        parts: for each part of the index, an integer, `None`, `...`, a `Place`, or a tuple of three
            of these for a slice.
    """

    parts: tuple


class Place(NamedTuple):
    """Placeholder for the n-th tensor of an index.

    Attributes:
        number: n.
    """

    number: int


def keyed(x: TensorVariable, key: Any) -> tuple[Key, list]:
    """Split an index into its structure and its tensors.

    Args:
        x: the indexed variable.
        key: as passed to `__getitem__`.

    Raises:
        IndexError: if there are more indices than axes.
        TypeError: for an invalid index.
    """
    tensors: list = []

    def placed(part: Any, scalar: bool) -> Any:
        if part is None or part is Ellipsis or isinstance(part, bool):
            return part
        if isinstance(part, int | np.integer):
            return operator.index(part)
        variable = as_tensor_variable(part)
        if variable.dtype[0] not in "iub" or (scalar and variable.ndim):
            raise TypeError(f"{variable} ({variable.type}) is not an index: indices are integers")
        tensors.append(variable)
        return Place(len(tensors) - 1)

    parts = []
    for part in _without_masks(key if isinstance(key, tuple) else (key,)):
        if isinstance(part, slice):
            parts.append(tuple(placed(end, True) for end in (part.start, part.stop, part.step)))
        else:
            parts.append(placed(part, False))
    axes = sum(map(_width, parts))
    if axes > x.ndim:
        raise IndexError(f"{x} ({x.type}) has {x.ndim} axes; the index has {axes} of them")
    return Key(tuple(parts)), tensors


def _without_masks(key: tuple) -> Iterator[Any]:
    """The parts of an index, with masks converted to integer vectors, one per axis."""
    from hornbook.compat.theano.selecting import nonzero

    for part in key:
        if isinstance(part, list | np.ndarray | TensorVariable):
            variable = as_tensor_variable(part)
            if variable.dtype == "bool" and variable.ndim:
                yield from nonzero(variable)
                continue
        yield part


def _width(part: Any) -> int:
    """The number of array axes that a part of an index consumes."""
    return int(part is not None and part is not Ellipsis)


def resolved(x: Any, tensors: list, key: Key) -> tuple[Any, list, tuple]:
    """Convert to an index for JAX, applying slices with traced bounds first.

    Returns:
        The array after the slices with traced bounds; for each axis the start of that slice, or
        `None`; the index into the result.
    """
    filled: list[Any] = []
    starts: list[Any] = [None] * x.ndim
    axis = 0
    for number, part in enumerate(key.parts):
        if part is Ellipsis:
            rest = sum(map(_width, key.parts[number + 1 :]))
            axis = x.ndim - rest
            filled.append(part)
            continue
        if type(part) is Place:
            filled.append(_host_if_known(tensors[part.number]))
        elif isinstance(part, tuple):
            start, stop, step = (tensors[p.number] if type(p) is Place else p for p in part)
            step = None if step is None else integers.concrete(step)
            if step is not None and step < 0:
                first, last = (e if e is None else integers.concrete(e) for e in (start, stop))
                filled.append(slice(first, last, step))
            else:
                first, length = integers.window(x.shape[axis], start, stop)
                if integers.is_host(first):
                    filled.append(slice(int(first), int(first) + length, step))
                else:
                    starts[axis] = first
                    x = lax.dynamic_slice_in_dim(x, first, length, axis)
                    filled.append(slice(None, None, step))
        else:
            filled.append(part)
        axis += _width(part)
    return x, starts, tuple(filled)


def _host_if_known(tensor: Any) -> Any:
    return int(tensor) if integers.is_host(tensor) and np.ndim(tensor) == 0 else tensor


def _subtensor(x, *tensors, key):
    cut, _, index = resolved(x, list(tensors), key)
    _check_bounds(x, index)
    if integers.is_host(x) and all(not isinstance(part, jax.Array) for part in index):
        return cut[index]
    if cut is not x:
        return jnp.asarray(cut)[index]
    return logs.kept(x, jnp.asarray(x)[index], lambda log: log[index])


def _check_bounds(x, index):
    """Check that integers known at call time are within bounds."""
    axis = 0
    for part in index:
        if part is Ellipsis:
            return
        if isinstance(part, int) and not -x.shape[axis] <= part < x.shape[axis]:
            raise IndexError(f"index {part} is out of bounds for axis {axis} of shape {x.shape}")
        axis += part is not None


def subtensor(x: Any, key: Any) -> Any:
    """`x[key]`.

    Args:
        x: a tensor.
        key: integers, slices, `None` and `...` as in numpy, where integers may be variables;
            arrays or vectors of integers; a boolean mask.
    """
    x = as_tensor_variable(x)
    form, tensors = keyed(x, key)
    return apply(_subtensor, x, *tensors, infer=_inferred(form), key=form)


def _inferred(form: Key) -> Any:
    """A function that infers the result type of an index; `None`: by trial."""
    simple = all(not isinstance(part, bool) for part in form.parts)

    def infer(x: TensorVariable, *tensors: SymbolicTensor) -> TensorType:
        advanced = [t for t in tensors if t.ndim]
        pattern: list[bool] = []
        axis = 0
        places: list[int] = []  # where the axes of index arrays go in the pattern
        arrays: list[tuple[bool, ...]] = []
        for number, part in enumerate(form.parts):
            if part is Ellipsis:
                rest = sum(map(_width, form.parts[number + 1 :]))
                pattern += x.broadcastable[axis : x.ndim - rest]
                axis = x.ndim - rest
            elif part is None:
                pattern.append(True)
            elif type(part) is Place and tensors[part.number].ndim:
                t = tensors[part.number]
                arrays.append(t.broadcastable)
                places.append(number)
                if len(places) == 1:
                    where = len(pattern)
                axis += 1
            elif type(part) is tuple:
                pattern.append(x.broadcastable[axis] and part == (None, None, None))
                axis += 1
            else:
                if advanced:  # next to index arrays, an integer counts as one
                    arrays.append(())
                    places.append(number)
                    if len(places) == 1:
                        where = len(pattern)
                axis += 1
        pattern += x.broadcastable[axis:]
        if arrays:
            ndim = max(map(len, arrays))
            filled = [(True,) * (ndim - len(a)) + a for a in arrays]
            made = [all(column) for column in zip(*filled, strict=True)]
            together = places == list(range(places[0], places[-1] + 1))
            where = where if together else 0
            pattern[where:where] = made
        return TensorType(x.dtype, pattern)

    return infer if simple else None


methods(__getitem__=subtensor)
