"""Means, variances and norms, in at least float32."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax


def wide(x: Array) -> Array:
    """The array in at least float32."""
    return x.astype(jnp.promote_types(x.dtype, "float32"))


def shifted_moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Mean and variance over `axes` in one pass over the data.

    `mean(d)` and `mean(d**2) - mean(d)**2` of `d = x - x0`, with an element of the data as `x0`:
    d is then of the size of the spread, so the difference does not cancel, however large the mean.
    """
    start = lax.stop_gradient(
        x[tuple(slice(1) if i in axes else slice(None) for i in range(x.ndim))]
    )
    d = x - start
    mean = jnp.mean(d, axes)
    variance = jnp.maximum(jnp.mean(d * d, axes) - mean * mean, 0)
    return mean + start.reshape(mean.shape), variance


def masked_moments(x: Array, mask: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Mean and variance over `axes` of the elements where `mask` is true."""
    count = jnp.sum(mask, axes, dtype=x.dtype, keepdims=True) + 1e-7
    mean = jnp.sum(jnp.where(mask, x, 0), axes, keepdims=True) / count
    variance = jnp.sum(jnp.where(mask, x - mean, 0) ** 2, axes, keepdims=True) / count
    return jnp.squeeze(mean, axes), jnp.squeeze(variance, axes)


def standardize(x: Array, axes: Any, epsilon: float) -> Array:
    """`(x - mean) / sqrt(variance + epsilon)`, with both taken over `axes`."""
    centered = x - jnp.mean(x, axes, keepdims=True)
    return centered * lax.rsqrt(jnp.mean(centered**2, axes, keepdims=True) + epsilon)


def unit(x: Array, axes: Any, epsilon: float) -> Array:
    """Vectors along `axes` scaled to unit length: `x / max(length, epsilon)`."""
    square = jnp.sum(wide(x) ** 2, axes, keepdims=True)
    return x * lax.rsqrt(jnp.maximum(square, epsilon**2)).astype(x.dtype)
