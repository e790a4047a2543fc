"""Dtypes of the arguments and results of functions of arrays."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.config import config
from hornbook.compat.theano.types import dtype_of, is_float, upcast

# The float dtype to which functions of floats convert each integer dtype.
FLOAT_OF = {
    "bool": "float32",
    "int8": "float32",
    "int16": "float32",
    "int32": "float64",
    "int64": "float64",
    "uint8": "float32",
    "uint16": "float32",
    "uint32": "float64",
    "uint64": "float64",
}
INTEGERS = ("int8", "int16", "int32", "int64")


def dtype_of_array(x: Any) -> str:
    """The dtype of an array or number; the smallest that fits for a Python number.

    Args:
        x: an array, or a number or list.

    Example:
        >>> dtype_of_array(3), dtype_of_array(300), dtype_of_array(np.ones(2, "int32"))
        ('int8', 'int16', 'int32')
    """
    if hasattr(x, "dtype"):
        return str(x.dtype)
    array = np.asarray(x)
    if array.dtype.kind == "i":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        fits = (d for d in INTEGERS if np.iinfo(d).min <= low and high <= np.iinfo(d).max)
        return next(fits, "int64")
    return config.floatX if array.dtype == "float64" else str(array.dtype)


def upgrade_to_float(*dtypes: str) -> str:
    """The float dtype in which a function of floats computes these arguments.

    Args:
        dtypes: dtype names.

    Example:
        >>> upgrade_to_float("int8"), upgrade_to_float("int64")
        ('float32', 'float64')
        >>> upgrade_to_float("int64", "float32")
        'float32'
    """
    floats = [name for name in dtypes if is_float(name)]
    return upcast(*(floats or [FLOAT_OF[name] for name in dtypes]))


class Casting:
    """A function that first casts its arguments to one dtype.

    Args:
        rule: maps the arguments' dtypes to that dtype.
        fn: a function of arrays of one dtype.

    Example:
        >>> Casting(upgrade_to_float, jnp.exp)(np.zeros(2, "int8")).dtype
        dtype('float32')
    """

    def __init__(self, rule: Callable[..., str], fn: Callable):
        self.rule, self.fn = rule, fn

    def __call__(self, *xs: Any) -> Any:
        dtype = self.rule(*map(dtype_of_array, xs))
        return self.fn(*(jnp.asarray(x, dtype) for x in xs))


def of_floats(fn: Callable) -> Callable:
    """Make a function first cast its arguments to floats.

    Args:
        fn: a function of arrays of one dtype.
    """
    return _cast_by(upgrade_to_float, fn)


def _cast_by(rule: Callable[..., str], fn: Callable) -> Callable:
    casting = Casting(rule, fn)
    return functools.wraps(fn)(lambda *xs: casting(*xs))


def of_any(fn: Callable) -> Callable:
    """Make a function first cast its arguments to one dtype.

    Args:
        fn: a function of arrays of one dtype.
    """
    return _cast_by(upcast, fn)


def accumulator(dtype: str) -> str:
    """The dtype in which a dtype is summed: 64 bits for all integers.

    Args:
        dtype: a dtype name.

    Example:
        >>> accumulator("int8"), accumulator("uint8"), accumulator("float32")
        ('int64', 'uint64', 'float32')
    """
    kind = np.dtype(dtype).kind
    return {"b": "int64", "i": "int64", "u": "uint64"}.get(kind, dtype)


def wanted(dtype: Any) -> str:
    """The requested dtype; `floatX` for none.

    Args:
        dtype: a dtype name, or `None`.
    """
    return dtype_of("floatX" if dtype is None else dtype)


def typed(infer: Callable) -> Callable[[Callable], Callable]:
    """Declare the result types of a function where trial shapes cannot infer them.

    Args:
        infer: called like the function, with variables instead of arrays; returns a
            `TensorType` or a list of them.
    """

    def mark(fn: Callable) -> Callable:
        fn.infer = infer  # type: ignore[attr-defined]
        return fn

    return mark
