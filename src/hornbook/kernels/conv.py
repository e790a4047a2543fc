"""Convolution, channels last, in one, two or three spatial dimensions."""

from collections.abc import Sequence

from jax import Array, lax

Padding = str | Sequence[tuple[int, int]]

_LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def plain_conv(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """Convolution by `lax.conv_general_dilated`; arguments as for `conv`."""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=tuple(strides),
        padding=_pairs(x, kernel, strides, padding, dilation),
        rhs_dilation=tuple(dilation),
        dimension_numbers=_LAYOUT[x.ndim - 2],
        feature_group_count=groups,
    )


def conv(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """Convolution: `out[n, p, o] = sum over taps t, channels i of x[n, s p + d t, i] kernel[t, i, o]`.

    Args:
        x: `(batch, *spatial, channels)`.
        kernel: `(*taps, channels / groups, filters)`.
        strides, dilation: one integer for each spatial dimension.
        padding: "valid", "same", "causal" (one dimension), or pairs (before, after).
        groups: groups of channels, each convolved with its own filters.
    """
    return plain_conv(x, kernel, strides, padding, dilation, groups)


def _pairs(x, kernel, strides, padding, dilation) -> tuple[tuple[int, int], ...]:
    """Padding (before, after) of each spatial dimension."""
    if not isinstance(padding, str):
        return tuple((int(a), int(b)) for a, b in padding)
    reach = [(k - 1) * d for k, d in zip(kernel.shape[:-2], dilation, strict=True)]
    if padding == "valid":
        return tuple((0, 0) for _ in reach)
    if padding == "causal":
        return tuple((r, 0) for r in reach)
    pairs = []
    for n, s, r in zip(x.shape[1:-1], strides, reach, strict=True):
        total = max((-(-n // s) - 1) * s + r + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)
