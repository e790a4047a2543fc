"""Pixels at fractional coordinates: the resampler of operations, layers, `ImageDataGenerator`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.ops import image_common

ORDERS = {"nearest": 0, "bilinear": 1}
# What lies beyond the edges of (a b c d); the names are scipy.ndimage's.
SCIPY_MODES = (
    "nearest",  # a a a | a b c d | d d d
    "constant",  # the fill value, beyond the centre of the last pixel
    "reflect",  # c b a | a b c d | d c b
    "mirror",  # d c b | a b c d | c b a
    "wrap",  # b c d | a b c d | b c d: the last pixel coincides with the first
    "grid-constant",  # the fill value, blended with the last pixel over one pixel
    "grid-wrap",  # b c d | a b c d | a b c
)
# Keras's names, for scipy's.
FILL_MODES = {mode: mode for mode in ("nearest", "mirror", "reflect")}
FILL_MODES |= {"constant": "grid-constant", "wrap": "grid-wrap"}


def sample(
    images: Array,
    coordinates: Callable,
    numbers: Array,
    still: Any,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
) -> Array:
    """Sample batches of images at coordinates that are computed from some numbers.

    The same as `map_coordinates` for each channel, with one gather for all channels of a pixel.

    Args:
        images: `(batch, height, width, channels)`; integers are rounded.
        coordinates: function from `numbers` to the row and column of each pixel, `(batch, height,
            width)` each.
        numbers: an array.
        still: `numbers` that move no pixel.
        interpolation: one of `ORDERS`.
        fill_mode: one of `FILL_MODES`.
        fill_value: value for `"constant"`.
    """
    image_common.check_one_of("interpolation", interpolation, ORDERS)
    image_common.check_one_of("fill_mode", fill_mode, FILL_MODES)

    def plain(images: Array, numbers: Array) -> Array:
        split = _split if interpolation == "bilinear" else _rounded_whole
        y, x = map(split, coordinates(numbers))
        mode = FILL_MODES[fill_mode]
        return sampled(framed(images, mode, fill_value), y, x, ORDERS[interpolation], mode)

    def branch(images: Array, numbers: Array) -> Array:
        # XLA for CPUs would fuse the gathers with what reads them, such as another gather or a
        # mean, and compute each pixel several times: 2 to 6 times as slow. A branch is not fused.
        moved = jnp.any(numbers != jnp.asarray(still, numbers.dtype))
        return jax.lax.cond(moved, plain, lambda images, numbers: images, images, numbers)

    return jax.lax.platform_dependent(images, numbers, cpu=branch, default=plain)


def framed(images: Array, fill_mode: str, fill_value: Any) -> Array:
    """Images with a row and a column of the fill value at their ends, for the constant modes."""
    if "constant" not in fill_mode:
        return images
    value = jnp.asarray(fill_value, images.dtype)
    return jnp.pad(images, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=value)


def sampled(
    images: Array, y: tuple[Array, Any], x: tuple[Array, Any], order: int, fill_mode: str
) -> Array:
    """Sample batches of images at coordinates that are given as whole numbers and fractions.

    Args:
        images: `(batch, height, width, channels)`, from `framed`; integers are rounded.
        y, x: int32 rows and columns, and fractions from 0 to 1, `(batch, height, width)` each.
        order: 0 for nearest neighbour, 1 for bilinear interpolation.
        fill_mode: one of `SCIPY_MODES`.
    """
    image_common.check_one_of("order", order, (0, 1))
    image_common.check_one_of("fill_mode", fill_mode, SCIPY_MODES)
    batch, height, width, channels = images.shape
    frame = int("constant" in fill_mode)
    pixels = images.reshape(batch, -1, channels)
    total: Any = 0.0
    for at_y, weight_y in _taps(*y, height - frame, order, fill_mode):
        for at_x, weight_x in _taps(*x, width - frame, order, fill_mode):
            value = _taken(pixels, at_y * width + at_x)
            total += value if order == 0 else (weight_y * weight_x)[..., None] * value
    if jnp.issubdtype(images.dtype, jnp.integer):
        total = _rounded(total)
    return total.astype(images.dtype)


@jax.vmap  # so that a batch on several devices stays there
def _taken(pixels: Array, indices: Array) -> Array:
    return pixels.at[indices].get(mode="promise_in_bounds")


def _split(coordinates: Array) -> tuple[Array, Array]:
    low = jnp.floor(coordinates)
    return low.astype("int32"), coordinates - low


def _rounded_whole(coordinates: Array) -> tuple[Array, float]:
    return _rounded(coordinates).astype("int32"), 0.0


def _rounded(values: Array) -> Array:
    """Rounded to integers, halves away from zero."""
    if jnp.issubdtype(values.dtype, jnp.integer):
        return values
    return jnp.trunc(values + jnp.copysign(0.5, values).astype(values.dtype))


def _taps(at: Array, part: Any, size: int, order: int, fill_mode: str) -> list[tuple]:
    """The pixels along one axis that contribute to a coordinate, and their weights.

    `size` stands for the frame.
    """
    last = size - 1
    if fill_mode in ("constant", "wrap"):
        outside = (at < 0) | (at > last) | ((at == last) & (part > 0))
        if fill_mode == "constant":
            at, part = jnp.where(outside, size, at), jnp.where(outside, 0.0, part)
        else:
            around = at % max(last, 1)
            at_last = (at < 0) & (around == 0) & (part == 0)  # from below, the first is the last
            at = jnp.where(outside, jnp.where(at_last, last, around), at)
    elif fill_mode == "reflect":
        at = at % (2 * size)
    elif fill_mode == "mirror":
        at = at % max(2 * last, 1)
    elif fill_mode == "grid-wrap":
        at = at % size
    if order == 0:
        return [(_folded(at + (part >= 0.5), size, fill_mode), None)]
    return [(_folded(at, size, fill_mode), 1 - part), (_folded(at + 1, size, fill_mode), part)]


def _folded(at: Array, size: int, fill_mode: str) -> Array:
    """Map an index along an axis, of the first period or one more, to a pixel."""
    if fill_mode == "reflect":
        at = jnp.minimum(at, 2 * size - 1 - at)  # -1 after a period
    elif fill_mode == "mirror":
        at = jnp.minimum(at, 2 * size - 2 - at)
    elif fill_mode == "grid-wrap":
        at = jnp.where(at == size, 0, at)
    elif fill_mode == "grid-constant":
        at = jnp.where(at < 0, size, at)
    return jnp.clip(at, 0, size if "constant" in fill_mode else size - 1)


def displaced(
    images: Array, moved: Array, interpolation: str, fill_mode: str, fill_value: float
) -> Array:
    """Images whose pixels show others, some rows and columns away.

    Args:
        images: `(batch, height, width, channels)`.
        moved: rows and columns, `(batch, height, width, 2)`.
        interpolation, fill_mode, fill_value: see `affine_transform`.
    """
    y, x = jnp.meshgrid(*(jnp.arange(n) for n in images.shape[1:3]), indexing="ij")
    how = interpolation, fill_mode, fill_value
    return sample(images, lambda m: (y + m[..., 0], x + m[..., 1]), moved, 0, *how)


def homography(start: Array, end: Array) -> Array:
    """The eight parameters of the projective map from `end` to `start`, for each image.

    Args:
        start, end: four points (x, y), `(batch, 4, 2)`.
    """
    x, y = end[..., 0], end[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    to_x = [x, y, one, zero, zero, zero, -start[..., 0] * x, -start[..., 0] * y]
    to_y = [zero, zero, zero, x, y, one, -start[..., 1] * x, -start[..., 1] * y]
    matrix = jnp.concatenate([jnp.stack(to_x, -1), jnp.stack(to_y, -1)], 1)
    goal = jnp.concatenate([start[..., 0], start[..., 1]], 1)
    return jnp.linalg.solve(matrix, goal[..., None])[..., 0]
