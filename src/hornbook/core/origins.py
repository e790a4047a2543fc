"""What an array was made of, for those who do better when they know it."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax

_in_python = ContextVar("steps in Python", default=False)


@contextmanager
def steps_in_python() -> Iterator[None]:
    """Inside, no trace is made of steps: Python runs them, so that their code can be followed."""
    token = _in_python.set(True)
    try:
        yield
    finally:
        _in_python.reset(token)


def are_in_python() -> bool:
    """Whether this is inside `steps_in_python`.

    Example:
        >>> with steps_in_python():
        ...     print(are_in_python())
        True
    """
    return _in_python.get()


class Origins:
    """From arrays to what they were made of, as long as a trace has them.

    It is known of this very array. Whatever is done to it gives another one, which has no origin.

    Example:
        >>> origins = Origins()
        >>> def f(x):
        ...     y = x + 1
        ...     origins.note(y, "a sum")
        ...     print(origins.of(y), origins.of(y * 2))
        ...     return y
        >>> jax.jit(f)(1.0).item()
        a sum None
        2.0
    """

    def __init__(self):
        self._known: dict[int, tuple[weakref.ref, Any]] = {}

    def __len__(self):
        return len(self._known)

    def note(self, array: Any, origin: Any) -> None:
        """Say what an array was made of; forgotten if it is not being traced.

        In steps that Python runs it is remembered too.
        """
        if isinstance(array, jax.core.Tracer) or are_in_python():
            key = id(array)
            self._known[key] = weakref.ref(array, lambda _: self._known.pop(key, None)), origin

    def of(self, array: Any) -> Any:
        """What was noted of this very array, else `None`."""
        reference, origin = self._known.get(id(array), (lambda: None, None))
        return origin if reference() is array else None
