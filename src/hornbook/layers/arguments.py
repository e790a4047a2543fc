"""Checks of the sizes that layers are made with and called on."""

from typing import Any

import numpy as np

WHOLE = int | np.integer  # what a size or an axis may be


def known_size(shape: Any, axis: int, layer: Any) -> int:
    """The size of an axis that a layer's weights depend on.

    Raises:
        ValueError: if it is unknown, or there is no such axis.
    """
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) works on axis {axis}; its input of "
            f"shape {tuple(shape)} has no such axis"
        )
    if shape[axis] is None:
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) makes weights as large as axis {axis} "
            f"of its input, whose size is unknown: {tuple(shape)}. Give the Input that size, or "
            "reduce the axes of unknown size first (GlobalAveragePooling, Reshape)"
        )
    return shape[axis]


def positive(what: str, value: Any, layer: Any, zero: bool = False) -> int:
    """A positive integer that a layer was given (`zero`: or 0).

    Raises:
        ValueError: if it is anything else; the message names the argument and the layer.
    """
    if not isinstance(value, WHOLE) or isinstance(value, bool) or value < (not zero):
        kind = "a non-negative" if zero else "a positive"
        raise ValueError(f"{what} of {type(layer).__name__} is {kind} integer, not {value!r}")
    return int(value)


def sizes(what: str, value: Any, rank: int, layer: Any, zero: bool = False) -> tuple[int, ...]:
    """One positive integer for each spatial axis; a single one counts for all.

    Raises:
        ValueError: for another number of them, or anything else than integers.
    """
    values = tuple(value) if isinstance(value, list | tuple | np.ndarray) else (value,) * rank
    if len(values) != rank:
        raise ValueError(
            f"{what} of {type(layer).__name__} is one integer or {rank} of them, not {value!r}"
        )
    return tuple(positive(what, one, layer, zero) for one in values)
