"""Builtins, operators and methods as Python 2 had them.

Python 2's `str` held bytes. Here it is a `str` with one character per byte (latin-1), so that file
contents pass through unchanged and keep their lengths.
"""

import builtins
import codecs
import functools
import importlib
import sys
from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np

VIEWS = KeysView | ValuesView | ItemsView


def hidden(name: str) -> str:
    """The name under which translated code calls a function of this module."""
    return f"__python2_{name}__"


# ---- operators


def divide(left: Any, right: Any) -> Any:
    """`left / right`, rounded down if both are integers.

    Args:
        left: the dividend.
        right: the divisor.

    Example:
        >>> divide(7, 2), divide(7.0, 2), divide(np.arange(3), 2).tolist()
        (3, 3.5, [0, 0, 1])
    """
    return left // right if _is_whole(left) and _is_whole(right) else left / right


def divide_in_place(left: Any, right: Any) -> Any:
    """`left /= right`, likewise; arrays are updated in place.

    Args:
        left: see `divide`.
        right: see `divide`.
    """
    if _is_whole(left) and _is_whole(right):
        left //= right
    else:
        left /= right
    return left


def _is_whole(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iu"
    return isinstance(value, int | np.integer)


# ---- methods


def method(owner: Any, name: str) -> Callable:
    """A method as Python 2 had it.

    Args:
        owner: the object.
        name: one of `METHODS`.

    Example:
        >>> method({"a": 1}, "keys")(), method({"a": 1}, "has_key")("a")
        (['a'], True)
        >>> method(iter("ab"), "next")()
        'a'
    """
    return METHODS[name](owner, name)


def _listed(owner: Any, name: str) -> Callable:
    found = getattr(owner, name)

    @functools.wraps(found)
    def listed(*args, **kwargs):
        result = found(*args, **kwargs)
        return list(result) if isinstance(result, VIEWS) else result

    return listed if isinstance(owner, Mapping) else found


def _renamed(today: str) -> Callable:
    def find(owner: Any, name: str) -> Callable:
        if hasattr(owner, name) or not hasattr(owner, today):
            return getattr(owner, name)
        result = getattr(owner, today)
        return (lambda: iter(result())) if name.startswith("iter") else result

    return find


def _sort(owner: Any, name: str) -> Callable:
    if not isinstance(owner, list):
        return getattr(owner, name)

    def sort(cmp=None, key=None, reverse=False):
        owner[:] = py2_sorted(owner, cmp, key, reverse)

    return sort


def _decode(owner: Any, name: str) -> Callable:
    if not isinstance(owner, str):
        return getattr(owner, name)

    def decode(encoding="ascii", errors="strict"):
        try:
            return owner.encode("latin-1").decode(encoding, errors)
        except LookupError:  # "hex", "base64"
            return codecs.decode(owner.encode("latin-1"), encoding).decode("latin-1")
        except UnicodeError:  # text rather than bytes
            return owner

    return decode


METHODS: dict[str, Callable[[Any, str], Callable]] = {
    "keys": _listed,
    "values": _listed,
    "items": _listed,
    "iterkeys": _renamed("keys"),
    "itervalues": _renamed("values"),
    "iteritems": _renamed("items"),
    "viewkeys": _renamed("keys"),
    "viewvalues": _renamed("values"),
    "viewitems": _renamed("items"),
    "has_key": _renamed("__contains__"),
    "next": _renamed("__next__"),
    "sort": _sort,
    "decode": _decode,
}


# ---- builtins


def _as_utf8(error: UnicodeError) -> tuple[bytes, int]:
    """Encode text that is not bytes as UTF-8."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return error.object[error.start : error.end].encode(), error.end


codecs.register_error("hornbook-utf8", _as_utf8)


def py2_open(name, mode="r", buffering=-1, **kwargs):
    """`open`: text files are read as bytes."""
    if "b" in mode or kwargs:
        return open(name, mode, buffering, **kwargs)
    plain = mode.replace("U", "") or "r"
    end = None if "U" in mode else "\n"
    buffering = -1 if buffering == 0 else buffering
    return open(name, plain, buffering, encoding="latin-1", errors="hornbook-utf8", newline=end)


def py2_map(function, *iterables):
    """`map`: returns a list, as long as the longest argument."""
    if function is None:
        function = lambda *args: args if len(args) > 1 else args[0]  # noqa: E731
    if len({len(one) for one in iterables if hasattr(one, "__len__")}) < 2:
        return list(map(function, *iterables))
    from itertools import zip_longest

    return [function(*args) for args in zip_longest(*iterables)]


def py2_filter(function, iterable):
    """`filter`: returns a list, or a string or tuple for one."""
    kept = [one for one in iterable if (one if function is None else function(one))]
    if isinstance(iterable, str):
        return "".join(kept)
    return tuple(kept) if isinstance(iterable, tuple) else kept


def py2_cmp(left, right):
    """`cmp`: -1, 0 or 1."""
    return (left > right) - (left < right)


def py2_sorted(iterable, cmp=None, key=None, reverse=False):
    """`sorted` with `cmp`."""
    if cmp is not None:
        compare = functools.cmp_to_key(cmp)
        given = key
        key = compare if given is None else (lambda one: compare(given(one)))
    return sorted(iterable, key=key, reverse=reverse)


def py2_round(number, ndigits=0):
    """`round`: returns a float; halves are rounded away from zero."""
    scale = 10.0**ndigits
    return np.sign(number) * np.floor(abs(number) * scale + 0.5) / scale + 0.0


def py2_input(prompt=""):
    """`input`: evaluates what is typed."""
    caller = sys._getframe(1)
    return _evaluated(input(prompt), caller.f_globals, caller.f_locals, "eval")


def py2_eval(source, names=None, local=None):
    """`eval` of a Python 2 expression."""
    caller = sys._getframe(1)
    if names is None:
        names, local = caller.f_globals, caller.f_locals
    return _evaluated(source, names, local, "eval")


def py2_exec(source, names=None, local=None):
    """`exec` of Python 2 code."""
    caller = sys._getframe(1)
    if names is None:
        names, local = caller.f_globals, caller.f_locals
    _evaluated(source, names, local, "exec")


def py2_execfile(path, names=None, local=None):
    """`execfile`, in the caller's namespace."""
    caller = sys._getframe(1)
    with open(path, encoding="utf-8") as file:
        source = file.read()
    _evaluated(source, caller.f_globals if names is None else names, local, "exec", str(path))


def _evaluated(source, names, local, mode, path="<string>"):
    from hornbook.compat.python2 import compiled

    names.setdefault("__builtins__", BUILTINS)
    code = compiled(source, path, mode) if isinstance(source, str) else source
    return eval(code, names, local)


def py2_print(*values, **options):
    """`print`: byte strings in UTF-8 are shown decoded, as on a terminal."""
    print(*map(_shown, values), **options)


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str) and not value.isascii():
        try:
            return value.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return value
    return value


class _Text(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, str)


class Unicode(str, metaclass=_Text):
    """`unicode`: a `str`, which decodes byte strings."""

    def __new__(cls, value: Any = "", encoding: str = "ascii", errors: str = "strict") -> Any:
        """A text."""
        if isinstance(value, bytes):
            return value.decode(encoding, errors)
        if isinstance(value, str):
            return _decode(value, "decode")(encoding, errors)
        return str(value)


BUILTINS: dict[str, Any] = {
    **vars(builtins),
    "apply": lambda function, args=(), kwargs=None: function(*args, **(kwargs or {})),
    "basestring": str,
    "buffer": memoryview,
    "cmp": py2_cmp,
    "eval": py2_eval,
    "exec": py2_exec,
    "execfile": py2_execfile,
    "file": py2_open,
    "filter": py2_filter,
    "input": py2_input,
    "intern": sys.intern,
    "long": int,
    "map": py2_map,
    "open": py2_open,
    "print": py2_print,
    "range": lambda *args: list(range(*map(_index, args))),
    "raw_input": input,
    "reduce": functools.reduce,
    "reload": importlib.reload,
    "round": py2_round,
    "sorted": py2_sorted,
    "unichr": chr,
    "unicode": Unicode,
    "xrange": lambda *args: range(*map(_index, args)),
    "zip": lambda *iterables: list(zip(*iterables)),
    "StandardError": Exception,
    **{hidden(f.__name__): f for f in (divide, divide_in_place, method)},
}


def _index(number: Any) -> int:
    return int(number)
