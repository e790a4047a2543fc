"""Convolution, pooling, upsampling and neighbourhoods, channels first, as in Theano.

A convolution flips its filters by default, and borders are given by name or size.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.dtypes import dtype_of_array, typed, upcast
from hornbook.compat.theano.shaping import sizes
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import as_tensor_variable
from hornbook.kernels import pooling
from hornbook.kernels.conv import conv as channels_last_conv


def borders(border_mode, taps):
    """The zero padding before and after each spatial axis.

    Args:
        border_mode: `"valid"`, `"full"`, `"half"`, a size, or a size or pair per axis.
        taps: filter size along each axis, with dilation.

    Raises:
        ValueError: for any other value.

    Example:
        >>> borders("full", (3, 5)), borders((1, (2, 0)), (3, 3))
        (((2, 2), (4, 4)), ((1, 1), (2, 0)))
    """
    named = {"valid": lambda k: 0, "full": lambda k: k - 1, "half": lambda k: k // 2}
    if isinstance(border_mode, str):
        if border_mode not in named:
            raise ValueError(
                f"border_mode is 'valid', 'full', 'half', a size or one for each axis, "
                f"not {border_mode!r}"
            )
        each = [named[border_mode](k) for k in taps]
    elif not isinstance(border_mode, list | tuple) and np.ndim(border_mode) == 0:
        each = [int(border_mode)] * len(taps)
    else:
        each = list(border_mode)
    if len(each) != len(taps):
        raise ValueError(
            f"border_mode {border_mode!r} is not one size for each of {len(taps)} axes"
        )
    pairs = tuple(
        sizes(one) if isinstance(one, list | tuple) else sizes((one, one)) for one in each
    )
    if min(min(pair) for pair in pairs) < 0:
        raise ValueError(f"border_mode {border_mode!r} has a negative size")
    return pairs


def _convolved(input, filters, *hints, **more):
    """The type of a convolution, with the broadcasting of each argument's first axis."""
    input, filters = as_tensor_variable(input), as_tensor_variable(filters)
    dtype = upcast(input.dtype, filters.dtype)
    lead = input.broadcastable[0], filters.broadcastable[0]
    return TensorType(dtype, (*lead, *(False,) * (input.ndim - 2)))


def convolution(
    input,
    filters,
    border_mode="valid",
    subsample=None,
    filter_flip=True,
    filter_dilation=None,
    num_groups=1,
):
    """Convolve over all axes but the first two.

    Args:
        input: `(batch, channels, *spatial)`.
        filters: `(out channels, channels, *taps)`.
        border_mode: see `borders`.
        subsample, filter_dilation: steps along each axis.
        filter_flip: whether to flip the filters, as in the definition of a convolution.
        num_groups: number of groups in a grouped convolution.

    Returns:
        `(batch, out channels, *spatial)`.

    Raises:
        ValueError: if the numbers of axes or channels do not match.
    """
    dtype = upcast(dtype_of_array(input), dtype_of_array(filters))
    x, kernel = jnp.asarray(input, dtype), jnp.asarray(filters, dtype)
    rank = x.ndim - 2
    if kernel.ndim != x.ndim or x.shape[1] != kernel.shape[1] * num_groups:
        raise ValueError(
            f"convolution: filters of shape {kernel.shape} do not fit an input of shape {x.shape}: "
            "(out channels, channels, ...) and (batch, channels, ...)"
        )
    strides = sizes(subsample or (1,) * rank)
    dilation = sizes(filter_dilation or (1,) * rank)
    spatial = tuple(range(2, x.ndim))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[2:], dilation, strict=True)]
    kernel = jnp.flip(kernel, spatial) if filter_flip else kernel
    made = channels_last_conv(
        jnp.moveaxis(x, 1, -1),
        jnp.transpose(kernel, (*spatial, 1, 0)),
        strides,
        borders(border_mode, reach),
        dilation,
        num_groups,
    )
    return jnp.moveaxis(made, -1, 1)


@typed(_convolved)
def conv2d(
    input,
    filters,
    input_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    image_shape=None,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """Convolve images; the shape arguments are optional hints. See `convolution`."""
    _shared_only("conv2d", unshared)
    return convolution(
        input, filters, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )


@typed(_convolved)
def conv2d_old(
    input,
    filters,
    image_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    **hints,
):
    """`theano.tensor.nnet.conv.conv2d`: convolve images, `"valid"` or `"full"`."""
    return convolution(input, filters, border_mode, subsample)


@typed(_convolved)
def conv3d(
    input,
    filters,
    input_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1, 1),
    filter_flip=True,
    filter_dilation=(1, 1, 1),
    num_groups=1,
):
    """Convolve volumes `(batch, channels, depth, rows, columns)`. See `convolution`."""
    return convolution(
        input, filters, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )


@typed(
    lambda signals, filters, *hints, **more: TensorType(
        upcast(signals.dtype, filters.dtype), (False,) * 5
    )
)
def conv3d2d(signals, filters, signals_shape=None, filters_shape=None, border_mode="valid"):
    """Convolve videos.

    Args:
        signals: `(batch, time, channels, rows, columns)`.
        filters: `(out channels, time, channels, rows, columns)`.
        signals_shape, filters_shape: hints.
        border_mode: one for all axes, or one per axis.

    Returns:
        `(batch, time, out channels, rows, columns)`.
    """
    made = convolution(jnp.swapaxes(signals, 1, 2), jnp.swapaxes(filters, 1, 2), border_mode)
    return jnp.swapaxes(made, 1, 2)


@typed(
    lambda input, filters, *hints, **more: TensorType(
        upcast(input.dtype, filters.dtype), (False,) * (input.ndim + filters.ndim - 2)
    )
)
def signal_conv2d(
    input,
    filters,
    image_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    **hints,
):
    """Convolve one or several single-channel images with one or several filters.

    Args:
        input: `(rows, columns)` or `(images, rows, columns)`.
        filters: `(rows, columns)` or `(filters, rows, columns)`.
        image_shape, filter_shape: hints.
        border_mode: `"valid"` or `"full"`.
        subsample: strides.
        hints: ignored; they selected an implementation.

    Returns:
        `(images, filters, rows, columns)`, without axes that the arguments lack.
    """
    x, kernel = jnp.asarray(input), jnp.asarray(filters)
    if x.ndim not in (2, 3) or kernel.ndim not in (2, 3):
        raise ValueError(
            f"signal.conv2d takes arrays of 2 or 3 axes, not {x.ndim} and {kernel.ndim}"
        )
    pictures = x.reshape(-1, 1, *x.shape[-2:])
    made = convolution(pictures, kernel.reshape(-1, 1, *kernel.shape[-2:]), border_mode, subsample)
    return jnp.squeeze(made, [axis for axis, one in enumerate((x, kernel)) if one.ndim == 2])


@typed(
    lambda output_grad, filters, *more, **others: TensorType(
        upcast(output_grad.dtype, filters.dtype), (False,) * output_grad.ndim
    )
)
def grad_wrt_inputs(
    output_grad,
    filters,
    input_shape,
    filter_shape=None,
    border_mode="valid",
    subsample=None,
    filter_flip=True,
    filter_dilation=None,
    num_groups=1,
    unshared=False,
):
    """The gradient of a convolution with respect to its input: a transposed convolution.

    Args:
        output_grad: `(batch, channels, *spatial)`.
        filters: `(channels, out channels, *taps)`.
        input_shape: the shape of the result; the first two may be `None`.
        filter_shape: a hint.
        border_mode, subsample, filter_flip, filter_dilation, num_groups: of the convolution.
        unshared: not supported.
    """
    _shared_only("grad_wrt_inputs", unshared)
    dtype = upcast(dtype_of_array(output_grad), dtype_of_array(filters))
    given, kernel = jnp.asarray(output_grad, dtype), jnp.asarray(filters, dtype)
    known = (given.shape[0], kernel.shape[1] * num_groups)
    shape = sizes([k if s is None else s for s, k in zip(input_shape, known, strict=False)])
    shape += sizes(input_shape[2:])

    def forward(x):
        return convolution(
            x, kernel, border_mode, subsample, filter_flip, filter_dilation, num_groups
        )

    _, back = jax.vjp(forward, jnp.zeros(shape, dtype))
    return back(given)[0]


@typed(
    lambda input, filters, *more, **others: TensorType(
        upcast(input.dtype, filters.dtype), (False,) * 4
    )
)
def conv2d_transpose(
    input,
    filters,
    output_shape,
    filter_shape=None,
    border_mode="valid",
    input_dilation=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """A transposed convolution of images: `grad_wrt_inputs` under other names."""
    return grad_wrt_inputs(
        input,
        filters,
        output_shape,
        filter_shape,
        border_mode,
        input_dilation,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )


@typed(
    lambda input, output_grad, *more, **others: TensorType(
        upcast(input.dtype, output_grad.dtype), (False,) * input.ndim
    )
)
def grad_wrt_weights(
    input,
    output_grad,
    filter_shape,
    input_shape=None,
    border_mode="valid",
    subsample=None,
    filter_flip=True,
    filter_dilation=None,
    num_groups=1,
    unshared=False,
):
    """The gradient of a convolution with respect to its filters, of shape `filter_shape`."""
    _shared_only("grad_wrt_weights", unshared)
    dtype = upcast(dtype_of_array(input), dtype_of_array(output_grad))

    def forward(kernel):
        return convolution(
            input, kernel, border_mode, subsample, filter_flip, filter_dilation, num_groups
        )

    _, back = jax.vjp(forward, jnp.zeros(sizes(filter_shape), dtype))
    return back(jnp.asarray(output_grad, dtype))[0]


@typed(lambda input, *more, **others: TensorType(input.dtype, (False,) * 4))
def separable_conv2d(
    input,
    depthwise_filters,
    pointwise_filters,
    num_channels,
    input_shape=None,
    depthwise_filter_shape=None,
    pointwise_filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
):
    """A depthwise convolution, then a pointwise one."""
    each = convolution(
        input, depthwise_filters, border_mode, subsample, filter_flip, filter_dilation, num_channels
    )
    return convolution(each, pointwise_filters, filter_flip=filter_flip)


@typed(lambda input, *more, **others: TensorType(input.dtype, (False,) * 3))
def causal_conv1d(
    input,
    filters,
    filter_shape=None,
    input_shape=None,
    subsample=1,
    filter_flip=True,
    filter_dilation=1,
    num_groups=1,
    unshared=False,
):
    """A causal convolution of `(batch, channels, steps)`."""
    _shared_only("causal_conv1d", unshared)
    before = (filters.shape[-1] - 1) * filter_dilation
    return convolution(
        input, filters, ((before, 0),), (subsample,), filter_flip, (filter_dilation,), num_groups
    )


def _shared_only(name, unshared):
    if unshared:
        raise NotImplementedError(
            f"{name}: unshared filters are not supported; use LocallyConnected2D"
        )


def get_conv_output_shape(image_shape, kernel_shape, border_mode, subsample, filter_dilation=None):
    """The output shape of a convolution; `None` where a size is unknown."""
    rank = len(image_shape) - 2
    dilation = filter_dilation or (1,) * rank
    reach = [None if k is None else (k - 1) * d + 1 for k, d in zip(kernel_shape[2:], dilation)]
    pairs = borders(border_mode, [k or 1 for k in reach])
    spatial = [
        None if n is None or k is None else (n + sum(pair) - k) // step + 1
        for n, k, pair, step in zip(image_shape[2:], reach, pairs, subsample, strict=True)
    ]
    return (image_shape[0], kernel_shape[0], *spatial)


# ---- pooling


def _pool_type(x, rank):
    return TensorType(x.dtype, (*x.broadcastable[:-rank], *(False,) * rank))


def pool(x, ws, ignore_border, stride, pad, mode):
    """The maximum, sum or mean of windows over the last axes.

    Args:
        x: an array.
        ws, stride, pad: one size per pooled axis.
        ignore_border: whether to drop windows that extend beyond the end.
        mode: `"max"`, `"sum"`, `"average_inc_pad"` (padding counts as zeros) or
            `"average_exc_pad"`.

    Raises:
        ValueError: for any other mode, or padding without `ignore_border`.
    """
    if mode not in ("max", "sum", "average_inc_pad", "average_exc_pad"):
        raise ValueError(
            f"pooling: mode is 'max', 'sum', 'average_inc_pad' or 'average_exc_pad', not {mode!r}"
        )
    if not ignore_border and any(pad):
        raise ValueError("pooling: padding needs ignore_border=True")
    rank = len(ws)
    lead = x.shape[:-rank]
    channels = lead[-1] if lead else 1
    rows = jnp.moveaxis(x.reshape(-1, channels, *x.shape[-rank:]), 1, -1)
    inside = [n + 2 * p for n, p in zip(x.shape[-rank:], pad, strict=True)]
    after = [0 if ignore_border else _missing(*one) for one in zip(inside, ws, stride, strict=True)]

    def filled(array, value, sides):
        widths = [(0, 0), *sides, (0, 0)]
        return jnp.pad(array, widths, constant_values=value)

    own = [(p, p) for p in pad]
    sides = [(p, p + more) for p, more in zip(pad, after, strict=True)]
    if mode == "max":
        lowest = -jnp.inf if rows.dtype.kind == "f" else jnp.iinfo(rows.dtype).min
        made = pooling.max_pool(filled(rows, lowest, sides), ws, stride, "valid")
    else:
        made = _windows(filled(rows, 0, sides), ws, stride)
        if mode != "sum":
            ones = jnp.ones((1, *rows.shape[1:-1], 1), rows.dtype)
            if mode == "average_inc_pad":
                ones = filled(ones, 1, own)
                sides = [(0, more) for more in after]
            made = made / _windows(filled(ones, 0, sides), ws, stride)
    return jnp.moveaxis(made, -1, 1).reshape(*lead, *made.shape[1:-1])


def _windows(x, ws, stride):
    return pooling.avg_pool(x, ws, stride, "valid") * math.prod(ws)


def _missing(size, window, step):
    """The padding needed for the last, partial window of an axis."""
    if step >= window:
        count = (size - 1) // step + 1
    else:
        count = max(0, (size - 1 - window + step) // step) + 1
    return max(0, (count - 1) * step + window - size)


def _pooled(name, rank, input, ws, ignore_border, stride, pad, mode, ds, st, padding):
    ws, stride = ws if ds is None else ds, stride if st is None else st
    pad = pad if padding is None else padding
    if ws is None:
        raise ValueError(f"{name} needs `ws` (once `ds`), the size of a window")
    window = _each(ws, rank)
    step = window if stride is None else _each(stride, rank)
    return pool(jnp.asarray(input), window, bool(ignore_border), step, _each(pad, rank), mode)


def _each(size, rank):
    found = sizes(size)
    return found * rank if len(found) == 1 else found


@typed(lambda input, *more, **others: _pool_type(input, 2))
def pool_2d(
    input,
    ws=None,
    ignore_border=None,
    stride=None,
    pad=(0, 0),
    mode="max",
    ds=None,
    st=None,
    padding=None,
):
    """Pooling over the last two axes; see `pool`. `ds`, `st`, `padding` are the older names."""
    return _pooled("pool_2d", 2, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


@typed(lambda input, *more, **others: _pool_type(input, 3))
def pool_3d(
    input,
    ws=None,
    ignore_border=None,
    stride=None,
    pad=(0, 0, 0),
    mode="max",
    ds=None,
    st=None,
    padding=None,
):
    """Pooling over the last three axes; see `pool`."""
    return _pooled("pool_3d", 3, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


@typed(lambda input, *more, **others: _pool_type(input, 2))
def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
    """`theano.tensor.signal.downsample.max_pool_2d`, the older name of `pool_2d`."""
    return pool_2d(input, ds, ignore_border, st, padding, mode)


@typed(lambda input, *more, **others: input.type)
def max_pool_2d_same_size(input, patch_size):
    """Keep the maximum of each window of the last two axes in place and zero the rest."""
    x, window = jnp.asarray(input), sizes(patch_size)
    made = pool(x, window, False, window, (0, 0), "max")
    for axis, size in zip((-2, -1), window, strict=True):
        made = jnp.repeat(made, size, axis)
    return jnp.where(x == made[..., : x.shape[-2], : x.shape[-1]], x, 0)


# ---- cuDNN's names


@typed(lambda img, kerns, *more, **others: _convolved(img, kerns))
def dnn_conv(
    img,
    kerns,
    border_mode="valid",
    subsample=(1, 1),
    conv_mode="conv",
    direction_hint=None,
    **hints,
):
    """Convolve; `conv_mode="cross"` does not flip the filters."""
    return convolution(img, kerns, border_mode, subsample, conv_mode == "conv")


@typed(lambda img, ws, *more, **others: _pool_type(img, len(ws)))
def dnn_pool(img, ws, stride=None, mode="max", pad=None):
    """Pool images or volumes, ignoring borders; `mode`: `"max"`, `"average_inc_pad"`, ..."""
    rank = len(ws)
    return pool(
        jnp.asarray(img),
        sizes(ws),
        True,
        sizes(stride or (1,) * rank),
        sizes(pad or (0,) * rank),
        mode,
    )


# ---- neighbourhoods and upsampling


@typed(lambda ten4, *more, **others: TensorType(ten4.dtype, (False, False)))
def images2neibs(ten4, neib_shape, neib_step=None, mode="valid"):
    """Extract windows of images as rows.

    Args:
        ten4: `(batch, channels, rows, columns)`.
        neib_shape: rows and columns of a window.
        neib_step: steps between windows; default: no overlap.
        mode: `"valid"`, `"ignore_borders"`, `"half"`, `"full"` or `"wrap_centered"`.

    Returns:
        `(windows, elements per window)`.

    Raises:
        ValueError: for any other mode, or if the windows do not fit and the mode does not crop.
    """
    x, window = jnp.asarray(ten4), sizes(neib_shape)
    step = window if neib_step is None else sizes(neib_step)
    pads = {"half": [k // 2 for k in window], "full": [k - 1 for k in window]}
    if mode not in ("valid", "ignore_borders", "wrap_centered", *pads):
        raise ValueError(f"images2neibs has no mode {mode!r}")
    pad = pads.get(mode, [0, 0])
    x = jnp.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    places = [
        _places(size, k, by, mode) for size, k, by in zip(x.shape[2:], window, step, strict=True)
    ]
    taken = jnp.take(jnp.take(x, places[1], 3), places[0], 2)  # batch, channels, i, k, j, l
    return jnp.swapaxes(taken, 3, 4).reshape(-1, math.prod(window))


def _places(size, window, step, mode):
    """The indices of each window along one axis."""
    within = np.arange(window)
    if mode == "wrap_centered":
        starts = np.arange(-(-size // step)) * step - window // 2
        return (starts[:, None] + within) % size
    left = size - window
    if left < 0 or (mode != "ignore_borders" and left % step):
        raise ValueError(
            f"images2neibs: windows of {window} in steps of {step} do not fit {size} elements "
            f"in mode {mode!r}"
        )
    return np.arange(left // step + 1)[:, None] * step + within


@typed(lambda neibs, *more, **others: TensorType(neibs.dtype, (False,) * 4))
def neibs2images(neibs, neib_shape, original_shape, mode="valid"):
    """The inverse of `images2neibs`, for windows that do not overlap."""
    (c, d), (batch, channels, rows, columns) = sizes(neib_shape), sizes(original_shape)
    if mode not in ("valid", "ignore_borders"):
        raise ValueError(f"neibs2images: mode is 'valid' or 'ignore_borders', not {mode!r}")
    blocks = jnp.reshape(neibs, (batch, channels, rows // c, columns // d, c, d))
    whole = jnp.swapaxes(blocks, 3, 4).reshape(batch, channels, rows // c * c, columns // d * d)
    return jnp.pad(whole, [(0, 0), (0, 0), (0, rows % c), (0, columns % d)])


def bilinear_kernel_1D(ratio, normalize=True):
    """The triangular weights of a linear interpolation."""
    ratio = sizes((ratio,))[0]
    rise = np.arange(1, ratio + 1, dtype=None)
    kernel = np.concatenate([rise, rise[-2::-1]])
    return jnp.asarray(kernel / ratio if normalize else kernel)


def bilinear_kernel_2D(ratio, normalize=True):
    """The weights of a bilinear interpolation of images."""
    down, across = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    return bilinear_kernel_1D(down, normalize)[:, None] * bilinear_kernel_1D(across, normalize)


@typed(
    lambda input, *more, **others: TensorType(input.dtype, (*input.broadcastable[:2], False, False))
)
def bilinear_upsampling(
    input,
    ratio=None,
    frac_ratio=None,
    batch_size=None,
    num_input_channels=None,
    use_1D_kernel=True,
):
    """Upsample images `ratio` times by bilinear interpolation, repeating the edges."""
    if frac_ratio is not None or ratio is None:
        raise NotImplementedError("bilinear_upsampling: `ratio` must be an integer")
    x, ratio = jnp.asarray(input), sizes((ratio,))[0]
    rows, columns = x.shape[2:]
    edged = jnp.pad(x.reshape(-1, 1, rows, columns), [(0, 0), (0, 0), (1, 1), (1, 1)], "edge")
    border = 2 * ratio - (ratio - 1) // 2 - 1
    kernel = bilinear_kernel_2D(ratio).astype(x.dtype)[None, None]
    shape = (None, None, rows * ratio, columns * ratio)
    made = grad_wrt_inputs(edged, kernel, shape, None, (border, border), (ratio, ratio))
    return made.reshape(*x.shape[:2], rows * ratio, columns * ratio)
