"""Max and average pooling over windows, channels last, any number of spatial dimensions.

A small window is a few shifted slices of the input, and pooling is their maximum or mean: one
vectorized kernel. The gradient compares each slice with the maximum again. XLA's own
`reduce_window` visits one window at a time, and its gradient searches for the maximum again.
"""

import itertools
from collections.abc import Sequence
from functools import partial, reduce
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.kernels import filled, native, wants_plain

LARGEST_WINDOW = 32  # elements; the slices are unrolled


def plain_max_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The maximum of each window, by `lax.reduce_window`."""
    return _reduce_window(x, _lowest(x.dtype), lax.max, size, strides, padding)


def plain_avg_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The mean of each window, by `lax.reduce_window`; padding is not counted."""
    total = _reduce_window(x, np.zeros((), x.dtype), lax.add, size, strides, padding)
    ones = jnp.ones((1, *x.shape[1:-1], 1), x.dtype)
    return total / _reduce_window(ones, np.zeros((), x.dtype), lax.add, size, strides, padding)


def max_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The maximum of each window; among ties the gradient goes to the first.

    Args:
        x: `(batch, *spatial, channels)`.
        size, strides: one integer for each spatial dimension.
        padding: "valid" or "same".

    Returns:
        `(batch, *windows, channels)`.
    """
    size = _needed(x, size, strides, padding)
    if not _fits(x, size, strides, padding):
        return plain_max_pool(x, size, strides, padding)
    return _max(tuple(size), tuple(strides), padding, x)


def avg_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The mean of each window; "same" padding is not counted.

    Args:
        x: `(batch, *spatial, channels)`.
        size, strides: one integer for each spatial dimension.
        padding: "valid" or "same".

    Returns:
        `(batch, *windows, channels)`.
    """
    size = _needed(x, size, strides, padding)
    if not _fits(x, size, strides, padding):
        return plain_avg_pool(x, size, strides, padding)
    return _mean(tuple(size), tuple(strides), padding, x)


def global_max(x: Array, axis: tuple[int, ...], keepdims: bool = False) -> Array:
    """The maximum over consecutive axes; equal elements share the gradient.

    Args:
        x: an array of any shape.
        axis: the axes, ascending.
        keepdims: whether they stay, with size 1.
    """
    steps_alone = axis == tuple(range(1, x.ndim - 1)) and not wants_plain()
    if not steps_alone or not native.suits(x) or x.shape[-1] < native.lanes():
        return jnp.max(x, axis=axis, keepdims=keepdims)
    formula = partial(jnp.max, axis=1)
    steps = x.reshape(x.shape[0], -1, x.shape[-1])
    out = native.with_gradients(formula, native.max_of_steps, native.max_of_steps_back, steps)
    return jnp.expand_dims(out, axis) if keepdims else out


# --- the maximum --------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _max(size, strides, padding, x):
    return reduce(jnp.maximum, _slices(x, size, strides, padding, _lowest(x.dtype)))


def _max_forward(size, strides, padding, x):
    out = _max(size, strides, padding, x)
    return out, (x, out)


def _max_backward(size, strides, padding, residuals, d_out):
    formula = partial(_max_gradient, size, strides, padding)
    # XLA interleaves the parts of windows that do not overlap, fused with what follows.
    if size == strides or d_out.ndim != 4 or not native.suits(d_out, *residuals):
        return (formula(*residuals, d_out),)
    pads, _ = _geometry(residuals[0].shape, size, strides, padding)
    window = size, strides, tuple(before for before, _ in pads)
    compiled = lambda x, out, d: native.max_pool_back(x, out, d, *window)  # noqa: E731
    return (native.differentiated_as(formula, compiled, *residuals, d_out),)


def _max_gradient(size, strides, padding, x, out, d_out):
    taken, parts = False, []
    for part in _slices(x, size, strides, padding, _lowest(x.dtype)):
        first = (part == out) & ~jnp.asarray(taken)
        taken = taken | first
        parts.append(jnp.where(first, d_out, 0))
    return _put_back(parts, x.shape, size, strides, padding)


_max.defvjp(_max_forward, _max_backward)


# --- the mean -----------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _mean(size, strides, padding, x):
    parts = _slices(x, size, strides, padding, np.zeros((), x.dtype))
    return reduce(jnp.add, parts) / _counts(x, size, strides, padding)


def _mean_forward(size, strides, padding, x):
    return _mean(size, strides, padding, x), x


def _mean_backward(size, strides, padding, x, d_out):
    share = d_out / _counts(x, size, strides, padding)
    return (_put_back([share] * prod(size), x.shape, size, strides, padding),)


_mean.defvjp(_mean_forward, _mean_backward)


def _counts(x, size, strides, padding):
    """The number of input elements in each window."""
    if padding == "valid":
        return jnp.asarray(prod(size), x.dtype)
    ones = jnp.ones((1, *x.shape[1:-1], 1), x.dtype)
    return reduce(jnp.add, _slices(ones, size, strides, padding, np.zeros((), x.dtype)))


# --- helpers ------------------------------------------------------------------------------------


def _slices(x, size, strides, padding, fill) -> list[Array]:
    """For each position in a window, in order, the elements at that position of all windows."""
    pads, out = _geometry(x.shape, size, strides, padding)
    x = lax.pad(x, fill, ((0, 0, 0), *((a, b, 0) for a, b in pads), (0, 0, 0)))
    slices = []
    for start in itertools.product(*map(range, size)):
        ranges = zip(start, out, strides, strict=True)
        slices.append(x[:, *(slice(a, a + (n - 1) * s + 1, s) for a, n, s in ranges)])
    return slices


def _put_back(parts, shape, size, strides, padding) -> Array:
    """The transpose of `_slices`: add each part to the positions it was taken from."""
    pads, out = _geometry(shape, size, strides, padding)
    zero = np.zeros((), parts[0].dtype)
    if size == strides:
        # windows do not overlap: the parts interleave
        rank = len(size)
        stacked = jnp.stack(parts).reshape(*size, shape[0], *out, shape[-1])
        pairs = [axis for i in range(rank) for axis in (rank + 1 + i, i)]
        whole = jnp.transpose(stacked, (rank, *pairs, 2 * rank + 1))
        whole = whole.reshape(shape[0], *(n * k for n, k in zip(out, size, strict=True)), shape[-1])
        rows = zip(shape[1:-1], pads, out, size, strict=True)
        crop = [(-before, n + before - m * k, 0) for n, (before, _), m, k in rows]
        return lax.pad(whole, zero, ((0, 0, 0), *crop, (0, 0, 0)))
    whole = jnp.asarray(zero)
    for start, part in zip(itertools.product(*map(range, size)), parts, strict=True):
        rows = zip(start, shape[1:-1], pads, out, strides, strict=True)
        spread = [
            (a - before, n + before - a - ((m - 1) * s + 1), s - 1)
            for a, n, (before, _), m, s in rows
        ]
        whole += lax.pad(part, zero, ((0, 0, 0), *spread, (0, 0, 0)))
    return whole


def _geometry(shape, size, strides, padding):
    """Padding (before, after) and the number of windows along each spatial dimension."""
    pads, out = [], []
    for n, k, s in zip(shape[1:-1], size, strides, strict=True):
        windows = (n - k) // s + 1 if padding == "valid" else -(-n // s)
        total = 0 if padding == "valid" else max((windows - 1) * s + k - n, 0)
        pads.append((total // 2, total - total // 2))
        out.append(windows)
    return pads, out


def _needed(x, size, strides, padding) -> tuple[int, ...]:
    """The window size, clipped to the part that can overlap the input."""
    if padding == "valid" or not filled(x):
        return tuple(size)
    axes = zip(x.shape[1:-1], size, strides, strict=True)
    return tuple(min(k, n + (n - 1) // s * s) for n, k, s in axes)


def _fits(x, size, strides, padding) -> bool:
    """Whether to pool by slices: known shapes, small windows, on a CPU."""
    if wants_plain() or jax.default_backend() != "cpu" or prod(size) > LARGEST_WINDOW:
        return False
    return filled(x) and all(n > 0 for n in _geometry(x.shape, size, strides, padding)[1])


def _reduce_window(x, start, reducer, size, strides, padding):
    return lax.reduce_window(x, start, reducer, (1, *size, 1), (1, *strides, 1), padding.upper())


def _lowest(dtype):
    if jnp.issubdtype(dtype, jnp.floating):
        return np.array(-np.inf, dtype)
    return np.array(np.iinfo(dtype).min, dtype)
