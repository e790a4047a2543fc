"""Functions of variables, created from functions of arrays by `dialects/theano.py`'s rows."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.theano.config import wide
from hornbook.compat.theano.dtypes import Casting, upgrade_to_float
from hornbook.compat.theano.types import upcast
from hornbook.compat.theano.variable import apply, constant, elementwise
from hornbook.compat.translate import resolve
from hornbook.core.symbolic import SymbolicTensor, symbolic_leaves
from hornbook.dialects.row import Row

# How elementwise families cast their arguments, and their result dtypes.
RULES: dict[str, tuple[Callable | None, Any]] = {
    "floats": (upgrade_to_float, upgrade_to_float),
    "numbers": (upcast, upcast),
    "tests": (upcast, "bool"),
    "choices": (None, lambda cond, *both: upcast(*both)),
}


def made_from(rule: str, name: str, row: Row) -> Any:
    """The function of variables for a row.

    Args:
        rule: how to apply it: one of `RULES`, `"arrays"`, or `"variables"` (unchanged).
        name: Theano's name.
        row: its row.
    """
    today = resolve(row.new)
    if rule in RULES:
        cast_to, dtype = RULES[rule]
        return _elementwise(name, row, Casting(cast_to, today) if cast_to else today, dtype)
    return op(today, name) if rule == "arrays" else today


def _elementwise(name: str, row: Row, fn: Callable, dtype: Any) -> Callable:
    order = [old for argument in row.positions for old in argument.old]

    def call(*args: Any, **kwargs: Any) -> Any:
        args = (*args, *(kwargs.pop(key) for key in order[len(args) :] if key in kwargs))
        if kwargs:
            raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kwargs))!r}")
        return elementwise(fn, *args, result=dtype, name=name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{row.new}` of each element."
    return call


def op(fn: Callable, name: str | None = None) -> Callable:
    """Make a function of variables from one of arrays, with the same arguments.

    Variables, arrays, and lists containing variables are its tensors; other arguments are passed
    unchanged. Without any variable the result is a constant.

    Args:
        fn: a function of arrays; result types are inferred by trial or by `dtypes.typed`.
        name: for messages.

    Example:
        >>> import jax.numpy as jnp
        >>> from hornbook.compat.theano.types import TensorType
        >>> op(jnp.diagonal)(TensorType("float32", (False, False))("x"), offset=1).type
        TensorType(float32, vector)
    """
    name = name or fn.__name__
    infer = getattr(fn, "infer", None)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        if not symbolic_leaves(given):
            with wide():
                return _constants(fn(*args, **kwargs))
        places = [place for place, value in enumerate(given) if _is_tensor(value)]

        rest = [None if place in places else value for place, value in enumerate(given)]
        arranged = Arranged(fn, rest, places, tuple(kwargs))
        return apply(
            arranged,
            *(given[place] for place in places),
            infer=infer and arranged.instead(infer),
            name=name,
        )

    return call


class Arranged:
    """A function with some of its arguments bound.

    Args:
        fn: the function.
        given: its arguments, keyword arguments last.
        places: the positions of the unbound ones.
        names: the names of the keyword arguments.

    Example:
        >>> Arranged(pow, [None, 3], [0], ("exp",))(2)
        8
    """

    def __init__(self, fn: Callable, given: list, places: list[int], names: tuple[str, ...]):
        self.fn, self.given, self.places, self.names = fn, given, places, names

    def __call__(self, *tensors: Any) -> Any:
        filled = list(self.given)
        for place, tensor in zip(self.places, tensors, strict=True):
            filled[place] = tensor
        first = len(filled) - len(self.names)
        return self.fn(*filled[:first], **dict(zip(self.names, filled[first:], strict=True)))

    def instead(self, fn: Callable) -> "Arranged":
        """The same bindings for another function."""
        return Arranged(fn, self.given, self.places, self.names)


def _is_tensor(value: Any) -> bool:
    if isinstance(value, SymbolicTensor):
        return True
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biufc"
    return isinstance(value, list | tuple) and bool(symbolic_leaves(value))


def _constants(made: Any) -> Any:
    if isinstance(made, list | tuple):
        return [_constants(one) for one in made]
    return constant(np.asarray(made))
