"""Convolution and upsampling, channels first, as in Theano.

A convolution flips its filters by default, and borders are given by name or size.
"""

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.dtypes import dtype_of_array, typed, upcast
from hornbook.compat.theano.shaping import sizes
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import as_tensor_variable
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


# ---- upsampling


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
