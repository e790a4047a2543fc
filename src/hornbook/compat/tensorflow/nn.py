"""`tf.nn`: layers as functions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops, random
from hornbook.core.symbolic import op


def _layout(data_format: str | None) -> str:
    """Keras's name of an order of axes such as `"NHWC"`."""
    first = data_format is not None and not data_format.endswith("C")
    return "channels_first" if first else "channels_last"


def _spatial(value: Any, axes: int, layout: str) -> Any:
    """The sizes along the spatial axes, from a number or a list of 1, of theirs, or of all axes."""
    if value is None:
        return 1
    numbers = [int(one) for one in np.ravel(value)]
    if len(numbers) == axes + 2:
        numbers = numbers[2:] if layout == "channels_first" else numbers[1:-1]
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _explicit(input: Any, padding: Any) -> tuple[Any, str]:
    """The input and the name of its padding; numbers are padded here."""
    if isinstance(padding, str):
        return input, padding.lower()
    pads = [tuple(map(int, one)) for one in padding]
    return ops.pad(input, pads), "valid"


def _convolution(function: Callable, axes: int, doc: str) -> Callable:
    def convolve(
        input: Any,
        filters: Any,
        strides: Any = 1,
        padding: Any = "VALID",
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
    ) -> Any:
        layout = _layout(data_format)
        x, how = _explicit(input, padding)
        steps, rate = _spatial(strides, axes, layout), _spatial(dilations, axes, layout)
        return function(x, filters, steps, how, layout, rate)

    convolve.__doc__ = doc
    return convolve


conv1d = _convolution(ops.conv, 1, "Convolution of sequences.")
conv2d = _convolution(ops.conv, 2, "Convolution of pictures.")
conv3d = _convolution(ops.conv, 3, "Convolution of volumes.")
depthwise_conv2d = _convolution(
    ops.depthwise_conv, 2, "Convolution of each channel of pictures by itself."
)


def convolution(input: Any, filters: Any, *args: Any, **options: Any) -> Any:
    """Convolution along 1 to 3 axes."""
    return {3: conv1d, 4: conv2d, 5: conv3d}[len(input.shape)](input, filters, *args, **options)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution of each channel by itself, then across channels."""
    found = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(found, pointwise_filter, 1, "VALID", data_format)


def _transposed(axes: int, doc: str) -> Callable:
    def convolve(
        input: Any,
        filters: Any,
        output_shape: Any,
        strides: Any,
        padding: str = "SAME",
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
    ) -> Any:
        layout = _layout(data_format)
        step, rate, out = (
            _spatial(one, axes, layout) for one in (strides, dilations, output_shape)
        )
        each = [(one,) * axes if isinstance(one, int) else one for one in (step, rate, out)]
        x = ops.moveaxis(input, 1, -1) if layout == "channels_first" else input
        found = _back(x, filters, each[0], each[1], each[2], padding.upper())
        return ops.moveaxis(found, -1, 1) if layout == "channels_first" else found

    convolve.__doc__ = doc
    return convolve


@op
def _back(
    x: Any, kernel: Any, steps: tuple = (), rates: tuple = (), sizes: tuple = (), padding: str = ""
) -> jax.Array:
    """The transpose of the convolution whose input has these sizes."""
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    pads = []
    for n, k, s, r, size in zip(x.shape[1:-1], kernel.shape, steps, rates, sizes, strict=False):
        reach = (k - 1) * r + 1
        cut = max((n - 1) * s + reach - size, 0) // 2 if padding == "SAME" else 0
        low = reach - 1 - cut
        pads.append((low, size - (n - 1) * s - 1 - low + reach - 1))
    axes = "DHW"[-len(pads) :]
    turned = jnp.flip(kernel, tuple(range(len(pads))))
    order = (f"N{axes}C", f"{axes}OI", f"N{axes}C")
    return jax.lax.conv_general_dilated(x, turned, (1,) * len(pads), pads, steps, rates, order)


conv1d_transpose = _transposed(1, "Transposed convolution of sequences.")
conv2d_transpose = _transposed(2, "Transposed convolution of pictures.")
conv3d_transpose = _transposed(3, "Transposed convolution of volumes.")


def _pooling(function: Callable, axes: int, doc: str) -> Callable:
    def pool(
        input: Any,
        ksize: Any,
        strides: Any,
        padding: Any = "VALID",
        data_format: str | None = None,
        name: str | None = None,
    ) -> Any:
        count, layout = axes or len(input.shape) - 2, _layout(data_format)
        size, steps = _spatial(ksize, count, layout), _spatial(strides, count, layout)
        sizes = _all_axes(ksize, count)
        if sizes is not None and layout == "channels_last" and sizes[-1] != 1:
            return _over_channels(input, sizes[-1], _all_axes(strides, count)[-1], function)
        return function(input, size, steps, str(padding).lower(), layout)

    pool.__doc__ = doc
    return pool


def _all_axes(value: Any, axes: int) -> Any:
    numbers = [int(one) for one in np.ravel(value)]
    return numbers if len(numbers) == axes + 2 else None


def _over_channels(input: Any, size: int, step: int, function: Callable) -> Any:
    """Pool channels, which are made the only spatial axis."""
    *outer, channels = input.shape
    flat = ops.reshape(input, (-1, channels, 1))
    found = function(flat, size, step, "valid", "channels_last")
    return ops.reshape(found, (*(-1 if n is None else n for n in outer), found.shape[1]))


max_pool1d = _pooling(ops.max_pool, 1, "Maxima of windows of sequences.")
max_pool2d = _pooling(ops.max_pool, 2, "Maxima of windows of pictures.")
max_pool3d = _pooling(ops.max_pool, 3, "Maxima of windows of volumes.")
max_pool = _pooling(ops.max_pool, 0, "Maxima of windows.")
avg_pool1d = _pooling(ops.average_pool, 1, "Means of windows of sequences.")
avg_pool2d = _pooling(ops.average_pool, 2, "Means of windows of pictures.")
avg_pool3d = _pooling(ops.average_pool, 3, "Means of windows of volumes.")
avg_pool = _pooling(ops.average_pool, 0, "Means of windows.")


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """A number added to each channel."""
    if _layout(data_format) == "channels_first":
        bias = ops.reshape(bias, (-1, *(1,) * (len(value.shape) - 2)))
    return ops.add(value, bias)


def dropout(
    x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Any:
    """Elements set to zero with probability `rate`; the others grow by `1 / (1 - rate)`."""
    return random.dropout(x, rate, noise_shape, seed)


@op
def l2_loss(t: Any, name: str | None = None) -> jax.Array:
    """Half the sum of squares."""
    return jnp.sum(jnp.square(jnp.asarray(t))) / 2


def _in_order(labels: Any, logits: Any) -> tuple:
    if labels is None or logits is None:
        raise ValueError("both labels= and logits= are needed")
    return labels, logits


def softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, axis: int = -1, name: str | None = None
) -> Any:
    """The crossentropy of probabilities and logits, for each row."""
    labels, logits = _in_order(labels, logits)
    return _soft(labels, logits, axis=axis)


@op
def _soft(labels: Any, logits: Any, axis: int = -1) -> jax.Array:
    found = jax.nn.log_softmax(jnp.asarray(logits), axis)
    return -jnp.sum(jnp.asarray(labels, found.dtype) * found, axis)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The crossentropy of class indices and logits, for each row."""
    return _sparse(*_in_order(labels, logits))


@op
def _sparse(labels: Any, logits: Any) -> jax.Array:
    found = jax.nn.log_softmax(jnp.asarray(logits), -1)
    index = jnp.asarray(labels).astype("int32")[..., None]
    return -jnp.take_along_axis(found, index, -1)[..., 0]


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The crossentropy of probabilities and logits, for each element."""
    labels, logits = _in_order(labels, logits)
    return weighted_cross_entropy_with_logits(labels, logits, 1)


@op
def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> jax.Array:
    """The crossentropy for each element, in which positive labels have a weight."""
    x = jnp.asarray(logits)
    z = jnp.asarray(labels, x.dtype)
    log_weight = 1 + (pos_weight - 1) * z
    tail = jnp.log1p(jnp.exp(-jnp.abs(x))) + jax.nn.relu(-x)
    return (1 - z) * x + log_weight * tail


@op
def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple:
    """Means and variances."""
    return ops.moments(x, tuple(np.ravel(axes).tolist()), keepdims)


@op
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: Any = None,
) -> jax.Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`."""
    factor = jax.lax.rsqrt(jnp.asarray(variance) + variance_epsilon)
    factor = factor if scale is None else factor * scale
    return x * factor + ((0 if offset is None else offset) - mean * factor)


@op
def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> jax.Array:
    """Each channel divided by `(bias + alpha * sum of squares of its neighbours) ** beta`."""
    x = jnp.asarray(input)
    width = (1,) * (x.ndim - 1) + (2 * depth_radius + 1,)
    total = jax.lax.reduce_window(
        jnp.square(x), np.zeros((), x.dtype), jax.lax.add, width, (1,) * x.ndim, "SAME"
    )
    return x / (bias + alpha * total) ** beta


def embedding_lookup(
    params: Any, ids: Any, max_norm: float | None = None, name: str | None = None
) -> Any:
    """The rows of a table, scaled down to a norm on request."""
    rows = ops.take(params, ids, axis=0)
    if max_norm is None:
        return rows
    length = ops.norm(rows, axis=-1, keepdims=True)
    return rows * (max_norm / ops.maximum(length, max_norm))


@op
def crelu(features: Any, axis: int = -1, name: str | None = None) -> jax.Array:
    """`relu` of an array and of its negative, joined."""
    x = jnp.asarray(features)
    return jax.nn.relu(jnp.concatenate([x, -x], axis))


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Blocks of pictures moved to channels."""
    return ops.space_to_depth(input, block_size, _layout(data_format))


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Channels moved to blocks of pictures."""
    return ops.depth_to_space(input, block_size, _layout(data_format))


@op
def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> jax.Array:
    """`exp(log_input) - log_input * targets`, with Stirling's term on request."""
    z, x = jnp.asarray(targets), jnp.asarray(log_input)
    found = jnp.exp(x) - x * z
    if not compute_full_loss:
        return found
    full = z * jnp.log(z) - z + 0.5 * jnp.log(2 * jnp.pi * z)
    return found + jnp.where((z >= 0) & (z <= 1), 0, full)


def ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int = 0,
    name: str | None = None,
) -> Any:
    """The CTC loss of each sequence."""
    x = ops.swapaxes(logits, 0, 1) if logits_time_major else logits
    blank = blank_index + x.shape[-1] if blank_index < 0 else blank_index
    return ops.ctc_loss(labels, x, label_length, logit_length, blank)


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Any:
    """The weighted sum of the losses of samples, divided by the size of the whole batch."""
    losses = ops.convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        weight = ops.cast(sample_weight, losses.dtype)
        extra = (1,) * (len(losses.shape) - len(np.shape(weight)))
        losses = losses * ops.reshape(weight, (*np.shape(weight), *extra))
    count = losses.shape[0] if global_batch_size is None else global_batch_size
    return ops.sum(losses) / count


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """The sum of penalties: one program computes the whole batch."""
    return (
        ops.sum(ops.stack(list(regularization_loss)))
        if isinstance(regularization_loss, list | tuple)
        else ops.sum(regularization_loss)
    )
