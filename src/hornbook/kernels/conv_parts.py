"""The gradient of a convolution for its input, in parts, by compiled kernels.

With strides, numbers of the input that are a multiple of them apart meet the same taps. So they are
a part of their own: the output's gradient, convolved with these taps turned round, without strides
and without zeros in between. The parts lie between each other in the end.

Few channels leave the columns of a product empty. There the taps become columns, too: a product
gives what each tap adds, and a part is a sum of it, each tap's shifted by as much as it is away.
"""

import itertools
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import native
from hornbook.kernels.product import product

FEW, ENOUGH = 4, 8  # channels to get, channels that are summed over

Pair = tuple[int, int]


def few(channels: int, summed: int) -> bool:
    """Whether there are too few channels to fill the columns of a product."""
    return channels <= FEW and summed >= ENOUGH


def gradient_in_parts(
    strides: Pair, before: Pair, shape: tuple[int, ...], kernel: Array, d_out: Array
) -> Array:
    """The gradient for an input of a shape, `(batch, height, width, channels)`.

    Args:
        strides: down and across.
        before: padding above and on the left.
        kernel: `(*taps, channels, filters)`.
        d_out: the gradient of the output, `(batch, *pixels, filters)`.
    """
    each = zip(shape[1:-1], before, strides, strict=True)
    height, width = ((n - 1 + b) // s + 1 for n, b, s in each)
    out = height, width
    how = _by_sums if few(*kernel.shape[2:]) else _by_convolution
    part = how(strides, out, kernel, d_out)
    parts = [part(*first) for first in itertools.product(*map(range, strides))]
    apart = jnp.stack(parts).reshape(*strides, *parts[0].shape).transpose(2, 3, 0, 4, 1, 5)
    whole = apart.reshape(shape[0], height * strides[0], width * strides[1], shape[-1])
    rows, columns = (slice(b, b + n) for b, n in zip(before, shape[1:-1], strict=True))
    return whole[:, rows, columns]


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
