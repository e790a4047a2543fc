"""Wrapper: base class of layers that wrap another layer."""

from typing import Any

from hornbook.layers.base import Layer


class Wrapper(Layer):
    """A layer around another layer.

    Args:
        layer: the layer inside.

    Raises:
        ValueError: if it is not a layer.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Wrapper(keras.layers.Dense(2)).layer.units
        2
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__} wraps a layer (an object, not its class), not {layer!r}"
            )
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer._build({"input_shape": input_shape})
