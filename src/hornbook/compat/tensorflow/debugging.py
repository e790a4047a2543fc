"""`tf.debugging` and `tf.errors`."""

import operator
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hornbook.compat.tensorflow.function import refuse
from hornbook.core.symbolic import has_symbolic


class OpError(Exception):
    """An error of an operation; `message` is its text."""

    def __init__(self, node_def: Any = None, op: Any = None, message: Any = "", *rest: Any):
        super().__init__(message or node_def)
        self.message = str(message or node_def)


class InvalidArgumentError(OpError, ValueError):
    """An argument does not fit."""


class OutOfRangeError(OpError):
    """Nothing is left to read."""


class NotFoundError(OpError, FileNotFoundError):
    """A file or name is missing."""


class DataLossError(OpError):
    """A file is damaged."""


class ResourceExhaustedError(OpError, MemoryError):
    """Memory or space is used up."""


def _known(*values: Any) -> bool:
    refuse()
    return not any(isinstance(one, jax.core.Tracer) or has_symbolic([one]) for one in values)


def _comparison(symbol: str, compare: Callable) -> Callable:
    def check(x: Any, y: Any, message: Any = None, summarize: Any = None, name: Any = None) -> None:
        if _known(x, y) and not np.all(compare(np.asarray(x), np.asarray(y))):
            raise InvalidArgumentError(
                None,
                None,
                f"{message or ''} x {symbol} y does not hold for every element: "
                f"x = {np.asarray(x)}, y = {np.asarray(y)}",
            )

    check.__doc__ = f"Raise unless `x {symbol} y` for each element; unchecked while tracing."
    return check


assert_equal = _comparison("==", operator.eq)
assert_none_equal = _comparison("!=", operator.ne)
assert_less = _comparison("<", operator.lt)
assert_less_equal = _comparison("<=", operator.le)
assert_greater = _comparison(">", operator.gt)
assert_greater_equal = _comparison(">=", operator.ge)


def _sign(compare: Callable) -> Callable:
    def check(x: Any, message: Any = None, summarize: Any = None, name: Any = None) -> None:
        compare(x, 0, message)

    check.__doc__ = "Raise unless it holds for each element, compared with 0."
    return check


assert_positive, assert_negative = _sign(assert_greater), _sign(assert_less)
assert_non_negative, assert_non_positive = _sign(assert_greater_equal), _sign(assert_less_equal)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: Any = None, **_: Any
) -> None:
    """Raise unless elements are equal within tolerances, by default ten units of rounding."""
    if not _known(x, y):
        return
    a, b = np.asarray(x), np.asarray(y)
    unit = 10 * np.finfo(a.dtype if a.dtype.kind == "f" else "float32").eps
    near = np.abs(a - b) <= (unit if atol is None else atol) + (
        unit if rtol is None else rtol
    ) * np.abs(b)
    if not np.all(near):
        raise InvalidArgumentError(None, None, f"{message or ''} x and y are not near: {a}, {b}")


def assert_rank(x: Any, rank: Any, message: Any = None, name: Any = None) -> None:
    """Raise unless an array has a number of axes."""
    if len(np.shape(x)) != int(rank):
        raise ValueError(f"{message or ''} the rank is {len(np.shape(x))}, not {rank}")


def assert_rank_at_least(x: Any, rank: Any, message: Any = None, name: Any = None) -> None:
    """Raise unless an array has at least a number of axes."""
    if len(np.shape(x)) < int(rank):
        raise ValueError(f"{message or ''} the rank is {len(np.shape(x))}, below {rank}")


def assert_shapes(shapes: Any, data: Any = None, message: Any = None, **_: Any) -> None:
    """Raise unless shapes fit; a name stands for one size throughout."""
    found: dict = {}
    for x, wanted in shapes.items() if isinstance(shapes, dict) else shapes:
        given = tuple(x.shape)
        fits = len(given) == len(wanted) and all(
            one is None or size == (found.setdefault(one, size) if isinstance(one, str) else one)
            for size, one in zip(given, wanted, strict=True)
        )
        if not fits:
            raise ValueError(f"{message or ''} the shape is {given}, not {tuple(wanted)}")


def assert_type(tensor: Any, tf_type: Any, message: Any = None, name: Any = None) -> None:
    """Raise unless an array has a dtype."""
    if tf_type != tensor.dtype:
        raise TypeError(f"{message or ''} the dtype is {tensor.dtype}, not {tf_type}")


def assert_all_finite(x: Any, message: str, name: Any = None) -> Any:
    """The array; raise if an element is infinite or not a number."""
    if _known(x) and not np.all(np.isfinite(np.asarray(x))):
        raise InvalidArgumentError(None, None, f"{message} : Tensor had NaN or Inf values")
    return x


def check_numerics(tensor: Any, message: str, name: Any = None) -> Any:
    """The array; raise if an element is infinite or not a number."""
    return assert_all_finite(tensor, message)


def assert_true(condition: Any, data: Any = None, summarize: Any = None, name: Any = None) -> None:
    """Raise unless a condition holds."""
    if _known(condition) and not np.all(np.asarray(condition)):
        raise InvalidArgumentError(None, None, f"assertion failed: {data}")


def enable_check_numerics(*args: Any, **options: Any) -> None:
    """Check each operation for numbers that are not finite."""
    jax.config.update("jax_debug_nans", True)


def disable_check_numerics() -> None:
    """Check no operation."""
    jax.config.update("jax_debug_nans", False)


def set_log_device_placement(enabled: Any) -> None:
    """Nothing: JAX does not log it."""
