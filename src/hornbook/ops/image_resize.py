"""Resize pictures on the host, in numpy: the results of `tf.image.resize` and `ops.image.resize`.

XLA compiles a program for each size; numpy does not.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hornbook.core.settings import standardize_data_format


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(x))


def _keys(x: np.ndarray) -> np.ndarray:
    """Keys's cubic convolution with a = -0.5."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _mitchell(x: np.ndarray) -> np.ndarray:
    """Mitchell and Netravali's cubic with B = C = 1/3."""
    x = np.abs(x)
    near = (7 / 6 * x - 2) * x * x + 8 / 9
    far = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(np.abs(x) <= radius, np.sinc(x) * np.sinc(x / radius), 0)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 1.5, np.exp(-2 * x * x), 0)


# Name -> radius in pixels of the source, and the kernel. They widen only with `antialias`.
KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _keys),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2, _mitchell),
}
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", *list(KERNELS)[2:])


@functools.lru_cache(256)
def _taps(
    start: float, extent: float, size: int, out: int, way: str, antialias: bool = False
) -> tuple[Any, Any]:
    """The source pixels of each output pixel along an axis, and their weights.

    Args:
        start, extent: the part of the axis that is resized, in source pixels.
        size: number of source pixels.
        out: number of output pixels.
        way: interpolation.
        antialias: whether the kernel widens if the axis shrinks.

    Returns:
        Two arrays `(out, taps)`; weights sum to 1.
    """
    scale = extent / out
    if way == "area":
        edges = start + np.arange(out + 1) * scale
        first = np.floor(edges[:-1]).astype(int)
        count = int(np.max(np.ceil(edges[1:]) - first))
        pixels = first[:, None] + np.arange(count)
        low, high = edges[:-1, None], edges[1:, None]
        weights = np.clip(np.minimum(pixels + 1, high) - np.maximum(pixels, low), 0, None)
    elif way == "nearest":
        pixels = np.floor(start + (np.arange(out)[:, None] + 0.5) * extent / out).astype(int)
        weights = np.ones((out, 1))
    else:
        radius, kernel = KERNELS[way]
        wide = max(scale, 1.0) if antialias else 1.0
        radius *= wide
        centers = start + (np.arange(out)[:, None] + 0.5) * scale
        first = np.ceil(centers - radius - 0.5).astype(int)
        pixels = first + np.arange(math.ceil(2 * radius) + 1)
        weights = kernel((pixels + 0.5 - centers) / wide)
        # Pixels outside have no weight.
        weights = np.where((pixels < math.floor(start)) | (pixels >= start + extent), 0, weights)
    used = weights.any(axis=0)
    weights = weights[:, used] / weights.sum(axis=1, keepdims=True)
    return np.clip(pixels[:, used], 0, size - 1), weights.astype("float32")


def _along(x: np.ndarray, axis: int, taps: tuple[Any, Any]) -> np.ndarray:
    """Weighted sums of the pixels along an axis."""
    pixels, weights = taps
    shape = [1] * x.ndim
    shape[axis] = -1
    total = None
    for places, factors in zip(pixels.T, weights.T, strict=True):
        part = np.take(x, places, axis)
        if weights.shape[1] == 1:
            return part.astype("float32")
        part = part * factors.reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    return total  # type: ignore[return-value]


def resize(
    picture: np.ndarray,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    box: tuple[float, float, float, float] | None = None,
    antialias: bool = False,
) -> np.ndarray:
    """A picture of another size.

    Args:
        picture: `(height, width, channels)`.
        size: `(height, width)` of the result.
        interpolation: one of `INTERPOLATIONS`. `"area"` averages all pixels; the others sample
            pixels near the center of an output pixel, so they alias if the picture shrinks.
        box: part of the picture that is resized: top, left, height and width in pixels.
        antialias: whether to sample more pixels if the picture shrinks.

    Returns:
        float32 `(*size, channels)`.

    Example:
        >>> resize(np.arange(16.0).reshape(4, 4, 1), (2, 2), "area")[..., 0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    height, width = picture.shape[:2]
    top, left, tall, wide = box or (0, 0, height, width)
    rows = _taps(top, tall, height, size[0], interpolation, antialias)
    columns = _taps(left, wide, width, size[1], interpolation, antialias)
    return _along(_along(picture, 0, rows), 1, columns)


def middle(old: Sequence[int], new: Sequence[int]) -> tuple[int, int, int, int]:
    """The largest centered box of the aspect ratio of `new`: top, left, height, width.

    Args:
        old, new: `(height, width)`.
    """
    (height, width), (new_height, new_width) = old, new
    crop_height = max(min(height, int(width * new_height / new_width)), 1)
    crop_width = max(min(width, int(height * new_width / new_height)), 1)
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width


def on_host(
    picture: np.ndarray,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> np.ndarray:
    """`ops.image.resize` for one picture of float32 or integers; see there for the arguments."""
    first = standardize_data_format(data_format) == "channels_first"
    x = picture.transpose(1, 2, 0) if first else picture
    height, width = x.shape[:2]
    box = middle((height, width), size) if crop_to_aspect_ratio else None
    if pad_to_aspect_ratio:
        added = (
            max(height, int(width * size[0] / size[1])) - height,
            max(width, int(height * size[1] / size[0])) - width,
        )
        edges = [(n // 2, n // 2) for n in added]
        x = np.pad(x, [*edges, (0, 0)], constant_values=np.asarray(fill_value).astype(x.dtype))
    if x.dtype.itemsize > 2:  # numpy multiplies float32 by these integers as float64
        x = x.astype("float32", copy=False)
    result = resize(x, size, interpolation, box, antialias)
    if picture.dtype.kind in "ui":
        limits = np.iinfo(picture.dtype)
        result = np.clip(np.rint(result), limits.min, limits.max).astype(picture.dtype)
    return np.ascontiguousarray(result.transpose(2, 0, 1)) if first else result
