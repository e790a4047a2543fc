"""Whether a tape records, which ops, variables and layers ask at each call; see `tape.py`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Thread(threading.local):
    tapes: tuple[Any, ...] = ()  # those that record in this thread, the innermost last


recording = _Thread()


@contextmanager
def paused() -> Iterator[None]:
    """Context in which no tape records."""
    before, recording.tapes = recording.tapes, ()
    try:
        yield
    finally:
        recording.tapes = before


def through(function: Callable, *args: Any) -> Any:
    """`function(*args)`, recorded as one step if a tape records.

    Args:
        function: a pure function of arrays and plain values.
        *args: its arguments.

    Example:
        >>> through(abs, -2)
        2
    """
    return recording.tapes[-1].call(function, args, {}) if recording.tapes else function(*args)
