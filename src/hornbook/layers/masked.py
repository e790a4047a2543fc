"""Which layers ignore masked steps, so that sequences may be padded with more of them."""

from collections.abc import Callable
from typing import Any

from hornbook import activations

WRITES_OUTPUT = {"call", "__call__", "compute_mask", "_merge"}


def ignores_masked_steps(layer: Any) -> bool:
    """Whether masked steps at the end of a layer's input leave its output unchanged.

    A masked output keeps one step per input step, with the same mask; an unmasked output is the
    same with and without those steps. Layers declare it with an attribute or property
    `ignores_masked_steps`; a subclass with its own `call` must declare it again.

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
    """Whether an activation is one of hornbook's, which act on elements or on the last axis."""
    return any(activation is known for known in activations.TABLE.values())


def on_last_axis(axis: Any) -> bool:
    """Whether `axis` is -1 or `[-1]`."""
    return axis == -1 or (isinstance(axis, list | tuple) and list(axis) == [-1])
