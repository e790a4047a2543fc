"""Pixels at fractional coordinates, and the coordinates of projective maps."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.ops import image_common

ORDERS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def sample(images: Array, y: Array, x: Array, interpolation, fill_mode, fill_value) -> Array:
    """Sample batches of images at coordinates `(batch, height, width)`, equal for all channels.

    The same as `map_coordinates` for each channel, with one gather for all channels of a pixel.
    """
    image_common.check_one_of("interpolation", interpolation, ORDERS)
    image_common.check_one_of("fill_mode", fill_mode, FILL_MODES)
    plain = functools.partial(
        _sampled, interpolation=interpolation, fill_mode=fill_mode, fill_value=fill_value
    )
    branch = functools.partial(_sampled_if_moved, plain)
    return jax.lax.platform_dependent(images, y, x, cpu=branch, default=plain)


def _sampled_if_moved(sampled: Callable, images: Array, y: Array, x: Array) -> Array:
    """The images themselves if no pixel moves.

    XLA for CPUs would fuse the gathers with what reads them, such as another gather or a mean, and
    compute each pixel several times: 2 to 6 times as slow. A branch is not fused.
    """
    rows, columns = images.shape[1:3]
    moved = jnp.any(y != jnp.arange(rows)[:, None]) | jnp.any(x != jnp.arange(columns))
    return jax.lax.cond(moved, sampled, lambda images, y, x: images, images, y, x)


def _sampled(
    images: Array, y: Array, x: Array, interpolation: str, fill_mode: str, fill_value: float
) -> Array:
    batch, height, width, channels = images.shape
    pixels = images.reshape(batch, -1, channels)
    total: Any = 0.0
    for at_y, weight_y in _taps(y, interpolation):
        for at_x, weight_x in _taps(x, interpolation):
            place = _folded(at_y, height, fill_mode) * width + _folded(at_x, width, fill_mode)
            value = _taken(pixels, place)
            if fill_mode == "constant":
                inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
                value = jnp.where(inside[..., None], value, jnp.asarray(fill_value, value.dtype))
            weight = 1 if weight_y is None else (weight_y * weight_x)[..., None]
            total += weight * value
    if jnp.issubdtype(images.dtype, jnp.integer):
        total = _rounded(total)
    return total.astype(images.dtype)


@jax.vmap  # so that a batch on several devices stays there
def _taken(pixels: Array, places: Array) -> Array:
    return pixels.at[places].get(mode="promise_in_bounds")


def _taps(places: Array, interpolation: str) -> list[tuple[Array, Any]]:
    """The pixels along one axis that contribute to a position, and their weights."""
    if interpolation == "nearest":
        return [(_rounded(places).astype("int32"), None)]
    low = jnp.floor(places)
    weight, at = places - low, low.astype("int32")
    return [(at, 1 - weight), (at + 1, weight)]


def _rounded(values: Array) -> Array:
    """Rounded to integers, halves away from zero."""
    if jnp.issubdtype(values.dtype, jnp.integer):
        return values
    return jnp.trunc(values + jnp.copysign(0.5, values).astype(values.dtype))


def _folded(at: Array, size: int, fill_mode: str) -> Array:
    """Map an index along an axis to one of a pixel."""
    if fill_mode == "wrap":
        return at % size
    if fill_mode in ("reflect", "mirror"):
        last = 2 * size - (1 if fill_mode == "reflect" else 2)
        at = at % max(last + (fill_mode == "reflect"), 1)
        at = jnp.minimum(at, last - at)
    return jnp.clip(at, 0, size - 1)


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
    y, x = y + moved[..., 0], x + moved[..., 1]
    return sample(images, y, x, interpolation, fill_mode, fill_value)


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
