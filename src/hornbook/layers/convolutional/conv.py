"""Conv1D, Conv2D, Conv3D."""

from typing import Any

from jax import Array

from hornbook import formulas
from hornbook.activations import linear
from hornbook.core.variable import unwrap
from hornbook.layers.arguments import positive
from hornbook.layers.calling import overrides
from hornbook.layers.convolutional.base import FilterConvolution
from hornbook.layers.low_rank import Adaptable


class _Conv(FilterConvolution, Adaptable, adapts="kernel"):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
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
        self.groups = positive("groups", groups, self)
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__} has {filters} filters, which cannot be divided into "
                f"{groups} groups"
            )

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) has {self.groups} groups, which do "
                f"not divide the {channels} channels of its input {input_shape}"
            )
        self.kernel = self.add_kernel(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters)
        )
        self.add_bias(self.filters)

    def convolution_op(self, inputs: Array, kernel: Any) -> Array:
        """The convolution alone, for subclasses to override.

        Args:
            inputs: the layer's inputs.
            kernel: the layer's kernel, or another of the same shape.
        """
        return self._convolved(inputs, unwrap(kernel), None, None)

    def call(self, inputs: Array) -> Array:
        if overrides(type(self), "convolution_op"):
            x = self.inward(self.convolution_op(inputs, self.kernel))
            x = self.outward(x if self.bias is None else x + self.bias.value)
            return (self.activation or linear)(x)
        bias = None if self.bias is None else self.bias.value
        return self._convolved(inputs, unwrap(self.kernel), bias, self.activation)

    def _convolved(self, inputs: Array, kernel: Array, bias: Any, activation: Any) -> Array:
        first = self.data_format == "channels_first"
        self.check_fit(inputs.shape[2:] if first else inputs.shape[1:-1])
        window = self.strides, self.padding, self.dilation_rate, self.groups
        return formulas.convolution(inputs, kernel, bias, activation, window, self.data_format)


class Conv1D(_Conv):
    """1D convolution over a sequence: `activation(sum over taps(x * kernel) + bias)`.

    Args:
        filters: number of filters, the output features.
        kernel_size: number of steps in a filter.
        strides: step of the kernel.
        padding: `"valid"` (none), `"same"` (zeros, so that strides of 1 keep the length) or
            `"causal"` (zeros in front only: no output depends on a later step).
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the steps in a filter.
        groups: number of feature groups, each with its own filters.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(kernel_size, features, filters)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, steps, features)`; output `(batch, new steps, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv1D(8, 3, padding="causal")(np.ones((2, 10, 4))).shape
        (2, 10, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """2D convolution over an image: `activation(sum over taps(x * kernel) + bias)`.

    Args:
        filters: number of filters, the output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"` (zeros, so that strides of 1 keep the size).
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        groups: number of channel groups, each with its own filters.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, channels, filters)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, rows, columns, channels)`; output `(batch, new rows, new columns, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv2D(8, 3, activation="relu")(np.ones((2, 10, 10, 3))).shape
        (2, 8, 8, 8)
    """

    rank = 2


class Conv3D(_Conv):
    """3D convolution over a volume: `activation(sum over taps(x * kernel) + bias)`.

    Args:
        filters: number of filters, the output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"` (zeros, so that strides of 1 keep the size).
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        groups: number of channel groups, each with its own filters.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, channels, filters)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, *spatial, channels)`; output `(batch, *new spatial, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv3D(4, 2)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 3, 3, 3, 4)
    """

    rank = 3
