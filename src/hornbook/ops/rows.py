"""Turns rows of a table into ops: Keras's signature around a JAX function.

Each function here takes a JAX function and a one-line docstring and returns an op. It adds Keras's
argument names and the conversion of lists to arrays.
"""

import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from hornbook.core import settings
from hornbook.core.dtype import is_float
from hornbook.core.symbolic import op

Op = Callable[..., jax.Array]


def array(x: Any) -> Any:
    """Convert anything array-like to a JAX array; Python floats become `floatx()`."""
    if isinstance(x, jax.Array):
        return x
    if isinstance(x, bool):
        return jnp.asarray(x, "bool")
    if isinstance(x, int):
        return jnp.asarray(x, "int32")
    if isinstance(x, float) or (isinstance(x, list | tuple) and _holds_floats(x)):
        return jnp.asarray(x, settings.floatx())
    return jnp.asarray(x)


def operand(x: Any) -> Any:
    """Like `array`, but keep Python numbers, which take the dtype of the other operand."""
    return x if isinstance(x, jax.Array | bool | int | float | complex) else array(x)


def floating(x: Any) -> jax.Array:
    """Convert to a floating-point (or complex) array; integers and bools become `floatx()`."""
    x = array(x)
    return x if is_float(x.dtype) or jnp.iscomplexobj(x) else x.astype(settings.floatx())


def number(x: Any) -> jax.Array:
    """Convert bools to int32; leave numbers unchanged."""
    x = array(x)
    return x.astype("int32") if x.dtype == "bool" else x


def pair(x1: Any, x2: Any) -> tuple[jax.Array, jax.Array]:
    """Two arrays of one dtype."""
    x1, x2 = operand(x1), operand(x2)
    dtype = jnp.result_type(x1, x2)
    return jnp.asarray(x1, dtype), jnp.asarray(x2, dtype)


def is_known(value: Any) -> bool:
    """Whether a value is integers, or a list of them, that are known while tracing."""
    if isinstance(value, list | tuple):
        return bool(value) and all(map(is_known, value))
    if isinstance(value, np.ndarray | jax.Array):
        return value.dtype.kind in "iu" and not isinstance(value, jax.core.Tracer)
    return isinstance(value, int | np.integer)


def at_once(fn: Callable, value: Any, *settings: Any) -> Any:
    """A function's result, known while tracing if the value is integers that are, as sizes are."""
    if not is_known(value):
        return fn(value, *settings)
    with jax.ensure_compile_time_eval():
        return fn(value, *settings)


def sizes(shape: Any) -> Any:
    """A shape; a tuple if it is an array of known sizes, whose elements would be traced."""
    known = isinstance(shape, np.ndarray | jax.Array) and is_known(shape)
    return tuple(np.ravel(shape).tolist()) if known else shape


def unary(fn: Callable, doc: str) -> Op:
    """An op of one array."""
    return row(lambda x: fn(array(x)), doc)


def unary_floating(fn: Callable, doc: str) -> Op:
    """An op of one array that computes in floating point."""
    return row(lambda x: fn(floating(x)), doc)


def binary(fn: Callable, doc: str) -> Op:
    """An op of two arrays, with broadcasting."""
    return row(lambda x1, x2: fn(operand(x1), operand(x2)), doc)


def reduction(fn: Callable, doc: str) -> Op:
    """An op that reduces over axes."""
    return row(
        lambda x, axis=None, keepdims=False: fn(array(x), axis=axes(axis), keepdims=keepdims), doc
    )


def along_axis(fn: Callable, doc: str, axis: int | None = -1) -> Op:
    """An op along one axis, which defaults to `axis`."""
    return row(lambda x, axis=axis: fn(array(x), axis=axis), doc)


def axis_of(x: jax.Array, axis: int) -> int:
    """Normalize an axis to a non-negative index.

    Raises:
        ValueError: (and IndexError: numpy's AxisError is both) if the array has no such axis.
    """
    return normalize_axis_index(axis, x.ndim)


def axes(axis: Any) -> Any:
    """Axes as JAX takes them: a list becomes a tuple."""
    return tuple(axis) if isinstance(axis, list) else axis


def each(value: Any, count: int) -> tuple[int, ...]:
    """One integer for each of `count` dimensions."""
    if isinstance(value, int | np.integer):
        return (int(value),) * count
    if len(value) == 1:
        return (int(value[0]),) * count
    if len(value) != count:
        raise ValueError(f"expected one integer or {count} of them, not {value!r}")
    return tuple(int(v) for v in value)


def publish(scope: dict[str, Any]) -> None:
    """Set `__all__` and `dir()` of a module to the ops it defines or re-exports.

    A row gets its name here: that of the variable it is first assigned to.
    """
    found = {
        name: value
        for name, value in scope.items()
        if isinstance(value, types.FunctionType)
        and value.__module__.startswith(__package__)
        and not name.startswith("_")
        and (value.__module__ != __name__ or hasattr(value, "__wrapped__"))  # not a local helper
    }
    for name, value in found.items():
        if value.__module__ == __name__:
            row = inspect.unwrap(value)
            row.__code__ = row.__code__.replace(co_name=name, co_qualname=name)
            value.__name__ = value.__qualname__ = value.name = name  # type: ignore[attr-defined]
            value.__module__ = scope["__name__"]
    scope["__all__"] = list(found)
    scope["__dir__"] = scope["__all__"].copy


def row(call: Callable, doc: str) -> Op:
    """An op from an unnamed function and a docstring.

    For a one-line function, tracebacks and debuggers show the row, not this module.
    """
    place, code = sys._getframe(1), call.__code__
    while place.f_back is not None and place.f_code.co_name != "<module>":
        place = place.f_back
    if {line for *_, line in code.co_lines()} <= {code.co_firstlineno, None}:
        file = place.f_code.co_filename
        call.__code__ = code.replace(co_filename=file, co_firstlineno=place.f_lineno)
    call.__doc__ = doc
    call.__module__ = __name__
    return op(call)


def _holds_floats(x: Any) -> bool:
    """Whether a nested list holds Python floats (numpy and JAX scalars have a dtype)."""
    while isinstance(x, list | tuple):
        if any(isinstance(child, float) and not isinstance(child, np.floating) for child in x):
            return True
        x = x[0] if x else None
    return False
