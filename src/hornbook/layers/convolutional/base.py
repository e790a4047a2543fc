"""What all convolutions share: argument checks, channel order, weights, bias and activation."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, initializers, regularizers
from hornbook.activations import linear
from hornbook.core.settings import standardize_data_format
from hornbook.layers.arguments import known_size, positive, sizes
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec


class Convolution(Layer):
    """Base of convolutions: a sliding kernel, then a bias, then an activation.

    Args:
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the kernel along each axis.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the kernel's elements.
        activation: a name or a function.
        use_bias: whether to add a bias, `(filters,)`.
        bias_initializer: initial values of the bias.
        bias_regularizer: adds a penalty on the bias to the loss.
        bias_constraint: applied to the bias after each update.
        activity_regularizer: adds a penalty on the output to the loss.
    """

    rank = 1
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = sizes("kernel_size", kernel_size, self.rank, self)
        self.strides = sizes("strides", strides, self.rank, self)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.rank, self)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__} takes strides {strides} or dilation_rate {dilation_rate} "
                "above 1, not both"
            )
        self.padding = str(padding).lower()
        if self.padding not in self.paddings:
            raise ValueError(
                f"padding of {type(self).__name__} is one of {self.paddings}, not {padding!r}"
            )
        self.data_format = standardize_data_format(data_format)
        self.activation: Callable | None = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.bias: Any = None

    def channels_of(self, input_shape: tuple) -> int:
        """The number of channels of an input, fixed from now on."""
        axis = self.channel_axis
        channels = known_size(input_shape, axis, self)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    @property
    def channel_axis(self) -> int:
        """The index of the channel axis."""
        return 1 if self.data_format == "channels_first" else self.rank + 1

    def add_kernel(self, name: str, shape: tuple) -> Any:
        """Create a kernel with the initializer, regularizer and constraint of its name."""
        part = name.removesuffix("_kernel")
        return self.add_weight(
            shape,
            getattr(self, f"{part}_initializer"),
            name=name,
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
        )

    def add_bias(self, filters: int) -> None:
        """Create the bias, if `use_bias`."""
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Array) -> Array:
        x = self.convolve(self.inward(inputs))
        if self.bias is not None:
            x = x + self.bias.value
        return (self.activation or linear)(self.outward(x))

    def inward(self, x: Array) -> Array:
        """Move the channels last."""
        return jnp.moveaxis(x, 1, -1) if self.data_format == "channels_first" else x

    def outward(self, x: Array) -> Array:
        """Move the channels to where `data_format` has them."""
        return jnp.moveaxis(x, -1, 1) if self.data_format == "channels_first" else x

    def convolve(self, x: Array) -> Array:
        """The convolution itself, channels last."""
        raise NotImplementedError

    def check_fit(self, sizes: tuple) -> None:
        """Raise a `ValueError` if the kernel is larger than an unpadded input.

        Args:
            sizes: spatial sizes of the input.
        """
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate)]
        if self.padding == "valid" and any(n < r for n, r in zip(sizes, reach)):
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) has a kernel that spans "
                f"{tuple(reach)}, more than the spatial size {sizes} of its input: "
                "no output would be left. Use padding='same', a smaller kernel or less pooling "
                "before"
            )


class FilterConvolution(Convolution):
    """A convolution whose filters span all channels (of their group)."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(kernel_size, **kwargs)
        self.filters = positive("filters", filters, self)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
