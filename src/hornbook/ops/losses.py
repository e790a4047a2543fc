"""Losses of targets and outputs, element by element.

Probabilities are clipped to `epsilon()` from 0 and 1. If they are known to be the softmax or
sigmoid of logits, the loss is computed from the logits, so its gradient never vanishes.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import settings
from hornbook.core.symbolic import Tensor, op
from hornbook.kernels import wants_plain
from hornbook.kernels.log_sum_exp import log_sum_exp
from hornbook.ops import rows
from hornbook.ops.activation import logits_of


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
