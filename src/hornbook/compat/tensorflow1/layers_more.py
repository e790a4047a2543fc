"""`tf.layers` that have no products: dropout, normalization, pooling, flattening."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow import nn as today
from hornbook.compat.tensorflow1.applying import apply, lift
from hornbook.compat.tensorflow1.control import cond
from hornbook.compat.tensorflow1.functions import identity
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.initializers import Ones, Zeros
from hornbook.compat.tensorflow1.layers import Layer, as_function, known_size, numbers
from hornbook.compat.tensorflow1.nn import dropout as drop
from hornbook.compat.tensorflow1.nn import moments
from hornbook.compat.tensorflow1.running import symbol_of
from hornbook.compat.tensorflow1.variables import GraphKeys, assign


class Dropout(Layer):
    """`tf.layers.Dropout`: only in training."""

    kind = "dropout"

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: Any = None,
        name: Any = None,
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The output."""
        return cond_value(
            training,
            lambda: drop(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed),
            lambda: identity(inputs),
        )


def cond_value(chosen: Any, first: Callable, second: Callable) -> Any:
    """One of two values; the condition may be a Python value."""
    if chosen is None or isinstance(chosen, bool | int | np.bool_):
        return first() if chosen else second()
    return cond(lift_bool(symbol_of(chosen)), first, second)


lift_bool = lift(lambda x: jnp.asarray(x).astype(bool), "Cast")


class BatchNormalization(Layer):
    """`tf.layers.BatchNormalization`; averages are updated by the operations in UPDATE_OPS."""

    kind = "batch_normalization"

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = None,
        gamma_initializer: Any = None,
        moving_mean_initializer: Any = None,
        moving_variance_initializer: Any = None,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        trainable: bool = True,
        name: Any = None,
        **options: Any,
    ):
        fused = options.pop("fused", None)
        if options.pop("renorm", False):
            raise NotImplementedError(
                "batch_normalization(renorm=True) is not supported: use renorm=False"
            )
        super().__init__(trainable, name, **options)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale, self.fused = center, scale, fused
        self.initial = (
            gamma_initializer,
            beta_initializer,
            moving_mean_initializer,
            moving_variance_initializer,
        )
        self.penalties = gamma_regularizer, beta_regularizer

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The output."""
        axis = self.axis[0] if isinstance(self.axis, list | tuple) else self.axis
        rank = len(tuple(inputs.shape))
        axis %= rank
        size = [known_size(inputs, self.kind, axis)]
        first, second, third, fourth = self.initial
        gamma = self.add("gamma", size, first or Ones(), self.penalties[0]) if self.scale else None
        beta = self.add("beta", size, second or Zeros(), self.penalties[1]) if self.center else None
        mean = self.add("moving_mean", size, third or Zeros(), trains=False)
        variance = self.add("moving_variance", size, fourth or Ones(), trains=False)
        axes = [k for k in range(rank) if k != axis]
        fused = rank == 4 if self.fused is None else self.fused

        def of_batch() -> tuple:
            now = moments(inputs, axes)
            return *now, _unbiased(now[1], inputs, axes) if fused else identity(now[1])

        def averaged() -> tuple:
            return identity(mean), identity(variance), identity(variance)

        *used, spread = cond_value(training, of_batch, averaged)
        if not (training is None or isinstance(training, bool | int)) or training:
            graph = get_default_graph()
            for average, value in ((mean, used[0]), (variance, spread)):
                update = assign(average, _moved(average, value, self.momentum))
                graph.add_to_collection(GraphKeys.UPDATE_OPS, update.op)
        shape = [1] * rank
        shape[axis] = size[0]
        given = (inputs, *used, beta, gamma, self.epsilon, tuple(shape))
        return apply(_normalized, given, kind="FusedBatchNorm")


@lift
def _unbiased(variance: Any, x: Any, axes: list) -> Any:
    """The variance of a population, estimated from a batch, as TensorFlow's fused kernel does."""
    count = math.prod(x.shape[axis] for axis in axes)
    return variance * (count / max(count - 1, 1))


_moved = lift(lambda average, value, momentum: average * momentum + value * (1 - momentum))


def _normalized(
    x: Any, mean: Any, variance: Any, beta: Any, gamma: Any, epsilon: float, shape: tuple
) -> Any:
    mean, variance, beta, gamma = (
        None if one is None else jnp.reshape(one, shape) for one in (mean, variance, beta, gamma)
    )
    return today.batch_normalization(jnp.asarray(x), mean, variance, beta, gamma, epsilon)


class _Pooling(Layer):
    function: Any = None

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name=None,
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.size, self.strides, self.padding, self.data_format = (
            pool_size,
            strides,
            padding,
            data_format,
        )

    def call(self, inputs: Any) -> Any:
        """The output."""
        layout = "NCHW" if self.data_format == "channels_first" else "NHWC"
        count = len(tuple(inputs.shape)) - 2
        size, steps = numbers(self.size, count), numbers(self.strides, count)
        given = (inputs, size, steps, self.padding.upper(), layout)
        return apply(type(self).function, given, kind=self.kind)


class MaxPooling2D(_Pooling):
    """`tf.layers.MaxPooling2D`."""

    kind, function = "max_pooling2d", staticmethod(today.max_pool)


class AveragePooling2D(_Pooling):
    """`tf.layers.AveragePooling2D`."""

    kind, function = "average_pooling2d", staticmethod(today.avg_pool)


class MaxPooling1D(MaxPooling2D):
    """`tf.layers.MaxPooling1D`."""

    kind = "max_pooling1d"


class AveragePooling1D(AveragePooling2D):
    """`tf.layers.AveragePooling1D`."""

    kind = "average_pooling1d"


class MaxPooling3D(MaxPooling2D):
    """`tf.layers.MaxPooling3D`."""

    kind = "max_pooling3d"


class AveragePooling3D(AveragePooling2D):
    """`tf.layers.AveragePooling3D`."""

    kind = "average_pooling3d"


class Flatten(Layer):
    """`tf.layers.Flatten`: each sample in one row."""

    kind = "flatten"

    def call(self, inputs: Any) -> Any:
        """The output."""
        return apply(_flatten, (inputs,), kind="Reshape")


def _flatten(x: Any) -> Any:
    return jnp.reshape(x, (x.shape[0], -1))


max_pooling1d, max_pooling2d, max_pooling3d = map(
    as_function, (MaxPooling1D, MaxPooling2D, MaxPooling3D)
)
average_pooling1d, average_pooling2d, average_pooling3d = map(
    as_function, (AveragePooling1D, AveragePooling2D, AveragePooling3D)
)
flatten = as_function(Flatten)
batch_normalization = as_function(BatchNormalization, True)


def dropout(inputs, rate: Any = 0.5, noise_shape=None, seed=None, training: Any = False, name=None):
    """`tf.layers.dropout`: only in training."""
    return Dropout(rate, noise_shape, seed, name)(inputs, training=training)
