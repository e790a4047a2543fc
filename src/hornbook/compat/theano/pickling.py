"""Functions in pickles of graphs: by where they were written and what they remember.

Python pickles a function by its name alone, which one made within another does not have. Here such
a function of hornbook's is found again in the code of the one it was made in; a pickle never holds
code.
"""

import functools
import importlib
from types import CellType, CodeType, FunctionType
from typing import Any

LOCALS = "<locals>"


class Stored:
    """A function as a pickle has it.

    Args:
        module: where it was written.
        name: its qualified name.
        line: of its first line, counted from that of the function it was made in; there may be
            several without a name of their own.
        cells: what it remembers.
        defaults: of its arguments.
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
    """A value with the functions in it as a pickle has them.

    Args:
        value: a function, or lists, tuples and dictionaries with functions in them.
    """
    if isinstance(value, functools.partial):
        return functools.partial(stored(value.func), *stored(value.args), **value.keywords)
    if type(value) in (list, tuple):
        return type(value)(stored(one) for one in value)
    if type(value) is dict:
        return {key: stored(one) for key, one in value.items()}
    if not isinstance(value, FunctionType) or LOCALS not in value.__code__.co_qualname:
        return value
    module, name = value.__globals__["__name__"], value.__code__.co_qualname
    outer = _at(module, name.split(f".{LOCALS}.")[0])
    line = value.__code__.co_firstlineno - _code(outer).co_firstlineno
    cells = tuple(stored(cell.cell_contents) for cell in value.__closure__ or ())
    return Stored(module, name, line, cells, stored(value.__defaults__))


def _at(module: str, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


def restored(value: Any) -> Any:
    """The value that `stored` was given."""
    if isinstance(value, Stored):
        return value.found()
    if type(value) in (list, tuple):
        return type(value)(restored(one) for one in value)
    if type(value) is dict:
        return {key: restored(one) for key, one in value.items()}
    return value
