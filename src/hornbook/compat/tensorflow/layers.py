"""What layers of tf.keras had up to TensorFlow 2.15, and today's do not have."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from hornbook.compat.attributes import Shape
from hornbook.core import tree
from hornbook.layers.calling import as_shape, known

ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
OF_METRICS = ("name", "shape", "aggregation", "synchronization", "initializer", "dtype")


def build(today: Callable) -> Callable:
    """`Layer._build`, which passes shapes with `as_list` to `build`.

    Variables that `build` makes from the results of functions have values, also inside a trace.

    Args:
        today: the method that calls `build`.
    """

    @functools.wraps(today)
    def method(self: Any, shapes: dict) -> None:
        with jax.ensure_compile_time_eval():
            today(self, {name: with_methods(shape) for name, shape in shapes.items()})
        self._build_shapes = as_shape(self._build_shapes)

    return method


def with_methods(shape: Any) -> Any:
    """A shape, or each of a structure of them, as a `Shape`."""
    if isinstance(shape, dict):
        return {name: with_methods(child) for name, child in shape.items()}
    if isinstance(shape, list):
        return [with_methods(child) for child in shape]
    return Shape(shape) if isinstance(shape, tuple) else shape


def shape_of(value: Any) -> Any:
    """The shapes of a structure of tensors, with `as_list`."""
    return tree.map_structure(lambda leaf: Shape(known(getattr(leaf, "shape", ()))), value)


def _by_name(order: tuple[str, ...], args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments in an old order, which begins with the name, as keywords; others unchanged."""
    if args and isinstance(args[0], str):
        return (), dict(zip(order, args, strict=False)) | kwargs
    return args, kwargs


def add_metric_weight(today: Callable) -> Callable:
    """`Metric.add_weight`, with the name first if it is a string.

    Args:
        today: the method that creates the weight.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _by_name(OF_METRICS, args, kwargs)
        for ignored in ("aggregation", "synchronization"):  # each variable has one copy
            kwargs.pop(ignored, None)
        return today(self, *args, **kwargs)

    return method


def add_weight(today: Callable) -> Callable:
    """`Layer.add_weight`, with the name first if it is a string, and a number as a shape.

    Args:
        today: the method that creates the weight.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _by_name(ORDER, args, kwargs)
        shape = args[0] if args else kwargs.get("shape")
        if shape is not None and not hasattr(shape, "__iter__"):
            args, kwargs = args[1:], kwargs | {"shape": (shape,)}
        return today(self, *args, **kwargs)

    return method


def text(today: Callable) -> Callable:
    """`Layer._text`, which gives text to a program's own layers.

    Args:
        today: the method that refuses text.
    """

    @functools.wraps(today)
    def method(self: Any, value: Any) -> Any:
        own = not type(self).__module__.startswith("hornbook.")
        return value if own else today(self, value)

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
