"""Names that other libraries have dropped, put back while an old program runs."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from hornbook.dialects.libraries import GONE


@contextmanager
def put_back() -> Iterator[None]:
    """Inside, modules have the names of `dialects/libraries.py` that they lack.

    Example:
        >>> import numpy
        >>> with put_back():
        ...     numpy.float is float
        True
        >>> "float" in vars(numpy)
        False
    """
    added: list[tuple[ModuleType, str]] = []
    try:
        for path, names in GONE.items():
            module = importlib.import_module(path)
            for name, today in names.items():
                where, _, attribute = today.rpartition(".")
                found = getattr(importlib.import_module(where), attribute, None)
                if name not in vars(module) and found is not None:
                    setattr(module, name, found)
                    added.append((module, name))
        yield
    finally:
        for module, name in added:
            delattr(module, name)
