"""numpy's functions over axes: sums, statistics, running totals, order, search, counts."""

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

# ---- over axes; `axis=None` means over all, `keepdims` leaves them with size 1

sum = reduction(jnp.sum, "The sum over axes.")
mean = reduction(jnp.mean, "The mean over axes.")
var = reduction(jnp.var, "The variance over axes: the mean squared distance from the mean.")
std = reduction(jnp.std, "The standard deviation over axes.")
median = reduction(jnp.median, "The median over axes.")
ptp = reduction(jnp.ptp, "The largest minus the smallest value over axes.")
all = reduction(jnp.all, "Whether all are true (not 0).")
any = reduction(jnp.any, "Whether one is true (not 0).")
amax = reduction(jnp.max, "The largest value over axes.")
amin = reduction(jnp.min, "The smallest value over axes.")
argmax = reduction(jnp.argmax, "The index of the largest value along an axis (`None`: flat).")
argmin = reduction(jnp.argmin, "The index of the smallest value along an axis (`None`: flat).")

nansum = reduction(jnp.nansum, "The sum over axes; NaN counts as 0.")
nanprod = reduction(jnp.nanprod, "The product over axes; NaN counts as 1.")
nanmean = reduction(jnp.nanmean, "The mean over axes, NaN left out.")
nanvar = reduction(jnp.nanvar, "The variance over axes, NaN left out.")
nanstd = reduction(jnp.nanstd, "The standard deviation over axes, NaN left out.")
nanmedian = reduction(jnp.nanmedian, "The median over axes, NaN left out.")
nanmax = reduction(jnp.nanmax, "The largest value over axes, NaN left out.")
nanmin = reduction(jnp.nanmin, "The smallest value over axes, NaN left out.")
nanargmax = reduction(jnp.nanargmax, "The index of the largest value; -1 where all are NaN.")
nanargmin = reduction(jnp.nanargmin, "The index of the smallest value; -1 where all are NaN.")


@op
def max(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Array:
    """The largest value over axes; at least `initial`, which empty axes need."""
    return jnp.max(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, initial=initial)


@op
def min(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Array:
    """The smallest value over axes; at most `initial`, which empty axes need."""
    return jnp.min(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, initial=initial)


@op
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """The product over axes."""
    return jnp.prod(rows.array(x), axis=rows.axes(axis), keepdims=keepdims, dtype=dtype)


@op
def count_nonzero(x: Tensor, axis: Axis = None) -> Array:
    """How many elements are not 0, over axes."""
    return jnp.count_nonzero(rows.array(x), axis=rows.axes(axis)).astype("int32")


@op
def average(x: Tensor, axis: Axis = None, weights: Tensor | None = None) -> Array:
    """The weighted mean `sum(weights * x) / sum(weights)` over axes.

    Args:
        x: array.
        axis: the axes; `None` for all.
        weights: of x's shape, or of the size of `axis`; default equal.

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


quantile = _quantile(jnp.quantile, "The value below which a share `q` (0 to 1) lies.")
percentile = _quantile(jnp.percentile, "The value below which `q` percent lie.")
nanquantile = _quantile(jnp.nanquantile, "`quantile`, NaN left out.")
nanpercentile = _quantile(jnp.nanpercentile, "`percentile`, NaN left out.")


@op
def corrcoef(x: Tensor) -> Array:
    """The correlations of the rows of a matrix: `(variables, samples)` to a square matrix."""
    return jnp.corrcoef(rows.floating(x))


@op
def correlate(x1: Tensor, x2: Tensor, mode: str = "valid") -> Array:
    """The cross-correlation of two vectors; `mode` is `"valid"`, `"same"` or `"full"`."""
    return jnp.correlate(*rows.pair(x1, x2), mode=mode)


# ---- running along an axis


def _running(fn, doc):
    return rows.row(lambda x, axis=None, dtype=None: fn(rows.array(x), axis=axis, dtype=dtype), doc)


cumsum = _running(jnp.cumsum, "The running sum along an axis (`None`: flat).")
cumprod = _running(jnp.cumprod, "The running product along an axis (`None`: flat).")
nancumsum = _running(jnp.nancumsum, "The running sum; NaN counts as 0.")
nancumprod = _running(jnp.nancumprod, "The running product; NaN counts as 1.")


@op
def diff(a: Tensor, n: int = 1, axis: int = -1) -> Array:
    """The difference of neighbours along an axis, taken `n` times."""
    x = rows.array(a)
    return jnp.diff(x, n=n, axis=rows.axis_of(x, axis))


@op
def trapezoid(y: Tensor, x: Tensor | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral by the trapezoidal rule along an axis, at points `x` or `dx` apart."""
    return jnp.trapezoid(rows.array(y), None if x is None else rows.array(x), dx=dx, axis=axis)


# ---- order and search

sort = along_axis(jnp.sort, "The values along an axis in rising order.")
argsort = along_axis(
    lambda x, axis: jnp.argsort(x, axis if x.ndim else None),
    "The indices that put an axis in rising order (`axis=None`: flat).",
)


@op
def argpartition(x: Tensor, kth: int, axis: int | None = -1) -> Array:
    """Indices that put the `kth` value in its sorted place, smaller ones before, larger after."""
    values = rows.array(x)
    return jnp.argpartition(*((values.ravel(), kth) if axis is None else (values, kth, axis)))


@op
def searchsorted(sorted_sequence: Tensor, values: Tensor, side: str = "left") -> Array:
    """Where values would be inserted in a sorted vector to keep it sorted.

    Example:
        >>> hornbook.ops.searchsorted(np.array([1, 3, 5]), np.array([3, 4])).tolist()
        [1, 2]
    """
    sorted_sequence = rows.array(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise ValueError(f"searchsorted wants a vector to search, not {sorted_sequence.shape}")
    return jnp.searchsorted(sorted_sequence, rows.array(values), side=side)


@op
def digitize(x: Tensor, bins: Tensor) -> Array:
    """The index of the bin that each value falls in; `bins` are rising edges."""
    return jnp.digitize(rows.array(x), rows.array(bins))


@op
def bincount(
    x: Tensor, weights: Tensor | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """How often each integer 0, 1, ... occurs along the last axis, or the sum of its weights.

    Args:
        x: integers that are not negative, `(n,)` or `(batch, n)`.
        weights: of x's shape.
        minlength: least number of counts; inside a traced function, the number of counts.
        sparse: accepted and without effect.

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
    """The counts in `bins` equal bins between the extremes (or `range`), and the bins' edges."""
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
    """The different values, in rising order.

    Args:
        x: array.
        sorted: accepted; the result is always sorted.
        return_index: also the index where each is first found.
        return_inverse: also the index in the result of each element of `x`.
        return_counts: also how often each occurs.
        axis: along which slices are compared; `None` compares elements.
        size: length of the result, which a traced function needs.
        fill_value: what fills the rest of `size`.

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
