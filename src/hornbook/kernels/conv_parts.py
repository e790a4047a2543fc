"""The input gradient of a strided convolution, one stride offset at a time, by compiled kernels.

Input elements a multiple of the strides apart meet the same taps. So each offset is a part of its
own: the output gradient convolved with these taps, flipped, without strides and without zeros in
between. The parts are interleaved at the end.

Few channels leave most columns of a product empty. Then the taps become columns too: one product
gives every tap's contribution, and a part is the sum of its taps' contributions, shifted into
place.

Large strides would give too many parts. Then one product gives every tap's contribution, and taps
that are a stride apart are summed for all parts at once.
"""

import itertools
import math
from collections.abc import Callable
from functools import reduce

import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import native
from hornbook.kernels.product import product

FEW, ENOUGH = 4, 8  # channels of the input, channels that are summed over
PARTS = 16  # most parts that are computed one by one

Pair = tuple[int, int]


def few(channels: int, summed: int) -> bool:
    """Whether there are too few channels to fill the columns of a product."""
    return channels <= FEW and summed >= ENOUGH


def gradient_in_parts(
    strides: Pair, before: Pair, shape: tuple[int, ...], kernel: Array, d_out: Array
) -> Array:
    """The input gradient of a convolution.

    Args:
        strides: down and across.
        before: padding at the top and on the left.
        shape: shape of the input, `(batch, height, width, channels)`.
        kernel: `(*taps, channels, filters)`.
        d_out: the output gradient, `(batch, *pixels, filters)`.
    """
    if math.prod(strides) > PARTS:
        return _in_blocks(strides, before, shape, kernel, d_out)
    each = zip(shape[1:-1], before, strides, strict=True)
    height, width = ((n - 1 + b) // s + 1 for n, b, s in each)
    out = height, width
    how = _by_sums if few(*kernel.shape[2:]) else _by_convolution
    part = how(strides, out, kernel, d_out)
    parts = [part(*first) for first in itertools.product(*map(range, strides))]
    apart = jnp.stack(parts).reshape(*strides, *parts[0].shape).transpose(2, 3, 0, 4, 1, 5)
    whole = apart.reshape(shape[0], height * strides[0], width * strides[1], shape[-1])
    return _cut(whole, before, shape)


def _cut(whole: Array, before: Pair, shape: tuple[int, ...]) -> Array:
    """The part of `whole` after the padding, of a given shape."""
    axes = zip(shape[1:-1], before, whole.shape[1:-1], strict=True)
    each = [(0, 0, 0), *((-b, n + b - m, 0) for n, b, m in axes), (0, 0, 0)]
    return lax.pad(whole, jnp.zeros((), whole.dtype), each)


def _in_blocks(
    strides: Pair, before: Pair, shape: tuple[int, ...], kernel: Array, d_out: Array
) -> Array:
    *taps, channels, filters = kernel.shape
    samples, *pixels, _ = d_out.shape
    most = [-(-k // s) for k, s in zip(taps, strides, strict=True)]  # taps that an element meets
    added = product(d_out, kernel.reshape(-1, filters).T).reshape(*d_out.shape[:3], *taps, channels)
    room = [(0, m * s - k) for m, s, k in zip(most, strides, taps, strict=True)]
    added = jnp.pad(added, (*[(0, 0)] * 3, *room, (0, 0)))
    added = added.reshape(samples, *pixels, most[0], strides[0], most[1], strides[1], channels)
    parts = (
        jnp.pad(
            added[:, :, :, i, :, j],
            ((0, 0), (i, most[0] - 1 - i), (j, most[1] - 1 - j), *[(0, 0)] * 3),
        )
        for i, j in itertools.product(*map(range, most))
    )
    whole = reduce(jnp.add, parts).transpose(0, 1, 3, 2, 4, 5)
    size = [(n + m - 1) * s for n, m, s in zip(pixels, most, strides, strict=True)]
    return _cut(whole.reshape(samples, *size, channels), before, shape)


def _by_convolution(strides: Pair, out: Pair, kernel: Array, d_out: Array) -> Callable:
    def part(down: int, across: int) -> Array:
        taps = kernel[down :: strides[0], across :: strides[1]]
        if not taps.size:
            return jnp.zeros((d_out.shape[0], *out, kernel.shape[2]), d_out.dtype)
        first = taps.shape[0] - 1, taps.shape[1] - 1
        return native.conv(d_out, taps, (1, 1), first, (1, 1), out, turned=True)

    return part


def _by_sums(strides: Pair, out: Pair, kernel: Array, d_out: Array) -> Callable:
    *taps, channels, filters = kernel.shape
    added = product(d_out, kernel.reshape(-1, filters).T)
    added = lax.optimization_barrier(added.reshape(*d_out.shape[:3], *taps, channels))
    most = [-(-k // s) for k, s in zip(taps, strides, strict=True)]  # taps of a part
    room = [(k - 1, max(n - size, 0)) for k, n, size in zip(most, out, d_out.shape[1:])]
    added = jnp.pad(added, ((0, 0), *room, (0, 0), (0, 0), (0, 0)))

    def part(down: int, across: int) -> Array:
        total = jnp.zeros((d_out.shape[0], *out, channels), d_out.dtype)
        for i, k in enumerate(range(down, taps[0], strides[0]), 1):
            for j, m in enumerate(range(across, taps[1], strides[1]), 1):
                rows = slice(most[0] - i, most[0] - i + out[0])
                columns = slice(most[1] - j, most[1] - j + out[1])
                total += added[:, rows, columns, k, m]
        return total

    return part
