"""`tf.contrib.layers`: layers as functions with other names, arguments and defaults."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.compat.tensorflow1 import layers, layers_more
from hornbook.compat.tensorflow1.applying import apply, convert, lift
from hornbook.compat.tensorflow1.functions import one_hot
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.initializers import Ones, Zeros, xavier_initializer
from hornbook.compat.tensorflow1.nn import embedding_lookup
from hornbook.compat.tensorflow1.nn import moments as _moments
from hornbook.compat.tensorflow1.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    RMSPropOptimizer,
)
from hornbook.compat.tensorflow1.scopes import get_variable, variable_scope
from hornbook.compat.tensorflow1.variables import GraphKeys

relu = lift(jax.nn.relu, "Relu")
OPTIMIZERS: dict[str, Callable] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
_scopes: list[dict] = [{}]


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[dict]:
    """`tf.contrib.framework.arg_scope`: a context in which functions have other defaults."""
    if isinstance(list_ops_or_scope, dict):
        made = list_ops_or_scope
    else:
        made = dict(_scopes[-1])
        for function in list_ops_or_scope:
            name = getattr(function, "__name__", function)
            made[name] = {**made.get(name, {}), **kwargs}
    _scopes.append(made)
    try:
        yield made
    finally:
        _scopes.pop()


def _with_defaults(function: Callable) -> Callable:
    """A function whose defaults a scope may change."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        names = function.__code__.co_varnames[: len(args)]
        more = _scopes[-1].get(function.__name__, {})
        given = {k: v for k, v in more.items() if k not in kwargs and k not in names}
        made = function(*args, **given, **kwargs)
        collection = kwargs.get("outputs_collections")
        if collection:
            get_default_graph().add_to_collections(collection, made)
        return made

    return call


def _finished(x: Any, normalizer: Any, options: Any, activation: Any) -> Any:
    if normalizer is not None:
        x = normalizer(x, **(options or {}))
    return activation(x) if activation is not None else x


@_with_defaults
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Any = relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = Zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """`tf.contrib.layers.fully_connected`: ReLU by default; variables `weights`, `biases`."""
    x = convert(inputs)
    with variable_scope(scope, "fully_connected", reuse=reuse):
        size = tuple(x.shape)[-1]
        w = get_variable(
            "weights",
            [size, num_outputs],
            initializer=weights_initializer or xavier_initializer(),
            regularizer=weights_regularizer,
            trainable=trainable,
        )
        made = apply(layers.matmul, (x, w), kind="MatMul")
        if normalizer_fn is None and biases_initializer is not None:
            b = get_variable(
                "biases",
                [num_outputs],
                initializer=biases_initializer,
                regularizer=biases_regularizer,
                trainable=trainable,
            )
            made = made + b
        return _finished(made, normalizer_fn, normalizer_params, activation_fn)


linear = functools.partial(fully_connected, activation_fn=None)


def _convolution(kind: Any, name: str) -> Callable:
    def convolve(
        inputs: Any,
        num_outputs: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: str = "SAME",
        data_format: Any = None,
        rate: Any = 1,
        activation_fn: Any = relu,
        normalizer_fn: Any = None,
        normalizer_params: Any = None,
        weights_initializer: Any = None,
        weights_regularizer: Any = None,
        biases_initializer: Any = Zeros,
        biases_regularizer: Any = None,
        reuse: Any = None,
        variables_collections: Any = None,
        outputs_collections: Any = None,
        trainable: bool = True,
        scope: Any = None,
    ) -> Any:
        first = data_format is not None and data_format.startswith("NC")
        options: dict = {} if kind is layers.Conv2DTranspose else {"dilation_rate": rate}
        biased = normalizer_fn is None and biases_initializer is not None
        initial = (
            biases_initializer() if isinstance(biases_initializer, type) else biases_initializer
        )
        with variable_scope(scope, name, reuse=reuse) as entered:
            made = kind(
                num_outputs,
                kernel_size,
                stride,
                padding,
                "channels_first" if first else "channels_last",
                use_bias=biased,
                kernel_initializer=weights_initializer or xavier_initializer(),
                kernel_regularizer=weights_regularizer,
                bias_initializer=initial,
                bias_regularizer=biases_regularizer,
                trainable=trainable,
                _scope=entered,
                **options,
            )(inputs)
            return _finished(made, normalizer_fn, normalizer_params, activation_fn)

    convolve.__name__ = {"Conv": "conv2d"}.get(name, "conv2d_transpose")
    convolve.__doc__ = f"`tf.contrib.layers.{convolve.__name__}`: ReLU by default."
    return _with_defaults(convolve)


conv2d = convolution2d = _convolution(layers.Conv2D, "Conv")
conv2d_transpose = convolution2d_transpose = _convolution(
    layers.Conv2DTranspose, "Conv2d_transpose"
)


@_with_defaults
def max_pool2d(
    inputs,
    kernel_size,
    stride=2,
    padding="VALID",
    data_format=None,
    outputs_collections=None,
    scope=None,
):
    """`tf.contrib.layers.max_pool2d`."""
    return layers_more.max_pooling2d(inputs, kernel_size, stride, padding.lower())


@_with_defaults
def avg_pool2d(
    inputs,
    kernel_size,
    stride=2,
    padding="VALID",
    data_format=None,
    outputs_collections=None,
    scope=None,
):
    """`tf.contrib.layers.avg_pool2d`."""
    return layers_more.average_pooling2d(inputs, kernel_size, stride, padding.lower())


def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """`tf.contrib.layers_more.flatten`."""
    return layers_more.flatten(inputs)


@_with_defaults
def dropout(
    inputs,
    keep_prob: Any = 0.5,
    noise_shape=None,
    is_training: Any = True,
    outputs_collections=None,
    scope=None,
    seed=None,
):
    """`tf.contrib.layers.dropout`."""
    return layers_more.Dropout(1 - keep_prob, noise_shape, seed)(inputs, training=is_training)


@_with_defaults
def batch_norm(
    inputs: Any,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Any = None,
    param_initializers: Any = None,
    param_regularizers: Any = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: Any = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    **ignored: Any,
) -> Any:
    """`tf.contrib.layers.batch_norm`; with `updates_collections=None` averages move at once."""
    graph = get_default_graph()
    with variable_scope(scope, "BatchNorm", reuse=reuse) as entered:
        before = len(graph.get_collection(GraphKeys.UPDATE_OPS))
        layer = layers_more.BatchNormalization(
            -1 if data_format == "NHWC" else 1,
            decay,
            epsilon,
            center,
            scale,
            trainable=trainable,
            renorm=renorm,
            _scope=entered,
        )
        made = layer(inputs, training=is_training)
        if updates_collections != GraphKeys.UPDATE_OPS:
            kept = graph.get_collection_ref(GraphKeys.UPDATE_OPS)
            updates, kept[before:] = kept[before:], []
            if updates_collections is None:
                with graph.control_dependencies(updates):
                    made = apply(_same, (made,), kind="Identity")
            else:
                for one in updates:
                    graph.add_to_collections(updates_collections, one)
        return activation_fn(made) if activation_fn is not None else made


def _same(x: Any) -> Any:
    return x


def layer_norm(
    inputs: Any, center=True, scale=True, activation_fn=None, reuse=None, scope=None, **ignored: Any
):
    """`tf.contrib.layers.layer_norm`: each sample is normalized."""
    x = convert(inputs)
    with variable_scope(scope, "LayerNorm", reuse=reuse):
        size = tuple(x.shape)[-1:]
        beta = get_variable("beta", size, initializer=Zeros()) if center else 0.0
        gamma = get_variable("gamma", size, initializer=Ones()) if scale else 1.0
        mean, variance = _moments(x, list(range(1, len(tuple(x.shape)))), keep_dims=True)
        made = apply(_normalized, (x, mean, variance, beta, gamma))
        return activation_fn(made) if activation_fn is not None else made


def _normalized(x: Any, mean: Any, variance: Any, beta: Any, gamma: Any) -> Any:
    return (x - mean) * jax.lax.rsqrt(variance + 1e-12) * gamma + beta


def one_hot_encoding(
    labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None
):
    """`tf.contrib.layers.one_hot_encoding`."""
    return one_hot(labels, num_classes, on_value, off_value)


def embed_sequence(
    ids,
    vocab_size=None,
    embed_dim=None,
    unique=False,
    initializer=None,
    regularizer=None,
    trainable=True,
    scope=None,
    reuse=None,
):
    """`tf.contrib.layers.embed_sequence`: rows of a table of its own."""
    with variable_scope(scope, "EmbedSequence", reuse=reuse):
        table = get_variable(
            "embeddings",
            [vocab_size, embed_dim],
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
        )
        return embedding_lookup(table, ids)


def stack(
    inputs: Any, layer: Callable, stack_args: Any, scope: str = "stack", **kwargs: Any
) -> Any:
    """`tf.contrib.layers.stack`: a layer several times."""
    with variable_scope(scope):
        for number, one in enumerate(stack_args):
            args = one if isinstance(one, list | tuple) else [one]
            inputs = layer(inputs, *args, scope=f"{layer.__name__}_{number + 1}", **kwargs)
    return inputs


def optimize_loss(
    loss,
    global_step,
    learning_rate,
    optimizer,
    gradient_noise_scale=None,
    clip_gradients=None,
    **ignored: Any,
):
    """`tf.contrib.layers.optimize_loss`: an operation that takes a step."""
    chosen = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    made = chosen(learning_rate) if callable(chosen) else chosen
    pairs = made.compute_gradients(loss)
    if isinstance(clip_gradients, float | int):
        limit = float(clip_gradients)
        pairs = [(g if g is None else apply(_clipped, (g, limit)), v) for g, v in pairs]
    return made.apply_gradients(pairs, global_step)


def _clipped(gradient: Any, limit: float) -> Any:
    norm = jnp.sqrt(jnp.sum(gradient * gradient))
    return gradient * limit / jnp.maximum(norm, limit)
