"""Fast formulations of the few functions where plain XLA is not the fastest.

Every function here is pure, takes and returns jax arrays, and stands beside the plain version it
must agree with. `plain()` makes all of them take that plain version.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

_plain = contextvars.ContextVar("plain", default=False)
_one_function = contextvars.ContextVar("one function", default=False)


@contextlib.contextmanager
def _set(variable: contextvars.ContextVar[bool]) -> Iterator[None]:
    token = variable.set(True)
    try:
        yield
    finally:
        variable.reset(token)


def plain() -> contextlib.AbstractContextManager[None]:
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
    return _set(_plain)


def wants_plain() -> bool:
    """Whether the code now running lies inside `plain()`."""
    return _plain.get()


def one_function() -> contextlib.AbstractContextManager[None]:
    """Within this context is traced what becomes one function of the processor's.

    See `core.compiler.as_one`. Nothing is called there, neither libraries nor compiled kernels.
    As with `plain()`, what is traced here is not to be remembered for other places.

    Example:
        >>> from hornbook.kernels import in_one_function, one_function
        >>> with one_function():
        ...     in_one_function()
        True
    """
    return _set(_one_function)


def in_one_function() -> bool:
    """Whether the code now running lies inside `one_function()`."""
    return _one_function.get()


def filled(*arrays: Any) -> bool:
    """Whether arrays have shapes that are known, and something in them: what kernels are for.

    Example:
        >>> import jax.numpy as jnp
        >>> from hornbook.kernels import filled
        >>> filled(jnp.ones(3)), filled(jnp.ones(3), jnp.ones((2, 0)))
        (True, False)
    """
    return all(isinstance(n, int) and n > 0 for array in arrays for n in array.shape)


def in_one_call(function: Callable | None = None, *, static: tuple[str, ...] = ()) -> Callable:
    """Compiles a function of arrays for those that are not traced.

    Its operations would be calls of their own, each with its price.

    Args:
        function: of arrays; without one, what decorates it.
        static: names of arguments that are no arrays. Each value is compiled for by itself.

    Example:
        >>> import jax.numpy as jnp
        >>> from hornbook.kernels import in_one_call
        >>> float(in_one_call(lambda x: x * 2 + 1)(jnp.float32(3)))
        7.0
    """
    if function is None:
        return functools.partial(in_one_call, static=static)
    compiled = jax.jit(function, static_argnames=static)

    @functools.wraps(function)
    def call(*args: Any) -> jax.Array:
        traced = any(isinstance(arg, jax.core.Tracer) for arg in args)
        return (function if traced or wants_plain() else compiled)(*args)

    return call
