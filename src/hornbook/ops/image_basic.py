"""Image functions: colours, resizing, patches, filters.

Images are `(height, width, channels)` or `(batch, height, width, channels)`; with
`data_format="channels_first"` the channels come before the height.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import convolution, core, image_common, image_resize, rows

RESIZE_METHODS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


# ---- colours


@op
def rgb_to_grayscale(images: Tensor, data_format: str | None = None) -> Array:
    """Convert RGB to grayscale: `0.2989 red + 0.587 green + 0.114 blue`.

    Args:
        images: with 3 channels; images with 1 channel are returned unchanged.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for any other number of channels.
    """
    x, back = image_common.batch_of(images, data_format)
    if x.shape[-1] not in (1, 3):
        raise ValueError(f"images must have 3 channels (or 1), not {x.shape[-1]}")
    if x.shape[-1] == 1:
        return back(x)
    weights = jnp.array([0.2989, 0.5870, 0.1140], rows.floating(x).dtype)
    gray = jnp.tensordot(rows.floating(x), weights, 1)[..., None]
    return back(gray.astype(x.dtype))


@op
def rgb_to_hsv(images: Tensor, data_format: str | None = None) -> Array:
    """Convert RGB to hue, saturation and value, all from 0 to 1.

    Args:
        images: floating-point, with 3 channels.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    x, back = image_common.batch_of(images, data_format)
    x = _colours(x)
    r, g, b = jnp.moveaxis(jnp.where(jnp.abs(x) < jnp.finfo(x.dtype).eps, 0, x), -1, 0)
    value = jnp.maximum(jnp.maximum(r, g), b)
    spread = value - jnp.minimum(jnp.minimum(r, g), b)
    saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0)
    sixth = 1 / (6 * jnp.where(spread > 0, spread, 1))
    hue = jnp.where(value == g, sixth * (b - r) + 2 / 6, sixth * (r - g) + 4 / 6)
    hue = jnp.where(value == r, sixth * (g - b), hue)
    hue = jnp.where(spread > 0, hue, 0) + (hue < 0)
    return back(jnp.stack([hue, saturation, value], -1))


@op
def hsv_to_rgb(images: Tensor, data_format: str | None = None) -> Array:
    """The inverse of `rgb_to_hsv`."""
    x, back = image_common.batch_of(images, data_format)
    hue, saturation, value = jnp.moveaxis(_colours(x), -1, 0)
    hue = jnp.mod(hue, 1) * 6
    full = [jnp.abs(hue - 3) - 1, 2 - jnp.abs(hue - 2), 2 - jnp.abs(hue - 4)]
    full = jnp.clip(jnp.stack(full, -1), 0, 1)
    return back(value[..., None] * (1 - saturation[..., None] * (1 - full)))


def _colours(x: Array) -> Array:
    if not jnp.issubdtype(x.dtype, jnp.floating) or x.shape[-1] != 3:
        raise ValueError(
            f"colour images must be floating-point with 3 channels, not {x.dtype} {x.shape}"
        )
    return x


# ---- sizes


@op
def resize(
    images: Tensor,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Array:
    """Resize images.

    A single numpy array is resized in numpy, in all other cases by a program for its size.

    Args:
        images: one or a batch.
        size: new height and width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`.
        antialias: whether to low-pass filter when downsampling.
        crop_to_aspect_ratio: crop the sides first, so that the aspect ratio is kept.
        pad_to_aspect_ratio: pad the sides first, so that the aspect ratio is kept.
        fill_mode: `"constant"`.
        fill_value: value of the padding.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for any other interpolation or fill mode, or if asked to both crop and pad.

    Example:
        >>> hornbook.ops.image.resize(np.ones((4, 6, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    image_common.check_one_of("interpolation", interpolation, RESIZE_METHODS)
    image_common.check_one_of("fill_mode", fill_mode, ("constant",))
    if len(size) != 2:
        raise ValueError(f"size is (height, width), not {size!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("choose crop_to_aspect_ratio or pad_to_aspect_ratio, not both")
    if _is_picture(images):  # of ever new sizes, each of which XLA would compile
        how = interpolation, antialias, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_value
        return jnp.asarray(image_resize.on_host(images, (size[0], size[1]), *how, data_format))
    x, back = image_common.batch_of(images, data_format)
    (height, width), (new_height, new_width) = x.shape[1:3], size
    fitting_height, fitting_width = width * new_height / new_width, height * new_width / new_height
    if crop_to_aspect_ratio:
        h = max(min(height, int(fitting_height)), 1)
        w = max(min(width, int(fitting_width)), 1)
        top, left = (height - h) // 2, (width - w) // 2
        x = x[:, top : top + h, left : left + w]
    if pad_to_aspect_ratio:
        rows_added = (max(height, int(fitting_height)) - height) // 2
        columns_added = (max(width, int(fitting_width)) - width) // 2
        edges = ((0, 0), (rows_added,) * 2, (columns_added,) * 2, (0, 0))
        x = jnp.pad(x, edges, constant_values=fill_value)
    shape = (x.shape[0], new_height, new_width, x.shape[-1])
    wide = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype("float32")
    result = jax.image.resize(wide, shape, interpolation, antialias=antialias)
    if result.dtype != x.dtype:
        result = core.saturate_cast(jnp.round(result), x.dtype)
    return back(result)


def _is_picture(images: Any) -> bool:
    """Whether images are a single picture on the host, of a dtype that numpy computes as XLA."""
    return (
        isinstance(images, np.ndarray)
        and images.ndim == 3
        and (images.dtype.kind in "ui" or images.dtype == "float32")
    )


def _amounts(what: str, before: Any, after: Any, total: Any, size: int, sign: int):
    """Rows (or columns) to add or remove (sign -1) before and after, from two of three amounts."""
    if [before, after, total].count(None) != 1:
        raise ValueError(f"give exactly two of {what}; got {before}, {after}, {total}")
    if total is not None:
        rest = sign * (total - size)
        before, after = rest - after if before is None else before, after
        after = rest - before if after is None else after
    if before < 0 or after < 0:
        raise ValueError(f"{what}: cannot add or cut a negative amount: {before}, {after}")
    return before, after


@op
def pad_images(
    images: Tensor,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Pad images with zeros; pass two of top, bottom and target height, and two for the width.

    Raises:
        ValueError: unless exactly two are given and no padding is negative.

    Example:
        >>> x = np.ones((4, 6, 3))
        >>> hornbook.ops.image.pad_images(x, 1, 2, target_height=8, target_width=9).shape
        (8, 9, 3)
    """
    x, back = image_common.batch_of(images, data_format)
    names = "top_padding, bottom_padding, target_height"
    vertical = _amounts(names, top_padding, bottom_padding, target_height, x.shape[1], 1)
    names = "left_padding, right_padding, target_width"
    horizontal = _amounts(names, left_padding, right_padding, target_width, x.shape[2], 1)
    return back(jnp.pad(x, ((0, 0), vertical, horizontal, (0, 0))))


@op
def crop_images(
    images: Tensor,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Crop images; pass two of top, bottom and target height, and two for the width.

    Raises:
        ValueError: unless exactly two are given and no cropping is negative.

    Example:
        >>> x = np.ones((4, 6, 3))
        >>> hornbook.ops.image.crop_images(x, 1, 2, target_height=2, target_width=3).shape
        (2, 3, 3)
    """
    x, back = image_common.batch_of(images, data_format)
    height, width = x.shape[1:3]
    names = "top_cropping, bottom_cropping, target_height"
    top, bottom = _amounts(names, top_cropping, bottom_cropping, target_height, height, -1)
    names = "left_cropping, right_cropping, target_width"
    left, right = _amounts(names, left_cropping, right_cropping, target_width, width, -1)
    return back(x[:, top : height - bottom, left : width - right])


# ---- patches


def _patches(images, size, strides, dilation_rate, padding, data_format, space):
    size = rows.each(size, space)
    strides = size if strides is None else rows.each(strides, space)
    images = rows.array(images)
    single = images.ndim == space + 1
    images = images[None] if single else images
    last = standardize_data_format(data_format) == "channels_last"
    channels = images.shape[-1 if last else 1]
    count = int(np.prod(size)) * channels
    kernel = jnp.eye(count, dtype=rows.floating(images).dtype).reshape(*size, channels, count)
    patches = convolution.conv(images, kernel, strides, padding, data_format, dilation_rate)
    patches = patches.astype(images.dtype)
    return patches[0] if single else patches


@op
def extract_patches(
    images: Tensor,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The windows of images, each flattened into the channel axis.

    Args:
        images: one or a batch.
        size: size of the window; three numbers for volumes.
        strides: step of the window; default its size.
        dilation_rate: distance between its elements.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:
        >>> hornbook.ops.image.extract_patches(np.ones((6, 6, 3)), 3).shape
        (2, 2, 27)
    """
    space = 3 if not isinstance(size, int) and len(size) == 3 else 2
    return _patches(images, size, strides, dilation_rate, padding, data_format, space)


@op
def extract_patches_3d(
    volumes: Tensor,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """`extract_patches` for volumes `(depth, height, width, channels)` or a batch of them."""
    return _patches(volumes, size, strides, dilation_rate, padding, data_format, 3)


# ---- filters


@op
def gaussian_blur(
    images: Tensor,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Array:
    """Blur images with a Gaussian kernel; zeros beyond the edges.

    Args:
        images: one or a batch, floating-point.
        kernel_size: width and height of the window.
        sigma: standard deviations, in pixels.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    x, back = image_common.batch_of(images, data_format)
    (width, height), (sigma_x, sigma_y) = kernel_size, sigma
    kernel = jnp.outer(_bell(height, sigma_y, x.dtype), _bell(width, sigma_x, x.dtype))
    return back(_filtered(x, kernel))


def _bell(size: int, sigma: Any, dtype: Any) -> Array:
    """A one-dimensional Gaussian kernel that sums to 1."""
    x = jnp.arange(size, dtype=dtype) - jnp.asarray((size - 1) / 2, dtype)
    weights = jnp.exp(-0.5 * (x / sigma) ** 2)
    return weights / jnp.sum(weights)


def _filtered(x: Array, kernel: Any, padding: str = "same") -> Array:
    """Convolve each channel with one kernel `(height, width)`."""
    kernel = jnp.repeat(jnp.asarray(kernel, x.dtype)[:, :, None, None], x.shape[-1], 2)
    return convolution.depthwise_conv(x, kernel, 1, padding, "channels_last")


@op
def sobel_edges(images: Tensor, data_format: str | None = None) -> Array:
    """The Sobel gradients of images along height and width, on a new last axis.

    Args:
        images: a batch, floating-point.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    x, back = image_common.batch_of(images, data_format)
    slope = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return jnp.stack([back(_filtered(x, slope.T)), back(_filtered(x, slope))], -1)


@op
def ssim(
    image1: Tensor,
    image2: Tensor,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Array:
    """The structural similarity of images (1 for equal ones), one number for each image.

    Args:
        image1, image2: two images or batches of the same shape.
        max_val: largest possible value of a pixel.
        filter_size, filter_sigma: size and standard deviation of the Gaussian window.
        k1, k2: constants that stabilize the divisions.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if the shapes differ.

    Source: Wang et al. 2004, doi:10.1109/TIP.2003.819861.
    """
    a, _ = image_common.batch_of(rows.floating(image1), data_format)
    b, _ = image_common.batch_of(rows.floating(image2), data_format)
    if a.shape != b.shape:
        raise ValueError(f"ssim compares images of one shape, not {a.shape} and {b.shape}")
    bell = _bell(filter_size, filter_sigma, a.dtype)
    blurred = functools.partial(_filtered, kernel=jnp.outer(bell, bell), padding="valid")
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_a, mean_b = blurred(a), blurred(b)
    variances = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    similarity = jnp.mean(light * (2 * covariance + c2) / (variances + c2), (1, 2, 3))
    return similarity[0] if rows.array(image1).ndim == 3 else similarity


rows.publish(globals())
