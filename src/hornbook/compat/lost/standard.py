"""Dropped functions of Python's standard library."""

import functools
import importlib
import importlib.machinery
import importlib.util
import inspect
import io
import itertools
import re
import sys
from collections import namedtuple
from collections.abc import Callable
from types import ModuleType
from typing import Any

ArgSpec = namedtuple("ArgSpec", "args varargs keywords defaults")


def getargspec(func: Any) -> ArgSpec:
    """`inspect.getargspec`."""
    found = inspect.getfullargspec(func)
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)


def join(words: Any, sep: str = " ") -> str:
    """`string.join`."""
    return sep.join(words)


def maketrans(before: Any, after: Any) -> Any:
    """`string.maketrans`."""
    return type(before).maketrans(before, after)


def setdefaultencoding(name: str) -> None:
    """`sys.setdefaultencoding`: no-op, as strings are Unicode."""


def text_or_bytes(initial: Any = "") -> io.StringIO | io.BytesIO:
    """`StringIO.StringIO`, for text or bytes."""
    return io.BytesIO(initial) if isinstance(initial, bytes) else io.StringIO(initial)


def between_something(split: Callable) -> Callable:
    """`re.split`: empty matches, as of `(\\W+)?`, do not split."""

    @functools.wraps(split)
    def call(pattern, string, maxsplit=0, flags=0):
        found = (one for one in re.finditer(pattern, string, flags) if one.end() > one.start())
        parts, start = [], 0
        for one in itertools.islice(found, maxsplit or None):
            parts += [string[start : one.start()], *one.groups()]
            start = one.end()
        return [*parts, string[start:]]

    return call


def load_source(name: str, pathname: str) -> ModuleType:
    """`imp.load_source`."""
    loader = importlib.machinery.SourceFileLoader(name, pathname)
    spec = importlib.util.spec_from_file_location(name, pathname, loader=loader)
    if spec is None:
        raise ImportError(f"{pathname} is not a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def new_module(name: str) -> ModuleType:
    """`imp.new_module`."""
    return ModuleType(name)


@functools.total_ordering
class LooseVersion:
    """`distutils.version.LooseVersion`: comparable versions.

    Args:
        text: such as `"1.2.3"`.
    """

    def __init__(self, text: str = "0"):
        self.vstring = text
        words = text.replace("-", ".").replace("+", ".").split(".")
        self.version = [int(word) if word.isdigit() else word for word in words]

    def _key(self) -> list:
        return [(isinstance(one, str), one) for one in self.version]

    def __eq__(self, other: Any) -> bool:
        return self._key() == _version(other)._key()

    def __lt__(self, other: Any) -> bool:
        return self._key() < _version(other)._key()

    def __hash__(self) -> int:
        return hash(self.vstring)

    def __str__(self) -> str:
        return self.vstring


def _version(other: Any) -> LooseVersion:
    return other if isinstance(other, LooseVersion) else LooseVersion(str(other))


# ---- six, where it is not installed

PY2, PY3 = False, True
string_types, integer_types = (str,), (int,)


def iteritems(d: Any) -> Any:
    """`six.iteritems`."""
    return iter(d.items())


def iterkeys(d: Any) -> Any:
    """`six.iterkeys`."""
    return iter(d.keys())


def itervalues(d: Any) -> Any:
    """`six.itervalues`."""
    return iter(d.values())
