"""Softmax, crossentropies and normalization: `theano.tensor.nnet` except convolutions."""

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import logs
from hornbook.compat.theano.dtypes import dtype_of_array, of_floats, upgrade_to_float
from hornbook.compat.theano.linalg import dot


@of_floats
def softmax_graph(c):
    """`exp(c) / sum(exp(c))` over the last axis."""
    return logs.softmax(c)


def softmax(c):
    """`exp(c) / sum(exp(c))` over the last axis; a vector gives a matrix of one row."""
    return softmax_graph(_rows(c))


@of_floats
def logsoftmax(c):
    """The logarithm of the softmax over the last axis; a vector gives a matrix of one row."""
    return jax.nn.log_softmax(_rows(c))


def _rows(c):
    c = jnp.asarray(c)
    return c[None] if c.ndim == 1 else c


def softmax_with_bias(x, b):
    """The softmax of `x + b`."""
    return softmax(x + b)


def binary_crossentropy(output, target):
    """`-(target * log(output) + (1 - target) * log(1 - output))`, elementwise."""
    output, target = _together(output, target)
    return -(target * logs.log(output) + (1 - target) * logs.log_of_rest(output))


def sigmoid_binary_crossentropy(output, target):
    """`binary_crossentropy` of `sigmoid(output)`, computed from the logits."""
    output, target = _together(output, target)
    return jax.nn.softplus(-jnp.abs(output)) + output * ((output > 0) - target)


def categorical_crossentropy(coding_dist, true_dist):
    """The crossentropy of each row.

    Args:
        coding_dist: `(..., classes)`, the predictions.
        true_dist: the same shape, or integers `(...)`.

    Raises:
        TypeError: for a wrong number of axes, or labels that are not integers.
    """
    coding_dist = _floats(coding_dist)
    if jnp.ndim(true_dist) == coding_dist.ndim:
        coding_dist, true_dist = _together(coding_dist, true_dist)
        return -jnp.sum(true_dist * logs.log(coding_dist), -1)
    if jnp.ndim(true_dist) == coding_dist.ndim - 1:
        return -_labelled(logs.log(coding_dist), true_dist)
    raise TypeError(
        f"categorical_crossentropy: targets have as many axes as predictions "
        f"({coding_dist.ndim}), or one fewer if they are integers, not {jnp.ndim(true_dist)}"
    )


def _labelled(rows, labels):
    """The element of each row at its label."""
    if not jnp.issubdtype(jnp.result_type(labels), jnp.integer):
        raise TypeError(f"labels are integers, not {dtype_of_array(labels)}")
    return jnp.take_along_axis(rows, jnp.asarray(labels)[..., None], -1)[..., 0]


def crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx):
    """The crossentropy of `softmax(x + b)` with integer labels, the softmax, and its argmax."""
    logits = _floats(x) + b
    loss = -_labelled(jax.nn.log_softmax(logits), y_idx)
    return loss, jax.nn.softmax(logits), jnp.argmax(logits, -1).astype(dtype_of_array(y_idx))


def crossentropy_softmax_1hot_with_bias(x, b, y_idx):
    """The crossentropy of `softmax(x + b)` with integer labels, and the softmax."""
    return crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx)[:2]


def crossentropy_softmax_1hot(x, y_idx):
    """The crossentropy of `softmax(x)` with integer labels, and the softmax."""
    return crossentropy_softmax_1hot_with_bias(x, jnp.zeros((), dtype_of_array(x)), y_idx)


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x, b, y_idx):
    """The crossentropy, the softmax, its maximum and argmax."""
    loss, made, place = crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx)
    return loss, made, jnp.max(made, -1), place


def crossentropy_softmax_max_and_argmax_1hot(x, y_idx):
    """The crossentropy, the softmax, its maximum and argmax."""
    zero = jnp.zeros((), dtype_of_array(x))
    return crossentropy_softmax_max_and_argmax_1hot_with_bias(x, zero, y_idx)


def crossentropy_categorical_1hot(coding_dist, true_dist):
    """`categorical_crossentropy` with integer labels."""
    return categorical_crossentropy(coding_dist, true_dist)


def prepend_scalar_to_each_row(val, mat):
    """Prepend a column of one value to a matrix."""
    return jnp.concatenate([jnp.full((mat.shape[0], 1), val, mat.dtype), mat], 1)


def prepend_0_to_each_row(mat):
    """Prepend a column of zeros to a matrix."""
    return prepend_scalar_to_each_row(0, mat)


def prepend_1_to_each_row(mat):
    """Prepend a column of ones to a matrix."""
    return prepend_scalar_to_each_row(1, mat)


# ---- normalization


def batch_normalization(inputs, gamma, beta, mean, std, mode="low_mem"):
    """`(inputs - mean) * gamma / std + beta`."""
    if mode not in ("low_mem", "high_mem"):
        raise ValueError(f"batch_normalization: mode is 'low_mem' or 'high_mem', not {mode!r}")
    return (inputs - mean) * (gamma / std) + beta


def _normalized_axes(axes, ndim):
    named = {"per-activation": (0,), "spatial": (0, *range(2, ndim))}
    axes = named[axes] if isinstance(axes, str) else tuple(int(one) for one in axes)
    if not axes or min(axes) < 0 or max(axes) >= ndim:
        raise ValueError(f"batch normalization: axes are from 0 to {ndim - 1}, not {axes}")
    return tuple(sorted(axes))


def _spread(values, axes, ndim):
    """Reshape parameters to broadcast over `axes`."""
    if jnp.ndim(values) not in (ndim, ndim - len(axes)):
        raise ValueError(
            f"batch normalization: parameters have {ndim - len(axes)} or {ndim} axes, "
            f"not {jnp.ndim(values)}"
        )
    return values if jnp.ndim(values) == ndim else jnp.expand_dims(values, axes)


def batch_normalization_train(
    inputs,
    gamma,
    beta,
    axes="per-activation",
    epsilon=1e-4,
    running_average_factor=0.1,
    running_mean=None,
    running_var=None,
):
    """Normalize by the mean and variance of the inputs.

    Args:
        inputs: an array.
        gamma, beta: scale and shift, with all axes or without `axes`.
        axes: `"per-activation"`, `"spatial"`, or the axes to average over.
        epsilon: added to the variance.
        running_average_factor: weight of this batch in the running mean and variance.
        running_mean, running_var: their values before this batch.

    Returns:
        The result, the mean, one over the standard deviation, and, if given, the updated running
        mean and variance.
    """
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_normalization_train takes both running_mean and running_var")
    ndim, short = inputs.ndim, jnp.ndim(gamma) != inputs.ndim
    axes = _normalized_axes(axes, ndim)
    mean = jnp.mean(inputs, axes, keepdims=True)
    var = jnp.var(inputs, axes, keepdims=True)
    invstd = 1 / jnp.sqrt(var + epsilon)
    made = (inputs - mean) * _spread(gamma, axes, ndim) * invstd + _spread(beta, axes, ndim)
    found = [mean, invstd]
    if running_mean is not None:
        count = float(np.prod([inputs.shape[axis] for axis in axes]))
        share = running_average_factor
        for running, new in ((running_mean, mean), (running_var, var * (count / (count - 1)))):
            found.append(_spread(running, axes, ndim) * (1 - share) + new * share)
    return (made, *(jnp.squeeze(one, axes) if short else one for one in found))


def batch_normalization_test(inputs, gamma, beta, mean, var, axes="per-activation", epsilon=1e-4):
    """Normalize by a given mean and variance; see `batch_normalization_train`."""
    axes = _normalized_axes(axes, inputs.ndim)
    gamma, beta, mean, var = (_spread(one, axes, inputs.ndim) for one in (gamma, beta, mean, var))
    return (inputs - mean) * gamma / jnp.sqrt(var + epsilon) + beta


def h_softmax(
    x, batch_size, n_outputs, n_classes, n_outputs_per_class, W1, b1, W2, b2, target=None
):
    """A hierarchical softmax: over classes, then over the outputs of each class.

    Args:
        x: `(batch, features)`.
        batch_size, n_outputs, n_classes, n_outputs_per_class: sizes.
        W1, b1: `(features, classes)` and `(classes,)`.
        W2, b2: `(classes, features, outputs per class)` and `(classes, outputs per class)`.
        target: integers `(batch,)` or `(batch, 1)`: compute only these outputs.

    Returns:
        `(batch, outputs)` probabilities, or `(batch,)` with a target.
    """
    classes = softmax(dot(x, W1) + b1)
    if target is None:
        within = softmax(jnp.einsum("bf,cfo->bco", x, W2) + b2)
        joint = classes[..., None] * within
        return joint.reshape(joint.shape[0], -1)[:, : int(n_outputs)]
    target = jnp.ravel(target)
    group, member = target // int(n_outputs_per_class), target % int(n_outputs_per_class)
    within = softmax(jnp.einsum("bf,bfo->bo", x, W2[group]) + b2[group])
    return _labelled(classes, group) * _labelled(within, member)


def _together(a, b):
    dtype = upgrade_to_float(dtype_of_array(a), dtype_of_array(b))
    return jnp.asarray(a, dtype), jnp.asarray(b, dtype)


def _floats(x):
    return jnp.asarray(x, upgrade_to_float(dtype_of_array(x)))
