"""WeightNormalization: a layer whose kernel has a learned length and a learned direction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from hornbook.core.variable import Variable, bind
from hornbook.layers.base import Layer
from hornbook.layers.convolutional.depthwise import DepthwiseConv1D, DepthwiseConv2D
from hornbook.layers.convolutional.transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
from hornbook.layers.normalization.spectral import kernel_of
from hornbook.layers.recurrent.rnn import RNN
from hornbook.layers.wrapper import Wrapper
from hornbook.ops.core import cond

# layer -> the axes of its kernel that are its outputs; of others the last
OUTPUT_AXES: dict[type, tuple[int, ...]] = {
    **dict.fromkeys((Conv1DTranspose, Conv2DTranspose, Conv3DTranspose), (-2,)),
    **dict.fromkeys((DepthwiseConv1D, DepthwiseConv2D), (-2, -1)),
}
SMALLEST = 1e-10  # added to variances, and the smallest square of a length


class WeightNormalization(Wrapper):
    """Trains the length and the direction of each unit's weights apart: `W = g * v / |v|`.

    Args:
        layer: a layer with a `kernel`, or a recurrent one, whose recurrent kernel is normalized.
            The kernel is `v`.
        data_init: whether the first batch in training sets `g` and the bias such that the layer's
            outputs, before its activation, have mean 0 and variance 1 over this batch. Not for
            recurrent layers.

    Raises:
        ValueError: if the layer has no kernel, or for a recurrent layer with `data_init`.

    Source: Salimans and Kingma 2016, arXiv:1602.07868.

    Example:
        >>> import hornbook as keras
        >>> x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
        >>> layer = keras.layers.WeightNormalization(keras.layers.Dense(3))
        >>> y = layer(x, training=True)
        >>> bool(abs(y.mean(0)).max() < 1e-4), bool(abs(y.std(0) - 1).max() < 1e-4)
        (True, True)
    """

    def __init__(self, layer: Layer, data_init: bool = True, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if data_init and isinstance(layer, RNN):
            raise ValueError(
                f"{type(self).__name__} cannot set the weights of a recurrent layer "
                f"({layer.name!r}) from the first batch: pass data_init=False"
            )
        self.data_init = data_init

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        kernel = self._kernel()
        outputs = next(
            (axes for kind, axes in OUTPUT_AXES.items() if isinstance(self.layer, kind)), (-1,)
        )
        kept = [axis % kernel.ndim for axis in outputs]
        self._axes = tuple(axis for axis in range(kernel.ndim) if axis not in kept)

        def lengths(shape: tuple, dtype: Any = None) -> Array:
            return jnp.sqrt(jnp.sum(jnp.square(kernel.raw), self._axes))

        self.g = self.add_weight(tuple(kernel.shape[axis] for axis in kept), lengths, name="g")
        if self.data_init:
            self.initialized = self.add_weight(
                (), "zeros", dtype="bool", trainable=False, name="initialized"
            )

    def _kernel(self) -> Variable:
        """The variable that is `v`."""
        if isinstance(self.layer, RNN):
            return kernel_of(self, self.layer.cell, "recurrent_kernel")
        return kernel_of(self, self.layer, "kernel")

    def call(self, inputs: Any, training: bool = False) -> Any:
        kernel = self._kernel()
        square = jnp.sum(jnp.square(kernel.raw), self._axes, keepdims=True)
        direction = kernel.raw * lax.rsqrt(jnp.maximum(square, SMALLEST))
        if training and self.data_init and self.trainable:
            self._initialize(inputs, direction)
        length = jnp.expand_dims(self.g.raw, self._axes)
        return _with(self.layer, {kernel: length * direction}, inputs, training=training)

    def _initialize(self, inputs: Any, direction: Array) -> None:
        """Set `g` and the bias from the first batch; they are unchanged for a later one."""
        bias = vars(self.layer).get("bias")
        changed = [self.g] if bias is None else [self.g, bias]
        old = [variable.raw for variable in changed]
        inputs, direction = lax.stop_gradient((inputs, direction))

        def new() -> list[Array]:
            values = {self._kernel(): direction}
            if bias is not None:
                values[bias] = jnp.zeros_like(bias.raw)
            with _linear(self.layer):
                outputs = _with(self.layer, values, inputs).astype(self.g.dtype)
            first = getattr(self.layer, "data_format", None) == "channels_first"
            channel = 1 if first else outputs.ndim - 1
            axes = tuple(axis for axis in range(outputs.ndim) if axis != channel)
            scale = lax.rsqrt(jnp.var(outputs, axes) + SMALLEST)
            made = [scale.reshape(self.g.shape), -jnp.mean(outputs, axes) * scale]
            return made[: len(old)]

        found = cond(self.initialized.raw, lambda: old, new)
        self.initialized.assign(True)
        for variable, value in zip(changed, found, strict=True):
            variable.assign(value)


def _with(layer: Layer, values: dict[Variable, Any], inputs: Any, **kwargs: Any) -> Any:
    """Call a layer with other values of some variables; it may assign its other variables."""
    with bind(values) as scope:
        outputs = layer(inputs, **kwargs)
    for variable, value in scope.items():
        if variable not in values:
            variable.assign(value)
    return outputs


@contextmanager
def _linear(layer: Layer) -> Iterator[None]:
    """Context in which a layer has no activation."""
    before = vars(layer).get("activation")
    vars(layer)["activation"] = None
    try:
        yield
    finally:
        vars(layer)["activation"] = before
