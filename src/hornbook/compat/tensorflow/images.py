"""`tf.image`: pictures are arrays of (rows, columns, channels), or batches of them.

numpy's arrays, which functions of data sets get, stay on the host; other arrays may be traced.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow.arrays import sizes
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.function import refuse
from hornbook.core.symbolic import op
from hornbook.ops import image_resize


class ResizeMethod:
    """Names of the ways to resize."""

    BILINEAR, NEAREST_NEIGHBOR, BICUBIC, AREA = "bilinear", "nearest", "bicubic", "area"
    LANCZOS3, LANCZOS5, GAUSSIAN = "lanczos3", "lanczos5", "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


def _library(image: Any) -> Any:
    """numpy for numpy's arrays, else jax.numpy."""
    return np if isinstance(image, np.ndarray) else jnp


def _both(function: Callable) -> Callable:
    """A function that is an op for arrays other than numpy's."""
    traced = op(function)

    @functools.wraps(function)
    def call(image: Any, *args: Any, **options: Any) -> Any:
        host = isinstance(image, np.ndarray)
        return (function if host else traced)(image, *args, **options)

    return call


# ---- dtypes and sizes


@_both
def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Any:
    """A picture in another dtype: floats are from 0 to 1, integers use their whole range."""
    xp = _library(image)
    image = xp.asarray(image)
    old, new = as_dtype(image.dtype), as_dtype(dtype)
    if old == new:
        return image
    if old.is_floating and new.is_floating:
        return image.astype(new.name)
    if old.is_integer and new.is_floating:
        return image.astype(new.name) * new.as_numpy_dtype(1 / old.max)
    if old.is_floating:
        scaled = image * old.as_numpy_dtype(new.max + 0.5)
        return (xp.clip(scaled, float(new.min), float(new.max))).astype(new.name)
    if old.max > new.max:
        return (image // ((int(old.max) + 1) // (int(new.max) + 1))).astype(new.name)
    return image.astype(new.name) * ((int(new.max) + 1) // (int(old.max) + 1))


def _as_floats(change: Callable) -> Callable:
    """A change of pictures as floats from 0 to 1, which keeps their dtype."""

    @functools.wraps(change)
    def call(image: Any, *args: Any, **options: Any) -> Any:
        dtype = as_dtype(
            _library(image).asarray(image).dtype if isinstance(image, list) else image.dtype
        )
        if dtype.is_floating:
            return change(image, *args, **options)
        changed = change(convert_image_dtype(image, "float32"), *args, **options)
        return convert_image_dtype(changed, dtype, True)

    return call


def resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Pictures of another size; floats, except for `method="nearest"`."""
    rows, columns = sizes(size)
    if preserve_aspect_ratio:
        height, width = images.shape[-3:-1]
        scale = min(rows / height, columns / width)
        rows, columns = round(height * scale), round(width * scale)
    if isinstance(images, np.ndarray) and images.ndim == 3:
        made = image_resize.resize(images, (rows, columns), method, None, antialias)
        return made.astype(images.dtype) if method == "nearest" else jnp.asarray(made)
    if method in ("area", "gaussian", "mitchellcubic"):
        return _by_matrices(images, size=(rows, columns), method=method, antialias=antialias)
    made = ops.image.resize(ops.cast(images, "float32"), (rows, columns), method, antialias)
    return ops.cast(made, images.dtype) if method == "nearest" else made


@op
def _by_matrices(images: Any, size: tuple = (), method: str = "", antialias: bool = False) -> Any:
    x = jnp.asarray(images, "float32")
    one, two = (
        image_resize.resize(np.eye(n, dtype="float32")[..., None], (m, n), method, None, antialias)
        for n, m in zip(x.shape[-3:-1], size, strict=True)
    )
    return jnp.einsum("ih,jw,...hwc->...ijc", one[..., 0], two[..., 0], x)


@_both
def crop_to_bounding_box(
    image: Any,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
    name: str | None = None,
) -> Any:
    """A rectangle of pictures."""
    rows = slice(int(offset_height), int(offset_height) + int(target_height))
    return image[..., rows, int(offset_width) : int(offset_width) + int(target_width), :]


@_both
def pad_to_bounding_box(
    image: Any,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
    name: str | None = None,
) -> Any:
    """Pictures with zeros around them."""
    height, width = image.shape[-3:-1]
    rows = int(offset_height), int(target_height) - height - int(offset_height)
    columns = int(offset_width), int(target_width) - width - int(offset_width)
    pads = [(0, 0)] * (image.ndim - 3) + [rows, columns, (0, 0)]
    return _library(image).pad(image, pads)


@_both
def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Any:
    """The middle of a picture, padded with zeros where it is smaller."""
    have, want = image.shape[-3:-1], (int(target_height), int(target_width))
    cut = [max(a - b, 0) // 2 for a, b in zip(have, want, strict=True)]
    kept = [min(a, b) for a, b in zip(have, want, strict=True)]
    add = [(b - a) // 2 for a, b in zip(kept, want, strict=True)]
    return pad_to_bounding_box(crop_to_bounding_box(image, *cut, *kept), *add, *want)


def resize_with_pad(
    image: Any,
    target_height: int,
    target_width: int,
    method: str = "bilinear",
    antialias: bool = False,
) -> Any:
    """A whole picture in another size, with zeros around it where the aspect ratio differs."""
    height, width = image.shape[-3:-1]
    ratio = max(width / target_width, height / target_height)
    new = int(np.floor(height / ratio)), int(np.floor(width / ratio))
    place = [
        max(0, int((want - got) / 2))
        for want, got in zip((target_height, target_width), new, strict=True)
    ]
    made = resize(image, new, method, antialias=antialias)
    return pad_to_bounding_box(made, *place, target_height, target_width)


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of pictures."""
    height, width = image.shape[-3:-1]
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return crop_to_bounding_box(image, top, left, height - 2 * top, width - 2 * left)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Any:
    """Boxes of pictures, in one size: top, left, bottom and right from 0 to 1."""
    return _crops(
        image, boxes, box_indices, size=sizes(crop_size), method=method, fill=extrapolation_value
    )


@op
def _crops(
    image: Any, boxes: Any, indices: Any, size: tuple = (), method: str = "", fill: float = 0
) -> jax.Array:
    pictures = jnp.asarray(image, "float32")
    height, width = pictures.shape[1:3]

    def places(low: Any, high: Any, count: int, length: int) -> jax.Array:
        if count == 1:
            return jnp.reshape(0.5 * (low + high) * (length - 1), 1)
        return low * (length - 1) + jnp.arange(count) * (high - low) * (length - 1) / (count - 1)

    def crop(box: Any, index: Any) -> jax.Array:
        picture = pictures[index]
        y, x = places(box[0], box[2], size[0], height), places(box[1], box[3], size[1], width)
        inside = ((y >= 0) & (y <= height - 1))[:, None] & (x >= 0) & (x <= width - 1)
        if method == "nearest":
            made = picture[jnp.round(y).astype(int)][:, jnp.round(x).astype(int)]
        else:
            y0, x0 = jnp.floor(y).astype(int), jnp.floor(x).astype(int)
            y1, x1 = jnp.minimum(y0 + 1, height - 1), jnp.minimum(x0 + 1, width - 1)
            dy, dx = (y - y0)[:, None, None], (x - x0)[:, None]
            upper = picture[y0][:, x0] * (1 - dx) + picture[y0][:, x1] * dx
            lower = picture[y1][:, x0] * (1 - dx) + picture[y1][:, x1] * dx
            made = upper * (1 - dy) + lower * dy
        return jnp.where(inside[..., None], made, fill)

    return jax.vmap(crop)(jnp.asarray(boxes, "float32"), jnp.asarray(indices))


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """Patches of pictures, with their pixels along the last axis."""
    _, rows, columns, _ = strides
    return ops.image.extract_patches(
        images, tuple(sizes[1:3]), (int(rows), int(columns)), int(rates[1]), padding.lower()
    )


# ---- orientation


def flip_left_right(image: Any) -> Any:
    """Pictures mirrored left to right."""
    return image[..., ::-1, :]


def flip_up_down(image: Any) -> Any:
    """Pictures mirrored top to bottom."""
    return image[..., ::-1, :, :]


@_both
def rot90(image: Any, k: int = 1, name: str | None = None) -> Any:
    """Pictures turned counterclockwise `k` times by 90 degrees."""
    return _library(image).rot90(image, int(k), (-3, -2))


@_both
def transpose(image: Any, name: str | None = None) -> Any:
    """Pictures with rows and columns exchanged."""
    return _library(image).swapaxes(image, -3, -2)


# ---- colours


@_as_floats
def adjust_brightness(image: Any, delta: Any) -> Any:
    """Pictures with a number added, for which 1 is white."""
    return (
        image + np.float32(delta) if np.ndim(delta) == 0 and not _traced(delta) else image + delta
    )


def _traced(value: Any) -> bool:
    return isinstance(value, jax.core.Tracer)


@_as_floats
@_both
def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Pictures whose distance from the mean of each channel is multiplied."""
    mean = images.mean((-3, -2), keepdims=True)
    return ((images - mean) * contrast_factor + mean).astype(images.dtype)


@_both
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """`gain * image ** gamma`, for which 1 is white."""
    dtype = as_dtype(image.dtype)
    return convert_image_dtype(gain * convert_image_dtype(image, "float32") ** gamma, dtype, True)


@_as_floats
@_both
def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """Pictures whose saturation is multiplied."""
    hue, saturation, value = jnp.split(_to_hsv(image), 3, -1)
    return _to_rgb(
        jnp.concatenate([hue, jnp.clip(saturation * saturation_factor, 0, 1), value], -1)
    )


@_as_floats
@_both
def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """Pictures whose hue is turned, by 1 for a whole turn."""
    hue, saturation, value = jnp.split(_to_hsv(image), 3, -1)
    return _to_rgb(jnp.concatenate([(hue + delta) % 1, saturation, value], -1))


def _to_hsv(image: Any) -> Any:
    return ops.image.rgb_to_hsv(jnp.asarray(image), data_format="channels_last")


def _to_rgb(image: Any) -> Any:
    return ops.image.hsv_to_rgb(image, data_format="channels_last")


@_both
def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """Pictures in grey."""
    weights = np.array([0.2989, 0.587, 0.114], "float32")
    dtype = as_dtype(images.dtype)
    grey = (convert_image_dtype(images, "float32") * weights).sum(-1, keepdims=True)
    return convert_image_dtype(grey, dtype)


@_both
def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Pictures of one channel with three."""
    return _library(images).repeat(images, 3, -1)


@_both
def per_image_standardization(image: Any) -> Any:
    """Pictures of mean 0 and variance 1; the deviation is at least `1 / sqrt(size)`."""
    xp = _library(image)
    x = xp.asarray(image).astype("float32")
    axes = (-3, -2, -1)
    least = np.float32(1 / np.sqrt(np.prod(x.shape[-3:])))
    deviation = xp.maximum(x.std(axes, keepdims=True), least)
    return (x - x.mean(axes, keepdims=True)) / deviation


# ---- colors


def _by_colors(matrix: list, what: str) -> Callable:
    """A function of the last axis of pictures, which has three channels."""
    rows = np.array(matrix, "float32")

    @_both
    def convert(images: Any) -> Any:
        xp = _library(images)
        pictures = xp.asarray(images)
        return xp.matmul(pictures, rows.astype(pictures.dtype))

    convert.__doc__ = what
    return convert


rgb_to_yuv = _by_colors(
    [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ],
    "Pictures of red, green and blue from 0 to 1 as brightness (Y) and two colors (U, V).",
)
yuv_to_rgb = _by_colors(
    [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]],
    "The inverse of `rgb_to_yuv`.",
)
rgb_to_yiq = _by_colors(
    [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ],
    "Pictures of red, green and blue from 0 to 1 as brightness (Y) and two colors (I, Q).",
)
yiq_to_rgb = _by_colors(
    [
        [1, 1, 1],
        [0.95598634, -0.27201283, -1.10674021],
        [0.6208248, -0.64720424, 1.70423049],
    ],
    "The inverse of `rgb_to_yiq`.",
)


# ---- random changes


@functools.cache
def _stream(name: str, seed: int) -> np.random.Generator:
    """The random numbers of a function with a seed, which go on from call to call."""
    return np.random.default_rng(seed)


def random_source(name: str, seed: Any) -> Any:
    """Random numbers; without a seed numpy's global stream, which `set_seed` restarts."""
    refuse()
    if np.ndim(seed):  # of a stateless function
        return np.random.default_rng([int(one) & 0xFFFFFFFF for one in np.ravel(seed)])
    return np.random if seed is None else _stream(name, int(seed))


def _draw(name: str, seed: Any, low: float, high: float) -> float:
    """A random number."""
    return random_source(name, seed).uniform(low, high)


def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """A picture, mirrored with probability 1/2."""
    return flip_left_right(image) if _draw("left", seed, 0, 1) < 0.5 else image


def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """A picture, turned over with probability 1/2."""
    return flip_up_down(image) if _draw("up", seed, 0, 1) < 0.5 else image


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Any:
    """A picture with a random number of up to `max_delta` added."""
    return adjust_brightness(image, _draw("brightness", seed, -max_delta, max_delta))


def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """A picture with a random contrast."""
    return adjust_contrast(image, np.float32(_draw("contrast", seed, lower, upper)))


def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """A picture with a random saturation."""
    return adjust_saturation(image, np.float32(_draw("saturation", seed, lower, upper)))


def random_hue(image: Any, max_delta: float, seed: Any = None) -> Any:
    """A picture with its hue turned at random."""
    return adjust_hue(image, np.float32(_draw("hue", seed, -max_delta, max_delta)))


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """A part of an array, at a random place.

    Raises:
        ValueError: if the array is smaller.
    """
    wanted, have = sizes(size), tuple(value.shape)
    wanted = tuple(n if n != -1 else m for n, m in zip(wanted, have, strict=True))
    if any(n > m for n, m in zip(wanted, have, strict=True)):
        raise ValueError(f"random_crop: the array of shape {have} is smaller than {wanted}")
    draws = (
        int(_draw(f"crop{axis}", [*np.ravel(seed), axis] if np.ndim(seed) else seed, 0, m - n + 1))
        for axis, (n, m) in enumerate(zip(wanted, have, strict=True))
    )
    return value[tuple(slice(first, first + n) for first, n in zip(draws, wanted, strict=True))]
