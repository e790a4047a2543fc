"""Max and average pooling over windows, channels last, any number of spatial dimensions."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def plain_max_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The maximum of each window, by `lax.reduce_window`."""
    return _reduce_window(x, _lowest(x.dtype), lax.max, size, strides, padding)


def plain_avg_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The mean of each window, by `lax.reduce_window`; padding does not count."""
    total = _reduce_window(x, np.zeros((), x.dtype), lax.add, size, strides, padding)
    ones = jnp.ones((1, *x.shape[1:-1], 1), x.dtype)
    return total / _reduce_window(ones, np.zeros((), x.dtype), lax.add, size, strides, padding)


def max_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The maximum of each window.

    Args:
        x: `(batch, *spatial, channels)`.
        size, strides: one integer for each spatial dimension.
        padding: "valid" or "same".
    """
    return plain_max_pool(x, size, strides, padding)


def avg_pool(x: Array, size: Sequence[int], strides: Sequence[int], padding: str) -> Array:
    """The mean of each window; with "same" padding only the elements inside the input count.

    Args:
        x: `(batch, *spatial, channels)`.
        size, strides: one integer for each spatial dimension.
        padding: "valid" or "same".
    """
    return plain_avg_pool(x, size, strides, padding)


def _reduce_window(x, start, reduce, size, strides, padding):
    return lax.reduce_window(x, start, reduce, (1, *size, 1), (1, *strides, 1), padding.upper())


def _lowest(dtype):
    if jnp.issubdtype(dtype, jnp.floating):
        return np.array(-np.inf, dtype)
    return np.array(jnp.iinfo(dtype).min, dtype)
