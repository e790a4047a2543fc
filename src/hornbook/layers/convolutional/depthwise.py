"""Depthwise and separable convolutions: each channel has its own filters."""

from typing import Any

from jax import Array

from hornbook import constraints, initializers, regularizers
from hornbook.core.variable import Variable
from hornbook.kernels.conv import conv
from hornbook.layers.arguments import positive
from hornbook.layers.convolutional.base import Convolution


class _Depthwise(Convolution):
    """Base of convolutions that start with `depth_multiplier` filters per channel."""

    depthwise_kernel: Variable

    def __init__(
        self,
        kernel_size: Any,
        depth_multiplier: int = 1,
        depthwise_initializer: Any = "glorot_uniform",
        depthwise_regularizer: Any = None,
        depthwise_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(kernel_size, **kwargs)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier, self)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def convolve(self, x: Array) -> Array:
        self.check_fit(x.shape[1:-1])
        *taps, channels, multiplier = self.depthwise_kernel.shape
        kernel = self.depthwise_kernel.value.reshape(*taps, 1, channels * multiplier)
        return conv(x, kernel, self.strides, self.padding, self.dilation_rate, channels)


class _DepthwiseConv(_Depthwise):
    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size,
            depth_multiplier,
            depthwise_initializer,
            depthwise_regularizer,
            depthwise_constraint,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.depthwise_kernel = self.add_weight(
            shape,
            self.depthwise_initializer,
            name="kernel",
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.add_bias(channels * self.depth_multiplier)


class DepthwiseConv1D(_DepthwiseConv):
    """Convolves each feature of a sequence with its own filters.

    Args:
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"`; in one dimension also `"causal"`.
        depth_multiplier: number of filters per channel.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias.
        depthwise_initializer: initial values of the kernel,
            `(*kernel_size, channels, depth_multiplier)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        depthwise_constraint, bias_constraint: applied after each update.

    Input `(batch, steps, features)`; output `(batch, new steps, features * depth_multiplier)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.DepthwiseConv1D(3, depth_multiplier=2)(np.ones((1, 5, 4))).shape
        (1, 3, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class DepthwiseConv2D(_DepthwiseConv):
    """Convolves each channel of an image with its own filters.

    Args:
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"`; in one dimension also `"causal"`.
        depth_multiplier: number of filters per channel.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias.
        depthwise_initializer: initial values of the kernel,
            `(*kernel_size, channels, depth_multiplier)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        depthwise_constraint, bias_constraint: applied after each update.

    Input `(batch, rows, columns, channels)`; output
    `(batch, new rows, new columns, channels * depth_multiplier)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.DepthwiseConv2D(3)(np.ones((1, 5, 5, 4))).shape
        (1, 3, 3, 4)
    """

    rank = 2


class _SeparableConv(_Depthwise):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size,
            depth_multiplier,
            depthwise_initializer,
            depthwise_regularizer,
            depthwise_constraint,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive("filters", filters, self)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        depth = self.depth_multiplier
        self.depthwise_kernel = self.add_kernel(
            "depthwise_kernel", (*self.kernel_size, channels, depth)
        )
        self.pointwise_kernel = self.add_kernel(
            "pointwise_kernel", (*(1,) * self.rank, channels * depth, self.filters)
        )
        self.add_bias(self.filters)

    def convolve(self, x: Array) -> Array:
        return super().convolve(x) @ self.pointwise_kernel.value[(0,) * self.rank]


class SeparableConv1D(_SeparableConv):
    """A depthwise convolution of a sequence, then a pointwise one that mixes the channels.

    Args:
        filters: number of output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"`; in one dimension also `"causal"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        depth_multiplier: number of depthwise filters per channel.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        depthwise_initializer: initial values, `(*kernel_size, channels, depth_multiplier)`.
        pointwise_initializer: initial values, `(1, ..., channels * depth_multiplier, filters)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Input `(batch, steps, features)`; output `(batch, new steps, filters)`.

    Source: Chollet 2016, arXiv:1610.02357.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.SeparableConv1D(8, 3)(np.ones((1, 5, 4))).shape
        (1, 3, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(_SeparableConv):
    """A depthwise convolution of an image, then a pointwise one that mixes the channels.

    Args:
        filters: number of output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"`; in one dimension also `"causal"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        depth_multiplier: number of depthwise filters per channel.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        depthwise_initializer: initial values, `(*kernel_size, channels, depth_multiplier)`.
        pointwise_initializer: initial values, `(1, ..., channels * depth_multiplier, filters)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Input `(batch, rows, columns, channels)`; output `(batch, new rows, new columns, filters)`.

    Source: Chollet 2016, arXiv:1610.02357.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.SeparableConv2D(8, 3)(np.ones((1, 5, 5, 4))).shape
        (1, 3, 3, 8)
    """

    rank = 2
