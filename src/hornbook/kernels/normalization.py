"""Layer normalization: rows to mean 0 and variance 1, then a learned scale and offset.

XLA passes over the rows once for each mean, and again for the gradients of scale and offset; the
compiled kernel does everything while a row is in cache.
"""

from functools import partial

import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import flat


def plain_layer_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """`layer_norm` in plain jax."""
    centered = x - jnp.mean(x, -1, keepdims=True)
    variance = jnp.mean(centered**2, -1, keepdims=True)
    return centered * lax.rsqrt(variance + epsilon) * gamma + beta


def layer_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, with moments over the last axis.

    Reverse-mode derivatives of any order work; forward mode (`jax.jvp`) needs `plain()`.

    Args:
        x: `(..., features)`.
        gamma, beta: `(features,)`.
    """
    if wants_plain() or not native.suits(x, gamma, beta) or x.shape[-1] % native.lanes():
        return plain_layer_norm(x, gamma, beta, epsilon)
    out = native.with_gradients(
        partial(plain_layer_norm, epsilon=epsilon),
        partial(native.normalize, epsilon=epsilon),
        partial(native.normalize_back, epsilon=epsilon),
        flat(x),
        gamma,
        beta,
    )
    return out.reshape(x.shape)
