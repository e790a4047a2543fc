"""Activation functions: `relu`, `gelu`, `softmax` and others."""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.origins import Origins
from hornbook.core.symbolic import Tensor, op
from hornbook.core.unknown import known
from hornbook.kernels import in_one_call
from hornbook.kernels.activation import gelu as exact_gelu
from hornbook.kernels.activation import relu as relu_kernel
from hornbook.kernels.activation import rounded_once
from hornbook.ops import rows

ONE_CLASS = (
    "softmax over axis {} of shape {}, which has one element: the result is always 1, and nothing "
    "is learned. For two classes and one output, use sigmoid"
)

# Result of `softmax` or `sigmoid` -> (logits, axis); for `sigmoid` the axis is `None`.
logits_of = Origins()


def has_logits(probabilities: Any) -> bool:
    """Whether the logits of these probabilities are known."""
    return logits_of.of(probabilities) is not None


def carried(probabilities: Any, change: Callable, axis: Callable = int) -> Any:
    """Apply `change` to probabilities and keep track of their logits.

    Args:
        probabilities: the result of `softmax` or `sigmoid`, or any other array.
        change: casts, moves or drops elements.
        axis: maps the softmax axis before the change to the axis afterwards.
    """
    changed = change(probabilities)
    known = logits_of.of(probabilities)
    if known and changed is not probabilities:
        logits, along = known
        logits_of.note(changed, (change(logits), along if along is None else axis(along)))
    return changed


relu = rows.unary(in_one_call(relu_kernel), "The positive part: `max(x, 0)`.")
relu6 = rows.unary(in_one_call(jax.nn.relu6), "The positive part up to 6: `min(max(x, 0), 6)`.")
log_sigmoid = rows.unary_floating(
    jax.nn.log_sigmoid, "The logarithm of the logistic function: `-softplus(-x)`."
)
softplus = rows.unary_floating(
    jax.nn.softplus, "A smooth positive part: `log(exp(x) + 1)`, without overflow."
)
softsign = rows.unary_floating(jax.nn.soft_sign, "A slowly saturating sign: `x / (|x| + 1)`.")
silu = rows.unary_floating(
    rounded_once(jax.nn.silu),
    "Swish: `x * sigmoid(x)` (Ramachandran et al. 2017, arXiv:1710.05941).",
)
selu = rows.unary_floating(
    jax.nn.selu,
    "Scaled ELU, `1.0507 * elu(x, 1.6733)`, which keeps mean 0 and variance 1 from layer to "
    "layer (Klambauer et al. 2017, arXiv:1706.02515).",
)
hard_sigmoid = rows.unary_floating(
    jax.nn.hard_sigmoid, "A piecewise linear sigmoid: `relu6(x + 3) / 6`."
)
hard_silu = rows.unary_floating(
    jax.nn.hard_silu,
    "A piecewise swish: `x * hard_sigmoid(x)` (Howard et al. 2019, arXiv:1905.02244).",
)
hard_tanh = rows.unary(jax.nn.hard_tanh, "The input clipped to [-1, 1].")
sparse_plus = rows.unary_floating(
    jax.nn.sparse_plus,
    "A smooth positive part that reaches 0: 0 below -1, `(x + 1)**2 / 4` up to 1, then `x`.",
)
sparse_sigmoid = rows.unary(
    jax.nn.sparse_sigmoid, "0 below -1, `(x + 1) / 2` up to 1, then 1: the slope of `sparse_plus`."
)
swish, hard_swish = silu, hard_silu


@op
def sigmoid(x: Tensor) -> Array:
    """The logistic function: `1 / (1 + exp(-x))`."""
    x = rows.floating(x)
    result = jax.nn.sigmoid(x)
    logits_of.note(result, (x, None))
    return result


@op
def tanh_shrink(x: Tensor) -> Array:
    """The difference `x - tanh(x)`."""
    x = rows.floating(x)
    return x - jnp.tanh(x)


@op
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Array:
    """`x` where positive, else `negative_slope * x`."""
    return jax.nn.leaky_relu(rows.floating(x), negative_slope)


@op
def elu(x: Tensor, alpha: float = 1.0) -> Array:
    """`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015, arXiv:1511.07289)."""
    return jax.nn.elu(rows.floating(x), alpha)


@op
def celu(x: Tensor, alpha: float = 1.0) -> Array:
    """`max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))` (Barron 2017, arXiv:1704.07483)."""
    return jax.nn.celu(rows.floating(x), alpha)


@op
def gelu(x: Tensor, approximate: bool = True) -> Array:
    """`x` times the normal CDF at `x` (Hendrycks, Gimpel 2016, arXiv:1606.08415).

    Args:
        x: floating-point array.
        approximate: use the tanh approximation,
            `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`; otherwise exact.
    """
    return (rounded_once(jax.nn.gelu) if approximate else exact_gelu)(rows.floating(x))


@op
def glu(x: Tensor, axis: int = -1) -> Array:
    """The first half of an axis gated by the second: `a * sigmoid(b)` (arXiv:1612.08083)."""
    x = rows.floating(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"glu: axis {axis} is out of bounds for shape {x.shape}")
    if x.shape[axis] % 2:
        raise ValueError(f"glu halves axis {axis}, which must be even; x has shape {x.shape}")
    return jax.nn.glu(x, axis)


@op
def squareplus(x: Tensor, b: float = 4) -> Array:
    """A smooth positive part, `(x + sqrt(x**2 + b)) / 2` (Barron 2021, arXiv:2112.11687)."""
    return jax.nn.squareplus(rows.floating(x), b)


@op
def soft_shrink(x: Tensor, threshold: float = 0.5) -> Array:
    """`x` shrunk towards 0 by `threshold`; 0 where `|x| <= threshold`."""
    x = rows.floating(x)
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0))


@op
def hard_shrink(x: Tensor, threshold: float = 0.5) -> Array:
    """`x` where `|x| > threshold`, else 0."""
    x = rows.floating(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0)


@op
def threshold(x: Tensor, threshold: float, default_value: float) -> Array:
    """`x` where `x > threshold`, else `default_value`."""
    x = rows.floating(x)
    return jnp.where(x > threshold, x, default_value)


@op
def softmax(x: Tensor, axis: int | tuple[int, ...] | None = -1) -> Array:
    """Positive numbers that sum to 1: `exp(x) / sum(exp(x))` along `axis` (`None`: all axes).

    Example:
        >>> hornbook.ops.softmax(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    x = rows.floating(x)
    result = jax.nn.softmax(x, axis=rows.axes(axis))
    if isinstance(axis, int):
        if x.shape[axis] == 1:
            warnings.warn(ONE_CLASS.format(axis, known(x.shape)), stacklevel=3)
        logits_of.note(result, (x, axis % x.ndim))
    return result


@op
def log_softmax(x: Tensor, axis: int | tuple[int, ...] | None = -1) -> Array:
    """The logarithm of `softmax`, computed stably."""
    return jax.nn.log_softmax(rows.floating(x), axis=rows.axes(axis))


@op
def sparsemax(x: Tensor, axis: int = -1) -> Array:
    """The nearest point to `x` on the probability simplex, with many elements exactly 0.

    Source: Martins, Astudillo 2016, arXiv:1602.02068.

    Example:
        >>> hornbook.ops.sparsemax(np.array([2.0, 0.5, 0.1])).tolist()
        [1.0, 0.0, 0.0]
    """
    x = jnp.moveaxis(rows.floating(x), axis, -1)
    ordered = jnp.flip(jnp.sort(x, -1), -1)
    total = jnp.cumsum(ordered, -1)
    count = jnp.arange(1, x.shape[-1] + 1)
    support = ordered > (total - 1) / count
    tau = (jnp.sum(jnp.where(support, ordered, 0), -1, keepdims=True) - 1) / support.sum(
        -1, keepdims=True
    )
    return jnp.moveaxis(jnp.maximum(x - tau, 0), -1, axis)


rows.publish(globals())
