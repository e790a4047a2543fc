"""Affine maps of images: rotate, shift, shear, zoom and flip in one pass.

A batch is one compiled call. Source coordinates are computed from two float32 numbers: a high part
with few binary digits, whose products with rows and columns are exact, and the remainder. With one
float32, positions in large images would be off by a hundredth of a pixel.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.forked import uses_engine
from hornbook.ops import image_common

DIGITS = 1024.0  # the high part is a multiple of 1 / DIGITS
# What lies beyond the edges of (a b c d); the names are scipy.ndimage's.
FILL_MODES = (
    "nearest",  # a a a | a b c d | d d d
    "constant",  # the fill value, beyond the centre of the last pixel
    "reflect",  # c b a | a b c d | d c b
    "mirror",  # d c b | a b c d | c b a
    "wrap",  # b c d | a b c d | b c d: the last pixel coincides with the first
    "grid-constant",  # the fill value, blended with the last pixel over one pixel
    "grid-wrap",  # b c d | a b c d | a b c
)


def split(matrices: Any) -> tuple[Any, Any]:
    """Split matrices into sums of two float32 matrices, the first with few binary digits."""
    high = (matrices * DIGITS).round() / DIGITS
    return high.astype("float32"), (matrices - high).astype("float32")


def affine(
    pictures: Array,
    high: Array,
    low: Array,
    order: int = 1,
    fill_mode: str = "nearest",
    fill_value: Any = 0.0,
) -> Array:
    """`out[n, r, c] = pictures[n]` at position `matrix[n] (r, c, 1)`, for each channel.

    Args:
        pictures: `(batch, rows, columns, channels)`.
        high, low: the matrices, `(batch, 2, 3)`, from `split`.
        order: 0 for nearest neighbour, 1 for bilinear interpolation.
        fill_mode: one of `FILL_MODES`.
        fill_value: fill value of the constant modes.

    Raises:
        ValueError: for any other order or mode.
    """
    return _moved(_framed(pictures, fill_mode, fill_value), high, low, order, fill_mode)


def _framed(pictures: Array, fill_mode: str, fill_value: Any) -> Array:
    """Add a row and a column of the fill value, for modes that fill with a constant."""
    if "constant" not in fill_mode:
        return pictures
    return jnp.pad(pictures, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=fill_value)


def _moved(framed: Array, high: Array, low: Array, order: int, fill_mode: str) -> Array:
    image_common.check_one_of("order", order, (0, 1))
    image_common.check_one_of("fill_mode", fill_mode, FILL_MODES)
    frame = int("constant" in fill_mode)
    batch, rows, columns = framed.shape[0], framed.shape[1] - frame, framed.shape[2] - frame
    (y, part_y), (x, part_x) = _places(high, low, rows, columns)
    number = jnp.arange(batch)[:, None, None]
    total: Any = 0.0
    for at_y, weight_y in _taps(y, part_y, rows, order, fill_mode):
        for at_x, weight_x in _taps(x, part_x, columns, order, fill_mode):
            value = framed.at[number, at_y, at_x].get(mode="promise_in_bounds")
            total += value if order == 0 else (weight_y * weight_x)[..., None] * value
    return total.astype(framed.dtype)


def _places(high: Array, low: Array, rows: int, columns: int) -> list[tuple[Array, Array]]:
    """The source row and column of each pixel: integer part and fraction."""
    r, c = jnp.arange(rows, dtype="float32")[:, None], jnp.arange(columns, dtype="float32")
    found = []
    for axis in range(2):
        exact, rest = (
            m[:, axis, 0, None, None] * r
            + m[:, axis, 1, None, None] * c
            + m[:, axis, 2, None, None]
            for m in (high, low)
        )
        whole = jnp.floor(exact)
        part = (exact - whole) + rest
        over = jnp.floor(part)
        limit = 2.0**30
        at = jnp.clip(jnp.nan_to_num(whole + over, nan=-limit), -limit, limit)
        found.append((at.astype("int32"), part - over))
    return found


def _taps(at: Array, part: Array, size: int, order: int, fill_mode: str) -> list[tuple]:
    """The pixels along one axis that contribute to a position, and their weights."""
    last = size - 1
    if fill_mode == "nearest":
        part = jnp.where((at < 0) | (at >= last), 0.0, part)
        at = jnp.clip(at, 0, last)
    elif fill_mode == "constant":
        outside = (at < 0) | (at > last) | ((at == last) & (part > 0))
        at, part = jnp.where(outside, size, at), jnp.where(outside, 0.0, part)
    elif fill_mode == "wrap":
        around = at % max(last, 1)
        at_last = (at < 0) & (around == 0) & (part == 0)  # from below, the first pixel is the last
        outside = (at < 0) | (at > last) | ((at == last) & (part > 0))
        at = jnp.where(outside, jnp.where(at_last, last, around), at)
    if order == 0:
        return [(_folded(at + (part >= 0.5), size, fill_mode), None)]
    return [(_folded(at, size, fill_mode), 1 - part), (_folded(at + 1, size, fill_mode), part)]


def _folded(at: Array, size: int, fill_mode: str) -> Array:
    """Map an index along an axis to a pixel; `size` stands for the outside."""
    if fill_mode == "reflect":
        at = at % (2 * size)
        at = jnp.where(at >= size, 2 * size - 1 - at, at)
    elif fill_mode == "mirror":
        at = at % max(2 * size - 2, 1)
        at = jnp.where(at >= size, 2 * size - 2 - at, at)
    elif fill_mode == "grid-wrap":
        at = at % size
    elif fill_mode == "grid-constant":
        at = jnp.where(at < 0, size, at)
    return jnp.clip(at, 0, size if "constant" in fill_mode else size - 1)


@functools.cache
def _compiled() -> tuple[Any, Any, Any]:
    """`affine` in two compiled calls, and the device for arrays of the host.

    In a single call, XLA tests for each pixel whether it is inside: half as fast.
    """
    try:
        device = jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        device = jax.local_devices()[0]
    return jax.jit(_framed, static_argnums=1), jax.jit(_moved, static_argnums=(3, 4)), device


@uses_engine
def affine_on_host(
    pictures: np.ndarray,
    matrices: np.ndarray,
    order: int = 1,
    fill_mode: str = "nearest",
    fill_value: float = 0.0,
    room: int = 0,
) -> np.ndarray:
    """`affine` for numpy arrays, compiled once for each shape.

    Args:
        pictures: `(batch, rows, columns, channels)`.
        matrices: `(batch, 2, 3)`, float64.
        order, fill_mode, fill_value: see `affine`.
        room: batch size to compile for; smaller batches are padded.
    """
    count = len(pictures)
    if count < room:
        more = [(0, room - count)]
        pictures = np.pad(pictures, more + [(0, 0)] * 3)
        matrices = np.pad(matrices, more + [(0, 0)] * 2)
    framed, moved, device = _compiled()
    pictures, high, low, value = jax.device_put(
        (pictures, *split(matrices), np.float32(fill_value)), device
    )
    pictures = framed(pictures, fill_mode, value) if "constant" in fill_mode else pictures
    return np.asarray(moved(pictures, high, low, order, fill_mode))[:count]
