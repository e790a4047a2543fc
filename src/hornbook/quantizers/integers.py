"""Quantization to integers: `x ~ q / scale`, or `x ~ (q - zero) * scale` in blocks."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.config import Configurable
from hornbook.core.settings import epsilon as default_epsilon
from hornbook.core.symbolic import op

INT4 = (-8, 7)


@op
def abs_max_quantize(
    inputs: Array,
    axis: int | tuple[int, ...],
    value_range: tuple[int, int] = (-127, 127),
    dtype: Any = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array]:
    """Integers `round(x * scale)`, where `scale` maps the largest absolute value to the limit.

    Args:
        inputs: floats.
        axis: the axes over which one scale holds.
        value_range: the smallest and largest integer.
        dtype: dtype of the integers.
        epsilon: added to the largest absolute value, which may be 0.
        to_numpy: whether to compute on the host, without taking memory of the device.

    Returns:
        The integers, and the scales with axes of size 1.

    Example:
        >>> q, scale = keras.quantizers.abs_max_quantize(np.array([[1.0, -2.0, 4.0]]), axis=-1)
        >>> q.tolist(), scale.tolist()
        ([[32, -64, 127]], [[31.75]])
    """
    xp: Any = np if to_numpy else jnp
    x = xp.asarray(inputs)
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis
    scale = value_range[1] / (xp.max(xp.abs(x), axis=axes, keepdims=True) + epsilon)
    integers = xp.clip(xp.round(x * scale.astype(x.dtype)), *value_range).astype(dtype)
    return jnp.asarray(integers), jnp.asarray(scale, x.dtype)


@op
def abs_max_quantize_grouped_with_zero_point(
    inputs: Array,
    block_size: int,
    value_range: tuple[int, int] = INT4,
    dtype: Any = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array, Array]:
    """Integers `round(x / scale) + zero`, where each block of rows has its scales and zeros.

    Args:
        inputs: `(rows, columns)`.
        block_size: number of rows of a block.
        value_range: the smallest and largest integer.
        dtype: dtype of the integers.
        epsilon: added to the range of a block, which may be 0.
        to_numpy: whether to compute on the host, without taking memory of the device.

    Returns:
        The integers, `(rows, columns)`; scales and zeros, `(blocks, columns)`.

    Example:
        >>> x = np.linspace(-1, 1, 8).reshape(4, 2)
        >>> q, scale, zero = keras.quantizers.abs_max_quantize_grouped_with_zero_point(x, 2)
        >>> q.shape, scale.shape, zero.dtype.name
        ((4, 2), (2, 2), 'int8')
    """
    xp: Any = np if to_numpy else jnp
    x = xp.asarray(inputs)
    rows, columns = x.shape
    low, high = value_range
    padded = xp.concatenate([x, xp.zeros((-rows % block_size, columns), x.dtype)])
    blocks = padded.reshape(-1, block_size, columns)
    # a zero point can only express ranges that contain 0
    least = xp.minimum(xp.min(blocks, axis=1, keepdims=True), 0)
    most = xp.maximum(xp.max(blocks, axis=1, keepdims=True), 0)
    scale = (most - least + epsilon) / (high - low)
    zero = xp.clip(xp.round(-least / scale) + low, low, high)
    integers = xp.clip(xp.round(blocks / scale) + zero, low, high).astype(dtype)
    integers = integers.reshape(-1, columns)[:rows]
    return jnp.asarray(integers), jnp.asarray(scale[:, 0], x.dtype), jnp.asarray(zero[:, 0], "int8")


def pack_int4(arr: Any, axis: int = 0, dtype: str = "int8") -> tuple[Array, tuple[int, ...], int]:
    """Two 4-bit integers in each byte: the first of a pair in the low half, the second in the high.

    Args:
        arr: integers of `dtype`, -8 to 7 (0 to 15 if unsigned).
        axis: axis of the pairs; an odd one is padded with a 0.
        dtype: `"int8"` or `"uint8"`.

    Returns:
        The bytes, their shape, and the size of the axis before.

    Raises:
        ValueError: for another `dtype`.
        TypeError: if `arr` has another dtype.

    Example:
        >>> packed, shape, rows = keras.quantizers.pack_int4(np.array([[-3], [2], [1]], "int8"))
        >>> packed.tolist(), shape, rows
        ([[45], [1]], (2, 1), 3)
    """
    _check_bytes(dtype)
    values = np.asarray(arr)
    if values.dtype != dtype:
        raise TypeError(f"pack_int4 takes integers of dtype {dtype}; it got {values.dtype}")
    values = np.moveaxis(values, axis, 0)
    size = len(values)
    pairs = np.concatenate([values, np.zeros((size % 2, *values.shape[1:]), dtype)]).view("uint8")
    packed = (pairs[::2] & 15 | pairs[1::2] << 4).view(dtype)
    packed = np.moveaxis(packed, 0, axis)
    return jnp.asarray(packed), packed.shape, size


@op
def unpack_int4(packed: Array, orig_len: int, axis: int = 0, dtype: str = "int8") -> Array:
    """The integers that `pack_int4` packed.

    Args:
        packed: bytes.
        orig_len: the size of the axis before packing.
        axis: axis of the pairs.
        dtype: `"int8"`, or `"uint8"` for integers 0 to 15.

    Raises:
        ValueError: for another `dtype`.
        TypeError: if `packed` has another dtype than int8 or uint8.

    Example:
        >>> keras.quantizers.unpack_int4(np.array([[45], [1]], "int8"), 3).tolist()
        [[-3], [2], [1]]
    """
    _check_bytes(dtype)
    packed = jnp.asarray(packed)
    if packed.dtype.name not in BYTES:
        raise TypeError(f"unpack_int4 takes int8 or uint8; it got {packed.dtype}")
    axis %= packed.ndim
    whole = packed.astype(dtype)  # a right shift of int8 keeps the sign
    halves = jnp.stack([whole << 4 >> 4, whole >> 4], axis + 1)
    shape = (*packed.shape[:axis], 2 * packed.shape[axis], *packed.shape[axis + 1 :])
    return jnp.take(halves.reshape(shape), jnp.arange(orig_len), axis)


BYTES = ("int8", "uint8")


def _check_bytes(dtype: str) -> None:
    if dtype not in BYTES:
        raise ValueError(f"dtype must be one of {BYTES}, not {dtype!r}")


class Quantizer(Configurable):
    """Base of quantizers: define `__call__(self, x)`, which returns integers and their scale.

    Args:
        output_dtype: dtype of the integers.

    Example:
        >>> keras.quantizers.Quantizer()(3)
        3
    """

    def __init__(self, output_dtype: str = "int8"):
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        """The quantized values of `x`; here `x` itself."""
        return x


class AbsMaxQuantizer(Quantizer):
    """Integers that are proportional to the values, the largest at the limit of the range.

    Args:
        axis: the axes over which one scale holds; default that of the call, else -1.
        value_range: the smallest and largest integer.
        epsilon: added to the largest absolute value, which may be 0.
        output_dtype: dtype of the integers.

    Raises:
        ValueError: if the range does not fit int8.

    Example:
        >>> q, scale = keras.quantizers.AbsMaxQuantizer()(np.array([[1.0, -2.0, 4.0]]))
        >>> q.tolist()
        [[32, -64, 127]]
    """

    def __init__(
        self,
        axis: int | tuple[int, ...] | None = None,
        value_range: tuple[int, int] = (-127, 127),
        epsilon: float | None = None,
        output_dtype: str = "int8",
    ):
        super().__init__(output_dtype)
        self.axis = (axis,) if isinstance(axis, int) else axis and tuple(axis)
        self.value_range = tuple(value_range)
        self.epsilon = default_epsilon() if epsilon is None else epsilon
        if output_dtype == "int8" and (value_range[0] < -128 or value_range[1] > 127):
            raise ValueError(
                f"value_range of an int8 quantizer is within -128 to 127, not {value_range}"
            )

    def __call__(self, x: Any, axis: Any = None, to_numpy: bool = False) -> tuple[Array, Array]:
        """The integers for `x`, and their scales, which have axes of size 1.

        Args:
            x: floats.
            axis: the axes over which one scale holds; default the quantizer's.
            to_numpy: whether to compute on the host.
        """
        axis = next(one for one in (axis, self.axis, -1) if one is not None)
        limits: Any = self.value_range
        return abs_max_quantize(x, axis, limits, self.output_dtype, self.epsilon, to_numpy)

    def get_config(self) -> dict:
        """The constructor arguments as plain data, without an axis if there is none."""
        names = ("value_range", "epsilon", "output_dtype", "axis")[: 3 if self.axis is None else 4]
        return {name: getattr(self, name) for name in names}
