"""Translate old arguments to today's, by a row of `dialects/`."""

import importlib
import warnings
from typing import Any

import hornbook
from hornbook.dialects.row import Row

SEVERAL = "{name}() got both {old!r} and {new!r}, which are one argument today"


def resolve(place: str) -> Any:
    """The object that a row names, such as `"layers.Dense"`.

    Args:
        place: a path below `hornbook`, or one that starts with `jax.`.

    Raises:
        AttributeError: if there is no such name.
    """
    if place.startswith("jax."):
        module, _, name = place.rpartition(".")
        return getattr(importlib.import_module(module), name)
    parts = place.split(".")
    if len(parts) == 1:
        return getattr(hornbook, place)
    for depth in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(["hornbook", *parts[:depth]]))
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("hornbook."):
                raise
            continue
        for part in parts[depth:]:
            found = getattr(found, part)
        return found
    raise AttributeError(f"there is no {place!r} in hornbook")


def translate(name: str, row: Row, values: dict, args: tuple, kwargs: dict) -> dict[str, Any]:
    """Translate the arguments of an old call to today's keywords.

    Args:
        name: the old name, for messages.
        row: the translation.
        values: for each argument of today, a map from old values to new ones.
        args: positional arguments.
        kwargs: keywords, old and today's.

    Raises:
        TypeError: for too many positional arguments, or one that is given twice.

    Example:
        >>> from hornbook.dialects.row import row
        >>> conv = row("layers.Conv2D", "nb_filter:filters nb_row+nb_col:kernel_size")
        >>> translate("Convolution2D", conv, {}, (64, 3, 3), {"subsample": 2})
        {'filters': 64, 'kernel_size': (3, 3), 'subsample': 2}
    """
    left = list(args)
    given = dict(kwargs)
    found: dict[str, Any] = {}

    def put(old: str, new: str, value: Any) -> None:
        if new in found:
            raise TypeError(SEVERAL.format(name=name, old=old, new=new))
        found[new] = value

    for argument in row.positions:
        if not left:
            break
        count = _joined(argument.old, left)
        taken, left = left[:count], left[count:]
        value = taken[0] if count == 1 else tuple(taken)
        _put_or_drop(name, argument, value, put)
    if left:
        count = sum(len(argument.old) for argument in row.positions)
        raise TypeError(f"{name}() takes {count} positional arguments, not {count + len(left)}")
    for argument in row.arguments:
        here = [old for old in argument.old if old in given]
        if here:
            several = [given.pop(old) for old in here]
            value = tuple(several) if len(argument.old) > 1 else several[0]
            _put_or_drop(name, argument, value, put)
    for key, value in given.items():
        put(key, key, value)
    for key, value in row.defaults.items():
        found.setdefault(key, value)
    if isinstance(found.get("axis"), list):
        found["axis"] = tuple(found["axis"])
    return {key: _today(value, values.get(key)) for key, value in found.items()}


def _joined(old: tuple[str, ...], left: list) -> int:
    """How many positional values make one argument; `(3, 3)` may also be given as one."""
    numbers = left[: len(old)]
    return len(old) if len(numbers) == len(old) and all(map(_is_int, numbers)) else 1


def _is_int(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _put_or_drop(name, argument, value, put) -> None:
    if argument.new:
        put(argument.old[0], argument.new, value)
    elif argument.warn:
        warnings.warn(f"{name}: the argument {argument.old[0]!r} is ignored", stacklevel=4)


def _today(value: Any, changed: dict | None) -> Any:
    """Today's form of a value; names starting with `compat.` are resolved."""
    if isinstance(value, list) and changed:
        return [_today(one, changed) for one in value]
    if isinstance(value, dict) and changed:
        return {key: _today(one, changed) for key, one in value.items()}
    if changed and (value is None or isinstance(value, str)):
        value = changed.get(value, value)
    if isinstance(value, str) and value.startswith("compat."):
        return resolve(value)
    return value
