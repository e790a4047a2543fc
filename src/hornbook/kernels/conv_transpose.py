"""Transposed convolution, channels last.

XLA convolves the input dilated with zeros, and derives gradients that are a hundred times slower
still inside a loop. Here it is computed as the input gradient of a convolution, from `conv.py`.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import filled, wants_plain
from hornbook.kernels.conv import LAYOUT, has_room, input_gradient, met_by_taps, out_shape

Padding = Sequence[tuple[int, int]]


def plain_conv_transpose(
    x: Array, kernel: Array, strides: Sequence[int], padding: Padding, dilation: Sequence[int]
) -> Array:
    """`lax.conv_transpose`; arguments as for `conv_transpose`."""
    return lax.conv_transpose(
        x,
        kernel,
        strides,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=LAYOUT[x.ndim - 2],
        transpose_kernel=True,
    )


def conv_transpose(
    x: Array, kernel: Array, strides: Sequence[int], padding: Padding, dilation: Sequence[int]
) -> Array:
    """`out[n, s p + d t, o] = sum over channels i of x[n, p, i] kernel[t, o, i]`, cut to size.

    Reverse-mode derivatives of any order work; forward mode (`jax.jvp`) needs `plain()`.

    Args:
        x: `(batch, *spatial, channels)`.
        kernel: `(*taps, filters, channels)`.
        strides: distance between the elements of `x` in the output.
        padding: zeros (before, after) around the dilated `x`, in each dimension.
        dilation: distance between taps.
    """
    plainly = partial(plain_conv_transpose, strides=strides, padding=padding, dilation=dilation)
    if wants_plain() or not filled(x, kernel) or x.ndim > 4 or jax.default_backend() != "cpu":
        return plainly(x, kernel)
    if x.ndim == 3:
        picture, window = x[:, None], ((1, *strides), ((0, 0), *padding), (1, *dilation))
        return conv_transpose(picture, kernel[None], *window)[:, 0]
    reach = [(k - 1) * d for k, d in zip(kernel.shape, dilation, strict=False)]
    pairs = tuple((r - a, max(r - b, 0)) for r, (a, b) in zip(reach, padding, strict=True))
    spread = jax.eval_shape(plainly, x, kernel)
    shape, window = spread.shape, (tuple(strides), pairs, tuple(dilation))
    out = out_shape(spread, kernel.shape[:2], *window)
    if out != x.shape[1:3] or not all(shape):
        return plainly(x, kernel)
    met, window = met_by_taps(shape, out, kernel, *window)
    if not met.size:
        return jnp.zeros(shape, spread.dtype)
    if not has_room(shape, met.shape, out, *window):
        return plainly(x, kernel)
    return input_gradient(*window, shape, met, x)


def transposed_padding(reach: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """Padding (before, after) of the dilated input along one axis.

    Args:
        reach: extent of the dilated kernel, from the first tap to the last, both included.
        stride: stride along the axis.
        padding: "valid" or "same".
        extra: elements added at the end of the output. `None`: as many as make its size
            `size * stride` ("same") or `(size - 1) * stride + max(reach, stride)` ("valid").
    """
    if padding == "valid":
        return reach - 1, reach - 1 + (max(stride - reach, 0) if extra is None else extra)
    total = reach + (stride - 2 if extra is None else reach % 2 - 2 + extra)
    before = min((total + 1) // 2, reach - 1)
    return before, total - before


def output_padding(size: int, reach: int, stride: int, padding: str) -> int:
    """The `extra` of `transposed_padding` that yields a given output size.

    Args:
        size: size of the output along one axis.
        reach, stride, padding: see `transposed_padding`.

    Example:
        >>> output_padding(29, 2, 2, "valid"), output_padding(28, 2, 2, "valid")
        (1, 0)
    """
    if padding == "same":
        return (size - 1) % stride + 1 - reach % 2
    return (size - reach) % stride
