"""Affine maps of images, and images of the host moved by them in one compiled call.

A map is `((a, b, c), (d, e, f))`, of numbers or arrays `(batch,)`: the pixel at (u, v) shows the
one at (a u + b v + c, d u + e v + f). In layers u is the column and v the row, and in
`ImageDataGenerator` the other way round. The functions of maps only add and multiply, so that they
serve numpy and JAX.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.forked import uses_engine
from hornbook.ops import image_sampling

DIGITS = 1024.0  # the high part is a multiple of 1 / DIGITS


# ---- maps


def about(middle: tuple, linear: tuple) -> tuple:
    """A linear map `((a, b), (d, e))` that leaves a point where it is."""
    (a, b), (d, e) = linear
    u, v = middle
    return (a, b, u - u * a - v * b), (d, e, v - u * d - v * e)


def rotation(cos: Any, sin: Any, middle: tuple) -> tuple:
    """A rotation about a point, by an angle's cosine and sine."""
    return about(middle, ((cos, -sin), (sin, cos)))


def zoom(factors: tuple, middle: tuple) -> tuple:
    """A zoom about a point; factors above 1 show more, and smaller."""
    (u, v), (along_u, along_v) = middle, factors
    return (along_u, 0.0, u * (1 - along_u)), (0.0, along_v, v * (1 - along_v))


def shift(by: tuple) -> tuple:
    """A shift: each pixel shows the one that is so far from it."""
    return (1.0, 0.0, by[0]), (0.0, 1.0, by[1])


def flip(flips: tuple, sizes: tuple) -> tuple:
    """A flip along one axis or both.

    Args:
        flips: 1 or 0 along each axis.
        sizes: of the image along each axis.
    """
    (a, b), (m, n) = flips, sizes
    return (1.0 - 2 * a, 0.0, (m - 1.0) * a), (0.0, 1.0 - 2 * b, (n - 1.0) * b)


def product(first: tuple, then: tuple) -> tuple:
    """The map of a result of `then` to the source of `first`."""
    (a, b, c), (d, e, f) = then
    return tuple((p * a + q * d, p * b + q * e, p * c + q * f + r) for p, q, r in first)


def coordinates(matrices: Array, rows: int, columns: int) -> list[Array]:
    """The source row and column of each pixel, `(batch, rows, columns)` each.

    Args:
        matrices: `(batch, 2, 3)`, to be multiplied by `(row, column, 1)`.
        rows, columns: the images' size.
    """
    r, c = (jnp.arange(n, dtype=matrices.dtype) for n in (rows, columns))
    return [
        m[:, 0, None, None] * r[:, None] + m[:, 1, None, None] * c + m[:, 2, None, None]
        for m in (matrices[:, 0], matrices[:, 1])
    ]


# ---- on the host


@functools.cache
def _compiled() -> tuple[Any, Any, Any]:
    """Two compiled calls, and the device for arrays of the host.

    In a single call, XLA tests for each pixel whether it is inside: half as fast.
    """
    try:
        device = jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        device = jax.local_devices()[0]
    framed = jax.jit(image_sampling.framed, static_argnums=1)
    return framed, jax.jit(_moved, static_argnums=(3, 4)), device


def _moved(framed: Array, high: Array, low: Array, order: int, fill_mode: str) -> Array:
    rows, columns = (n - int("constant" in fill_mode) for n in framed.shape[1:3])
    found = []
    for exact, rest in zip(*(coordinates(m, rows, columns) for m in (high, low)), strict=True):
        whole = jnp.floor(exact)
        part = (exact - whole) + rest
        over = jnp.floor(part)
        limit = 2.0**30
        at = jnp.clip(jnp.nan_to_num(whole + over, nan=-limit), -limit, limit)
        found.append((at.astype("int32"), part - over))
    return image_sampling.sampled(framed, found[0], found[1], order, fill_mode)


@uses_engine
def affine_on_host(
    pictures: np.ndarray,
    matrices: np.ndarray,
    order: int = 1,
    fill_mode: str = "nearest",
    fill_value: float = 0.0,
    room: int = 0,
) -> np.ndarray:
    """`out[n, r, c] = pictures[n]` at `matrices[n] (r, c, 1)`, compiled once for each shape.

    Coordinates are sums of two float32 numbers: a high part from matrices with few binary digits,
    whose products with rows and columns are exact, and the remainder. With one float32, coordinates
    in large images would be off by a hundredth of a pixel.

    Args:
        pictures: `(batch, rows, columns, channels)`, float32.
        matrices: `(batch, 2, 3)`, float64.
        order: 0 for nearest neighbour, 1 for bilinear interpolation.
        fill_mode: one of `image_sampling.SCIPY_MODES`.
        fill_value: value of the constant modes.
        room: batch size to compile for; smaller batches are padded.

    Raises:
        ValueError: for any other order or mode.
    """
    count = len(pictures)
    if count < room:
        more = [(0, room - count)]
        pictures = np.pad(pictures, more + [(0, 0)] * 3)
        matrices = np.pad(matrices, more + [(0, 0)] * 2)
    high = (matrices * DIGITS).round() / DIGITS
    parts = high.astype("float32"), (matrices - high).astype("float32")
    framed, moved, device = _compiled()
    pictures, *parts, value = jax.device_put((pictures, *parts, np.float32(fill_value)), device)
    pictures = framed(pictures, fill_mode, value) if "constant" in fill_mode else pictures
    return np.asarray(moved(pictures, *parts, order, fill_mode))[:count]
