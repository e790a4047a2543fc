"""Dtypes of what functions of arrays are given, and of what they give."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.config import config
from hornbook.compat.theano.types import dtype_of, is_float, upcast

# What a function of floats takes integers as.
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
    """The dtype of an array or number; Python's numbers take as few bits as they need.

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
    """The float dtype in which a function of floats computes arguments of these dtypes.

    Args:
        dtypes: names.

    Example:
        >>> upgrade_to_float("int8"), upgrade_to_float("int64")
        ('float32', 'float64')
        >>> upgrade_to_float("int64", "float32")
        'float32'
    """
    floats = [name for name in dtypes if is_float(name)]
    return upcast(*(floats or [FLOAT_OF[name] for name in dtypes]))


class Casting:
    """A function whose arguments become of one dtype first.

    Args:
        rule: from the dtypes of the arguments to that dtype.
        fn: of arrays of one dtype.

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
    """A function whose arguments become floats first.

    Args:
        fn: of arrays of one dtype.
    """
    return _cast_by(upgrade_to_float, fn)


def _cast_by(rule: Callable[..., str], fn: Callable) -> Callable:
    casting = Casting(rule, fn)
    return functools.wraps(fn)(lambda *xs: casting(*xs))


def of_any(fn: Callable) -> Callable:
    """A function whose arguments become of one dtype first.

    Args:
        fn: of arrays of one dtype.
    """
    return _cast_by(upcast, fn)


def accumulator(dtype: str) -> str:
    """In which dtype numbers of a dtype are added up: 64 bits for all integers.

    Args:
        dtype: a name.

    Example:
        >>> accumulator("int8"), accumulator("uint8"), accumulator("float32")
        ('int64', 'uint64', 'float32')
    """
    kind = np.dtype(dtype).kind
    return {"b": "int64", "i": "int64", "u": "uint64"}.get(kind, dtype)


def wanted(dtype: Any) -> str:
    """The dtype that is asked for; `floatX` where none is.

    Args:
        dtype: a name, or `None`.
    """
    return dtype_of("floatX" if dtype is None else dtype)


def typed(infer: Callable) -> Callable[[Callable], Callable]:
    """Say which types a function of arrays gives, where a trial with some sizes would not find out.

    Args:
        infer: called as the function is, with variables in the place of arrays, it gives a
            `TensorType`, or a list of them.
    """

    def mark(fn: Callable) -> Callable:
        fn.infer = infer  # type: ignore[attr-defined]
        return fn

    return mark
