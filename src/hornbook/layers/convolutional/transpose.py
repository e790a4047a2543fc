"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: transposed convolutions."""

from typing import Any

from jax import Array

from hornbook.kernels.conv_transpose import conv_transpose, transposed_padding
from hornbook.layers.arguments import sizes
from hornbook.layers.convolutional.base import FilterConvolution


class _ConvTranspose(FilterConvolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = sizes(
                "output_padding", output_padding, self.rank, self, zero=True
            )
            if any(p >= s for p, s in zip(self.output_padding, self.strides)):
                raise ValueError(
                    f"output_padding of {type(self).__name__} must be less than strides "
                    f"{self.strides}, not {self.output_padding}"
                )

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        self.kernel = self.add_kernel("kernel", (*self.kernel_size, self.filters, channels))
        self.add_bias(self.filters)

    def convolve(self, x: Array) -> Array:
        extra = self.output_padding or (None,) * self.rank
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate)]
        padding = [
            transposed_padding(r, s, self.padding, e) for r, s, e in zip(reach, self.strides, extra)
        ]
        return conv_transpose(x, self.kernel.value, self.strides, padding, self.dilation_rate)


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution of a sequence: each step adds its scaled filters to the output.

    Args:
        filters: number of filters, the output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: spacing of the input elements in the output.
        padding: `"valid"` (the full output) or `"same"` (input size times strides).
        output_padding: elements added at the end of each spatial axis; less than strides.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, steps, features)`; output `(batch, new steps, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 5, 2))).shape
        (1, 10, 4)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of an image: each element adds its scaled filters to the output.

    Args:
        filters: number of filters, the output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: spacing of the input elements in the output.
        padding: `"valid"` (the full output) or `"same"` (input size times strides).
        output_padding: elements added at the end of each spatial axis; less than strides.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, rows, columns, channels)`; output `(batch, new rows, new columns, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv2DTranspose(4, 3, strides=2)(np.ones((1, 5, 5, 2))).shape
        (1, 11, 11, 4)
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of a volume: each element adds its scaled filters to the output.

    Args:
        filters: number of filters, the output channels.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: spacing of the input elements in the output.
        padding: `"valid"` (the full output) or `"same"` (input size times strides).
        output_padding: elements added at the end of each spatial axis; less than strides.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Input `(batch, *spatial, channels)`; output `(batch, *new spatial, filters)`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Conv3DTranspose(4, 2, strides=2)(np.ones((1, 2, 2, 2, 2))).shape
        (1, 4, 4, 4, 4)
    """

    rank = 3
