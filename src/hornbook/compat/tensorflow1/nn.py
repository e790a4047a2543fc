"""`tf.nn` where TensorFlow 1 differs: arguments, sampled losses, and averages of batches."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow import nn as today
from hornbook.compat.tensorflow1.applying import apply, convert, is_traced, lift, like
from hornbook.compat.tensorflow1.functions import concat
from hornbook.compat.tensorflow1.randoms import drawn
from hornbook.core.symbolic import SymbolicTensor

ONLY_NAMED = "Only call `{}` with named arguments (labels=..., logits=..., ...)"


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    name: Any = None,
    rate: Any = None,
) -> Any:
    """`tf.nn.dropout`: elements are kept with probability `keep_prob`, which may be fed.

    Raises:
        ValueError: unless one of `keep_prob` and `rate` is given.
    """
    if (keep_prob is None) == (rate is None):
        raise ValueError("tf.nn.dropout needs keep_prob= or rate=, and not both")
    x = convert(x)
    kept = keep_prob if rate is None else 1 - rate
    if isinstance(kept, int | float) and kept == 1:
        return x

    def drop(key: Any, sizes: tuple, kind: str, x: Any, kept: Any) -> Any:
        x = jnp.asarray(x)
        shape = (
            x.shape
            if noise_shape is None
            else tuple(
                n if k in (None, -1) else k for n, k in zip(x.shape, noise_shape, strict=True)
            )
        )
        mask = jax.random.uniform(key, shape) < kept
        return jnp.where(mask, x / kept, jnp.zeros((), x.dtype))

    return drawn(drop, None, [], (x, kept), x.dtype, seed, name, "Dropout")


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: Any = None,
    axis=None,
):
    """`tf.nn.softmax_cross_entropy_with_logits`: for each row."""
    return _losses(
        "softmax_cross_entropy_with_logits",
        _sentinel,
        labels,
        logits,
        name,
        dim if axis is None else axis,
    )


softmax_cross_entropy_with_logits_v2 = softmax_cross_entropy_with_logits


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: Any = None
) -> Any:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`: for each row."""
    return _losses("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits, name)


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: Any = None
) -> Any:
    """`tf.nn.sigmoid_cross_entropy_with_logits`: for each element."""
    return _losses("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits, name)


def _losses(kind: str, sentinel: Any, labels: Any, logits: Any, name: Any, *more: Any) -> Any:
    if sentinel is not None or labels is None or logits is None:
        raise ValueError(ONLY_NAMED.format(kind))
    function = getattr(today, kind)
    if is_traced((labels, logits)):
        return function(labels, logits, *more)
    logits = convert(logits)
    labels = convert(labels, None if kind.startswith("sparse") else logits.dtype)
    return apply(function, (labels, logits, *more), name=name, kind=kind)


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name=None, targets: Any = None
) -> Any:
    """`tf.nn.weighted_cross_entropy_with_logits`: for each element."""
    given = (targets if labels is None else labels, convert(logits), pos_weight)
    return apply(today.weighted_cross_entropy_with_logits, given, name=name)


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: Any = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    """`tf.nn.embedding_lookup`: rows of a table."""
    table = params[0] if isinstance(params, list | tuple) and len(params) == 1 else params
    if isinstance(table, list | tuple):
        raise NotImplementedError(
            "tf.nn.embedding_lookup of a partitioned table: pass tf.concat of its parts"
        )
    return apply(_rows, (convert(table), convert(ids), max_norm), name=name, kind="GatherV2")


def _rows(table: Any, ids: Any, most: Any) -> Any:
    rows = jnp.take(jnp.asarray(table), jnp.asarray(ids), axis=0)
    if most is None:
        return rows
    length = jnp.sqrt(jnp.sum(rows * rows, -1, keepdims=True))
    return rows * (most / jnp.maximum(length, most))


def moments(
    x: Any, axes: Any, shift: Any = None, name: Any = None, keep_dims: Any = None, keepdims=None
) -> tuple:
    """`tf.nn.moments`: means and variances."""
    keep = bool(keep_dims or keepdims)
    return tuple(apply(_moments, (convert(x), tuple(np.ravel(axes).tolist()), keep), name=name))


def _moments(x: Any, axes: tuple, keep: bool) -> tuple:
    x = jnp.asarray(x)
    mean = jnp.mean(x, axes, keepdims=True)
    variance = jnp.mean(jnp.square(x - jax.lax.stop_gradient(mean)), axes, keepdims=keep)
    return (mean if keep else jnp.squeeze(mean, axes)), variance


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: Any = None,
    **ignored: Any,
) -> tuple:
    """`tf.nn.fused_batch_norm`: normalized pictures, and the mean and variance."""
    axes = [0, 2, 3] if data_format == "NCHW" else [0, 1, 2]
    if is_training or mean is None:
        mean, variance = moments(x, axes)
    shape = [1, -1, 1, 1] if data_format == "NCHW" else [-1]
    parts = [reshape(one, shape) for one in (mean, variance, offset, scale)]
    found = apply(today.batch_normalization, (convert(x), *parts, epsilon), name=name)
    return found, mean, variance


def _reshape(x: Any, shape: Any) -> Any:
    return jnp.reshape(x, shape)


reshape = lift(_reshape)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """`tf.nn.xw_plus_b`: `x w + b`."""
    return apply(_affine, (convert(x), convert(weights), convert(biases)), name=name)


def _affine(x: Any, w: Any, b: Any) -> Any:
    return jnp.asarray(x) @ jnp.asarray(w) + b


def relu_layer(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """`tf.nn.relu_layer`: `relu(x w + b)`."""
    return apply(
        lambda *xs: jax.nn.relu(_affine(*xs)),
        (convert(x), convert(weights), convert(biases)),
        name=name,
    )


def zero_fraction(value: Any, name: Any = None) -> Any:
    """`tf.nn.zero_fraction`: the share of zeros."""
    return apply(
        lambda x: jnp.mean((jnp.asarray(x) == 0).astype("float32")), (convert(value),), name=name
    )


# ---- sampled losses


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: Any = None,
) -> tuple:
    """`tf.nn.log_uniform_candidate_sampler`: classes, and how often each is expected.

    The probability of a class falls as words' do: `log((k + 2) / (k + 1)) / log(range_max + 1)`.
    """
    return _sampler("log", true_classes, num_sampled, unique, range_max, seed, name)


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: Any = None,
) -> tuple:
    """`tf.nn.uniform_candidate_sampler`: equally probable classes, and expected counts."""
    return _sampler("uniform", true_classes, num_sampled, unique, range_max, seed, name)


learned_unigram_candidate_sampler = uniform_candidate_sampler


def _sampler(
    kind: str, true: Any, count: int, unique: bool, most: int, seed: Any, name: Any
) -> tuple:
    classes = np.arange(most)
    chance = (
        np.log((classes + 2) / (classes + 1)) / np.log(most + 1)
        if kind == "log"
        else np.full(most, 1 / most)
    )

    def draw(key: Any, sizes: tuple, dtype: str) -> Any:
        if unique:  # the highest of log-probabilities with Gumbel noise: draws without replacement
            noise = jax.random.gumbel(key, (most,))
            return jax.lax.top_k(jnp.asarray(np.log(chance), "float32") + noise, count)[1]
        return jax.random.choice(key, most, (count,), p=jnp.asarray(chance, "float32"))

    sampled = drawn(draw, None, [], (), "int64", seed, name, "CandidateSampler")
    expected = np.asarray(_tries(chance, count) if unique else chance * count, "float32")

    def expectation(index: Any) -> Any:
        return jnp.asarray(expected)[jnp.asarray(index)]

    return sampled, apply(expectation, (convert(true),)), apply(expectation, (sampled,))


def _tries(chance: np.ndarray, count: int) -> np.ndarray:
    """The probability that each class is among `count` different ones."""
    low, high = float(count), float(count) * 1000
    for _ in range(60):
        tries = (low + high) / 2
        found = -np.expm1(tries * np.log1p(-chance))
        low, high = (tries, high) if found.sum() < count else (low, tries)
    return found


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    subtract_log_q: bool,
    remove_hits: bool,
) -> tuple:
    """Logits of the true and the sampled classes, and their labels."""
    weights = concat(weights, 0) if isinstance(weights, list | tuple) else weights
    chosen = sampled_values or log_uniform_candidate_sampler(
        labels, num_true, num_sampled, True, num_classes
    )
    given = [convert(one) for one in (weights, biases, labels, inputs, *chosen)]

    def logits(w, b, labels, x, sampled, expected_true, expected_sampled):
        w, b, x = jnp.asarray(w), jnp.asarray(b), jnp.asarray(x)
        labels = jnp.reshape(labels, (-1, num_true))
        true = jnp.sum(x[:, None] * w[labels], -1) + b[labels]
        other = x @ w[sampled].T + b[sampled]
        if remove_hits:
            hits = (labels[:, :, None] == sampled).any(1)
            other = jnp.where(hits, other - 3.4e38, other)
        if subtract_log_q:
            true = true - jnp.log(jnp.reshape(expected_true, true.shape))
            other = other - jnp.log(expected_sampled)
        wanted = jnp.concatenate([jnp.full_like(true, 1 / num_true), jnp.zeros_like(other)], 1)
        return jnp.concatenate([true, other], 1), wanted

    return tuple(apply(logits, tuple(given), kind="SampledLogits"))


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: Any = "nce_loss",
) -> Any:
    """`tf.nn.nce_loss`: noise-contrastive estimation, a loss for each row."""
    logits, wanted = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        True,
        remove_accidental_hits,
    )
    return apply(
        lambda y, x: jnp.sum(today.sigmoid_cross_entropy_with_logits(y, x), -1),
        (wanted, logits),
        name=name,
    )


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: Any = "sampled_softmax_loss",
    seed: Any = None,
) -> Any:
    """`tf.nn.sampled_softmax_loss`: a softmax over true and sampled classes, for each row."""
    logits, wanted = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        True,
        remove_accidental_hits,
    )
    function = today.softmax_cross_entropy_with_logits
    return apply(lambda y, x: function(y, x), (wanted, logits), name=name)


# ---- arguments that were renamed


def _renamed(function: Callable, **old: str) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        for before, now in old.items():
            if before in kwargs:
                value = kwargs.pop(before)
                if now:
                    kwargs[now] = value
        args = tuple(
            one if is_traced(one) or not isinstance(one, np.ndarray) else convert(one)
            for one in args
        )
        return lifted(*args, **kwargs)

    lifted = lift(function)
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: Any = None,
    filters: Any = None,
) -> Any:
    """`tf.nn.conv2d`."""
    kernel = filters if filter is None else filter
    given = (convert(input), convert(kernel), strides, padding, data_format, dilations)
    return apply(today.conv2d, given, name=name, kind="Conv2D")


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NHWC",
    name: Any = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """`tf.nn.conv2d_transpose`."""
    x, kernel = (input if value is None else value), (filters if filter is None else filter)
    given = (convert(x), convert(kernel), output_shape, strides, padding, data_format)
    return apply(today.conv2d_transpose, given, name=name, kind="Conv2DBackpropInput")


conv1d = _renamed(today.conv1d, value="input", stride="strides", use_cudnn_on_gpu="")
conv3d = _renamed(today.conv3d, filter="filters")
depthwise_conv2d = _renamed(today.depthwise_conv2d, filter="filters", rate="dilations")
separable_conv2d = _renamed(today.separable_conv2d, rate="dilations")
atrous_conv2d = _renamed(
    lambda value, filters, rate, padding, name=None: today.conv2d(
        value, filters, 1, padding, dilations=rate
    )
)
max_pool, avg_pool = (_renamed(f, value="input") for f in (today.max_pool, today.avg_pool))
max_pool3d, avg_pool3d = (_renamed(f, value="input") for f in (today.max_pool3d, today.avg_pool3d))
max_pool2d, avg_pool2d = max_pool, avg_pool
softmax = _renamed(lambda logits, axis=-1, name=None: ops.softmax(logits, axis), dim="axis")
log_softmax = _renamed(lambda logits, axis=-1, name=None: ops.log_softmax(logits, axis), dim="axis")
l2_normalize = _renamed(
    lambda x, axis=None, epsilon=1e-12, name=None: (
        x * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(x), axis, keepdims=True), epsilon))
    ),
    dim="axis",
)


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None) -> Any:
    """`tf.nn.batch_normalization`."""
    given = (convert(x), mean, variance, offset, scale, variance_epsilon)
    return apply(today.batch_normalization, given, name=name)


def l2_loss(t: Any, name: Any = None) -> Any:
    """`tf.nn.l2_loss`: half the sum of squares."""
    return apply(
        lambda x: jnp.sum(jnp.square(jnp.asarray(x))) / 2, (convert(t),), name=name, kind="L2Loss"
    )


def in_top_k(predictions: Any, targets: Any, k: int, name: Any = None) -> Any:
    """`tf.nn.in_top_k`: whether the target is among the `k` highest."""

    def found(scores: Any, index: Any) -> Any:
        scores = jnp.asarray(scores)
        own = jnp.take_along_axis(scores, jnp.asarray(index)[:, None], 1)
        return jnp.sum(scores > own, 1) < k

    return apply(found, (convert(predictions), convert(targets)), name=name, kind="InTopKV2")


def like_of(value: Any) -> Any:
    """The shape and dtype of a tensor."""
    return like(value) if isinstance(value, SymbolicTensor) else None
