"""What layers of tf.keras had up to TensorFlow 2.15, and today's do not have."""

from collections.abc import Callable
from typing import Any

from hornbook.compat.attributes import Shape

ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")


def add_weight(today: Callable) -> Callable:
    """`Layer.add_weight`, with the name first if it is a string, and a number as a shape.

    Args:
        today: the method that creates the weight.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            args, kwargs = (), dict(zip(ORDER, args, strict=False)) | kwargs
        shape = args[0] if args else kwargs.get("shape")
        if shape is not None and not hasattr(shape, "__iter__"):
            args, kwargs = args[1:], kwargs | {"shape": (shape,)}
        return today(self, *args, **kwargs)

    return method


class ShapeOf:
    """The shape of a layer's input or output in its first call; an instance may assign another.

    Args:
        what: `"input"` or `"output"`.
    """

    def __init__(self, what: str):
        self.what = what

    def __get__(self, layer: Any, cls: type) -> Any:
        if layer is None:
            return self
        found = getattr(layer, self.what)
        several = isinstance(found, list | tuple)
        return [Shape(one.shape) for one in found] if several else Shape(found.shape)
