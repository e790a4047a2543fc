"""Regularizers: functions of a weight or output whose value is added to the loss.

    Dense(10, kernel_regularizer="l2")
    Dense(10, kernel_regularizer=regularizers.L1L2(l1=1e-5, l2=1e-4))

A regularizer is any callable that takes an array and returns a number.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core import config as registry
from hornbook.core import doors
from hornbook.ops import rows


class Regularizer(registry.Configurable):
    """Base of regularizers: define `__call__(self, x)`, which returns a number.

    Example:
        >>> class Spread(hornbook.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return jnp.std(x)
        >>> float(Spread()(np.ones(3)))
        0.0
    """

    def __call__(self, x: Array) -> Any:
        """The penalty for `x`."""
        return 0.0


@doors.also("l1l2")
class L1L2(Regularizer):
    """The sum of absolute and of squared values: `l1 * sum(|x|) + l2 * sum(x**2)`.

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    Raises:
        ValueError: if a factor is negative, not finite or not a number.

    Example:
        >>> float(hornbook.regularizers.L1L2(l1=1.0, l2=2.0)(np.array([-1.0, 3.0])))
        24.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor("l1", l1, 0.0)
        self.l2 = _factor("l2", l2, 0.0)

    def __call__(self, x: Array) -> Array:
        x = rows.array(x)
        penalty = jnp.zeros((), x.dtype)
        if self.l1:
            penalty += jnp.asarray(self.l1, x.dtype) * jnp.sum(jnp.abs(x))
        if self.l2:
            penalty += jnp.asarray(self.l2, x.dtype) * jnp.sum(jnp.square(x))
        return penalty


class L1(L1L2):
    """The sum of absolute values: `l1 * sum(|x|)`; makes weights sparse.

    Args:
        l1: the factor.

    Raises:
        ValueError: if the factor is negative, not finite or not a number.

    Example:
        >>> float(hornbook.regularizers.L1(0.5)(np.array([-1.0, 3.0])))
        2.0
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=_factor("l1", l1, 0.01))


class L2(L1L2):
    """The sum of squares: `l2 * sum(x**2)`; keeps weights small.

    Args:
        l2: the factor.

    Raises:
        ValueError: if the factor is negative, not finite or not a number.

    Example:
        >>> float(hornbook.regularizers.L2(0.5)(np.array([-1.0, 3.0])))
        5.0
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=_factor("l2", l2, 0.01))


class OrthogonalRegularizer(Regularizer):
    """The mean of `|cos|` of the angles between the rows (or columns) of a matrix, times `factor`.

    Args:
        factor: the factor.
        mode: `"rows"` or `"columns"`.

    Raises:
        ValueError: for any other mode or a bad factor; when called, if `x` is not a matrix.

    Example:
        >>> float(hornbook.regularizers.OrthogonalRegularizer()(np.eye(3)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _factor("factor", factor, 0.01)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode is 'rows' or 'columns', not {mode!r}")
        self.mode = mode

    def __call__(self, x: Array) -> Array:
        x = rows.floating(x)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer needs a matrix, not shape {x.shape}")
        vectors = x if self.mode == "rows" else x.T
        length = jnp.sqrt(jnp.maximum(jnp.sum(vectors**2, 1, keepdims=True), 1e-12))
        vectors = vectors / length
        count = len(vectors)
        cosines = (vectors @ vectors.T) * (1 - jnp.eye(count, dtype=x.dtype))
        return self.factor * jnp.sum(jnp.abs(cosines)) / (count * (count - 1.0))


def _factor(name: str, value: Any, default: float) -> float:
    """A checked factor."""
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, str) or not 0 <= number < float("inf"):
        raise ValueError(f"{name} is a number that is not negative, not {value!r}")
    return number


@doors.also("")
def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """`L1L2` with both factors defaulting to 0.01.

    Example:
        >>> hornbook.regularizers.l1_l2(l2=0.1)
        L1L2(l1=0.01, l2=0.1)
    """
    return L1L2(l1=l1, l2=l2)


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer

TABLE: dict[str, Callable] = doors.table(
    "regularizers", globals(), (Regularizer,), first=FunctionType
)


def get(identifier: Any) -> Callable | None:
    """The regularizer for a name, config, class or callable; `None` for `None`.

    Args:
        identifier: a name (`"l2"`), a callable, a config dict or `None`.

    Raises:
        ValueError: for an unknown name; the message suggests the closest ones.

    Example:
        >>> hornbook.regularizers.get("l2").l2
        0.01
    """
    found = registry.lookup("regularizers", identifier, TABLE, "a regularizer")
    return found() if found is l1_l2 else found


def serialize(regularizer: Callable) -> Any:
    """The config of a regularizer.

    Example:
        >>> hornbook.regularizers.serialize(hornbook.regularizers.L1(0.5))["config"]
        {'l1': 0.5}
    """
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable | None:
    """The regularizer that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to classes or functions, for this call.

    Example:
        >>> described = hornbook.regularizers.serialize(hornbook.regularizers.L1(0.5))
        >>> hornbook.regularizers.deserialize(described)
        L1(l1=0.5)
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


doors.publish(globals())
