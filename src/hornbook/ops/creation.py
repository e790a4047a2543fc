"""numpy's functions that create arrays; `dtype=None` means `floatx()`, or the dtype of `x`."""

import builtins
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core import settings
from hornbook.core.dtype import canonical
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows
from hornbook.ops.rows import operand, row, unary

Shape = int | Sequence[int]


@op
def array(x: Any, dtype: Any = None) -> Array:
    """Convert numbers, lists or arrays to an array."""
    return rows.at_once(rows.array, x) if dtype is None else jnp.asarray(x, canonical(dtype))


def zeros(shape: Shape, dtype: Any = None) -> Array:
    """An array of zeros.

    Example:
        >>> hornbook.ops.zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return jnp.zeros(rows.sizes(shape), canonical(dtype))


def ones(shape: Shape, dtype: Any = None) -> Array:
    """An array of ones.

    Example:
        >>> hornbook.ops.ones((2,), "int32").tolist()
        [1, 1]
    """
    return jnp.ones(rows.sizes(shape), canonical(dtype))


def empty(shape: Shape, dtype: Any = None) -> Array:
    """An uninitialized array (zeros here)."""
    return jnp.zeros(rows.sizes(shape), canonical(dtype))


@op
def full(shape: Shape, fill_value: Any, dtype: Any = None) -> Array:
    """An array filled with `fill_value`."""
    return jnp.full(rows.sizes(shape), rows.array(fill_value), canonical(dtype))


def _like(fn, doc):
    return row(lambda x, dtype=None: fn(rows.array(x), dtype and canonical(dtype)), doc)


zeros_like = _like(jnp.zeros_like, "Zeros with the shape of `x`.")
ones_like = _like(jnp.ones_like, "Ones with the shape of `x`.")
empty_like = _like(jnp.zeros_like, "An uninitialized array (zeros here) with the shape of `x`.")
full_like = row(
    lambda x, fill_value, dtype=None: jnp.full_like(
        rows.array(x), fill_value, dtype and canonical(dtype)
    ),
    "An array with the shape of `x`, filled with `fill_value`.",
)
copy = unary(jnp.array, "Copy an array.")


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """A matrix `(N, M)` with ones on the `k`-th diagonal.

    Example:
        >>> hornbook.ops.eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return jnp.eye(N, M, k, canonical(dtype))


def identity(n: int, dtype: Any = None) -> Array:
    """The identity matrix of `n` rows."""
    return jnp.eye(n, dtype=canonical(dtype))


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """A matrix `(N, M)` with ones on and below the `k`-th diagonal."""
    return jnp.tri(N, M, k, canonical(dtype))


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Evenly spaced numbers in the half-open interval from `start` (default 0) to `stop`.

    Args:
        start, stop, step: numbers.
        dtype: default int32 for integers, `floatx()` if any is a Python float.

    Example:
        >>> hornbook.ops.arange(2, 8, 3).tolist()
        [2, 5]
    """
    if dtype is None and builtins.any(type(v) is float for v in (start, stop, step)):
        dtype = settings.floatx()
    return jnp.arange(start, stop, step, dtype=dtype and canonical(dtype))


def _spaced(fn, doc):
    def spaced(start, stop, num=50, endpoint=True, dtype=None, axis=0):
        dtype = dtype and canonical(dtype)
        return fn(operand(start), operand(stop), num, endpoint=endpoint, dtype=dtype, axis=axis)

    return row(spaced, doc)


geomspace = _spaced(jnp.geomspace, "`num` numbers from `start` to `stop` in geometric progression.")


@op
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`.

    Args:
        start, stop: numbers or arrays of them.
        num: how many.
        endpoint: whether `stop` is included.
        retstep: also return the spacing.
        dtype: default floating-point.
        axis: axis of the result along which the numbers run.

    Example:
        >>> hornbook.ops.linspace(0, 1, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    return jnp.linspace(
        operand(start),
        operand(stop),
        num,
        endpoint=endpoint,
        retstep=retstep,
        dtype=dtype and canonical(dtype),
        axis=axis,
    )


@op
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    """`num` numbers from `base**start` to `base**stop`, evenly spaced on a log scale."""
    dtype = dtype and canonical(dtype)
    start, stop = operand(start), operand(stop)
    return jnp.logspace(start, stop, num, endpoint=endpoint, base=base, dtype=dtype, axis=axis)


@op
def meshgrid(*x: Tensor, indexing: str = "xy") -> list[Array]:
    """Coordinate arrays of a grid from coordinate vectors; `indexing` is `"xy"` or `"ij"`."""
    return jnp.meshgrid(*(rows.array(one).ravel() for one in x), indexing=indexing)


@op
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Array:
    """The Vandermonde matrix: its columns are powers of `x`, decreasing unless `increasing`."""
    return jnp.vander(rows.array(x), N, increasing)


rows.publish(globals())
