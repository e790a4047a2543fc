"""Functions of variables composed of others."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import shaping
from hornbook.compat.theano.basic import dimshuffle
from hornbook.compat.theano.ops import op
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import TensorConstant, apply, as_tensor_variable
from hornbook.core.symbolic import symbolic_leaves


def squeeze(x: Any, axis: Any = None) -> Any:
    """Remove all broadcastable axes, or the given one."""
    x = as_tensor_variable(x)
    dropped = [a for a, b in enumerate(x.broadcastable) if b]
    if axis is not None:
        dropped = [a % x.ndim for a in (axis if isinstance(axis, list | tuple) else [axis])]
    return dimshuffle(x, [a for a in range(x.ndim) if a not in dropped])


def ravel(x: Any) -> Any:
    """All elements in one row."""
    return op(shaping.flatten)(x)


def copy(x: Any, name: str | None = None) -> Any:
    """A new variable with the same value."""
    x = as_tensor_variable(x)
    made = apply(_copy, x, infer=lambda x: x.type)
    made.name = name
    return made


def _copy(x):
    return x


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """One of two tensors, or lists of tensors, by a condition; both branches are computed."""
    if not isinstance(then_branch, list | tuple):
        one, other = as_tensor_variable(then_branch), as_tensor_variable(else_branch)
        return op(_chosen, "ifelse")(condition, one, other)
    pairs = zip(then_branch, else_branch, strict=True)
    return [ifelse(condition, one, other) for one, other in pairs]


def _chosen(condition, one, other):
    return jnp.where(jnp.asarray(condition) != 0, one, other)


def specify_shape(x: Any, shape: Any) -> Any:
    """The tensor, with its shape checked at run time."""
    x = as_tensor_variable(x)
    pattern = tuple(a or b for a, b in zip(x.broadcastable, shaping.ones_in(shape), strict=True))
    return apply(_of_shape, x, _listed(shape), infer=lambda *_: TensorType(x.dtype, pattern))


def _listed(shape: Any) -> Any:
    return list(shape) if isinstance(shape, list | tuple) else shape


def _of_shape(x, shape):
    wanted = shaping.sizes(shape)
    if x.shape != wanted:
        raise AssertionError(f"SpecifyShape: got shape {x.shape}, expected {wanted}.")
    return x


class Assert:
    """An op that returns its first argument and raises if any of the others is false.

    Args:
        msg: the error message.
    """

    def __init__(self, msg: str = "Theano Assert failed!"):
        self.msg = msg

    def __call__(self, value: Any, *conds: Any) -> Any:
        value = as_tensor_variable(value)
        return apply(self._checked, value, *conds, infer=lambda x, *_: x.type, name="Assert")

    def _checked(self, x: Any, *conds: Any) -> Any:
        jax.debug.callback(self._check, *conds)
        return x

    def _check(self, *conds: Any) -> None:
        if not all(np.all(one) for one in conds):
            raise AssertionError(self.msg)


def get_scalar_constant_value(v: Any) -> Any:
    """The value of a constant scalar variable.

    Raises:
        NotScalarConstantError: if it is not constant, or not a scalar.
    """
    v = as_tensor_variable(v)
    if not isinstance(v, TensorConstant) or v.data.size != 1:
        raise NotScalarConstantError(f"{v} is not a constant scalar")
    return v.data.reshape(())[()]


class NotScalarConstantError(Exception):
    """The variable is not a constant scalar."""


def get_vector_length(v: Any) -> int:
    """The length of a vector, if known.

    Raises:
        ValueError: if the length is unknown.
    """
    v = as_tensor_variable(v)
    return len(shaping.ones_in(v))


def default(x: Any, default: Any) -> Any:
    """`x`, or the default if `x` is `None`."""
    return as_tensor_variable(default if x is None else x)


class Grid:
    """`mgrid` and `ogrid`: coordinate arrays from slices.

    Args:
        sparse: whether each array varies along its own axis only, with size 1 elsewhere.

    Example:
        >>> [one.ndim for one in Grid()[0:3, 0:4]]
        [2, 2]
    """

    def __init__(self, sparse: bool = False):
        self.sparse = sparse

    def __getitem__(self, slices: Any) -> Any:
        given = slices if isinstance(slices, tuple) else (slices,)
        ends = [[s.start or 0, s.stop, 1 if s.step is None else s.step] for s in given]
        if not symbolic_leaves(ends):
            ranges: list = [np.arange(*one) for one in ends]
        else:
            ranges = [op(shaping.arange)(*one) for one in ends]
        made = op(self._spread, "mgrid")(ranges)
        return made if isinstance(slices, tuple) else made[0]

    def _spread(self, ranges):
        return tuple(jnp.meshgrid(*ranges, indexing="ij", sparse=self.sparse))


mgrid, ogrid = Grid(), Grid(sparse=True)


def norm_of(x: Any, L: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`x.norm(L)`: the `L`-norm; `L=0` counts nonzero elements."""
    return op(_norm, "norm")(x, L, axis, keepdims)


def _norm(x, L, axis=None, keepdims=False):
    if L == 0:
        return jnp.sum(x != 0, axis, dtype="int64", keepdims=keepdims)
    if math.isinf(L):
        return jnp.max(jnp.abs(x), axis, keepdims=keepdims)
    return jnp.sum(jnp.abs(x) ** L, axis, keepdims=keepdims) ** (1.0 / L)
