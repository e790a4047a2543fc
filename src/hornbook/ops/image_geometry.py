"""Image functions: interpolation between pixels and geometric transforms."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.random import key_from
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import image_basic, image_common, rows

ORDERS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


@op
def map_coordinates(
    inputs: Tensor,
    coordinates: Tensor,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Array:
    """Interpolate an array at fractional coordinates.

    Args:
        inputs: array of `n` axes.
        coordinates: `(n, ...)`: the coordinates along each axis.
        order: 0 (nearest) or 1 (linear).
        fill_mode: beyond the edges: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`, `"reflect"`.
        fill_value: fill value for `"constant"`.

    Raises:
        ValueError: if the axes do not match, or for any other order or mode.

    Example:
        >>> x = np.array([0.0, 10.0])
        >>> hornbook.ops.image.map_coordinates(x, np.array([[0.5]]), 1).tolist()
        [5.0]
    """
    inputs = rows.array(inputs)
    coordinates = jnp.stack([rows.array(c) for c in coordinates])
    if len(coordinates) != inputs.ndim or coordinates.ndim < 2:
        raise ValueError(f"coordinates {coordinates.shape} do not fit inputs {inputs.shape}")
    image_common.check_one_of("fill_mode", fill_mode, FILL_MODES)
    image_common.check_one_of("order", order, (0, 1))
    return jax.scipy.ndimage.map_coordinates(
        inputs, list(coordinates), order, fill_mode, fill_value
    )


def _sample(images: Array, y: Array, x: Array, interpolation, fill_mode, fill_value) -> Array:
    """Sample batches of images at coordinates `(batch, height, width)`, equal for all channels.

    The same as `map_coordinates` for each channel, with one gather for all channels of a pixel.
    """
    image_common.check_one_of("interpolation", interpolation, ORDERS)
    image_common.check_one_of("fill_mode", fill_mode, FILL_MODES)
    batch, height, width, channels = images.shape
    pixels = images.reshape(-1, channels)
    first = jnp.arange(batch)[:, None, None] * (height * width)
    total: Any = 0.0
    for at_y, weight_y in _taps(y, interpolation):
        for at_x, weight_x in _taps(x, interpolation):
            place = first + _folded(at_y, height, fill_mode) * width
            value = pixels.at[place + _folded(at_x, width, fill_mode)].get(mode="promise_in_bounds")
            if fill_mode == "constant":
                inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
                value = jnp.where(inside[..., None], value, jnp.asarray(fill_value, value.dtype))
            total += value if weight_y is None else (weight_y * weight_x)[..., None] * value
    if jnp.issubdtype(images.dtype, jnp.integer):
        total = _rounded(total)
    return total.astype(images.dtype)


def _taps(places: Array, interpolation: str) -> list[tuple[Array, Array | None]]:
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


@op
def affine_transform(
    images: Tensor,
    transform: Tensor,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Apply affine maps to images: `out[y, x] = in[b0 x + b1 y + b2, a0 x + a1 y + a2]`.

    Args:
        images: one or a batch.
        transform: `(a0, a1, a2, b0, b1, b2, 0, 0)`, or one such row for each image.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: beyond the edges: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`, `"reflect"`.
        fill_value: for `"constant"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> hornbook.ops.image.affine_transform(x, np.array([1.0, 0, 1, 0, 1, 0, 0, 0])).ravel()
        Array([1., 2., 3., 0.], dtype=float32)
    """
    batch, back = image_common.batch_of(images, data_format)
    transform = jnp.atleast_2d(rows.floating(transform))
    if transform.ndim != 2 or transform.shape[1] != 8:
        raise ValueError(f"transform must have shape (8,) or (batch, 8), not {transform.shape}")
    y, x = jnp.meshgrid(*(jnp.arange(n) for n in batch.shape[1:3]), indexing="ij")
    a0, a1, a2, b0, b1, b2 = transform[:, :6, None, None].transpose(1, 0, 2, 3)
    in_y, in_x = b0 * x + b1 * y + b2, a0 * x + a1 * y + a2
    shape = batch.shape[:3]
    in_y, in_x = jnp.broadcast_to(in_y, shape), jnp.broadcast_to(in_x, shape)
    return back(_sample(batch, in_y, in_x, interpolation, fill_mode, fill_value))


@op
def perspective_transform(
    images: Tensor,
    start_points: Tensor,
    end_points: Tensor,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Apply the projective map that moves four points of an image to four others.

    Args:
        images: one or a batch.
        start_points, end_points: `(4, 2)` or `(batch, 4, 2)`: points (x, y).
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: value beyond the edges.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    batch, back = image_common.batch_of(images, data_format)
    start, end = rows.floating(start_points), rows.floating(end_points)
    if start.shape != end.shape or start.shape[-2:] != (4, 2) or start.ndim not in (2, 3):
        raise ValueError(f"points must have shape ([batch,] 4, 2), not {start.shape}, {end.shape}")
    start, end = (jnp.broadcast_to(p, (batch.shape[0], 4, 2)) for p in (start, end))
    h = _homography(start, end)[:, :, None, None]
    y, x = jnp.meshgrid(*(jnp.arange(n) for n in batch.shape[1:3]), indexing="ij")
    depth = h[:, 6] * x + h[:, 7] * y + 1
    in_x = (h[:, 0] * x + h[:, 1] * y + h[:, 2]) / depth
    in_y = (h[:, 3] * x + h[:, 4] * y + h[:, 5]) / depth
    return back(_sample(batch, in_y, in_x, interpolation, "constant", fill_value))


def _homography(start: Array, end: Array) -> Array:
    """The eight parameters of the projective map from `end` to `start`, for each image."""
    x, y = end[..., 0], end[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    to_x = [x, y, one, zero, zero, zero, -start[..., 0] * x, -start[..., 0] * y]
    to_y = [zero, zero, zero, x, y, one, -start[..., 1] * x, -start[..., 1] * y]
    matrix = jnp.concatenate([jnp.stack(to_x, -1), jnp.stack(to_y, -1)], 1)
    goal = jnp.concatenate([start[..., 0], start[..., 1]], 1)
    return jnp.linalg.solve(matrix, goal[..., None])[..., 0]


@op
def elastic_transform(
    images: Tensor,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Array:
    """Distort images by smooth random displacements.

    Args:
        images: one or a batch.
        alpha: strength of the displacements.
        sigma: their smoothness.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: beyond the edges: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`, `"reflect"`.
        fill_value: for `"constant"`.
        seed: an integer, a `SeedGenerator` or `None`.
        data_format: `"channels_last"` or `"channels_first"`.

    Source: Simard et al. 2003.
    """
    batch, back = image_common.batch_of(images, data_format)
    width = int(6 * sigma) | 1
    noise = jax.random.normal(key_from(seed), (*batch.shape[:3], 2)) * sigma
    moved = alpha * image_basic.gaussian_blur(
        noise, (width, width), (sigma, sigma), "channels_last"
    )
    y, x = jnp.meshgrid(*(jnp.arange(n) for n in batch.shape[1:3]), indexing="ij")
    sampled = _sample(
        batch, y + moved[..., 0], x + moved[..., 1], interpolation, fill_mode, fill_value
    )
    return back(sampled.astype(batch.dtype))


@op
def scale_and_translate(
    images: Tensor,
    output_shape: Sequence[int],
    scale: Tensor,
    translation: Tensor,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Array:
    """Scale and translate images along some axes: `in = (out - translation) / scale`.

    Args:
        images: array.
        output_shape: shape of the result.
        scale, translation: one number for each of `spatial_dims`.
        spatial_dims: the axes.
        method: `"linear"`, `"cubic"`, `"lanczos3"`, `"lanczos5"` (and `"bilinear"` ...).
        antialias: whether to low-pass filter when downsampling.
    """
    return jax.image.scale_and_translate(
        rows.floating(images),
        tuple(output_shape),
        tuple(spatial_dims),
        rows.floating(scale),
        rows.floating(translation),
        method,
        antialias,
    )


rows.publish(globals())
