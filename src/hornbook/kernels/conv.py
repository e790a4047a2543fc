"""Convolution, channels last, in one, two or three spatial dimensions, with fast gradients on CPUs.

XLA's forward convolution is fast on a CPU if its operands have the layout it expects. The two
gradients that jax derives are convolutions whose operands do not: inside a loop, such as one over
training steps, they become scalar code that is a hundred times slower. Here both are forward
convolutions of operands that are reordered first:

- for the input: the output gradient, dilated by the strides, convolved with the flipped kernel;
- for the kernel: the input convolved with the output gradient, with batch and channels swapped, a
  few samples at a time.

An input of one channel (grayscale images) leaves a convolution only the taps to sum over: it is
computed as im2col and one product.

Narrow floats are computed in float32 and rounded: XLA has no convolution for them on a CPU, and
takes up to a hundred times as long.

Other devices use XLA's own gradients.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import filled, native, wants_plain
from hornbook.kernels.conv_parts import few, gradient_in_parts
from hornbook.kernels.product import product, wide

Padding = str | Sequence[tuple[int, int]]
Pairs = tuple[tuple[int, int], ...]

ROOM = 1 << 22  # elements of a padded image that are always affordable
SAMPLES = 16  # per convolution of the kernel gradient, so that they stay in cache
FEW_TAPS = 32  # most taps for which one channel is computed by im2col
LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def plain_conv(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """Convolution by `lax.conv_general_dilated`; arguments as for `conv`."""
    if padding == "causal":
        padding = [((kernel.shape[0] - 1) * dilation[0], 0)]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=tuple(strides),
        padding=padding.upper() if isinstance(padding, str) else padding,
        rhs_dilation=tuple(dilation),
        dimension_numbers=LAYOUT[x.ndim - 2],
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
    """`out[n, p, o] = sum over taps t and channels i of x[n, s p + d t, i] kernel[t, i, o]`.

    Reverse-mode derivatives of any order work; forward mode (`jax.jvp`) needs `plain()`.

    Args:
        x: `(batch, *spatial, channels)`.
        kernel: `(*taps, channels / groups, filters)`.
        strides, dilation: one integer for each spatial dimension.
        padding: "valid", "same", "causal" (one dimension), or pairs (before, after).
        groups: groups of channels, each convolved with its own filters.
    """
    whole = partial(plain_conv, x, kernel, strides, padding, dilation, groups)
    if wants_plain() or not filled(x, kernel) or jax.default_backend() != "cpu":
        return whole()
    pairs = _pairs(x, kernel, strides, padding, dilation)
    out = out_shape(x, kernel.shape[:-2], strides, pairs, dilation)
    if any(n <= 0 for n in out):
        return whole()
    kernel, window = met_by_taps(x.shape, out, kernel, strides, pairs, dilation)
    if not kernel.size:
        shape = x.shape[0], *out, kernel.shape[-1]
        return jnp.zeros(shape, jnp.promote_types(x.dtype, kernel.dtype))
    if not has_room(x.shape, kernel.shape, out, *window):
        return whole()
    if groups == 1:
        return _ungrouped(*window, x, kernel)
    if kernel.shape[-2] == 1:
        return _widened(_depthwise)(*window, x, kernel)
    parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
    return jnp.concatenate([_ungrouped(*window, a, k) for a, k in parts], axis=-1)


def conv_bias_relu(
    x: Array,
    kernel: Array,
    bias: Array,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """`max(conv(x, kernel) + bias, 0)`, in one pass if there is a compiled kernel.

    Args:
        bias: `(filters,)`; the others are those of `conv`.
    """
    slides = x.ndim < 5 and x.shape[-1] > 1 and math.prod(kernel.shape[:-2]) > 1
    if groups == 1 and slides and native.suits(x, kernel, bias) and not wants_plain():
        pairs = _pairs(x, kernel, strides, padding, dilation)
        if x.ndim == 3:
            strides, pairs, dilation = (1, *strides), ((0, 0), *pairs), (1, *dilation)
            picture = conv_bias_relu(x[:, None], kernel[None], bias, strides, pairs, dilation)
            return picture[:, 0]
        out = out_shape(x, kernel.shape[:-2], strides, pairs, dilation)
        if all(n > 0 for n in out):
            met, window = met_by_taps(x.shape, out, kernel, strides, pairs, dilation)
            if met.size and has_room(x.shape, met.shape, out, *window):
                return _conv_bias_relu(*window, x, met, bias)
    return jax.nn.relu(conv(x, kernel, strides, padding, dilation, groups) + bias)


def _ungrouped(strides, pairs, dilation, x, kernel):
    if all(k == 1 for k in kernel.shape[:-2]) and not any(map(any, pairs)):
        window = tuple(slice(None, None, s) for s in strides)
        # Without the barrier XLA computes x once for the product and again for each other use.
        x = lax.optimization_barrier(x)
        return product(x[:, *window], kernel.reshape(kernel.shape[-2:]))
    if x.shape[-1] == 1 and math.prod(kernel.shape[:-2]) <= FEW_TAPS:
        windows = [window for _, window in _taps(x, kernel.shape[:-2], strides, pairs, dilation)]
        beside = lax.optimization_barrier(jnp.concatenate(windows, axis=-1))
        return product(beside, kernel.reshape(beside.shape[-1], kernel.shape[-1]))
    if len(strides) == 1 and native.suits(x, kernel):
        (pair,), picture = pairs, x[:, None]
        return _conv((1, *strides), ((0, 0), pair), (1, *dilation), picture, kernel[None])[:, 0]
    if len(strides) < 3:
        return _conv(strides, pairs, dilation, x, kernel)
    # three dimensions: a 2-D convolution for each tap along the first one
    first, rest = slice(0, 1), slice(1, None)
    total = 0
    outer = strides[first], pairs[first], dilation[first]
    for (i,), shifted in _taps(x, kernel.shape[:1], *outer):
        images = shifted.reshape(math.prod(shifted.shape[:2]), *shifted.shape[2:])
        part = _conv(strides[rest], pairs[rest], dilation[rest], images, kernel[i])
        total += part.reshape(*shifted.shape[:2], *part.shape[1:])
    return total


# --- the convolution and its two gradients; the gradients of each are the other two ---------------


def _widened(function: Callable) -> Callable:
    """A function whose last two arguments are arrays, computed in float32 if they are narrower."""

    @wraps(function)
    def call(*args):
        *how, a, b = args
        dtype = jnp.promote_types(a.dtype, b.dtype)
        return function(*how, a.astype(wide(dtype)), b.astype(wide(dtype))).astype(dtype)

    return call


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
@_widened
def _conv(strides, pairs, dilation, x, kernel):
    if _compiled(x, kernel):
        out = out_shape(x, kernel.shape[:-2], strides, pairs, dilation)
        before = tuple(k - 1 - b for k, (b, _) in zip(kernel.shape, pairs, strict=False))
        if {*strides, *dilation} == {1} and few(*kernel.shape[:1:-1]) and min(before) >= 0:
            turned = _turned(kernel).swapaxes(-1, -2)
            return gradient_in_parts((1, 1), before, (len(x), *out, turned.shape[2]), turned, x)
        return native.conv(x, kernel, strides, _first(pairs), dilation, out)
    return plain_conv(x, kernel, strides, pairs, dilation)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
@_widened
def input_gradient(strides, pairs, dilation, shape, kernel, d_out):
    sizes = kernel.shape[:-2], strides, pairs, dilation, d_out.shape[1:]
    padding = _input_gradient_padding(shape, *sizes)
    if _compiled(d_out, kernel):
        if set(dilation) == {1} and (math.prod(strides) > 1 or few(*kernel.shape[2:])):
            return gradient_in_parts(strides, _first(pairs), shape, kernel, d_out)
        spread = _spread(d_out, strides)
        return native.conv(
            spread, kernel, (1, 1), _first(padding), dilation, shape[1:-1], turned=True
        )
    # Without the barrier XLA folds the flip into the convolution and takes the slow path.
    turned = lax.optimization_barrier(_turned(kernel).swapaxes(-1, -2))
    return lax.conv_general_dilated(
        d_out,
        turned,
        window_strides=(1,) * len(strides),
        padding=padding,
        lhs_dilation=strides,
        rhs_dilation=dilation,
        dimension_numbers=LAYOUT[len(strides)],
    )


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
@_widened
def _kernel_gradient(strides, pairs, dilation, taps, x, d_out):
    if _compiled(x, d_out):
        return native.conv_kernel(x, d_out, strides, _first(pairs), dilation, taps)

    def gradient(x, d_out):
        x = lax.optimization_barrier(jnp.swapaxes(x, 0, -1))
        d_out = lax.optimization_barrier(jnp.moveaxis(d_out, 0, -2))
        # strides and dilation swap roles
        out = plain_conv(x, d_out, dilation, pairs, strides)
        return jnp.moveaxis(out[:, *map(slice, taps)], 0, -2)

    size = len(x) if x.size <= 1 << 16 else SAMPLES
    chunks = len(x) // size
    if chunks <= 1:
        return gradient(x, d_out)

    def add(i, total):
        part = (lax.dynamic_slice_in_dim(a, i * size, size) for a in (x, d_out))
        return total + gradient(*part)

    total = jnp.zeros((*taps, x.shape[-1], d_out.shape[-1]), x.dtype)
    if size * chunks < len(x):
        total += gradient(x[size * chunks :], d_out[size * chunks :])
    return lax.fori_loop(0, chunks, add, total)


def _conv_backward(strides, pairs, dilation, residuals, d_out):
    x, kernel = residuals
    window = strides, pairs, dilation
    return (
        input_gradient(*window, x.shape, kernel, d_out),
        _kernel_gradient(*window, kernel.shape[:-2], x, d_out),
    )


def _input_gradient_backward(strides, pairs, dilation, shape, residuals, d):
    kernel, d_out = residuals
    window = strides, pairs, dilation
    return _kernel_gradient(*window, kernel.shape[:-2], d, d_out), _conv(*window, d, kernel)


def _kernel_gradient_backward(strides, pairs, dilation, taps, residuals, d):
    x, d_out = residuals
    window = strides, pairs, dilation
    return input_gradient(*window, x.shape, d, d_out), _conv(*window, x, d)


def _keep(function):
    """The forward rule for `defvjp`: the value, and the last two arguments as residuals."""
    return lambda *args: (function(*args), args[-2:])


for _function, _backward in (
    (_conv, _conv_backward),
    (input_gradient, _input_gradient_backward),
    (_kernel_gradient, _kernel_gradient_backward),
):
    _function.defvjp(_keep(_function), _backward)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _conv_bias_relu(strides, pairs, dilation, x, kernel, bias):
    out = out_shape(x, kernel.shape[:-2], strides, pairs, dilation)
    return native.conv(x, kernel, strides, _first(pairs), dilation, out, bias=bias)


def _conv_bias_relu_forward(strides, pairs, dilation, x, kernel, bias):
    out = _conv_bias_relu(strides, pairs, dilation, x, kernel, bias)
    return out, (x, kernel, out)


def _conv_bias_relu_backward(strides, pairs, dilation, residuals, d_out):
    *operands, out = residuals
    d_out, d_bias = _cut(d_out, out)
    return *_conv_backward(strides, pairs, dilation, operands, d_out), d_bias


_conv_bias_relu.defvjp(_conv_bias_relu_forward, _conv_bias_relu_backward)


@jax.custom_vjp
def _cut(d, out):
    """The gradient through relu, and the bias gradient."""
    return native.cut(d, out)


def _cut_backward(out, gradients):
    d_cut, d_sums = gradients
    return jnp.where(out > 0, d_cut + d_sums, 0), jnp.zeros_like(out)


_cut.defvjp(lambda d, out: (_cut(d, out), out), _cut_backward)


def _compiled(x: Array, other: Array) -> bool:
    """Whether a compiled kernel takes these operands."""
    return x.ndim == 4 and native.suits(x, other)


def _first(pairs: Pairs) -> tuple[int, ...]:
    return tuple(before for before, _ in pairs)


def _spread(d_out: Array, strides: Sequence[int]) -> Array:
    """The output gradient dilated by the strides."""
    if all(s == 1 for s in strides):
        return d_out
    between = [(0, 0, 0), *((0, 0, s - 1) for s in strides), (0, 0, 0)]
    return lax.pad(d_out, jnp.zeros((), d_out.dtype), between)


def _input_gradient_padding(shape, taps, strides, pairs, dilation, out) -> Pairs:
    """The padding of the dilated output gradient that makes the result have the shape of x."""
    sizes = zip(shape[1:], taps, strides, pairs, dilation, out, strict=False)
    return tuple(
        ((k - 1) * d - before, n - ((m - 1) * s + 1) + before)
        for n, k, s, (before, _), d, m in sizes
    )


def _turned(kernel: Array) -> Array:
    return jnp.flip(kernel, tuple(range(kernel.ndim - 2)))


# --- depthwise: a sum over taps of products, which XLA fuses into one kernel ---------------------


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _depthwise(strides, pairs, dilation, x, kernel):
    *taps, _, filters = kernel.shape
    many = filters // x.shape[-1]
    columns = []
    for j in range(many):
        windows = _taps(x, taps, strides, pairs, dilation)
        columns.append(sum(window * kernel[i][0, j::many] for i, window in windows))
    if many == 1:
        return columns[0]
    return jnp.stack(columns, axis=-1).reshape(*columns[0].shape[:-1], filters)


def _depthwise_forward(strides, pairs, dilation, x, kernel):
    return _depthwise(strides, pairs, dilation, x, kernel), (x, kernel)


def _depthwise_backward(strides, pairs, dilation, residuals, d_out):
    x, kernel = residuals
    *taps, _, filters = kernel.shape
    channels = x.shape[-1]

    padding = _input_gradient_padding(x.shape, taps, strides, pairs, dilation, d_out.shape[1:])
    spread = [(a, b, s - 1) for (a, b), s in zip(padding, strides, strict=True)]
    spread = lax.pad(d_out, jnp.zeros((), d_out.dtype), ((0, 0, 0), *spread, (0, 0, 0)))
    turned, many = _turned(kernel), filters // channels
    ones, none = (1,) * len(taps), ((0, 0),) * len(taps)
    windows = _taps(spread, taps, ones, none, dilation)
    d_x = sum(w[..., j::many] * turned[i][0, j::many] for i, w in windows for j in range(many))
    of_kernel = partial(_depthwise_kernel_gradient, strides, pairs, dilation, tuple(taps))
    if many == 1 and _compiled(x, d_out):
        window = strides, _first(pairs), dilation, tuple(taps)
        d_kernel = native.differentiated_as(
            of_kernel, lambda x, d_out: native.depthwise_kernel(x, d_out, *window), x, d_out
        )
    else:
        d_kernel = of_kernel(x, d_out)
    return d_x, d_kernel.reshape(kernel.shape).astype(kernel.dtype)


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _depthwise_kernel_gradient(strides, pairs, dilation, taps, x, d_out):
    channels, sum_dtype = x.shape[-1], jnp.promote_types(x.dtype, jnp.float32)

    def add(total, sample):  # one sample at a time, so that no larger temporary is materialized
        x, d_out = sample
        d_out = d_out.reshape(*d_out.shape[:-1], channels, d_out.shape[-1] // channels)
        parts = [
            jnp.sum(window[0, ..., None] * d_out, tuple(range(d_out.ndim - 2)), sum_dtype)
            for _, window in _taps(x[None], taps, strides, pairs, dilation)
        ]
        return total + jnp.stack(parts), None

    total = jnp.zeros((math.prod(taps), channels, d_out.shape[-1] // channels), sum_dtype)
    return lax.scan(add, total, (x, d_out))[0].reshape(*taps, d_out.shape[-1])


# --- helpers ------------------------------------------------------------------------------------


def met_by_taps(
    shape, out, kernel, strides, pairs, dilation
) -> tuple[Array, tuple[tuple[int, ...], Pairs, tuple[int, ...]]]:
    """The kernel without outer taps that only meet padding, and the smallest window that fits it.

    The window is strides, padding and dilation. The kernel is empty if no tap meets an element.

    Args:
        shape: shape of the input, `(batch, *spatial, channels)`.
        out: height and width of the output.
        kernel, strides, pairs, dilation: as for `conv`, padding as pairs.
    """
    kept, window = [], []
    sizes = zip(shape[1:], out, kernel.shape, strides, pairs, dilation, strict=False)
    for n, m, k, s, (before, after), d in sizes:
        starts = enumerate(range(-before, k * d - before, d))  # of each tap, at the first pixel
        met = [tap for tap, at in starts if max(at, at % s) < min(n, at + m * s)] or [0, -1]
        first, last = met[0], met[-1]
        kept.append(slice(first or None, last + 1))
        pair = before - first * d, after - (k - 1 - last) * d
        window.append((min(s, max(n + sum(pair), 1)), pair, d if last > first else 1))
    if any(part != slice(k) for part, k in zip(kept, kernel.shape, strict=False)):
        kernel = kernel[*kept]
    s, pairs, d = zip(*window, strict=True)
    return kernel, (s, pairs, d)


def has_room(shape, taps, out, strides, pairs, dilation) -> bool:
    """Whether the padded image is not much larger than the image and the output together."""
    numbers = math.prod(shape[1:]) + math.prod(out) * taps[-1]
    sizes = zip(out, taps, strides, dilation, strict=False)
    framed = math.prod((m - 1) * s + (k - 1) * d + 1 for m, k, s, d in sizes) * shape[-1]
    return framed <= max(ROOM, 4 * numbers)


def _pairs(x, kernel, strides, padding, dilation) -> Pairs:
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


def out_shape(x, taps, strides, pairs, dilation) -> tuple[int, ...]:
    """Spatial shape of the output, over the first `len(taps)` spatial dimensions."""
    sizes = zip(x.shape[1:], taps, strides, pairs, dilation, strict=False)
    return tuple((n + a + b - (k - 1) * d - 1) // s + 1 for n, k, s, (a, b), d in sizes)


def _taps(x, taps, strides, pairs, dilation) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each tap's index, and the part of the padded input that it multiplies."""
    out = out_shape(x, taps, strides, pairs, dilation)
    around = [(0, 0), *pairs, *[(0, 0)] * (x.ndim - 1 - len(pairs))]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(a, b, 0) for a, b in around])
    for index in itertools.product(*map(range, taps)):
        start = [i * d for i, d in zip(index, dilation, strict=True)]
        ranges = zip(start, out, strides, strict=True)
        yield index, x[:, *(slice(a, a + (n - 1) * s + 1, s) for a, n, s in ranges)]
