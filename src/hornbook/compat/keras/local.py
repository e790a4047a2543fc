"""Locally connected layers, which Keras had until version 2."""

from jax import Array

from hornbook.activations import linear
from hornbook.compat.keras.convolution import local_conv1d, local_conv2d
from hornbook.core.config import register_keras_serializable
from hornbook.layers.arguments import known_size
from hornbook.layers.convolutional.base import FilterConvolution


class _Local(FilterConvolution):
    paddings = ("valid",)

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        first = 2 if self.data_format == "channels_first" else 1
        spatial = [known_size(input_shape, first + i, self) for i in range(self.rank)]
        sizes = zip(spatial, self.kernel_size, self.strides, strict=True)
        self.windows = tuple((n - k) // s + 1 for n, k, s in sizes)
        if min(self.windows) < 1:
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) has windows of {self.kernel_size}, "
                f"more than the size {tuple(spatial)} of its input"
            )
        count, taps = 1, channels
        for n, k in zip(self.windows, self.kernel_size, strict=True):
            count, taps = count * n, taps * k
        self.kernel = self.add_kernel("kernel", (count, taps, self.filters))
        if self.use_bias:
            self.bias = self.add_weight(
                (*self.windows, self.filters),
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Array) -> Array:
        x = self.inward(self.products(inputs))
        x = x if self.bias is None else x + self.bias.value
        return (self.activation or linear)(self.outward(x))

    def products(self, inputs: Array) -> Array:
        """The product of each window with its kernel."""
        raise NotImplementedError


@register_keras_serializable(package="hornbook.compat")
class LocallyConnected1D(_Local):
    """A `Conv1D` with unshared weights: a different kernel at each step.

    Args:
        filters: number of output features.
        kernel_size: steps per window.
        strides: steps between windows.

    The kernel is `(windows, kernel_size * features, filters)`, the bias `(windows, filters)`; the
    other arguments are those of `Conv1D`.

    Example:
        >>> LocallyConnected1D(4, 3)(np.ones((2, 10, 5))).shape
        (2, 8, 4)
    """

    rank = 1

    def products(self, inputs: Array) -> Array:
        """The product of each window with its kernel."""
        kernel = self.kernel.value
        return local_conv1d(inputs, kernel, self.kernel_size, self.strides, self.data_format)


@register_keras_serializable(package="hornbook.compat")
class LocallyConnected2D(_Local):
    """A `Conv2D` with unshared weights: a different kernel at each position.

    Args:
        filters: number of output channels.
        kernel_size: rows and columns of a window.
        strides: steps between windows.

    The kernel is `(windows, rows * columns * channels, filters)`, the bias `(*windows, filters)`;
    the other arguments are those of `Conv2D`.

    Example:
        >>> LocallyConnected2D(4, (3, 2))(np.ones((2, 6, 6, 3))).shape
        (2, 4, 5, 4)
    """

    rank = 2

    def products(self, inputs: Array) -> Array:
        """The product of each window with its kernel."""
        kernel, sizes = self.kernel.value, (self.kernel_size, self.strides)
        return local_conv2d(inputs, kernel, *sizes, self.windows, self.data_format)
