"""Operators and slices of tensors."""

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import apply, convert, is_traced, lift
from hornbook.compat.tensorflow1.graph import Tensor
from hornbook.compat.tensorflow1.selecting import boolean_mask
from hornbook.compat.tensorflow1.sources import Constant
from hornbook.compat.theano import integers
from hornbook.core.symbolic import SymbolicTensor

NAMES = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "truediv",
    "floordiv": "floordiv",
    "mod": "mod",
    "pow": "pow",
    "matmul": "MatMul",
    "and": "LogicalAnd",
    "or": "LogicalOr",
    "xor": "LogicalXor",
    "lt": "Less",
    "le": "LessEqual",
    "gt": "Greater",
    "ge": "GreaterEqual",
}


def _binary(name: str) -> Callable:
    function = getattr(operator, f"__{name}__")

    def compute(x: Any, y: Any) -> Any:
        if integers.is_host(x) and integers.is_host(y):
            made = function(np.asarray(x), np.asarray(y))
            return made.astype(np.float32) if made.dtype == np.float64 and _short(x, y) else made
        made = function(jnp.asarray(x), jnp.asarray(y))
        integers.derived(
            name, lambda a, b: [function(np.asarray(a), np.asarray(b))], [x, y], [made]
        )
        return made

    compute.__name__ = name
    return compute


def _short(x: Any, y: Any) -> bool:
    return all(getattr(one, "dtype", np.float32) not in (np.float64, np.int64) for one in (x, y))


FUNCTIONS = {name: _binary(name) for name in NAMES}


def _fitting(tensor: Any, other: Any) -> Any:
    """The other operand in the dtype of a tensor."""
    if isinstance(other, SymbolicTensor) or is_traced(other):
        return other
    if hasattr(other, "as_tensor"):
        return other.as_tensor()
    if isinstance(other, list | tuple) and any(isinstance(one, SymbolicTensor) for one in other):
        return convert(other)
    array = np.asarray(getattr(other, "raw", other))
    if array.dtype.kind == "f" and tensor.dtype.is_integer:
        return array.astype("float32")
    return array.astype(tensor.dtype.as_numpy_dtype) if array.dtype.kind in "fiub" else array


def _operator(name: str, turned: bool) -> Callable:
    function = FUNCTIONS[name]

    def method(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented
        other = _fitting(self, other)
        args = (other, self) if turned else (self, other)
        return apply(function, args, kind=NAMES[name], name=name)

    return method


def _negative(x: Any) -> Any:
    return np.negative(x) if integers.is_host(x) else -jnp.asarray(x)


def _absolute(x: Any) -> Any:
    return np.abs(x) if integers.is_host(x) else jnp.abs(x)


def _not(x: Any) -> Any:
    return ~x


negative, absolute, logical_not = lift(_negative, "Neg"), lift(_absolute, "Abs"), lift(_not)


class _Key:
    """What a slice is, with places for the tensors in it."""

    def __init__(self, key: Any):
        self.tensors: list = []
        self.parts = [self._part(one) for one in (key if isinstance(key, tuple) else (key,))]

    def _part(self, one: Any) -> Any:
        if isinstance(one, slice):
            return ("slice", *(self._end(end) for end in (one.start, one.stop, one.step)))
        return ("one", self._end(one))

    def _end(self, end: Any) -> Any:
        if isinstance(end, Constant):
            return ("known", end.data)
        if isinstance(end, SymbolicTensor):
            self.tensors.append(end)
            return ("tensor", len(self.tensors) - 1)
        if hasattr(end, "value") and end.__class__.__name__ in ("Dimension", "UnknownDimension"):
            end = end.value
        return ("known", end)

    def apply(self, x: Any, tensors: list) -> Any:
        """The part of an array."""

        def end(kind: str, value: Any) -> Any:
            return tensors[value] if kind == "tensor" else value

        key: list = []
        lengths: list = []
        axis = 0
        ellipsis = sum(p[0] == "one" and p[1][1] is Ellipsis for p in self.parts)
        taken = sum(
            not (p[0] == "one" and p[1][0] == "known" and (p[1][1] is None or p[1][1] is Ellipsis))
            for p in self.parts
        )
        for part in self.parts:
            if part[0] == "one":
                value = end(*part[1])
                if value is Ellipsis and ellipsis:
                    axis += x.ndim - taken
                elif value is not None:
                    axis += 1
                key.append(value if not isinstance(value, np.ndarray) or value.ndim else int(value))
                continue
            start, stop, step = (end(*one) for one in part[1:])
            traced = any(isinstance(one, jax.core.Tracer) for one in (start, stop, step))
            if traced and step is None:
                first, length = integers.window(x.shape[axis], start, stop)
                lengths.append((axis, first, length))
                key.append(slice(None))
            else:
                key.append(
                    slice(
                        *(None if v is None else integers.concrete(v) for v in (start, stop, step))
                    )
                )
            axis += 1
        for axis, first, length in lengths:
            x = jax.lax.dynamic_slice_in_dim(jnp.asarray(x), first, length, axis)
        return x[tuple(key)]


def _strided_slice(x: Any, key: _Key, tensors: list) -> Any:
    x = x if integers.is_host(x) else jnp.asarray(x)
    return key.apply(np.asarray(x) if integers.is_host(x) else x, tensors)


def _getitem(self: Any, key: Any) -> Any:
    if isinstance(key, Tensor) and key.dtype == "bool":
        return boolean_mask(self, key)
    made = _Key(key)
    return apply(_strided_slice, (self, made, made.tensors), kind="StridedSlice")


def install() -> None:
    """Put the operators on tensors."""
    for name in NAMES:
        setattr(Tensor, f"__{name}__", _operator(name, False))
        if name not in ("lt", "le", "gt", "ge"):
            setattr(Tensor, f"__r{name}__", _operator(name, True))
    kinds: dict[str, Callable] = {
        "__neg__": lambda self: negative(self),
        "__abs__": lambda self: absolute(self),
        "__invert__": lambda self: logical_not(self),
        "__getitem__": _getitem,
        "__div__": _operator("truediv", False),
    }
    for name, method in kinds.items():
        setattr(Tensor, name, method)


install()
