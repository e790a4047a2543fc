"""Calls that must not be interrupted: other threads and signal handlers wait for them.

A compiled run donates the arrays of the variables it updates and returns their new values. In
between, the variables hold deleted arrays. So no other run may read them, and no signal handler may
raise, as that of Ctrl-C does.
"""

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from hornbook.core.forked import uses_engine

try:  # the C functions behind `signal`'s, which convert to enums and take ten times as long
    from _signal import getsignal
    from _signal import signal as set_handler
except ImportError:
    from signal import getsignal
    from signal import signal as set_handler

Result = TypeVar("Result")

SIGNALS = [  # signals that programs handle; those with a Python handler are deferred
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK")
    if hasattr(signal, name)
]
turn = threading.RLock()  # its holder may donate the variables' arrays


def is_used_up(error: Exception) -> bool:
    """Whether an error means that an array was donated to a run that will replace it."""
    return "deleted" in str(error) or "donated" in str(error)


@uses_engine
def undisturbed(call: Callable[[], Result]) -> Result:
    """Call a function under the lock, with signal handlers deferred until it returns.

    The function should be short. Signals that arrive meanwhile are handled afterwards. Python runs
    handlers in the main thread only, so other threads just take the lock.

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
            if callable(handler):  # neither ignored nor the system's default
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
