"""Rounding as integers would, in floats, with gradients: for training that expects quantization."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import op


@op
def fake_quant_with_min_max_vars(
    inputs: Array,
    min_vals: Array,
    max_vals: Array,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Array:
    """Clip to a range and round to one of `2**num_bits` equidistant values, of which one is 0.

    Gradients pass to the inputs within the range, and to the limits from the values beyond them.

    Args:
        inputs: floats.
        min_vals, max_vals: limits: numbers, or one for each index of `axis`.
        num_bits: logarithm of the number of values.
        narrow_range: whether to leave out the smallest value.
        axis: axis along which the limits differ; `None` for none.

    Example:
        >>> x = np.array([-2.0, 0.1, 0.3, 2.0], "float32")
        >>> keras.quantizers.fake_quant_with_min_max_vars(x, -1.0, 2.0, num_bits=2).tolist()
        [-1.0, 0.0, 0.0, 2.0]
    """
    x, low, high = jnp.asarray(inputs), jnp.asarray(min_vals), jnp.asarray(max_vals)
    if axis is not None:
        shape = [1] * x.ndim
        shape[axis] = -1
        return _fake((int(num_bits), narrow_range), x, low.reshape(shape), high.reshape(shape))
    return _fake((int(num_bits), narrow_range), x, low, high)


def _limits(steps: tuple[int, bool], low: Array, high: Array) -> tuple[Array, Array, Array, Array]:
    """The range moved so that 0 is a value in it; the step, and its inverse."""
    bits, narrow = steps
    first, last = int(narrow), 2**bits - 1
    low, high = (x.astype(jnp.result_type(x, "float32")) for x in (low, high))
    step = (high - low) / (last - first)
    zero = jnp.round(jnp.clip(first - low / step, first, last))
    return (first - zero) * step, (last - zero) * step, step, (last - first) / (high - low)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fake(steps: tuple[int, bool], x: Array, low: Array, high: Array) -> Array:
    least, most, step, inverse = _limits(steps, low, high)
    zero = jnp.floor(-least * inverse + 0.5)
    clipped = jnp.clip(x.astype(least.dtype), least, most) - least
    return (jnp.floor(clipped * inverse - zero + 0.5) * step).astype(x.dtype)


def _forward(steps: tuple[int, bool], x: Array, low: Array, high: Array) -> tuple[Array, Any]:
    return _fake(steps, x, low, high), (x, low, high)


def _backward(steps: tuple[int, bool], residuals: Any, upstream: Array) -> tuple[Array, ...]:
    x, low, high = residuals
    least, most, _, _ = _limits(steps, low, high)

    def to(limit: Array, where: Array) -> Array:
        axes = tuple(i for i in range(x.ndim) if limit.ndim == 0 or limit.shape[i] == 1)
        return jnp.where(where, upstream, 0).sum(axes).reshape(limit.shape).astype(limit.dtype)

    inside = jnp.where((x >= least) & (x <= most), upstream, 0)
    return inside, to(low, x <= least), to(high, x >= most)


_fake.defvjp(_forward, _backward)
