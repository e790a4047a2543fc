"""Calls that nothing disturbs: other threads wait for them, and so do signals.

A compiled run uses up the arrays of the variables that it changes, and what they are next comes
back as its result. In between there is nothing in the variables. So no other run may read them
then, and no handler of a signal may raise, as that of Ctrl-C does.
"""

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from hornbook.core.forked import uses_engine

try:  # what `signal` has under its functions, which take ten times as long to make enums of numbers
    from _signal import getsignal
    from _signal import signal as set_handler
except ImportError:
    from signal import getsignal
    from signal import signal as set_handler

Result = TypeVar("Result")

SIGNALS = [  # what a program may want to hear of; those that it handles in Python wait
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK")
    if hasattr(signal, name)
]
turn = threading.RLock()  # who has it may use variables up


def is_used_up(error: Exception) -> bool:
    """Whether an array could not be read, as a run has used it up and brings a new one."""
    return "deleted" in str(error) or "donated" in str(error)


@uses_engine
def undisturbed(call: Callable[[], Result]) -> Result:
    """Call a function that other threads' such calls wait for, and handlers of signals too.

    It should not take long. What came meanwhile is handled when it is over. Python runs handlers in
    the main thread alone, so in others there is nothing to do about them.

    Example:
        >>> undisturbed(lambda: 3)
        3
    """
    if threading.current_thread() is not threading.main_thread():
        with turn:
            return call()
    heard: list[int] = []
    handlers: dict[int, Any] = {}
    over = False

    def hear(number: int, frame: Any) -> None:
        if over:
            handlers[number](number, frame)
        else:
            heard.append(number)

    try:
        for number in SIGNALS:
            handler = getsignal(number)
            if callable(handler):  # neither ignored nor left to the system
                handlers[number] = handler
                set_handler(number, hear)
        with turn:
            return call()
    finally:
        try:
            for number, handler in handlers.items():
                set_handler(number, handler)
        finally:
            over = True
        for number in heard:
            signal.raise_signal(number)
