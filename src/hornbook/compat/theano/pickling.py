"""Functions in pickled graphs, stored by their place in the source and their closure.

Python pickles functions by name, which nested functions do not have. Here a nested function of
hornbook is looked up in the code of its enclosing function; a pickle never holds code.
"""

import functools
import importlib
from types import CellType, CodeType, FunctionType
from typing import Any

from hornbook.core import interop

LOCALS = "<locals>"


class Stored:
    """The pickled form of a function.

    Args:
        module: its module.
        name: its qualified name.
        line: its first line relative to the enclosing function, as several lambdas may share a
            name.
        cells: its closure.
        defaults: its argument defaults.
    """

    def __init__(self, module: str, name: str, line: int, cells: Any, defaults: Any):
        self.place = module, name, line
        self.cells, self.defaults = cells, defaults

    def found(self) -> FunctionType:
        """The function."""
        module, name, line = self.place
        path = name.split(f".{LOCALS}.")
        outer = _at(module, path[0])
        code, first = _code(outer), _code(outer).co_firstlineno
        for inner in path[1:]:
            found = [c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == inner]
            code = next((c for c in found if c.co_firstlineno - first == line), found[0])
        made = FunctionType(
            code,
            vars(importlib.import_module(module)),
            path[-1],
            restored(self.defaults),
            tuple(CellType(restored(cell)) for cell in self.cells),
        )
        made.__qualname__ = name
        return made


def _code(function: Any) -> CodeType:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function.__code__


def stored(value: Any) -> Any:
    """Convert the functions in a value to their pickled form.

    Args:
        value: a function, or lists, tuples and dictionaries containing functions.
    """
    if isinstance(value, functools.partial):
        return functools.partial(stored(value.func), *stored(value.args), **value.keywords)
    if type(value) in (list, tuple):
        return type(value)(stored(one) for one in value)
    if type(value) is dict:
        return {key: stored(one) for key, one in value.items()}
    local = isinstance(value, FunctionType) and LOCALS in value.__code__.co_qualname
    if not local or interop.home(value):
        return value
    module, name = value.__globals__["__name__"], value.__code__.co_qualname
    outer = _at(module, name.split(f".{LOCALS}.")[0])
    line = value.__code__.co_firstlineno - _code(outer).co_firstlineno
    cells = tuple(stored(cell.cell_contents) for cell in value.__closure__ or ())
    return Stored(module, name, line, cells, stored(value.__defaults__))


def _at(module: str, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


def restored(value: Any) -> Any:
    """The inverse of `stored`."""
    if isinstance(value, Stored):
        return value.found()
    if type(value) in (list, tuple):
        return type(value)(restored(one) for one in value)
    if type(value) is dict:
        return {key: restored(one) for key, one in value.items()}
    return value
