"""Which layers treat masked steps as if they were not there, so that steps may be added."""

from collections.abc import Callable
from typing import Any

from hornbook import activations

WRITES_OUTPUT = {"call", "__call__", "compute_mask", "_merge"}


def ignores_masked_steps(layer: Any) -> bool:
    """Whether masked steps at the end of a layer's input change nothing of what it puts out.

    An output with a mask has one step for each of the input's, masked alike; one without a mask
    is the same with those steps as without them. Layers declare it, with an attribute or property
    `ignores_masked_steps`; a subclass that writes its own `call` declares it again.

    Example:
        >>> import hornbook as keras
        >>> ignores_masked_steps(keras.layers.LSTM(4)), ignores_masked_steps(keras.layers.Flatten())
        (True, False)
    """
    if getattr(layer, "activity_regularizer", None) is not None:
        return False
    for cls in type(layer).__mro__:
        if "ignores_masked_steps" in vars(cls):
            return bool(layer.ignores_masked_steps)
        if WRITES_OUTPUT & vars(cls).keys():
            return False
    return False


def of_each_step(activation: Callable) -> bool:
    """Whether an activation is one of hornbook's, which look at one element or the last axis."""
    return any(activation is known for known in activations.TABLE.values())


def on_last_axis(axis: Any) -> bool:
    """Whether an axis, or the only one of several, is named as the last."""
    return axis == -1 or (isinstance(axis, list | tuple) and list(axis) == [-1])
