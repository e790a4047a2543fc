"""Colors of pictures: the formulas of the layers, as functions of batches of pictures.

Pictures are floating-point `(batch, height, width, channels)`. Numbers that differ between the
pictures of a batch have one entry per picture, in any shape: `each` makes them broadcast.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.ops import image_basic

BYTES = (0, 255)
FRACTIONS = (0, 1)


def each(values: Any, x: Array) -> Array:
    """One number for each picture (or one for all), in a shape that broadcasts to the pictures."""
    return jnp.reshape(jnp.asarray(values).astype(x.dtype), (-1, 1, 1, 1))


def rescale(x: Array, now: Any, wanted: Any) -> Array:
    """Map the range `now` linearly to the range `wanted`."""
    if tuple(now) == tuple(wanted):
        return x
    (low, high), (new_low, new_high) = now, wanted
    return (x - low) / (high - low) * (new_high - new_low) + new_low


def within(value_range: Any, inner: Any, function: Callable[[Array], Array], x: Array) -> Array:
    """Apply a function that is defined on the range `inner` to values of `value_range`."""
    return rescale(function(rescale(x, value_range, inner)), inner, value_range)


def blend(x: Array, y: Array, weight: Any) -> Array:
    """`x` where the weight is 0, `y` where it is 1, and a line through both beyond that."""
    return x + each(weight, x) * (y - x)


def choose(condition: Any, x: Array, y: Array) -> Array:
    """`x` for the pictures for which a condition holds, `y` for the others."""
    return jnp.where(jnp.reshape(jnp.asarray(condition), (-1, 1, 1, 1)), x, y)


def limit(x: Array, value_range: Any) -> Array:
    """Clip to a range."""
    return jnp.clip(x, value_range[0], value_range[1])


# ---- each pixel by itself


def gray(x: Array) -> Array:
    """The luminance, with one channel."""
    return image_basic.rgb_to_grayscale(x, "channels_last")


def invert(x: Array, value_range: Any) -> Array:
    """The complement of each value within the range."""
    return value_range[0] + value_range[1] - x


def solarize(x: Array, addition: Any, threshold: Any) -> Array:
    """Add to bytes, then invert those that reach a threshold."""
    x = limit(x + each(addition, x), BYTES)
    return jnp.where(x < each(threshold, x), x, 255 - x)


def posterize(x: Array, dropped: Any) -> Array:
    """Set the lowest bits of bytes to 0: `dropped` of 8."""
    step = 2 ** each(dropped, x)
    return jnp.floor(limit(x, BYTES) / step) * step


def turn_hue(x: Array, turn: Any) -> Array:
    """Rotate the hue of RGB fractions by a part of the color circle."""
    hue, saturation, value = jnp.moveaxis(image_basic.rgb_to_hsv(x, "channels_last"), -1, 0)
    hue = hue + each(turn, x)[..., 0]
    return image_basic.hsv_to_rgb(jnp.stack([hue, saturation, value], -1), "channels_last")


def saturate(x: Array, factor: Any) -> Array:
    """Multiply the saturation of RGB fractions, at most to 1."""
    hue, saturation, value = jnp.moveaxis(image_basic.rgb_to_hsv(x, "channels_last"), -1, 0)
    saturation = limit(saturation * each(factor, x)[..., 0], FRACTIONS)
    return image_basic.hsv_to_rgb(jnp.stack([hue, saturation, value], -1), "channels_last")


# ---- each pixel and its neighbours


def smooth(x: Array) -> Array:
    """A weighted mean of each 3 x 3 window, with the center counted five times; zeros outside."""
    return _windows(_windows(x, 1, [1, 1, 1]), 2, [1, 1, 1]) / 13 + x * (4 / 13)


def gaussian_blur(x: Array, size: tuple[int, int], sigma: Any) -> Array:
    """Blur with a Gaussian window; zeros outside.

    Args:
        x: pictures.
        size: width and height of the window.
        sigma: standard deviations in pixels, along width and height: `(2,)` or `(batch, 2)`.
    """
    sigma = jnp.reshape(jnp.asarray(sigma, x.dtype), (-1, 2))
    for axis, length, spread in ((1, size[1], sigma[:, 1]), (2, size[0], sigma[:, 0])):
        offsets = jnp.arange(length, dtype=x.dtype) - (length - 1) / 2
        bell = jax.nn.softmax(-0.5 * (offsets / spread[:, None]) ** 2, axis=-1)
        x = _windows(x, axis, [each(weight, x) for weight in bell.T])
    return x


def _windows(x: Array, axis: int, weights: list) -> Array:
    """Weighted sums of windows along one axis, with zeros outside."""
    edges = [(0, 0)] * 4
    edges[axis] = (len(weights) - 1) // 2, len(weights) // 2
    padded = jnp.pad(x, edges)
    parts = (
        jax.lax.slice_in_dim(padded, i, i + x.shape[axis], axis=axis) for i in range(len(weights))
    )
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


# ---- each pixel and the whole picture


def contrast(x: Array, factor: Any) -> Array:
    """Multiply the distance of each value from the mean of its channel."""
    mean = jnp.mean(x, (1, 2), keepdims=True)
    return (x - mean) * each(factor, x) + mean


def stretch(x: Array, value_range: Any) -> Array:
    """Stretch each channel to the whole range; channels of a single value stay as they are."""
    low, high = jnp.min(x, (1, 2), keepdims=True), jnp.max(x, (1, 2), keepdims=True)
    flat = low == high
    part = (x - low) / jnp.where(flat, 1, high - low)
    return jnp.where(flat, x, part * (value_range[1] - value_range[0]) + value_range[0])


def equalize(x: Array, bins: int) -> Array:
    """Spread the bytes of each channel evenly, by its histogram.

    Args:
        x: pictures, from 0 to 255.
        bins: number of bins of the histogram.
    """

    def plane(values: Array) -> Array:
        levels = jnp.clip(values * (bins - 1) / 255, 0, bins - 1).astype("int32")
        counts = _histogram(levels, bins)
        total = jnp.cumsum(counts)
        first = counts[jnp.argmax(counts > 0)]
        table = jnp.round((total - first) * 255 / jnp.maximum(total[-1] - first, 1))
        spread = jnp.clip(table, 0, 255).astype(x.dtype)[levels]
        return jnp.where(jnp.sum(counts > 0) > 1, spread, values)

    return _each_plane(plane)(x)


def equalize_tiles(x: Array, clip_limit: float, grid: tuple[int, int]) -> Array:
    """Equalize the tiles of a grid, each with a clipped histogram, and interpolate between them.

    Args:
        x: pictures, from 0 to 255.
        clip_limit: most pixels of a bin, relative to the mean of all bins; 0: no limit. The excess
            is divided among all bins.
        grid: number of rows and columns of tiles.
    """

    def plane(values: Array) -> Array:
        sizes = [-(-n // count) for n, count in zip(values.shape, grid, strict=True)]
        levels = jnp.clip(values, 0, 255).astype("int32")
        beyond = [(0, size * count - n) for size, count, n in zip(sizes, grid, values.shape)]
        tiles = jnp.pad(levels, beyond, "symmetric").reshape(grid[0], sizes[0], grid[1], sizes[1])
        area = sizes[0] * sizes[1]
        tiles = jnp.moveaxis(tiles, 2, 1).reshape(*grid, area)
        counts = jax.vmap(jax.vmap(lambda tile: _histogram(tile, 256)))(tiles).astype("float32")
        if clip_limit > 0:
            kept = jnp.minimum(counts, clip_limit * area / 256)
            counts = kept + jnp.sum(counts - kept, -1, keepdims=True) / 256
        total = jnp.cumsum(counts, -1)
        first = total[..., :1]
        table = (total - first) * 255 / jnp.where(first == area, 1, area - first)
        table = jnp.clip(table, 0, 255)
        above, below, down = _neighbours(values.shape[0], sizes[0], grid[0])
        left, right, across = _neighbours(values.shape[1], sizes[1], grid[1])

        def of_row(row):
            a, b = table[row[:, None], left, levels], table[row[:, None], right, levels]
            return a * (1 - across) + b * across

        down = down[:, None]
        return (of_row(above) * (1 - down) + of_row(below) * down).astype(x.dtype)

    return _each_plane(plane)(x)


def _neighbours(length: int, size: int, count: int) -> tuple[Array, Array, Array]:
    """For each pixel along an axis: the tiles whose centers are before and after it, and the
    distance to the former as a fraction."""
    place = (jnp.arange(length, dtype="float32") - size / 2) / size
    before = jnp.floor(place)
    tile = before.astype("int32")
    return jnp.clip(tile, 0, count - 1), jnp.clip(tile + 1, 0, count - 1), place - before


def _histogram(levels: Array, bins: int) -> Array:
    return jnp.zeros(bins, "int32").at[levels.reshape(-1)].add(1)


def _each_plane(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Map a function of one channel `(height, width)` over pictures."""
    return jax.vmap(jax.vmap(function, in_axes=-1, out_axes=-1))
