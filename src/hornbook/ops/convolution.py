"""Convolutions, pooling, and rearrangements between space and channels.

Arrays are `(batch, *space, channels)` with `data_format="channels_last"`, `(batch, channels,
*space)` with `"channels_first"`; the latter is transposed before and after.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.core.symbolic import Tensor, op
from hornbook.kernels import conv as conv_kernels
from hornbook.kernels import conv_transpose as transposed_kernels
from hornbook.kernels import pooling as pooling_kernels
from hornbook.ops import rows

Sizes = int | Sequence[int]

# ---- convolutions


@op
def conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Convolution in one, two or three spatial dimensions.

    Args:
        inputs: `(batch, *space, channels)`.
        kernel: `(*window, channels / groups, filters)`; the groups are inferred.
        strides: step of the window.
        padding: `"valid"`, `"same"`, `"causal"` (one dimension) or pairs (before, after).
        data_format: `"channels_last"` or `"channels_first"`; default `image_data_format()`.
        dilation_rate: distance between the kernel's elements.

    Raises:
        ValueError: if the channels do not match the kernel, or the window is larger than the input.

    Example:
        >>> hornbook.ops.conv(np.ones((1, 5, 5, 2), "float32"), np.ones((3, 3, 2, 4))).shape
        (1, 3, 3, 4)
    """
    kernel = rows.floating(kernel)
    inputs, back = _channels_last(rows.array(inputs).astype(kernel.dtype), data_format)
    groups = _groups("conv", inputs, kernel)
    space = inputs.ndim - 2
    strides, dilation = rows.each(strides, space), rows.each(dilation_rate, space)
    result = conv_kernels.conv(inputs, kernel, strides, _padding(padding), dilation, groups)
    return back(_not_empty("conv", inputs, kernel, result))


@op
def depthwise_conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Convolution of each channel with its own filters.

    Args:
        inputs: `(batch, *space, channels)`.
        kernel: `(*window, channels, multiplier)`.
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns:
        `(batch, *space, channels * multiplier)`.

    Raises:
        ValueError: if the channels do not match the kernel.
    """
    kernel = rows.floating(kernel)
    inputs, back = _channels_last(rows.array(inputs).astype(kernel.dtype), data_format)
    channels, space = inputs.shape[-1], inputs.ndim - 2
    if kernel.shape[-2] != channels:
        raise ValueError(
            f"depthwise_conv: the input has {channels} channels, the kernel {kernel.shape} "
            f"takes {kernel.shape[-2]}"
        )
    kernel = kernel.reshape(*kernel.shape[:-2], 1, channels * kernel.shape[-1])
    strides, dilation = rows.each(strides, space), rows.each(dilation_rate, space)
    result = conv_kernels.conv(inputs, kernel, strides, _padding(padding), dilation, channels)
    return back(_not_empty("depthwise_conv", inputs, kernel, result))


@op
def separable_conv(
    inputs: Tensor,
    depthwise_kernel: Tensor,
    pointwise_kernel: Tensor,
    strides: Sizes = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """A `depthwise_conv` followed by a pointwise `conv`, which mixes the channels.

    Args:
        inputs: `(batch, *space, channels)`.
        depthwise_kernel: `(*window, channels, multiplier)`.
        pointwise_kernel: `(*ones, channels * multiplier, filters)`.
        strides, padding, data_format, dilation_rate: as for `conv`; apply to the first.
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, data_format=data_format)


@op
def conv_transpose(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Transposed convolution, which upsamples by `strides`.

    Args:
        inputs: `(batch, *space, channels)`.
        kernel: `(*window, filters, channels)`.
        strides: upsampling factor.
        padding: `"valid"` (all windows in full) or `"same"` (size times stride).
        output_padding: extra size of the result beyond the minimum; default as for `padding`.
        data_format, dilation_rate: as for `conv`.

    Raises:
        ValueError: if the channels do not match the kernel, or for any other padding.

    Example:
        >>> x = np.ones((1, 4, 4, 2), "float32")
        >>> hornbook.ops.conv_transpose(x, np.ones((3, 3, 5, 2)), 2, "same").shape
        (1, 8, 8, 5)
    """
    kernel = rows.floating(kernel)
    inputs, back = _channels_last(rows.array(inputs).astype(kernel.dtype), data_format)
    space = inputs.ndim - 2
    if kernel.shape[-1] != inputs.shape[-1]:
        raise ValueError(
            f"conv_transpose: the input has {inputs.shape[-1]} channels, the kernel "
            f"{kernel.shape} takes {kernel.shape[-1]}"
        )
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise ValueError(f"padding of conv_transpose is 'valid' or 'same', not {padding!r}")
    strides, dilation = rows.each(strides, space), rows.each(dilation_rate, space)
    extra = [None] * space if output_padding is None else rows.each(output_padding, space)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:-2], dilation, strict=True)]
    pairs = [
        transposed_kernels.transposed_padding(k, s, padding.lower(), e)
        for k, s, e in zip(reach, strides, extra, strict=True)
    ]
    return back(transposed_kernels.conv_transpose(inputs, kernel, strides, pairs, dilation))


# ---- pooling


def _pool(kernel: Callable, inputs, pool_size, strides, padding, data_format):
    x, back = _channels_last(rows.array(inputs), data_format)
    space = x.ndim - 2
    size = rows.each(pool_size, space)
    if padding not in ("valid", "same"):
        raise ValueError(f"padding of pooling is 'valid' or 'same', not {padding!r}")
    return back(kernel(x, size, size if strides is None else rows.each(strides, space), padding))


@op
def max_pool(
    inputs: Tensor,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The maximum of each window.

    Args:
        inputs: `(batch, *space, channels)`.
        pool_size: size of the window.
        strides: step of the window; default its size.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `image_data_format()`.

    Example:
        >>> hornbook.ops.max_pool(np.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
        [1.0, 3.0]
    """
    return _pool(pooling_kernels.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: Tensor,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The mean of each window; `"same"` padding is not counted.

    Args:
        inputs, pool_size, strides, padding, data_format: as for `max_pool`.

    Example:
        >>> hornbook.ops.average_pool(np.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
        [0.5, 2.5]
    """
    return _pool(pooling_kernels.avg_pool, inputs, pool_size, strides, padding, data_format)


def _adaptive(inputs, output_size, data_format, reduce):
    """Pool each spatial axis by evenly spaced windows, which may overlap by one element."""
    x, back = _channels_last(rows.array(inputs), data_format)
    for axis, out in enumerate(rows.each(output_size, x.ndim - 2), 1):
        size = x.shape[axis]
        starts = np.arange(out) * size // out
        ends = -(-np.arange(1, out + 1) * size // out)
        places = starts[:, None] + np.arange((ends - starts).max())
        inside = places < ends[:, None]
        windows = jnp.take(x, np.minimum(places, ends[:, None] - 1), axis)
        inside = inside.reshape(inside.shape + (1,) * (x.ndim - axis - 1))
        x = reduce(windows, axis + 1, inside)
    return back(x)


@op
def adaptive_max_pool(inputs: Tensor, output_size: Sizes, data_format: str | None = None) -> Array:
    """The maxima of `output_size` windows that divide the input evenly.

    Example:
        >>> x = np.arange(5.0).reshape(1, 5, 1)
        >>> hornbook.ops.adaptive_max_pool(x, 2).ravel().tolist()
        [2.0, 4.0]
    """
    return _adaptive(inputs, output_size, data_format, lambda w, axis, inside: w.max(axis))


@op
def adaptive_average_pool(
    inputs: Tensor, output_size: Sizes, data_format: str | None = None
) -> Array:
    """The means of `output_size` windows that divide the input evenly.

    Example:
        >>> x = np.arange(5.0).reshape(1, 5, 1)
        >>> hornbook.ops.adaptive_average_pool(x, 2).ravel().tolist()
        [1.0, 3.0]
    """

    def mean(windows, axis, inside):
        count = inside.sum(1, keepdims=False).astype(windows.dtype)
        return jnp.sum(jnp.where(inside, windows, 0), axis) / count

    return _adaptive(inputs, output_size, data_format, mean)


# ---- between space and channels


@op
def space_to_depth(x: Tensor, block_size: int, data_format: str = "channels_last") -> Array:
    """Move blocks of pixels to channels: `(n, h, w, c)` to `(n, h / b, w / b, c * b * b)`."""
    x, b = rows.array(x), _block(block_size)
    if standardize_data_format(data_format) == "channels_first":
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // b, b, w // b, b).transpose(0, 1, 3, 5, 2, 4)
        return x.reshape(n, c * b * b, h // b, w // b)
    n, h, w, c = x.shape
    x = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, h // b, w // b, c * b * b)


@op
def depth_to_space(x: Tensor, block_size: int, data_format: str = "channels_last") -> Array:
    """Move channels to blocks of pixels: `(n, h, w, c * b * b)` to `(n, h * b, w * b, c)`."""
    x, b = rows.array(x), _block(block_size)
    if standardize_data_format(data_format) == "channels_first":
        n, c, h, w = x.shape
        x = x.reshape(n, c // (b * b), b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
        return x.reshape(n, c // (b * b), h * b, w * b)
    n, h, w, c = x.shape
    x = x.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, h * b, w * b, c // (b * b))


def _block(size: int) -> int:
    if size < 2:
        raise ValueError(f"block_size must be at least 2, not {size}")
    return size


def _windows(shape, kernel_size, dilation, padding, stride):
    """The row and column, in the padded image, of each tap of each window."""
    places = []
    for n, k, d, p, s in zip(
        shape,
        rows.each(kernel_size, 2),
        rows.each(dilation, 2),
        rows.each(padding, 2),
        rows.each(stride, 2),
    ):
        count = (n + 2 * p - d * (k - 1) - 1) // s + 1
        places.append(np.arange(k)[:, None] * d + np.arange(count) * s)
    i, j = places
    return i[:, None, :, None], j[None, :, None, :]  # taps, taps, windows, windows


@op
def unfold(
    x: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Array:
    """The windows of images, flattened to columns (im2col).

    Args:
        x: `(batch, channels, height, width)`.
        kernel_size, dilation, padding, stride: the window, as for `conv`.

    Returns:
        `(batch, channels * window, windows)`.

    Example:
        >>> hornbook.ops.unfold(np.ones((1, 2, 4, 4)), 2, stride=2).shape
        (1, 8, 4)
    """
    x = rows.array(x)
    if x.ndim != 4:
        raise ValueError(f"unfold wants (batch, channels, height, width), not shape {x.shape}")
    i, j = _windows(x.shape[2:], kernel_size, dilation, padding, stride)
    p, q = rows.each(padding, 2)
    columns = jnp.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))[:, :, i, j]
    taps, count = i.shape[0] * j.shape[1], i.shape[2] * j.shape[3]
    return columns.reshape(x.shape[0], x.shape[1] * taps, count)


@op
def fold(
    x: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Array:
    """The transpose of `unfold`: add columns back to the positions of their windows.

    Args:
        x: `(batch, channels * window, windows)`.
        output_size: height and width of the images.
        kernel_size, dilation, padding, stride: as passed to `unfold`.

    Returns:
        `(batch, channels, height, width)`.

    Example:
        >>> columns = hornbook.ops.unfold(np.ones((1, 2, 4, 4)), 2, stride=2)
        >>> hornbook.ops.fold(columns, 4, 2, stride=2).shape
        (1, 2, 4, 4)
    """
    x = rows.array(x)
    (height, width), (p, q) = rows.each(output_size, 2), rows.each(padding, 2)
    i, j = _windows((height, width), kernel_size, dilation, padding, stride)
    taps = i.shape[0] * j.shape[1]
    if x.ndim != 3 or x.shape[1] % taps:
        raise ValueError(f"fold wants (batch, channels * {taps}, windows), not shape {x.shape}")
    form = (i.shape[0], j.shape[1], i.shape[2], j.shape[3])
    columns = x.reshape(x.shape[0], x.shape[1] // taps, *form)
    images = jnp.zeros((*columns.shape[:2], height + 2 * p, width + 2 * q), x.dtype)
    return images.at[:, :, i, j].add(columns)[:, :, p : p + height, q : q + width]


# ---- shared


def _channels_last(x: Array, data_format: str | None) -> tuple[Array, Callable]:
    """The array with channels last, and the function that restores their position."""
    if standardize_data_format(data_format) == "channels_last":
        return x, lambda y: y
    return jnp.moveaxis(x, 1, -1), lambda y: jnp.moveaxis(y, -1, 1)


def _padding(padding: Any) -> Any:
    if not isinstance(padding, str):
        return padding
    if padding.lower() not in ("valid", "same", "causal"):
        raise ValueError(
            f"padding is 'valid', 'same', 'causal' or pairs (before, after), not {padding!r}"
        )
    return padding.lower()


def _groups(name: str, inputs: Array, kernel: Array) -> int:
    channels, per_group, filters = inputs.shape[-1], *kernel.shape[-2:]
    if kernel.ndim != inputs.ndim or channels % per_group or filters % (channels // per_group):
        raise ValueError(
            f"{name}: the input of shape {inputs.shape} (channels last) has {channels} channels, "
            f"which do not fit the kernel {kernel.shape} of (*window, channels / groups, filters)"
        )
    return channels // per_group


def _not_empty(name: str, inputs: Array, kernel: Array, result: Array) -> Array:
    if result.size == 0 and inputs.size:
        raise ValueError(
            f"{name}: the window of the kernel {kernel.shape} is larger than the input "
            f"{inputs.shape}; use padding='same', a smaller window or a larger input"
        )
    return result


rows.publish(globals())
