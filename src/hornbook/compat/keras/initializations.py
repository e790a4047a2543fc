"""Keras 1's `initializations`: functions of a shape that return a variable."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook import initializers
from hornbook.core.variable import Variable

SHORT = {"zero": "zeros", "one": "ones"}
NAMES = (
    "zero one lecun_uniform glorot_normal glorot_uniform he_normal he_uniform orthogonal identity"
).split()


def _made(initializer: Any, shape: Any, name: str | None) -> Variable:
    return Variable(initializer(tuple(shape), dtype="float32"), name=name)


def uniform(shape: Any, scale: float = 0.05, name: str | None = None) -> Variable:
    """Uniform between -scale and scale."""
    return _made(initializers.RandomUniform(-scale, scale), shape, name)


def normal(shape: Any, scale: float = 0.05, name: str | None = None) -> Variable:
    """Normal with standard deviation `scale`."""
    return _made(initializers.RandomNormal(0.0, scale), shape, name)


def _of(name: str) -> Callable:
    def initialize(shape: Any, name: str | None = None, **scale: Any) -> Variable:
        return _made(kind(**scale), shape, name)

    kind = getattr(initializers, SHORT.get(name, name))
    initialize.__name__ = initialize.__qualname__ = name
    initialize.__doc__ = f"`initializers.{SHORT.get(name, name)}`, of a shape."
    return initialize


zero, one, lecun_uniform, glorot_normal, glorot_uniform, he_normal, he_uniform, *_rest = map(
    _of, NAMES
)
orthogonal, identity = _rest


def get(identifier: Any) -> Any:
    """The function for a name; anything else is returned as is."""
    known = {"uniform": uniform, "normal": normal, **{n: globals()[n] for n in NAMES}}
    return known.get(identifier, identifier) if isinstance(identifier, str) else identifier


def today(initializer: Any) -> Any:
    """Convert a function `(shape, name)` to an initializer that today's layers take.

    Args:
        initializer: a name, an initializer, an array or a function.
    """
    if not callable(initializer) or isinstance(initializer, initializers.Initializer | type):
        return initializer
    try:
        known = inspect.signature(initializer).parameters
    except (TypeError, ValueError):
        return initializer
    if "dtype" in known or any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return initializer

    def initialize(shape: Any, dtype: Any = None) -> Any:
        named = {"name": None} if "name" in known else {}
        return np.asarray(initializer(tuple(shape), **named), dtype)

    return initialize
