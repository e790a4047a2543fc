"""Neural network functions: normalisation, attention and encodings.

Activations, convolutions, losses and CTC have their own files and are re-exported here.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import settings
from hornbook.core.dtype import canonical
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows
from hornbook.ops.activation import *  # noqa: F403
from hornbook.ops.convolution import *  # noqa: F403
from hornbook.ops.ctc import *  # noqa: F403
from hornbook.ops.losses import *  # noqa: F403

# ---- normalisation


def _wide(x: Any) -> tuple[Array, Any]:
    """The array in at least float32, for sums that would overflow 16 bits, and its own dtype."""
    x = rows.floating(x)
    return x.astype(jnp.promote_types(x.dtype, "float32")), x.dtype


@op
def normalize(x: Tensor, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """Scale an array to unit norm along an axis: `x / max(norm(x), epsilon)`.

    Args:
        x: array.
        axis: axis of the norm.
        order: order of the norm: 1, 2, ...
        epsilon: lower bound of the norm; default `epsilon()`.

    Raises:
        ValueError: if `order` is not a positive integer.

    Example:
        >>> np.asarray(hornbook.ops.normalize(np.array([3.0, 4.0]))).round(4)
        array([0.6, 0.8], dtype=float32)
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order of normalize must be a positive integer, not {order!r}")
    x = jnp.atleast_1d(rows.floating(x))
    epsilon = settings.epsilon() if epsilon is None else epsilon
    axis = rows.axes(axis)
    if order == 2:
        wide = x.astype(jnp.promote_types(x.dtype, "float32"))  # squares of halves overflow
        total = jnp.sum(jnp.square(wide), axis=axis, keepdims=True)
        # The bound is applied before the root, whose gradient at 0 is infinite.
        return (wide * jax.lax.rsqrt(jnp.maximum(total, epsilon**2))).astype(x.dtype)
    return x / jnp.maximum(jnp.linalg.norm(x, order, axis, keepdims=True), epsilon)


@op
def moments(
    x: Tensor, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> tuple[Array, Array]:
    """The mean and the variance over axes, computed in at least float32.

    Args:
        x: array.
        axes: axes to reduce.
        keepdims: keep them with size 1.
        synchronized: accepted and ignored: all devices run one program here.

    Example:
        >>> mean, variance = hornbook.ops.moments(np.array([1.0, 3.0]), axes=0)
        >>> float(mean), float(variance)
        (2.0, 1.0)
    """
    x, dtype = _wide(x)
    axes = rows.axes(axes)
    both = jnp.mean(x, axes, keepdims=keepdims), jnp.var(x, axes, keepdims=keepdims)
    if dtype in ("float16", "bfloat16"):
        most = float(jnp.finfo("float16").max)
        both = tuple(jnp.clip(value, -most, most) for value in both)
    return both[0].astype(dtype), both[1].astype(dtype)


@op
def batch_normalization(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    axis: int,
    offset: Tensor | None = None,
    scale: Tensor | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, channel by channel.

    Args:
        x: array.
        mean, variance, offset, scale: one number for each channel.
        axis: axis of the channels.
        epsilon: added to the variance.

    Source: Ioffe, Szegedy 2015, arXiv:1502.03167.
    """
    x = rows.floating(x)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    factor = jax.lax.rsqrt(jnp.reshape(rows.floating(variance), shape) + epsilon)
    if scale is not None:
        factor = factor * jnp.reshape(rows.array(scale), shape)
    shift = -jnp.reshape(rows.array(mean), shape) * factor
    if offset is not None:
        shift = shift + jnp.reshape(rows.array(offset), shape)
    return x * factor + shift


@op
def layer_normalization(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` over axes, in at least float32.

    Args:
        x: array.
        gamma, beta: scale and offset, with the sizes of these axes.
        axis: axes over which mean and variance are computed.
        epsilon: added to the variance; default `epsilon()`.
        rms_scaling: leave out the mean and `beta`: `x / sqrt(variance + epsilon)`.

    Source: Ba et al. 2016, arXiv:1607.06450.
    """
    x, dtype = _wide(x)
    axes = sorted(i % x.ndim for i in ([axis] if isinstance(axis, int) else axis))
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    variance = jnp.var(x, axes, keepdims=True)
    factor = jax.lax.rsqrt(variance + (settings.epsilon() if epsilon is None else epsilon))
    if gamma is not None:
        factor = factor * jnp.reshape(rows.array(gamma).astype(x.dtype), shape)
    if rms_scaling:
        return (x * factor).astype(dtype)
    result = (x - jnp.mean(x, axes, keepdims=True)) * factor
    if beta is not None:
        result = result + jnp.reshape(rows.array(beta).astype(x.dtype), shape)
    return result.astype(dtype)


@op
def rms_normalization(
    x: Tensor,
    scale: Tensor | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Array:
    """`x / sqrt(mean(x**2) + epsilon) * scale` over axes, in at least float32.

    Args:
        x: array.
        scale: broadcasts to `x`.
        axis: axes over which the mean is computed.
        epsilon: added to the mean; default `epsilon()`.

    Source: Zhang, Sennrich 2019, arXiv:1910.07467.
    """
    x, dtype = _wide(x)
    x = jnp.atleast_1d(x)
    epsilon = settings.epsilon() if epsilon is None else epsilon
    x = x * jax.lax.rsqrt(jnp.mean(jnp.square(x), rows.axes(axis), keepdims=True) + epsilon)
    return (x if scale is None else x * rows.array(scale).astype(x.dtype)).astype(dtype)


# ---- attention


@op
def dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """For each query, the mean of the values weighted by `softmax(scale * query . key + bias)`.

    Args:
        query: `(batch, queries, heads, size)`.
        key: `(batch, keys, key heads, size)`; `heads` must be a multiple of `key heads`.
        value: `(batch, keys, key heads, size)`.
        bias: broadcasts to `(batch, heads, queries, keys)`.
        mask: bools that broadcast to the same shape; where False a query does not attend to a key.
        scale: default `1 / sqrt(size)`.
        is_causal: whether a query attends only to keys up to its own position.
        flash_attention: `True` uses cuDNN's kernel, `False` a kernel that materializes the weights;
            default `config.is_flash_attention_enabled()`, where JAX chooses.
        attn_logits_soft_cap: if nonzero, logits become `cap * tanh(logits / cap)`.

    Raises:
        ValueError: if an array does not have four axes.

    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """
    query, key, value = (rows.floating(x) for x in (query, key, value))
    if {query.ndim, key.ndim, value.ndim} != {4}:
        raise ValueError(
            "dot_product_attention needs (batch, length, heads, size), not "
            f"{query.shape}, {key.shape}, {value.shape}"
        )
    if flash_attention is None:
        flash_attention = settings.is_flash_attention_enabled()
    dtype = jnp.result_type(query, key, value)
    query, key, value = (x.astype(dtype) for x in (query, key, value))
    bias = None if bias is None else rows.array(bias).astype(dtype)
    mask = None if mask is None else rows.array(mask).astype("bool")
    if attn_logits_soft_cap:
        return _capped_attention(
            query, key, value, bias, mask, scale, is_causal, attn_logits_soft_cap
        )
    return jax.nn.dot_product_attention(
        query,
        key,
        value,
        bias,
        mask,
        scale=scale,
        is_causal=is_causal,
        implementation={True: "cudnn", False: "xla", None: None}[flash_attention],
    )


def _capped_attention(query, key, value, bias, mask, scale, is_causal, cap):
    heads = query.shape[2] // key.shape[2]
    key, value = (jnp.repeat(x, heads, 2) for x in (key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    logits = jnp.einsum("bqhd,bkhd->bhqk", query, key, preferred_element_type="float32") * scale
    logits = cap * jnp.tanh(logits / cap)
    logits = logits if bias is None else logits + bias
    seen = jnp.tril(jnp.ones(logits.shape[-2:], bool)) if is_causal else jnp.ones((), bool)
    seen = seen if mask is None else seen & mask
    weights = jax.nn.softmax(jnp.where(seen, logits, -0.7 * jnp.finfo(logits.dtype).max))
    return jnp.einsum("bhqk,bkhd->bqhd", weights.astype(value.dtype), value)


# ---- encodings


@op
def one_hot(
    x: Tensor, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Array:
    """One-hot vectors of integers along a new axis; all 0 for integers out of range.

    Args:
        x: integers.
        num_classes: size of the new axis.
        axis: position of the new axis.
        dtype: default `floatx()`.
        sparse: accepted; the result is dense.

    Example:
        >>> hornbook.ops.one_hot(np.array([2, 0]), 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    x = rows.array(x).astype("int32")
    return jax.nn.one_hot(x, num_classes, axis=axis, dtype=canonical(dtype))


@op
def multi_hot(
    inputs: Tensor,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    num_tokens: int | None = None,
) -> Array:
    """Multi-hot vectors: 1 at each integer that occurs in a row, else 0.

    Args:
        inputs: integers `(batch, n)` or `(n,)`.
        num_classes: size of the new axis.
        axis: position of the new axis.
        dtype: default `floatx()`.
        sparse: accepted; the result is dense.
        num_tokens: alias of `num_classes`.

    Raises:
        ValueError: if `num_classes` is missing.

    Example:
        >>> hornbook.ops.multi_hot(np.array([2, 0]), 4).tolist()
        [1.0, 0.0, 1.0, 0.0]
    """
    num_classes = num_tokens if num_classes is None else num_classes
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes")
    x = rows.array(inputs)
    return jnp.max(one_hot(x, num_classes, axis, dtype), axis=1 if x.ndim > 1 else 0)


@op
def polar(abs_: Tensor, angle: Tensor) -> Array:
    """Complex numbers from absolute values and angles in radians."""
    length, angle = rows.pair(rows.floating(abs_), rows.floating(angle))
    return jax.lax.complex(length * jnp.cos(angle), length * jnp.sin(angle))


rows.publish(globals())
