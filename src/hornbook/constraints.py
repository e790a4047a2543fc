"""Constraints: projections applied to a weight after each optimizer update.

    Dense(10, kernel_constraint="non_neg")
    Conv2D(32, 3, kernel_constraint=constraints.MaxNorm(2, axis=(0, 1, 2)))

A constraint is any callable from an array to an array of the same shape.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core import config as registry
from hornbook.core import doors, settings
from hornbook.ops import rows

Axes = int | tuple[int, ...] | list[int] | None


class Constraint(registry.Configurable):
    """Base of constraints: define `__call__(self, w)`, which returns an array of `w`'s shape.

    Example:
        >>> class Half(hornbook.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return jnp.clip(w, -0.5, 0.5)
        >>> Half()(np.array([-2.0, 0.25])).tolist()
        [-0.5, 0.25]
    """

    def __call__(self, w: Array) -> Array:
        """The projection of `w` onto the allowed values."""
        return w


class MinMaxNorm(Constraint):
    """Scale each weight vector so that its norm lies between two bounds.

    `w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (epsilon + norm)`

    Args:
        min_value: lower bound of the norm.
        max_value: upper bound of the norm.
        rate: fraction of the correction to apply at each call, 0 to 1.
        axis: axes of one vector: 0 for a Dense kernel (inputs, units), (0, 1, 2) for a Conv2D
            kernel.

    Example:
        >>> long = np.array([[3.0, 4.0]])
        >>> np.asarray(hornbook.constraints.MinMaxNorm(0.0, 1.0, axis=1)(long)).round(4)
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axes = 0,
    ):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        w = rows.floating(w)
        norm = _norm(w, self.axis)
        wanted = jnp.clip(norm, self.min_value, self.max_value)
        wanted = self.rate * wanted + (1 - self.rate) * norm
        return w * (wanted / (settings.epsilon() + norm))


@doors.also("maxnorm")
class MaxNorm(Constraint):
    """Scale down weight vectors with a norm above `max_value` (Srivastava et al. 2014, dropout).

    Args:
        max_value: upper bound of the norm.
        axis: axes of one vector: 0 for a Dense kernel (inputs, units), (0, 1, 2) for a Conv2D
            kernel.

    Example:
        >>> long = np.array([[3.0, 4.0]])
        >>> np.asarray(hornbook.constraints.MaxNorm(1.0, axis=1)(long)).round(4)
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        return MinMaxNorm(0.0, self.max_value, axis=self.axis)(w)


@doors.also("nonneg")
class NonNeg(Constraint):
    """Set negative weights to 0.

    Example:
        >>> hornbook.constraints.NonNeg()(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        return jnp.maximum(rows.array(w), 0)


@doors.also("unitnorm")
class UnitNorm(Constraint):
    """Scale each weight vector to norm 1: `w / (epsilon + norm)`.

    Args:
        axis: axes of one vector: 0 for a Dense kernel (inputs, units), (0, 1, 2) for a Conv2D
            kernel.

    Example:
        >>> long = np.array([[3.0, 4.0]])
        >>> np.asarray(hornbook.constraints.UnitNorm(axis=1)(long)).round(4)
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: Axes = 0):
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        w = rows.floating(w)
        return w / (settings.epsilon() + _norm(w, self.axis))


def _norm(w: Array, axis: Axes) -> Array:
    """The Euclidean norm over some axes, which are kept with size 1."""
    return jnp.sqrt(jnp.sum(jnp.square(w), axis=rows.axes(axis), keepdims=True))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

TABLE: dict[str, type[Constraint]] = doors.table("constraints", globals())


def get(identifier: Any) -> Callable | None:
    """The constraint for a name, config, class or callable; `None` for `None`.

    Args:
        identifier: a name (`"max_norm"`), a callable, a config dict or `None`.

    Raises:
        ValueError: for an unknown name; the message suggests the closest ones.

    Example:
        >>> hornbook.constraints.get("non_neg")
        NonNeg()
    """
    return registry.lookup("constraints", identifier, TABLE, "a constraint")


def serialize(constraint: Callable) -> Any:
    """The config of a constraint.

    Example:
        >>> hornbook.constraints.serialize(hornbook.constraints.MaxNorm(3))["config"]
        {'max_value': 3, 'axis': 0}
    """
    return registry.serialize(constraint)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable | None:
    """The constraint that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to classes or functions, for this call.

    Example:
        >>> described = hornbook.constraints.serialize(hornbook.constraints.MaxNorm(3))
        >>> hornbook.constraints.deserialize(described)
        MaxNorm(max_value=3)
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


doors.publish(globals())
