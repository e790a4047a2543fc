"""`tf.layers`: layers as functions, whose variables are those of the current scope."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow import nn as today
from hornbook.compat.tensorflow1.applying import apply, convert
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.initializers import Zeros
from hornbook.compat.tensorflow1.scopes import get_variable, variable_scope
from hornbook.compat.tensorflow1.variables import GraphKeys

NO_SIZE = "tf.layers.{}: the size of the last axis must be known, but the shape is {}"


def known_size(x: Any, kind: str, axis: int = -1) -> int:
    shape = x.shape
    if not shape or tuple(shape)[axis] is None:
        raise ValueError(NO_SIZE.format(kind, shape))
    return tuple(shape)[axis]


class Layer:
    """A layer: variables of a scope, and a function.

    Args:
        name: of the scope; default the class's, made unique.
        trainable: whether optimizers train it.
        _reuse: whether the variables must exist.
    """

    kind = "layer"
    trained = True

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, **options: Any):
        self._name, self._trains, self._reuse = name, trainable, options.pop("_reuse", None)
        self._given_scope = options.pop("_scope", None)
        self._entered: Any = None
        vars(self).update(options)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = [convert(one) for one in inputs] if isinstance(inputs, list) else convert(inputs)
        again = self._entered is not None
        if again:
            context = variable_scope(self._entered, reuse=True)
        elif self._given_scope is not None:
            context = variable_scope(self._given_scope, reuse=self._reuse)
        else:
            context = variable_scope(self._name, self.kind, reuse=self._reuse)
        with context as scope:
            self._entered = scope
            made = self.call(inputs, *args, **kwargs)
            regularizer = getattr(self, "activity_regularizer", None)
            if regularizer is not None:
                get_default_graph().add_to_collection(
                    GraphKeys.REGULARIZATION_LOSSES, regularizer(made)
                )
        return made

    apply = __call__

    def add(
        self,
        name: str,
        shape: list,
        initializer: Any,
        regularizer: Any = None,
        trains=True,
        constraint=None,
    ):
        """A variable of the layer."""
        return get_variable(
            name,
            shape,
            initializer=initializer,
            regularizer=regularizer,
            trainable=self._trains and trains,
            constraint=constraint,
        )

    def call(self, inputs: Any) -> Any:
        """The output."""
        return inputs

    @property
    def variables(self) -> list:
        """Its variables."""
        return get_default_graph().get_collection("variables", f"{self._entered.name}/")

    @property
    def trainable_variables(self) -> list:
        """Those that are trained."""
        return get_default_graph().get_collection("trainable_variables", f"{self._entered.name}/")

    weights, trainable_weights = variables, trainable_variables
    kernel = property(lambda self: self.variables[0])
    bias = property(lambda self: self.variables[1])

    @property
    def name(self) -> str:
        """Its name."""
        return self._name or self.kind

    scope_name = property(lambda self: self._entered.name)


class Dense(Layer):
    """`tf.layers.Dense`: `activation(x W + b)`."""

    kind = "dense"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: Any = None,
        **options: Any,
    ):
        super().__init__(trainable, name, **options)
        self.units, self.activation, self.use_bias = int(units), activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.activity_regularizer = activity_regularizer
        self.constraints = kernel_constraint, bias_constraint

    def call(self, inputs: Any) -> Any:
        """The output."""
        shape = [known_size(inputs, "dense"), self.units]
        kernel = self.add(
            "kernel",
            shape,
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.constraints[0],
        )
        found = apply(matmul, (inputs, kernel), kind="MatMul")
        if self.use_bias:
            found = _biased(self, found, self.units)
        return self.activation(found) if self.activation else found


def matmul(x: Any, w: Any) -> Any:
    """The product of arrays."""
    return jnp.asarray(x) @ w


def _biased(layer: Any, x: Any, size: int, data_format: str = "") -> Any:
    initial = layer.bias_initializer or Zeros()
    constraint = getattr(layer, "constraints", (None, None))[1]
    bias = layer.add("bias", [size], initial, layer.bias_regularizer, constraint=constraint)
    first = data_format == "channels_first"
    return apply(_added, (x, bias, first), kind="BiasAdd")


def _added(x: Any, bias: Any, first: bool) -> Any:
    return x + (jnp.reshape(bias, (-1,) + (1,) * (x.ndim - 2)) if first else bias)


def numbers(value: Any, count: int) -> list:
    return (
        [int(value)] * count if isinstance(value, int | np.integer) else [int(one) for one in value]
    )


class _Conv(Layer):
    axes = 2
    transposed = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: Any = None,
        **options: Any,
    ):
        super().__init__(trainable, name, **options)
        self.filters, self.padding, self.data_format = int(filters), padding.upper(), data_format
        self.size, self.strides, self.rates = (
            numbers(one, self.axes) for one in (kernel_size, strides, dilation_rate)
        )
        self.activation, self.use_bias = activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.activity_regularizer = activity_regularizer
        self.constraints = kernel_constraint, bias_constraint

    def call(self, inputs: Any) -> Any:
        """The output."""
        first = self.data_format == "channels_first"
        channels = known_size(inputs, self.kind, 1 if first else -1)
        pair = [self.filters, channels] if self.transposed else [channels, self.filters]
        kernel = self.add(
            "kernel",
            [*self.size, *pair],
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.constraints[0],
        )
        found = self.convolved(inputs, kernel, "NC" if first else "C")
        if self.use_bias:
            found = _biased(self, found, self.filters, self.data_format)
        return self.activation(found) if self.activation else found

    def convolved(self, x: Any, kernel: Any, layout: str) -> Any:
        """The convolution."""
        function = {1: today.conv1d, 2: today.conv2d, 3: today.conv3d}[self.axes]
        layout = {"NC": "NCHW", "C": "NHWC"}[layout]
        given = (x, kernel, self.strides, self.padding, layout, self.rates)
        return apply(function, given, kind=f"Conv{self.axes}D")


class Conv2D(_Conv):
    """`tf.layers.Conv2D`."""

    kind = "conv2d"


class Conv1D(_Conv):
    """`tf.layers.Conv1D`."""

    kind, axes = "conv1d", 1


class Conv3D(_Conv):
    """`tf.layers.Conv3D`."""

    kind, axes = "conv3d", 3


class Conv2DTranspose(_Conv):
    """`tf.layers.Conv2DTranspose`."""

    kind, transposed = "conv2d_transpose", True

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Any = None,
        *args: Any,
        **options: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, activation, *args, **options
        )

    def convolved(self, x: Any, kernel: Any, layout: str) -> Any:
        """The transposed convolution."""
        given = (x, kernel, self.size, self.strides, self.padding, layout == "NC")
        return apply(_back, given, kind="Conv2DBackpropInput")


def _back(x: Any, kernel: Any, size: list, strides: list, padding: str, first: bool) -> Any:
    x = jnp.asarray(x)
    spatial = x.shape[2:] if first else x.shape[1:-1]
    more = [max(k - s, 0) if padding == "VALID" else 0 for k, s in zip(size, strides, strict=True)]
    out = [n * s + m for n, s, m in zip(spatial, strides, more, strict=True)]
    whole = [x.shape[0], kernel.shape[-2], *out] if first else [x.shape[0], *out, kernel.shape[-2]]
    layout = "NCHW" if first else "NHWC"
    return today.conv2d_transpose(x, kernel, whole, strides, padding, layout)


class SeparableConv2D(_Conv):
    """`tf.layers.SeparableConv2D`."""

    kind = "separable_conv2d"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        **options: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            **options,
        )
        self.multiplier = depth_multiplier
        self.initializers = depthwise_initializer, pointwise_initializer

    def call(self, inputs: Any) -> Any:
        """The output."""
        channels = known_size(inputs, self.kind)
        deep = self.add(
            "depthwise_kernel", [*self.size, channels, self.multiplier], self.initializers[0]
        )
        point = self.add(
            "pointwise_kernel",
            [1, 1, channels * self.multiplier, self.filters],
            self.initializers[1],
        )
        given = (inputs, deep, point, self.strides, self.padding)
        found = apply(today.separable_conv2d, given)
        found = _biased(self, found, self.filters) if self.use_bias else found
        return self.activation(found) if self.activation else found


def as_function(kind: type, takes_training: bool = False) -> Callable:
    def layer(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        reuse, training = kwargs.pop("reuse", None), kwargs.pop("training", False)
        name = kwargs.pop("name", None)
        made = kind(*args, name=name, _reuse=reuse, **kwargs)
        return made(inputs, training=training) if takes_training else made(inputs)

    layer.__name__ = kind.kind  # type: ignore[attr-defined]
    layer.__doc__ = f"`tf.layers.{layer.__name__}`."
    return layer


dense, conv1d, conv2d, conv3d = map(as_function, (Dense, Conv1D, Conv2D, Conv3D))
conv2d_transpose, separable_conv2d = map(as_function, (Conv2DTranspose, SeparableConv2D))
