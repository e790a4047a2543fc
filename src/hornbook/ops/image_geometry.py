"""Image functions: interpolation between pixels and geometric transforms."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.random import key_from
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import image_affine, image_basic, image_common, image_sampling, rows


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
    image_common.check_one_of("fill_mode", fill_mode, image_sampling.FILL_MODES)
    image_common.check_one_of("order", order, (0, 1))
    return jax.scipy.ndimage.map_coordinates(
        inputs, list(coordinates), order, fill_mode, fill_value
    )


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
    transform = jnp.broadcast_to(transform, (batch.shape[0], 8))
    rows_first = jnp.stack([transform[:, i] for i in (4, 3, 5, 1, 0, 2)], 1)
    matrices = rows_first.reshape(-1, 2, 3)
    coordinates = functools.partial(
        image_affine.coordinates, rows=batch.shape[1], columns=batch.shape[2]
    )
    how = interpolation, fill_mode, fill_value
    return back(image_sampling.sample(batch, coordinates, matrices, np.eye(2, 3), *how))


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
    y, x = jnp.meshgrid(*(jnp.arange(n) for n in batch.shape[1:3]), indexing="ij")

    def coordinates(maps: Array) -> tuple[Array, Array]:
        h = maps[:, :, None, None]
        depth = h[:, 6] * x + h[:, 7] * y + 1
        in_x = (h[:, 0] * x + h[:, 1] * y + h[:, 2]) / depth
        return (h[:, 3] * x + h[:, 4] * y + h[:, 5]) / depth, in_x

    maps, still = image_sampling.homography(start, end), np.eye(3).ravel()[:8]
    how = interpolation, "constant", fill_value
    return back(image_sampling.sample(batch, coordinates, maps, still, *how))


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
    return back(image_sampling.displaced(batch, moved, interpolation, fill_mode, fill_value))


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
