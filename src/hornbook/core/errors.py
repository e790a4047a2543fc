"""Short tracebacks: the user's lines and the hornbook calls they made, without the internals."""

import functools
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

import jax
import jaxlib
import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

PACKAGE = str(Path(__file__).parents[1])
CORE = str(Path(__file__).parent)
THEIRS = tuple(str(Path(module.__path__[0])) for module in (jax, jaxlib, np))
STANDARD = sysconfig.get_path("stdlib")
INSTALLED = ("site-packages", "dist-packages")  # below the folder of the standard library
OF_JAX = "JAX has removed its internal frames"
HINT = "(hornbook.config.disable_traceback_filtering() shows the calls in between)"

_filtering = [True]


def enable_traceback_filtering() -> None:
    """Leave calls inside hornbook and JAX out of tracebacks (the default).

    Example:
        >>> enable_traceback_filtering()
        >>> is_traceback_filtering_enabled()
        True
    """
    _filtering[0] = True


def disable_traceback_filtering() -> None:
    """Show all calls in tracebacks."""
    _filtering[0] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether calls inside hornbook and JAX are left out of tracebacks."""
    return _filtering[0]


def door(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator for functions that users call: errors that leave them have short tracebacks.

    Args:
        function: any function or method.
    """

    @functools.wraps(function)
    def enter(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            shorten(error, own_frames=1)
            raise

    return enter


def users_stacklevel() -> int:
    """The `stacklevel` that makes the caller's warning point at the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    return level


def shorten(error: BaseException, own_frames: int = 0) -> None:
    """Remove internal frames from the traceback of an error and of its causes.

    Each run of hornbook frames below the user's lines keeps its first frame (what was called); the
    last run also keeps its last frame (what went wrong).

    Args:
        error: the caught error. A bare `raise` then raises it with the shortened traceback.
        own_frames: how many leading frames to drop because they only catch the error.
    """
    if not _filtering[0]:
        return
    own = error.__traceback__
    for _ in range(own_frames if own is not None and own.tb_next is not None else 0):
        own = own and own.tb_next
    error.__traceback__, hidden = _filtered(own)
    notes = getattr(error, "__notes__", [])
    hidden = hidden or HINT in notes
    notes[:] = [note for note in notes if OF_JAX not in note and note != HINT]
    if hidden:
        error.add_note(HINT)
    for cause in _causes(error):
        cause.__traceback__, _ = _filtered(cause.__traceback__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors that Python prints before this one."""
    seen = {id(error)}
    cause = error
    while True:
        before = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if before is None or id(before) in seen:
            return
        seen.add(id(before))
        yield before
        cause = before


def _filtered(traceback: TracebackType | None) -> tuple[TracebackType | None, bool]:
    """The traceback without internal frames, and whether the frame that raised was dropped."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept: list[TracebackType] = []
    run: list[TracebackType] = []
    for frame in frames:
        if _is_machinery(_file(frame)):
            run.append(frame)
        else:
            kept += [*_doors(run, last=False), frame]
            run = []
    kept += _doors(run, last=True)
    short = None
    for one in reversed(kept):
        line = (
            one.tb_lineno or one.tb_frame.f_code.co_firstlineno
        )  # None if a signal arrived between lines
        short = TracebackType(short, one.tb_frame, one.tb_lasti, line)
    return short, bool(kept) and kept[-1] is not frames[-1]


def _doors(run: list[TracebackType], last: bool) -> list[TracebackType]:
    """The frames to keep from a run of internal frames."""
    ours = [frame for frame in run if _file(frame).startswith(PACKAGE)]
    doors = [frame for frame in ours if not _file(frame).startswith(CORE)] or ours
    return doors[:1] + (doors[1:][-1:] if last else [])


def _file(traceback: TracebackType) -> str:
    return traceback.tb_frame.f_code.co_filename


@functools.lru_cache(maxsize=1024)
def _is_machinery(file: str) -> bool:
    """Whether a file belongs to hornbook, JAX, numpy or Python itself."""
    if file.startswith((PACKAGE, *THEIRS, "<frozen ")):
        return True
    return file.startswith(STANDARD) and not any(part in Path(file).parts for part in INSTALLED)
