"""Layer and batch normalization: mean 0 and variance 1, then a learned scale and offset.

XLA passes over the rows once for each mean, and again for the gradients of scale and offset; the
compiled kernel of layer normalization does everything while a row is in cache. For batch
normalization XLA writes the centered input to memory and sums each column on one thread; the
compiled kernels compute two sums in one pass, on all threads. The passes that write images stay
with XLA, which fuses them with their neighbours, such as a relu or a sum.
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


def plain_batch_norm(
    x: Array, gamma: Array, beta: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    """`batch_norm` in plain jax."""
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    variance = jnp.mean((x - mean) ** 2, axes)
    return (x - mean) * (lax.rsqrt(variance + epsilon) * gamma) + beta, mean, variance


def sums_fast(x: Array) -> bool:
    """Whether the compiled kernels of `batch_norm` take this array."""
    return not wants_plain() and native.suits(x)


def batch_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, with moments of each channel.

    Reverse-mode derivatives of any order work; forward mode (`jax.jvp`) needs `plain()`.

    Args:
        x: `(..., channels)`.
        gamma, beta: `(channels,)`.

    Returns:
        The result, mean and variance; the latter two have no gradient.
    """
    if not sums_fast(x):
        return plain_batch_norm(x, gamma, beta, epsilon)
    out, mean, variance = native.with_gradients(
        partial(plain_batch_norm, epsilon=epsilon),
        partial(_batch_norm, epsilon=epsilon),
        partial(_batch_norm_back, epsilon=epsilon),
        x,
        gamma,
        beta,
    )
    return out, lax.stop_gradient(mean), lax.stop_gradient(variance)


def _batch_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> tuple[Array, Array, Array]:
    mean, variance = native.moments(flat(x))
    scale = lax.rsqrt(variance + epsilon) * gamma
    return x * scale + (beta - mean * scale), mean, variance


def _batch_norm_back(args: tuple, results: tuple, d: tuple, epsilon: float) -> tuple:
    (x, gamma, _), (_, mean, variance) = args, results
    rate, count = lax.rsqrt(variance + epsilon), x.size // len(mean)
    sums, products = native.centered_sums(flat(d[0]), flat(x), mean)
    slope = products * rate * rate / count
    d_x = (d[0] - sums / count - (x - mean) * slope) * (gamma * rate)
    return d_x, products * rate, sums
