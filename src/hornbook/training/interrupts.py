"""Ctrl-C in `fit`: training ends after the current dispatch."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """The exception raised by the Ctrl-C handler, held back until the end."""

    def __init__(self):
        self.error: BaseException | None = None

    @property
    def asked(self) -> bool:
        """Whether training should end."""
        return self.error is not None


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Hold back what Ctrl-C raises until the block is done.

    A second Ctrl-C is raised at once. It is no interrupt if it is ignored, or if its handler does
    not raise. Threads other than the main one are not interrupted.
    """
    interrupt = Interrupt()
    before: Any = None
    if threading.current_thread() is threading.main_thread():
        before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield interrupt
        return

    def hear(number: int, frame: Any) -> None:
        if interrupt.asked:
            before(number, frame)
        try:
            before(number, frame)
        except BaseException as error:
            interrupt.error = error

    signal.signal(signal.SIGINT, hear)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupt.error is not None:
        raise interrupt.error.with_traceback(None)
