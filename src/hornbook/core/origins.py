"""How an array was computed, for rules that can use it to skip work."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax

_in_python = ContextVar("steps in Python", default=False)


@contextmanager
def steps_in_python() -> Iterator[None]:
    """Context in which training steps run in Python, untraced, so that they can be debugged."""
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
    """Maps arrays to how they were computed, for as long as they are being traced.

    The origin belongs to one array object: any operation on it returns a new array without one.

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
        """Record the origin of an array; ignored unless the array is being traced.

        Inside `steps_in_python` it is recorded too.
        """
        if isinstance(array, jax.core.Tracer) or are_in_python():
            key = id(array)
            self._known[key] = weakref.ref(array, lambda _: self._known.pop(key, None)), origin

    def of(self, array: Any) -> Any:
        """The recorded origin of this array object, or `None`."""
        reference, origin = self._known.get(id(array), (lambda: None, None))
        return origin if reference() is array else None
