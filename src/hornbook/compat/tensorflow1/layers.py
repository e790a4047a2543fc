"""`tf.layers`: layers as functions, whose variables are those of the current scope."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow import nn as today
from hornbook.compat.tensorflow1.applying import apply, cast, convert
from hornbook.compat.tensorflow1.functions import shape
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
    activity_regularizer: Any = None

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
            if self.activity_regularizer is not None:
                penalty = self.activity_regularizer(made)
                samples = cast(shape(made)[0], penalty.dtype)
                get_default_graph().add_to_collection(
                    GraphKeys.REGULARIZATION_LOSSES, penalty / samples
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


class Weighted(Layer):
    """A layer with a kernel, a bias and an activation.

    Args:
        activation: a function of the result.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: their initial values.
        kernel_regularizer, bias_regularizer: functions that give penalties.
        activity_regularizer: a penalty of the output, divided by the number of samples.
        kernel_constraint, bias_constraint: functions applied after a step of an optimizer.
        trainable, name, options: of all layers.
    """

    def __init__(
        self,
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
        self.activation, self.use_bias = activation, use_bias
        self.activity_regularizer = activity_regularizer
        self._kernel = kernel_initializer, kernel_regularizer, True, kernel_constraint
        self._bias = bias_initializer or Zeros(), bias_regularizer, True, bias_constraint

    def add_kernel(self, shape: list) -> Any:
        """The variable `kernel`."""
        return self.add("kernel", shape, *self._kernel)

    def finished(self, x: Any, size: int, data_format: str = "") -> Any:
        """The activation of `x` and a bias."""
        if self.use_bias:
            given = (x, self.add("bias", [size], *self._bias), data_format == "channels_first")
            x = apply(_added, given, kind="BiasAdd")
        return self.activation(x) if self.activation else x


def _added(x: Any, bias: Any, first: bool) -> Any:
    return x + (jnp.reshape(bias, (-1,) + (1,) * (x.ndim - 2)) if first else bias)


class Dense(Weighted):
    """`tf.layers.Dense`: `activation(x W + b)`.

    Args:
        units: the size of the last axis of the output.
        settings, options: as of `Weighted`.
    """

    kind = "dense"

    def __init__(self, units: int, *settings: Any, **options: Any):
        super().__init__(*settings, **options)
        self.units = int(units)

    def call(self, inputs: Any) -> Any:
        """The output."""
        kernel = self.add_kernel([known_size(inputs, "dense"), self.units])
        return self.finished(apply(matmul, (inputs, kernel), kind="MatMul"), self.units)


def matmul(x: Any, w: Any) -> Any:
    """The product of arrays."""
    return jnp.asarray(x) @ w


def numbers(value: Any, count: int) -> list:
    return (
        [int(value)] * count if isinstance(value, int | np.integer) else [int(one) for one in value]
    )


class _Conv(Weighted):
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
        *settings: Any,
        **options: Any,
    ):
        super().__init__(*settings, **options)
        self.filters, self.padding, self.data_format = int(filters), padding.upper(), data_format
        self.size, self.strides, self.rates = (
            numbers(one, self.axes) for one in (kernel_size, strides, dilation_rate)
        )

    def channels(self, inputs: Any) -> int:
        """The number of channels of the input."""
        return known_size(inputs, self.kind, 1 if self.data_format == "channels_first" else -1)

    @property
    def layout(self) -> str:
        """TensorFlow's name of the order of axes."""
        return "NCHW" if self.data_format == "channels_first" else "NHWC"

    def call(self, inputs: Any) -> Any:
        """The output."""
        pair = [self.channels(inputs), self.filters]
        kernel = self.add_kernel([*self.size, *(pair[::-1] if self.transposed else pair)])
        return self.finished(self.convolved(inputs, kernel), self.filters, self.data_format)

    def convolved(self, x: Any, kernel: Any) -> Any:
        """The convolution."""
        function = (today.conv1d, today.conv2d, today.conv3d)[self.axes - 1]
        given = (x, kernel, self.strides, self.padding, self.layout, self.rates)
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
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        *settings: Any,
        **options: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, *settings, **options
        )

    def convolved(self, x: Any, kernel: Any) -> Any:
        """The transposed convolution."""
        given = (x, kernel, self.size, self.strides, self.padding, self.layout)
        return apply(_back, given, kind=f"Conv{self.axes}DBackpropInput")


class Conv3DTranspose(Conv2DTranspose):
    """`tf.layers.Conv3DTranspose`."""

    kind, axes = "conv3d_transpose", 3


def _back(x: Any, kernel: Any, size: list, strides: list, padding: str, layout: str) -> Any:
    x, first = jnp.asarray(x), layout == "NCHW"
    spatial = x.shape[2:] if first else x.shape[1:-1]
    more = [max(k - s, 0) if padding == "VALID" else 0 for k, s in zip(size, strides, strict=True)]
    out = [n * s + m for n, s, m in zip(spatial, strides, more, strict=True)]
    whole = [x.shape[0], kernel.shape[-2], *out] if first else [x.shape[0], *out, kernel.shape[-2]]
    function = today.conv2d_transpose if len(size) == 2 else today.conv3d_transpose
    return function(x, kernel, whole, strides, padding, layout)


class SeparableConv2D(_Conv):
    """`tf.layers.SeparableConv2D`: a convolution of each channel, then one across channels.

    Args:
        depth_multiplier: the number of results of each channel.
        depthwise_initializer, pointwise_initializer: initial values of the two kernels.
        depthwise_regularizer, pointwise_regularizer: their penalties.
        depthwise_constraint, pointwise_constraint: their constraints.
    """

    kind = "separable_conv2d"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = None,
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
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
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            **options,
        )
        self.multiplier = depth_multiplier
        self._deep = depthwise_initializer, depthwise_regularizer, True, depthwise_constraint
        self._point = pointwise_initializer, pointwise_regularizer, True, pointwise_constraint

    def call(self, inputs: Any) -> Any:
        """The output."""
        channels, ones = self.channels(inputs), [1] * self.axes
        wide = channels * self.multiplier
        deep = self.add("depthwise_kernel", [*self.size, channels, self.multiplier], *self._deep)
        point = self.add("pointwise_kernel", [*ones, wide, self.filters], *self._point)
        strides, rates = (
            one[0] if len(set(one)) == 1 else tuple(one) for one in (self.strides, self.rates)
        )
        given = (inputs, deep, point, strides, self.padding.lower(), self.data_format, rates)
        return self.finished(apply(_separable, given), self.filters, self.data_format)


class SeparableConv1D(SeparableConv2D):
    """`tf.layers.SeparableConv1D`."""

    kind, axes = "separable_conv1d", 1


def _separable(x: Any, *given: Any) -> Any:
    return ops.separable_conv(jnp.asarray(x), *given)


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
conv2d_transpose, conv3d_transpose = map(as_function, (Conv2DTranspose, Conv3DTranspose))
separable_conv1d, separable_conv2d = map(as_function, (SeparableConv1D, SeparableConv2D))
