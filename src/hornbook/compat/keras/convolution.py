"""Convolution, pooling, padding and resizing of `keras.backend`."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook import ops
from hornbook.core import settings
from hornbook.core.symbolic import op
from hornbook.dialects.files import FLIPPED


def format_of(data_format: str | None) -> str:
    """The data format: the argument, or the global setting."""
    return settings.image_data_format() if data_format is None else data_format


def _kernel(kernel: Any, data_format: str | None, outputs_first: bool) -> Any:
    """The kernel with taps first; Keras 1 had `(outputs, inputs, *taps)` under "th".

    For a program of Keras 1 on Theano, whose convolutions flipped kernels, it is flipped too.
    """
    rank = len(kernel.shape)
    if outputs_first and format_of(data_format) == "channels_first":
        kernel = ops.transpose(kernel, (*range(2, rank), 1, 0))
    if outputs_first and settings.unstated_backend() in FLIPPED:
        kernel = ops.flip(kernel, tuple(range(rank - 2)))
    return kernel


def conv(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    outputs_first: bool = False,
) -> Any:
    """A convolution over one, two or three axes.

    Args:
        x: an array, with channels where `data_format` says.
        kernel: `(*taps, inputs, outputs)`.
        strides: steps along each axis.
        padding: `"valid"`, `"same"` or `"causal"`.
        data_format: default: the global setting.
        dilation_rate: spacing of the taps.
        outputs_first: whether kernels are `(outputs, inputs, *taps)` with channels first.
    """
    kernel = _kernel(kernel, data_format, outputs_first)
    return ops.conv(x, kernel, strides, padding, format_of(data_format), dilation_rate)


def conv1d(x: Any, kernel: Any, **kwargs: Any) -> Any:
    """A convolution over steps, `(batch, steps, features)` unless `data_format` says otherwise."""
    return conv(x, kernel, **{"data_format": "channels_last", **kwargs})


def conv_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    outputs_first: bool = False,
) -> Any:
    """The transpose of a convolution.

    Args:
        x: an array, with channels where `data_format` says.
        kernel: `(*taps, outputs, inputs)`; in Keras 1 inputs before outputs, as for `conv`.
        output_shape: of the result; it resolves the sizes that strides leave ambiguous.
        strides, padding, data_format, dilation_rate, outputs_first: see `conv`.
    """
    kernel = _kernel(kernel, data_format, outputs_first)
    form = format_of(data_format)
    rank = len(kernel.shape) - 2
    if outputs_first:  # Keras 1 swapped the two
        kernel = ops.transpose(kernel, (*range(rank), rank + 1, rank))
    spatial = slice(2, None) if form == "channels_first" else slice(1, -1)
    size, given = tuple(output_shape)[spatial], tuple(x.shape)[spatial]
    steps = (strides,) * rank if isinstance(strides, int) else tuple(strides)
    extra = None
    if all(isinstance(n, int) for n in (*size, *given)):
        taps = [kernel.shape[i] for i in range(rank)]
        least = [
            (n - 1) * s + (k % 2 if padding == "same" else k)  # the size without output padding
            for n, s, k in zip(given, steps, taps, strict=True)
        ]
        extra = tuple(n - low for n, low in zip(size, least, strict=True))
        extra = None if any(n < 0 or n >= s for n, s in zip(extra, steps, strict=True)) else extra
    return ops.conv_transpose(x, kernel, strides, padding, extra, form, dilation_rate)


def separable_conv(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A depthwise convolution, then a pointwise one."""
    form = format_of(data_format)
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, form, dilation_rate)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A depthwise convolution: one kernel per channel."""
    form = format_of(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, form, dilation_rate)


def pool(
    x: Any,
    pool_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """The maximum or mean of each window.

    Args:
        x: an array, with channels where `data_format` says.
        pool_size: window size.
        strides: steps of the window.
        padding: `"valid"` or `"same"`.
        data_format: default: the global setting.
        pool_mode: `"max"` or `"avg"`.

    Raises:
        ValueError: for any other mode.
    """
    kinds = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in kinds:
        raise ValueError(f"pool_mode is 'max' or 'avg', not {pool_mode!r}")
    return kinds[pool_mode](x, pool_size, strides, padding, format_of(data_format))


# ---- unshared weights


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any = 1, data_format: str | None = None
) -> Any:
    """A 1D convolution with unshared weights: one kernel per window.

    Args:
        inputs: `(batch, steps, features)`.
        kernel: `(windows, size * features, filters)`.
        kernel_size: steps per window.
        strides: steps between windows.
        data_format: where features are.
    """
    taps, steps = (
        tuple(one) if isinstance(one, list | tuple) else (one,) for one in (kernel_size, strides)
    )
    return _local(inputs, kernel, taps, steps, data_format == "channels_first", None)


def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Any,
    strides: Any,
    output_shape: Any,
    data_format: str | None = None,
) -> Any:
    """A 2D convolution with unshared weights: one kernel per window.

    Args:
        inputs: images.
        kernel: `(windows, rows * columns * channels, filters)`.
        kernel_size: rows and columns of a window.
        strides: steps between windows.
        output_shape: rows and columns of windows.
        data_format: where channels are.
    """
    first = format_of(data_format) == "channels_first"
    return _local(inputs, kernel, tuple(kernel_size), tuple(strides), first, tuple(output_shape))


@op
def _local(x, kernel, taps, strides, first, size):
    x = jnp.moveaxis(x, 1, -1) if first else jnp.asarray(x)
    rank = len(taps)
    size = size or tuple((n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], taps, strides))
    for axis, (count, k, s) in enumerate(zip(size, taps, strides, strict=True)):
        places = jnp.arange(count)[:, None] * s + jnp.arange(k)
        x = jnp.take(x, places, axis=1 + 2 * axis)  # batch, windows, taps, ..., channels
    batch = x.shape[0]
    windows = [1 + 2 * i for i in range(rank)]
    inside = [2 + 2 * i for i in range(rank)]
    last = [2 * rank + 1]
    x = jnp.transpose(x, (0, *windows, *(last + inside if first else inside + last)))
    x = x.reshape(batch, -1, kernel.shape[1])
    y = jnp.einsum("bwk,wkf->bwf", x, jnp.asarray(kernel))
    y = y.reshape(batch, *size, kernel.shape[-1])
    return jnp.moveaxis(y, -1, 1) if first else y


# ---- padding and resizing


def temporal_padding(x: Any, padding: Any = 1) -> Any:
    """Zero-pad the steps of `(batch, steps, features)`."""
    pair = (padding, padding) if isinstance(padding, int) else tuple(padding)
    return ops.pad(x, ((0, 0), pair, (0, 0)))


def asymmetric_temporal_padding(x: Any, left_pad: int = 1, right_pad: int = 1) -> Any:
    """Zero-pad the steps of `(batch, steps, features)`."""
    return temporal_padding(x, (left_pad, right_pad))


def spatial_padding(x: Any, padding: Any = 1, data_format: str | None = None) -> Any:
    """Zero-pad images or volumes.

    Args:
        x: images or volumes.
        padding: one number, one for each axis, or a pair for each.
        data_format: where channels are.
    """
    rank = len(x.shape) - 2
    each = [padding] * rank if isinstance(padding, int) else list(padding)
    pairs = [(one, one) if isinstance(one, int) else tuple(one) for one in each]
    channels = [(0, 0)]
    first = format_of(data_format) == "channels_first"
    return ops.pad(x, [(0, 0), *(channels + pairs if first else pairs + channels)])


def asymmetric_spatial_2d_padding(
    x: Any,
    top_pad: int = 1,
    bottom_pad: int = 1,
    left_pad: int = 1,
    right_pad: int = 1,
    data_format: str | None = None,
) -> Any:
    """Zeros around pictures."""
    return spatial_padding(x, ((top_pad, bottom_pad), (left_pad, right_pad)), data_format)


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str | None = None,
    interpolation: str = "nearest",
) -> Any:
    """Upscale images by integer factors.

    Args:
        x: images.
        height_factor, width_factor: the factors.
        data_format: where channels are.
        interpolation: `"nearest"` or `"bilinear"`.
    """
    form = format_of(data_format)
    if interpolation == "nearest":
        return _repeated(x, (height_factor, width_factor), form)
    height, width = x.shape[2:] if form == "channels_first" else x.shape[1:3]
    size = height * height_factor, width * width_factor
    return ops.image.resize(x, size, interpolation, data_format=form)


def resize_volumes(
    x: Any,
    depth_factor: int,
    height_factor: int,
    width_factor: int,
    data_format: str | None = None,
) -> Any:
    """Upscale volumes by integer factors, repeating elements."""
    return _repeated(x, (depth_factor, height_factor, width_factor), format_of(data_format))


def _repeated(x: Any, factors: tuple, data_format: str) -> Any:
    for axis, factor in enumerate(factors, 2 if data_format == "channels_first" else 1):
        x = ops.repeat(x, factor, axis=axis) if factor != 1 else x
    return x


# ---- normalization


@op
def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3
) -> tuple[Array, Array, Array]:
    """Normalize a batch by its own mean and variance; returns these too."""
    axes = tuple(axis % x.ndim for axis in reduction_axes)
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    y = (x - mean.reshape(shape)) / jnp.sqrt(variance.reshape(shape) + epsilon)
    y = y if gamma is None else y * jnp.reshape(gamma, shape)
    return y if beta is None else y + jnp.reshape(beta, shape), mean, variance


@op
def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Array:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`; vectors lie along `axis`."""

    def placed(value):
        value = jnp.asarray(value)
        shape = [n if i == axis % x.ndim else 1 for i, n in enumerate(x.shape)]
        return value.reshape(shape) if value.ndim == 1 else value

    y = (x - placed(mean)) / jnp.sqrt(placed(var) + epsilon)
    y = y if gamma is None else y * placed(gamma)
    return y if beta is None else y + placed(beta)
