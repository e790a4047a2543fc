"""Functions over axes: sums, means, maxima, sorting."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.dtypes import accumulator, dtype_of_array, upgrade_to_float


def axes_of(axis, ndim):
    """Normalize the axes of a reduction to a sorted list of nonnegative integers.

    Args:
        axis: an integer or several; `None` for all.
        ndim: number of axes.

    Raises:
        ValueError: for an axis out of range.
    """
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, list | tuple):
        several = list(axis)
    else:
        several = np.ravel(np.asarray(axis)).tolist()
    for one in several:
        if not -ndim <= int(one) < ndim:
            raise ValueError(f"axis {one} is out of range for a tensor with {ndim} axes")
    return tuple(sorted(int(one) % ndim for one in several))


def sum(input, axis=None, dtype=None, keepdims=False, acc_dtype=None):
    """The sum over axes; integers are summed in 64 bits."""
    x = jnp.asarray(input)
    made = jnp.sum(x, axes_of(axis, x.ndim), acc_dtype or accumulator(dtype_of_array(x)))
    made = jnp.expand_dims(made, axes_of(axis, x.ndim)) if keepdims else made
    return made.astype(dtype or accumulator(dtype_of_array(x)))


def prod(
    input,
    axis=None,
    dtype=None,
    keepdims=False,
    acc_dtype=None,
    no_zeros_in_input=False,
):
    """The product over axes; integers are multiplied in 64 bits."""
    x = jnp.asarray(input)
    dtype = dtype or accumulator(dtype_of_array(x))
    made = jnp.prod(x.astype(acc_dtype or dtype), axes_of(axis, x.ndim), keepdims=bool(keepdims))
    return made.astype(dtype)


def mean(input, axis=None, dtype=None, op=False, keepdims=False, acc_dtype=None):
    """The mean over axes; float64 for integers."""
    x = jnp.asarray(input)
    whole = x.dtype.kind in "biu"
    dtype = dtype or ("float64" if whole else dtype_of_array(x))
    made = jnp.mean(x.astype(acc_dtype or dtype), axes_of(axis, x.ndim), keepdims=bool(keepdims))
    return made.astype(dtype)


def var(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """The variance over axes, dividing by the number of elements minus `ddof`."""
    x = jnp.asarray(input)
    x = x.astype("float64") if x.dtype.kind in "biu" else x
    axes = axes_of(axis, x.ndim)
    made = jnp.var(x, axes, ddof=ddof, keepdims=bool(keepdims))
    if not corrected:
        return made
    left = jnp.mean(x - jnp.mean(x, axes, keepdims=True), axes, keepdims=bool(keepdims))
    return made - left * left


def std(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """The standard deviation over axes."""
    return jnp.sqrt(var(input, axis, ddof, keepdims, corrected))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _largest(axes, x):
    return jnp.max(x, axes, keepdims=True)


@_largest.defjvp
def _largest_jvp(axes, primals, tangents):
    (x,), (tangent,) = primals, tangents
    made = _largest(axes, x)
    return made, jnp.sum(jnp.where(x == made, tangent, 0), axes, keepdims=True, dtype=x.dtype)


def max(x, axis=None, keepdims=False):
    """The maximum; all tied elements get the full gradient, as in Theano."""
    x = jnp.asarray(x)
    axes = axes_of(axis, x.ndim)
    made = _largest(axes, x) if x.dtype.kind == "f" else jnp.max(x, axes, keepdims=True)
    return made if keepdims else jnp.squeeze(made, axes)


def min(x, axis=None, keepdims=False):
    """The smallest element."""
    x = jnp.asarray(x)
    if x.dtype.kind == "f":
        return -max(-x, axis, keepdims)
    return jnp.min(x, axes_of(axis, x.ndim), keepdims=bool(keepdims))


def argmax(x, axis=None, keepdims=False):
    """The index of the maximum, as int64; several axes count as one, flattened."""
    return _where_largest(jnp.argmax, x, axis, keepdims)


def argmin(x, axis=None, keepdims=False):
    """The index of the minimum, as int64; several axes count as one, flattened."""
    return _where_largest(jnp.argmin, x, axis, keepdims)


def _where_largest(find, x, axis, keepdims):
    x = jnp.asarray(x)
    axes = axes_of(axis, x.ndim)
    kept = [one for one in range(x.ndim) if one not in axes]
    joined = jnp.transpose(x, (*kept, *axes)).reshape(*(x.shape[one] for one in kept), -1)
    made = find(joined, axis=-1).astype("int64")
    return jnp.expand_dims(made, axes) if keepdims else made


def max_and_argmax(a, axis=None, keepdims=False):
    """The maximum and its index."""
    return max(a, axis, keepdims), argmax(a, axis, keepdims)


def all(x, axis=None, keepdims=False):
    """Whether all elements are nonzero."""
    x = jnp.asarray(x)
    return jnp.all(x, axes_of(axis, x.ndim), keepdims=bool(keepdims))


def any(x, axis=None, keepdims=False):
    """Whether any element is nonzero."""
    x = jnp.asarray(x)
    return jnp.any(x, axes_of(axis, x.ndim), keepdims=bool(keepdims))


def ptp(a, axis=None):
    """The maximum minus the minimum."""
    return max(a, axis) - min(a, axis)


def cumsum(x, axis=None):
    """Cumulative sums, in the dtype of `x`; flattened without `axis`."""
    x = jnp.asarray(x)
    return jnp.cumsum(x, axis, dtype=x.dtype)


def cumprod(x, axis=None):
    """Cumulative products, in the dtype of `x`; flattened without `axis`."""
    x = jnp.asarray(x)
    return jnp.cumprod(x, axis, dtype=x.dtype)


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    """The covariance of rows, as `numpy.cov`."""
    m = jnp.asarray(m, upgrade_to_float(dtype_of_array(m)))
    return jnp.cov(m, y, bool(rowvar), bool(bias), ddof, fweights, aweights)


def sort(a, axis=-1, kind="quicksort", order=None):
    """Sort along an axis; flattened for `None`."""
    return jnp.sort(jnp.asarray(a), None if axis is None else int(axis))


def argsort(a, axis=-1, kind="quicksort", order=None):
    """The indices that sort along an axis, as int64."""
    return jnp.argsort(jnp.asarray(a), None if axis is None else int(axis)).astype("int64")


def topk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """The `kth` largest elements along an axis; the smallest if `kth` is negative."""
    return jnp.take_along_axis(x, argtopk(x, kth, axis, sorted, idx_dtype), axis)


def argtopk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """The indices of the `kth` largest elements along an axis."""
    x, count = jnp.asarray(x), int(kth)
    if count == 0 or abs(count) > x.shape[axis]:
        raise ValueError(f"topk: kth is 1 to {x.shape[axis]} here, or negative, not {count}")
    order = jnp.argsort(x, axis)
    order = jnp.flip(order, axis) if count > 0 else order
    return jax.lax.slice_in_dim(order, 0, abs(count), axis=axis % x.ndim).astype(idx_dtype)


def topk_and_argtopk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """The `kth` largest elements along an axis, and their indices."""
    places = argtopk(x, kth, axis, sorted, idx_dtype)
    return jnp.take_along_axis(jnp.asarray(x), places, axis), places


def norm(x, ord=None):
    """A norm of a vector (any number, `"inf"`, `"-inf"`) or matrix (also `"fro"`, 1, -1).

    Raises:
        ValueError: for any other order, or more than two axes.
    """
    x = jnp.asarray(x)
    if x.ndim == 1 and (ord is None or ord in ("inf", "-inf") or not isinstance(ord, str)):
        return jnp.linalg.norm(x, {"inf": math.inf, "-inf": -math.inf}.get(ord, ord))
    if x.ndim == 2 and ord in (None, "fro", "inf", "-inf", 1, -1):
        return jnp.linalg.norm(x, {"inf": math.inf, "-inf": -math.inf}.get(ord, ord))
    raise ValueError(f"norm: no order {ord!r} for a tensor with {x.ndim} axes")
