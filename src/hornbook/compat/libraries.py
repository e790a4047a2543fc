"""Names that other libraries have dropped, put back while an old program runs."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from hornbook.dialects.libraries import CHANGED, GONE, METHODS

ALL = "*"
OURS = "compat."


def find(today: str) -> Any:
    """What the table names.

    Args:
        today: `"module.name"`; what begins with `compat.` is hornbook's own.

    Example:
        >>> find("builtins.int")
        <class 'int'>
    """
    where, _, name = today.rpartition(".")
    return getattr(
        importlib.import_module(f"hornbook.{where}" if where[:7] == OURS else where), name
    )


class Gone(ModuleType):
    """A module that is no longer there, with the names of it that are known."""

    def __getattr__(self, name: str) -> Any:
        names = GONE[self.__name__]
        if name in names and name != ALL:
            value = find(names[name])
        elif ALL in names and not name.startswith("__"):
            value = getattr(importlib.import_module(names[ALL]), name)
        elif f"{self.__name__}.{name}" in GONE:
            return importlib.import_module(f"{self.__name__}.{name}")
        else:
            raise AttributeError(
                f"module {self.__name__!r} has no name {name!r} that is known here"
            )
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules that are gone, and gives others what they have lost when they are imported.

    Args:
        undo: where to note what undoes it.
    """

    def __init__(self, undo: ExitStack):
        self.undo = undo

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """How a module of the tables is loaded; `None` for all others."""
        if fullname not in TABLES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (f.find_spec(fullname, path, target) for f in others if hasattr(f, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            run: Any = spec.loader.exec_module
            spec.loader.exec_module = partial(self._run_and_mend, run)  # type: ignore[method-assign]
            return spec
        if fullname not in GONE:
            return None
        package = any(name.startswith(f"{fullname}.") for name in GONE)
        return importlib.util.spec_from_loader(fullname, self, is_package=package)

    def _run_and_mend(self, run: Callable, module: ModuleType) -> None:
        run(module)
        mend(module, self.undo)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """An empty module."""
        return Gone(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Say what a star import brings."""
        names = {name for name in GONE[module.__name__] if name != ALL}
        if ALL in GONE[module.__name__]:
            source = importlib.import_module(GONE[module.__name__][ALL])
            names |= {name for name in vars(source) if not name.startswith("_")}
        vars(module)["__all__"] = sorted(names)
        self.undo.callback(sys.modules.pop, module.__name__, None)


def _table_of(path: str) -> str:
    """The module that a class `package.Class` or `package.module.Class` is found in."""
    return path.rpartition(".")[0]


TABLES = {*GONE, *CHANGED, *map(_table_of, METHODS)}


def mend(module: ModuleType, undo: ExitStack) -> None:
    """Give a module that is there what it has lost.

    Args:
        module: which.
        undo: where to note what undoes it.
    """
    path = module.__name__
    if path in GONE and not isinstance(module, Gone):
        names, before = GONE[path], vars(module).get("__getattr__")

        def lost(name: str) -> Any:
            if name in names:
                return find(names[name])
            if before is not None:
                return before(name)
            raise AttributeError(f"module {path!r} has no attribute {name!r}")

        _put(module, "__getattr__", lost, undo)
    for name, today in CHANGED.get(path, {}).items():
        _put(module, name, find(today), undo)
    for owner, methods in METHODS.items():
        if _table_of(owner) == path:
            kind = getattr(module, owner.rpartition(".")[2])
            for name, today in methods.items():
                if not hasattr(kind, name):
                    _put(kind, name, find(today), undo)


def _put(owner: Any, name: str, value: Any, undo: ExitStack) -> None:
    if name in vars(owner):
        undo.callback(setattr, owner, name, vars(owner)[name])
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


@contextmanager
def put_back() -> Iterator[None]:
    """Inside, modules have the names of `dialects/libraries.py` that they lack.

    Example:
        >>> import numpy
        >>> with put_back():
        ...     numpy.float is float
        True
        >>> hasattr(numpy, "float")
        False
    """
    with ExitStack() as undo:
        finder = Finder(undo)
        sys.meta_path.insert(0, finder)
        undo.callback(sys.meta_path.remove, finder)
        for path in TABLES & {*sys.modules}:
            mend(sys.modules[path], undo)
        yield
