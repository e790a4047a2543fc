"""8-bit floats for training: values are scaled to use the range, and rounded.

The scale of a step follows from the largest values of the steps before it.

Source: Micikevicius et al. 2022, arXiv:2209.05433.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import op


@op
def quantize_and_dequantize(
    inputs: Array, scale: Array, quantized_dtype: Any, compute_dtype: Any
) -> Array:
    """Round `inputs / scale` to an 8-bit float, and return it times `scale`.

    Args:
        inputs: floats of the compute dtype.
        scale: a number.
        quantized_dtype: `"float8_e4m3fn"`, `"float8_e5m2"`, ...; larger values become its maximum.
        compute_dtype: dtype of the result.

    Example:
        >>> x = np.array([0.3, 1000.0], "float32")
        >>> keras.quantizers.quantize_and_dequantize(x, 1.0, "float8_e4m3fn", "float32").tolist()
        [0.3125, 448.0]
    """
    scale = jnp.asarray(scale, compute_dtype)
    limit = jnp.asarray(float(jnp.finfo(quantized_dtype).max), compute_dtype)
    rounded = jnp.clip(inputs / scale, -limit, limit).astype(quantized_dtype)
    return rounded.astype(compute_dtype) * scale


@op
def compute_float8_scale(amax: Array, scale: Array, dtype_max: Any, margin: int = 0) -> Array:
    """The scale that maps the largest value to the largest number of a dtype.

    Args:
        amax: the largest value seen; if it is 0 or not finite, the scale stays.
        scale: the scale until now.
        dtype_max: the largest number of the dtype.
        margin: powers of two to keep free above the largest value.

    Example:
        >>> keras.quantizers.compute_float8_scale(896.0, 1.0, 448.0).item()
        2.0
    """
    amax = jnp.asarray(amax)
    usable = (amax > 0) & jnp.isfinite(amax)
    return 1 / jnp.where(usable, dtype_max / amax / 2**margin, 1 / jnp.asarray(scale))


@op
def compute_float8_amax_history(x: Array, amax_history: Array) -> Array:
    """The largest values of the last steps, with that of `x` as the newest.

    Args:
        x: the values of this step.
        amax_history: those of the steps before, newest first, then from the oldest on.

    Example:
        >>> x, history = np.array([-5.0, 2.0]), np.zeros(3)
        >>> keras.quantizers.compute_float8_amax_history(x, history).tolist()
        [5.0, 0.0, 0.0]
    """
    history = jnp.asarray(amax_history)
    return jnp.roll(history, -1).at[0].set(jnp.max(jnp.abs(x)).astype(history.dtype))
