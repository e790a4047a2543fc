"""Fast formulations of the few functions where plain XLA is not the fastest.

Every function here is pure, takes and returns jax arrays, and stands beside the plain version it
must agree with. `plain()` makes all of them take that plain version.
"""

import contextlib
import contextvars
from collections.abc import Iterator

_plain = contextvars.ContextVar("plain", default=False)


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Within this context every kernel takes its plain version.

    The choice is made while a function is traced. jax remembers what it has traced, so a function
    that was compiled outside this context stays as it is inside: pass `jax.jit` a new one.

    Example:
        >>> from hornbook.kernels import plain, wants_plain
        >>> with plain():
        ...     wants_plain()
        True
        >>> wants_plain()
        False
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


def wants_plain() -> bool:
    """Whether the code now running lies inside `plain()`."""
    return _plain.get()
