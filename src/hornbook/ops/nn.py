"""Neural network functions: normalisation, attention, encodings and losses.

Activations, convolutions and CTC have their own files and are re-exported here.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import settings
from hornbook.core.dtype import canonical
from hornbook.core.symbolic import Tensor, op
from hornbook.kernels import wants_plain
from hornbook.kernels.log_sum_exp import log_sum_exp
from hornbook.ops import rows
from hornbook.ops.activation import *  # noqa: F403
from hornbook.ops.activation import logits_of
from hornbook.ops.convolution import *  # noqa: F403
from hornbook.ops.ctc import *  # noqa: F403

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


# ---- losses, elementwise
#
# Probabilities are clipped to `epsilon()` from 0 and 1. If they are known to be the softmax or
# sigmoid of logits, the loss is computed from the logits, so its gradient never vanishes.


def _clipped(probability: Array) -> Array:
    return jnp.clip(probability, settings.epsilon(), 1 - settings.epsilon())


def _known_logits(output: Array, from_logits: bool, axis: int | None) -> Array | None:
    """The logits of probabilities, if known; `axis` is that of the softmax (`None`: sigmoid)."""
    if from_logits:
        return output
    axis = axis if axis is None else axis % output.ndim
    logits, of_axis = logits_of.of(output) or (None, None)
    return logits if of_axis == axis else None


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    logits = _known_logits(output, from_logits, axis)
    return _log_shares(axis, output) if logits is None else jax.nn.log_softmax(logits, axis)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _log_shares(axis: int, output: Array) -> Array:
    return jnp.log(_clipped(output / jnp.sum(output, axis, keepdims=True)))


@_log_shares.defjvp
def _log_shares_jvp(axis, primals, tangents):
    """One term for the element itself and one for the sum, where it is not clipped."""
    (output,), (d_output,) = primals, tangents
    total = jnp.sum(output, axis, keepdims=True)
    share = output / total
    inside = (share > settings.epsilon()) & (share < 1 - settings.epsilon())
    d = d_output / jnp.where(inside, output, 1) - jnp.sum(d_output, axis, keepdims=True) / total
    return _log_shares(axis, output), jnp.where(inside, d, 0)


def _check_shapes(name: str, target: Array, output: Array, equal: bool) -> None:
    if not equal:
        raise ValueError(
            f"{name}: the shapes of target {target.shape} and output {output.shape} do not fit"
        )


@op
def binary_crossentropy(target: Tensor, output: Tensor, from_logits: bool = False) -> Array:
    """`-target * log(p) - (1 - target) * log(1 - p)`, elementwise.

    Args:
        target: from 0 to 1.
        output: probabilities `p` of the same shape, or their logits.
        from_logits: whether `output` is logits.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> hornbook.ops.binary_crossentropy(np.array([1.0]), np.array([0.5]))
        Array([0.6931...], dtype=float32)
    """
    target, output = rows.array(target), rows.floating(output)
    _check_shapes("binary_crossentropy", target, output, target.shape == output.shape)
    logits = _known_logits(output, from_logits, None)
    if logits is not None:
        return _of_yes_or_no(target.astype(logits.dtype), logits)
    output = _clipped(output)
    return -(target * jnp.log(output) + (1 - target) * jnp.log(1 - output))


@jax.custom_jvp
def _of_yes_or_no(target: Array, logits: Array) -> Array:
    """Binary crossentropy computed from logits."""
    return jnp.maximum(logits, 0) - logits * target + jnp.log1p(jnp.exp(-jnp.abs(logits)))


@_of_yes_or_no.defjvp
def _of_yes_or_no_jvp(primals, tangents):
    (target, logits), (d_target, d_logits) = primals, tangents
    slope = jax.nn.sigmoid(logits) - target
    return _of_yes_or_no(target, logits), slope * d_logits - logits * d_target


@op
def categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Array:
    """`-sum(target * log(p))` along the class axis.

    Args:
        target: probabilities, or one-hot.
        output: probabilities of the same shape (normalized to sum 1), or their logits.
        from_logits: whether `output` is logits.
        axis: the class axis.

    Raises:
        ValueError: if the shapes differ or have no axis.

    Example:
        >>> target, output = np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])
        >>> hornbook.ops.categorical_crossentropy(target, output)
        Array([0.6931...], dtype=float32)
    """
    target, output = rows.array(target), rows.floating(output)
    fits = target.shape == output.shape and target.ndim > 0
    _check_shapes("categorical_crossentropy", target, output, fits)
    return -jnp.sum(target * _log_probabilities(output, from_logits, axis), axis)


@op
def sparse_categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Array:
    """`-log(p[target])` along the class axis; NaN for targets out of range.

    Args:
        target: integers, of output's shape without the class axis (or with size 1 there).
        output: probabilities (normalized to sum 1), or their logits.
        from_logits: whether `output` is logits.
        axis: the class axis.

    Raises:
        ValueError: if the shapes do not match.

    Example:
        >>> output = np.array([[0.5, 0.5]])
        >>> hornbook.ops.sparse_categorical_crossentropy(np.array([1]), output)
        Array([0.6931...], dtype=float32)
    """
    target, output = rows.array(target).astype("int32"), rows.floating(output)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = jnp.squeeze(target, -1)
    fits = output.ndim > 0 and target.shape == output.shape[:-1]
    _check_shapes("sparse_categorical_crossentropy", target, output, fits)
    logits = _known_logits(output, from_logits, axis)
    if logits is not None and axis % output.ndim == output.ndim - 1 and not wants_plain():
        return _of_classes(logits, target)
    log_p = _log_probabilities(output, from_logits, axis)
    loss = -jnp.sum(jax.nn.one_hot(target, output.shape[axis], axis=axis) * log_p, axis)
    return jnp.where(_is_class(target, output.shape[axis]), loss, jnp.nan)


def _is_class(target: Array, classes: int) -> Array:
    return (target >= 0) & (target < classes)


@jax.custom_jvp
def _of_classes(logits: Array, target: Array) -> Array:
    """Categorical crossentropy computed from logits."""
    return _loss_of_classes(logits, target)[0]


@_of_classes.defjvp
def _of_classes_jvp(primals, tangents):
    (logits, target), (d, _) = primals, tangents
    loss, total, chosen, known = _loss_of_classes(logits, target)
    slope = jnp.where(known[..., None], jnp.exp(logits - total[..., None]) - chosen, 0)
    return loss, jnp.sum(slope * d, -1)


def _loss_of_classes(logits: Array, target: Array) -> tuple[Array, Array, Array, Array]:
    """The loss, and for its gradient: log-sum-exp, one-hot targets, and which are in range."""
    total = log_sum_exp(logits)
    chosen = target[..., None] == jnp.arange(logits.shape[-1])
    known = _is_class(target, logits.shape[-1])
    loss = jnp.where(known, total - jnp.sum(jnp.where(chosen, logits, 0), -1), jnp.nan)
    return loss, total, chosen, known


@op
def psnr(x1: Tensor, x2: Tensor, max_val: float) -> Array:
    """The peak signal-to-noise ratio in dB: `20 log10(max_val) - 10 log10(mean((x1 - x2)**2))`.

    Raises:
        ValueError: if the shapes differ.
    """
    x1, x2 = rows.floating(x1), rows.floating(x2)
    _check_shapes("psnr", x1, x2, x1.shape == x2.shape)
    peak = jnp.asarray(max_val, x2.dtype)
    return 20 * jnp.log10(peak) - 10 * jnp.log10(jnp.mean(jnp.square(x1 - x2)))


rows.publish(globals())
