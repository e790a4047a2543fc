"""Checks of size arguments and input sizes of layers."""

from typing import Any

import numpy as np

WHOLE = int | np.integer  # the types of sizes and axes


def known_size(shape: Any, axis: int, layer: Any) -> int:
    """The size of an axis that a layer's weights depend on.

    Raises:
        ValueError: if it is unknown or the axis does not exist.
    """
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) works on axis {axis}; its input of "
            f"shape {tuple(shape)} has no such axis"
        )
    if shape[axis] is None:
        raise ValueError(
            f"the weights of layer {layer.name!r} ({type(layer).__name__}) depend on axis {axis} "
            f"of its input, whose size is unknown: {tuple(shape)}. Give the Input that size, or "
            "reduce the axes of unknown size first (GlobalAveragePooling, Reshape)"
        )
    return shape[axis]


def positive(what: str, value: Any, layer: Any, zero: bool = False) -> int:
    """Check that an argument is a positive integer (`zero`: or 0), and return it.

    Raises:
        ValueError: if it is not; the message names the argument and the layer.
    """
    if not isinstance(value, WHOLE) or isinstance(value, bool) or value < (not zero):
        kind = "a non-negative" if zero else "a positive"
        raise ValueError(f"{what} of {type(layer).__name__} is {kind} integer, not {value!r}")
    return int(value)


def sizes(what: str, value: Any, rank: int, layer: Any, zero: bool = False) -> tuple[int, ...]:
    """One positive integer per spatial axis; a single one is used for all axes.

    Raises:
        ValueError: for a wrong number of values, or values that are not integers.
    """
    values = tuple(value) if isinstance(value, list | tuple | np.ndarray) else (value,) * rank
    if len(values) != rank:
        raise ValueError(
            f"{what} of {type(layer).__name__} is one integer or {rank} of them, not {value!r}"
        )
    return tuple(positive(what, one, layer, zero) for one in values)
