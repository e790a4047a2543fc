"""Ctrl-C in `fit`: it waits for the dispatch under way, and ends training."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """What the handler of Ctrl-C has raised, which is to be raised at the end."""

    def __init__(self):
        self.error: BaseException | None = None

    @property
    def asked(self) -> bool:
        """Whether to end."""
        return self.error is not None


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Inside, what Ctrl-C raises waits; it is raised when all that is inside is over.

    A second one does not wait. One that is ignored, or that a handler takes without raising, is no
    interrupt. Threads other than the main one hear of none.
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
