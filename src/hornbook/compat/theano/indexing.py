"""`x[...]`: integers and slices, symbolic ones too, new axes, arrays of integers, masks."""

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
    """The form of an index: what stands at each place is a number or the place of a tensor.

    Attributes:
        parts: for each part of the index: an integer, `None`, `...`, `Place`, or a tuple of three
            of these for a slice.
    """

    parts: tuple


class Place(NamedTuple):
    """Where an index has its n-th tensor.

    Attributes:
        number: which one.
    """

    number: int


def keyed(x: TensorVariable, key: Any) -> tuple[Key, list]:
    """The form of an index and the tensors in it.

    Args:
        x: what is indexed.
        key: as Python passes it.

    Raises:
        IndexError: if there are more indices than axes.
        TypeError: for what is no index.
    """
    tensors: list = []

    def placed(part: Any, scalar: bool) -> Any:
        if part is None or part is Ellipsis or isinstance(part, bool):
            return part
        if isinstance(part, int | np.integer):
            return operator.index(part)
        variable = as_tensor_variable(part)
        if variable.dtype[0] not in "iub" or (scalar and variable.ndim):
            raise TypeError(f"{variable} ({variable.type}) is no index: indices are integers")
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
    """The parts of an index, where a mask is the places that it chooses, one vector an axis."""
    from hornbook.compat.theano.selecting import nonzero

    for part in key:
        if isinstance(part, list | np.ndarray | TensorVariable):
            variable = as_tensor_variable(part)
            if variable.dtype == "bool" and variable.ndim:
                yield from nonzero(variable)
                continue
        yield part


def _width(part: Any) -> int:
    """How many axes of the array a part of an index stands for."""
    return int(part is not None and part is not Ellipsis)


def resolved(x: Any, tensors: list, key: Key) -> tuple[Any, list, tuple]:
    """The index that JAX takes, once slices whose ends are traced are cut out.

    Returns:
        The array, cut where the ends of slices are traced; for each axis where that cut begins
        (`None`: nowhere is one); the index into what is left.
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
    """Integers that are known when the function is called have to be there."""
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
            arrays or vectors of integers; a mask of booleans.
    """
    x = as_tensor_variable(x)
    form, tensors = keyed(x, key)
    return apply(_subtensor, x, *tensors, infer=_inferred(form), key=form)


def _inferred(form: Key) -> Any:
    """From a tensor and those of an index to the type of the result; `None`: found by trial."""
    simple = all(not isinstance(part, bool) for part in form.parts)

    def infer(x: TensorVariable, *tensors: SymbolicTensor) -> TensorType:
        advanced = [t for t in tensors if t.ndim]
        pattern: list[bool] = []
        axis = 0
        places: list[int] = []  # where in the pattern the axes of arrays go
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
                if advanced:  # an integer beside arrays is one of them
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
