"""numpy's functions over axes: reductions, statistics, cumulative sums, sorting, search, counts."""

import builtins
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows
from hornbook.ops.rows import along_axis, reduction

Axis = int | Sequence[int] | None

# ---- reductions; `axis=None` means all axes, `keepdims` keeps them with size 1

sum = reduction(jnp.sum, "The sum over axes.")
mean = reduction(jnp.mean, "The mean over axes.")
var = reduction(jnp.var, "The variance over axes: the mean squared distance from the mean.")
std = reduction(jnp.std, "The standard deviation over axes.")
median = reduction(jnp.median, "The median over axes.")
ptp = reduction(jnp.ptp, "The range (maximum minus minimum) over axes.")
all = reduction(jnp.all, "Whether all elements are true (nonzero).")
any = reduction(jnp.any, "Whether any element is true (nonzero).")
amax = reduction(jnp.max, "The largest value over axes.")
amin = reduction(jnp.min, "The smallest value over axes.")
argmax = reduction(jnp.argmax, "The index of the largest value along an axis (`None`: flat).")
argmin = reduction(jnp.argmin, "The index of the smallest value along an axis (`None`: flat).")

nansum = reduction(jnp.nansum, "The sum over axes; NaN counts as 0.")
nanprod = reduction(jnp.nanprod, "The product over axes; NaN counts as 1.")
nanmean = reduction(jnp.nanmean, "The mean over axes, ignoring NaN.")
nanvar = reduction(jnp.nanvar, "The variance over axes, ignoring NaN.")
nanstd = reduction(jnp.nanstd, "The standard deviation over axes, ignoring NaN.")
nanmedian = reduction(jnp.nanmedian, "The median over axes, ignoring NaN.")
nanmax = reduction(jnp.nanmax, "The largest value over axes, ignoring NaN.")
nanmin = reduction(jnp.nanmin, "The smallest value over axes, ignoring NaN.")
nanargmax = reduction(jnp.nanargmax, "The index of the largest value; -1 where all are NaN.")
nanargmin = reduction(jnp.nanargmin, "The index of the smallest value; -1 where all are NaN.")


@op
def max(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Array:
    """The largest value over axes; at least `initial`, which empty arrays need."""
    return jnp.max(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, initial=initial)


@op
def min(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Array:
    """The smallest value over axes; at most `initial`, which empty arrays need."""
    return jnp.min(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, initial=initial)


@op
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """The product over axes."""
    return jnp.prod(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, dtype=dtype)


@op
def count_nonzero(x: Tensor, axis: Axis = None) -> Array:
    """The number of nonzero elements over axes."""
    return jnp.count_nonzero(rows.array(x), axis=rows.axes(axis)).astype("int32")


@op
def average(x: Tensor, axis: Axis = None, weights: Tensor | None = None) -> Array:
    """The weighted mean `sum(weights * x) / sum(weights)` over axes.

    Args:
        x: array.
        axis: the axes; `None` for all.
        weights: of the shape of `x`, or a vector along `axis`; default equal weights.

    Example:
        >>> float(hornbook.ops.average(np.array([1.0, 5.0]), weights=np.array([3.0, 1.0])))
        2.0
    """
    weights = None if weights is None else rows.array(weights)
    return jnp.average(rows.floating(x), axis=rows.axes(axis), weights=weights)


def _quantile(fn, doc):
    def quantile(x, q, axis=None, method="linear", keepdims=False):
        x, q = rows.floating(x), rows.floating(q)
        return fn(x, q, axis=rows.axes(axis), method=method, keepdims=keepdims)

    return rows.row(quantile, doc)


quantile = _quantile(jnp.quantile, "The `q`-th quantile, `q` from 0 to 1.")
percentile = _quantile(jnp.percentile, "The `q`-th percentile, `q` from 0 to 100.")
nanquantile = _quantile(jnp.nanquantile, "The `q`-th quantile, ignoring NaN.")
nanpercentile = _quantile(jnp.nanpercentile, "The `q`-th percentile, ignoring NaN.")


@op
def corrcoef(x: Tensor) -> Array:
    """The correlation matrix of the rows of `x`, `(variables, samples)`."""
    return jnp.corrcoef(rows.floating(x))


@op
def correlate(x1: Tensor, x2: Tensor, mode: str = "valid") -> Array:
    """The cross-correlation of two vectors; `mode` is `"valid"`, `"same"` or `"full"`."""
    return jnp.correlate(*rows.pair(x1, x2), mode=mode)


# ---- cumulative


def _running(fn, doc):
    return rows.row(lambda x, axis=None, dtype=None: fn(rows.array(x), axis=axis, dtype=dtype), doc)


cumsum = _running(jnp.cumsum, "The cumulative sum along an axis (`None`: flattened).")
cumprod = _running(jnp.cumprod, "The cumulative product along an axis (`None`: flattened).")
nancumsum = _running(jnp.nancumsum, "The cumulative sum; NaN counts as 0.")
nancumprod = _running(jnp.nancumprod, "The cumulative product; NaN counts as 1.")


@op
def diff(a: Tensor, n: int = 1, axis: int = -1) -> Array:
    """The differences of adjacent elements along an axis, taken `n` times."""
    x = rows.array(a)
    return jnp.diff(x, n=n, axis=rows.axis_of(x, axis))


@op
def trapezoid(y: Tensor, x: Tensor | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by the trapezoidal rule, at points `x` or with spacing `dx`."""
    return jnp.trapezoid(rows.array(y), None if x is None else rows.array(x), dx=dx, axis=axis)


# ---- order and search

sort = along_axis(jnp.sort, "Sort along an axis in ascending order.")
argsort = along_axis(
    lambda x, axis: jnp.argsort(x, axis if x.ndim else None),
    "The indices that sort an axis in ascending order (`None`: flattened).",
)


@op
def argpartition(x: Tensor, kth: int, axis: int | None = -1) -> Array:
    """Indices that partition an axis: the `kth` value in its sorted place, smaller ones before."""
    values = rows.array(x)
    return jnp.argpartition(*((values.ravel(), kth) if axis is None else (values, kth, axis)))


@op
def searchsorted(sorted_sequence: Tensor, values: Tensor, side: str = "left") -> Array:
    """The indices at which to insert values into a sorted vector to keep it sorted.

    Example:
        >>> hornbook.ops.searchsorted(np.array([1, 3, 5]), np.array([3, 4])).tolist()
        [1, 2]
    """
    sorted_sequence = rows.array(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise ValueError(f"searchsorted needs a sorted vector, not shape {sorted_sequence.shape}")
    return jnp.searchsorted(sorted_sequence, rows.array(values), side=side)


@op
def digitize(x: Tensor, bins: Tensor) -> Array:
    """The index of the bin that each value falls into; `bins` are ascending edges."""
    return jnp.digitize(rows.array(x), rows.array(bins))


@op
def bincount(
    x: Tensor, weights: Tensor | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """The count of each integer 0, 1, ... along the last axis, or the sum of its weights.

    Args:
        x: non-negative integers, `(n,)` or `(batch, n)`.
        weights: of the shape of `x`.
        minlength: minimum length of the result; inside a traced function, its length.
        sparse: accepted and ignored.

    Example:
        >>> hornbook.ops.bincount(np.array([1, 1, 3])).tolist()
        [0, 2, 0, 1]
    """
    x = rows.array(x)
    traced = isinstance(x, jax.core.Tracer)
    length = minlength if traced or not x.size else builtins.max(int(x.max()) + 1, minlength)
    weights = jnp.ones(x.shape, "int32") if weights is None else rows.array(weights)
    count = functools.partial(jnp.bincount, length=length)
    return count(x, weights) if x.ndim == 1 else jax.vmap(count)(x, weights)


@op
def histogram(x: Tensor, bins: int = 10, range: tuple[float, float] | None = None) -> Any:
    """The counts in `bins` equal bins between the extremes (or in `range`), and the bin edges."""
    return jnp.histogram(rows.floating(x), bins=bins, range=range)


@op
def unique(
    x: Tensor,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct values in ascending order.

    Args:
        x: array.
        sorted: accepted; the result is always sorted.
        return_index: also return the index of each value's first occurrence.
        return_inverse: also return the index in the result of each element of `x`.
        return_counts: also return the number of occurrences.
        axis: axis along which slices are compared; `None` compares elements.
        size: length of the result, required in traced functions.
        fill_value: pads the result to `size`.

    Example:
        >>> hornbook.ops.unique(np.array([3, 1, 3])).tolist()
        [1, 3]
    """
    return jnp.unique(
        rows.array(x),
        return_index=return_index,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
    )


rows.publish(globals())
