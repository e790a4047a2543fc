"""Notes on errors of old programs: the name that was meant, and what to use today."""

import re
import sys
from difflib import get_close_matches
from types import FrameType, ModuleType
from typing import Any

import hornbook
from hornbook.compat.install import OldModule
from hornbook.dialects.row import Row

LIST = "docs/old_programs.md lists the known ones"
UNKNOWN = f"hornbook does not know this name of {{root}}: {LIST}"
MEANT = "Did you mean {}?"
TODAY = "hornbook.{} has {!r}: if the program is for Keras 3, say --as keras3"
TENSORFLOW = (
    "TensorFlow itself is not provided, only keras and common functions around it. Write this part "
    "with hornbook.ops, or install tensorflow and run the program with Python"
)
INSTALL = "the program needs the package {0!r}: pip install {0}"
MISSING = re.compile("cannot import name '(\\w+)' from '([\\w.]+)'")
ROOTS = ("keras", "theano")


def explain(error: BaseException) -> None:
    """Add helpful notes to an error.

    Args:
        error: raised by an old program.

    Example:
        >>> error = ModuleNotFoundError("No module named 'xgboost'", name="xgboost")
        >>> explain(error)
        >>> error.__notes__
        ["the program needs the package 'xgboost': pip install xgboost"]
    """
    for note in (*_of_names(error), *_of_arguments(error)):
        if note not in getattr(error, "__notes__", []) and note not in str(error):
            error.add_note(note)


def _of_names(error: BaseException) -> list[str]:
    if isinstance(error, ImportError):
        path = str(error.name)
        found = MISSING.search(str(error))
        root = path.partition(".")[0]
        if root == "tensorflow":
            return [TENSORFLOW]
        if root in ROOTS:
            return _about(sys.modules.get(path), found[1] if found else "", root)
        if isinstance(error, ModuleNotFoundError) and path == root:
            return [INSTALL.format(root)]
    elif isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        root = error.obj.__name__.partition(".")[0]
        if root == "tensorflow":
            return [TENSORFLOW]
        if isinstance(error.obj, OldModule):
            return _about(error.obj, str(error.name), root)
    return []


def _about(module: ModuleType | None, name: str, root: str) -> list[str]:
    """The notes on a name that a module of an old library does not have."""
    meant = get_close_matches(name, dir(module) if module else [], 1)
    if meant:
        return [MEANT.format(repr(meant[0]))]
    family = str(getattr(module, "__name__", "")).partition(".")[2].partition(".")[0]
    if name and name in getattr(getattr(hornbook, family or "layers", None), "__all__", ()):
        return [TODAY.format(family, name), UNKNOWN.format(root=root)]
    return [UNKNOWN.format(root=root)]


def _of_arguments(error: BaseException) -> list[str]:
    """The closest argument to an unknown keyword, from the row of the function called."""
    if not isinstance(error, TypeError | ValueError):
        return []
    trace, message = error.__traceback__, str(error)
    while trace is not None:
        row, given = _call(trace.tb_frame)
        arguments = row.arguments if row is not None else ()
        known = {old: one.new for one in arguments for old in one.old if one.new}
        for name in given if known else ():
            if f"'{name}'" in message and name not in known:
                meant = get_close_matches(name, known, 1)
                renamed = meant and known[meant[0]] != meant[0]
                today = f" ({known[meant[0]]!r} today)" if renamed else ""
                return [MEANT.format(f"{meant[0]!r}{today}")] if meant else []
        trace = trace.tb_next
    return []


def _call(frame: FrameType) -> tuple[Row | None, dict[str, Any]]:
    """The row by which a call of an old name is translated, and its keywords."""
    seen = frame.f_locals
    given = seen.get("kwargs")
    if not isinstance(given, dict):
        return None, {}
    row = seen.get("row")
    names = getattr(seen.get("self"), "_names", None)
    if row is None and isinstance(seen.get("cls"), type):
        row = getattr(seen["cls"], "_row", None)
    if row is None and names is not None:
        row = names.dialect.METHODS.get(f"Model.{frame.f_code.co_name}")
    return (row, given) if isinstance(row, Row) else (None, {})
