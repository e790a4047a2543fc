"""What an array was made of, for those who do better when they know it."""

import weakref
from typing import Any

import jax


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

        Where a run is traced by nobody, for debugging, it is remembered too.
        """
        if isinstance(array, jax.core.Tracer) or jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            key = id(array)
            self._known[key] = weakref.ref(array, lambda _: self._known.pop(key, None)), origin

    def of(self, array: Any) -> Any:
        """What was noted of this very array, else `None`."""
        reference, origin = self._known.get(id(array), (lambda: None, None))
        return origin if reference() is array else None
