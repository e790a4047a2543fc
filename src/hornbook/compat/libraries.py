"""Names that other libraries have dropped, restored while an old program runs."""

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from hornbook.compat.install import OldModule
from hornbook.dialects.libraries import CHANGED, GONE, LIVING, OPTIONS, RENAMED

ALL = "*"
OURS = "compat."


def find(today: str) -> Any:
    """The object that a table entry names.

    Args:
        today: `"module.name"`; `compat.` is a module of hornbook's.

    Example:
        >>> find("builtins.int")
        <class 'int'>
    """
    return pkgutil.resolve_name(f"hornbook.{today}" if today.startswith(OURS) else today)


class Gone(ModuleType):
    """A module that no longer exists, with the names of it that are known."""

    def __getattr__(self, name: str) -> Any:
        names = GONE.get(self.__name__, {})
        if name in names and name != ALL:
            value = find(names[name])
        elif ALL in names and not name.startswith("__"):
            value = getattr(importlib.import_module(names[ALL]), name)
        elif f"{self.__name__}.{name}" in GONE:
            return importlib.import_module(f"{self.__name__}.{name}")
        else:
            raise AttributeError(f"module {self.__name__!r} has no known name {name!r}")
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder for removed modules; restores dropped names of others as they are imported.

    Args:
        undo: gets the callbacks that undo it.
    """

    def __init__(self, undo: ExitStack):
        self.undo = undo

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module of the tables; `None` for others."""
        package = any(name.startswith(f"{fullname}.") for name in GONE)
        if fullname not in TABLES and not package:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (f.find_spec(fullname, path, target) for f in others if hasattr(f, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            if isinstance(spec.loader, type):  # a built-in loader, shared by all modules
                return None
            run: Any = spec.loader.exec_module
            spec.loader.exec_module = functools.partial(self._run_and_mend, run)  # type: ignore[method-assign]
            return spec
        if fullname in LIVING or (fullname not in GONE and not package):
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=package)

    def _run_and_mend(self, run: Callable, module: ModuleType) -> None:
        with warnings.catch_warnings():
            # A deprecated module warns on import; its dropped names are restored here.
            warnings.simplefilter("ignore", DeprecationWarning)
            run(module)
        mend(module, self.undo)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """An empty module."""
        return Gone(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Set `__all__` for star imports."""
        table = GONE.get(module.__name__, {})
        names = {name for name in table if name != ALL}
        if ALL in table:
            source = importlib.import_module(table[ALL])
            names |= {name for name in vars(source) if not name.startswith("_")}
        vars(module)["__all__"] = sorted(names)
        self.undo.callback(sys.modules.pop, module.__name__, None)


TABLES = {path.partition(":")[0] for path in (*GONE, *CHANGED, *RENAMED)}


def mend(module: ModuleType, undo: ExitStack) -> None:
    """Restore dropped names of an existing module and its classes.

    Args:
        module: the module.
        undo: gets the callbacks that undo it.
    """
    path = module.__name__
    if path in GONE and not isinstance(module, Gone | OldModule):
        _put(module, "__getattr__", _lost(path, vars(module).get("__getattr__")), undo)
    if path in OPTIONS and hasattr(module, "set_option"):
        _set(module, OPTIONS[path], undo)
    for table, apply in ((GONE, _add), (CHANGED, _change), (RENAMED, _rename)):
        for where, names in table.items():
            found, _, kind = where.partition(":")
            owner = getattr(module, kind, None) if kind else module
            if found == path and owner is not None and (kind or table is not GONE):
                for name, today in names.items():
                    apply(owner, name, today, undo)


def _set(module: ModuleType, options: dict[str, Any], undo: ExitStack) -> None:
    """Set options of a library, some of which it wants to drop."""

    def put(name: str, value: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = module.get_option(name)
            module.set_option(name, value)
        return before

    for name, value in options.items():
        undo.callback(put, name, put(name, value))


def _lost(path: str, before: Callable | None) -> Callable:
    """A module `__getattr__` that finds missing names and submodules."""
    names = GONE[path]

    def lost(name: str) -> Any:
        if name in names:
            return find(names[name])
        if f"{path}.{name}" in GONE:
            return importlib.import_module(f"{path}.{name}")
        if before is not None:
            return before(name)
        raise AttributeError(f"module {path!r} has no attribute {name!r}")

    return lost


def _add(owner: Any, name: str, today: str, undo: ExitStack) -> None:
    if not hasattr(owner, name):
        _put(owner, name, find(today), undo)


def _change(owner: Any, name: str, today: str, undo: ExitStack) -> None:
    if hasattr(owner, name):
        _put(owner, name, find(today)(getattr(owner, name)), undo)


def _rename(owner: Any, name: str, renamed: str, undo: ExitStack) -> None:
    """Make a function accept old names of its arguments."""
    if hasattr(owner, name):
        before, names = getattr(owner, name), dict(one.split(":") for one in renamed.split())

        @functools.wraps(before)
        def call(*args, **kwargs):
            today = {names.get(key, key): value for key, value in kwargs.items()}
            today.pop("", None)
            return before(*args, **today)

        _put(owner, name, call, undo)


def _put(owner: Any, name: str, value: Any, undo: ExitStack) -> None:
    if name in vars(owner):
        undo.callback(setattr, owner, name, vars(owner)[name])
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


@contextmanager
def put_back() -> Iterator[None]:
    """A context in which modules have their dropped names, from `dialects/libraries.py`.

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
