"""Fast formulations of the few functions for which plain XLA is slow.

Every function here is pure, takes and returns jax arrays, and has a plain version beside it that it
must agree with. `plain()` switches all of them to the plain version.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

from hornbook.core.origins import are_in_python

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
    """Context in which every kernel uses its plain version.

    The choice is made at trace time. jax caches traces, so a function compiled outside this context
    is unchanged inside it: pass `jax.jit` a new function.

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
    """Whether the code runs inside `plain()`."""
    return _plain.get()


def one_function() -> contextlib.AbstractContextManager[None]:
    """Context for tracing code that is compiled to a single native function.

    See `core.compiler.as_one`. Such code can call neither libraries nor compiled kernels. As with
    `plain()`, traces made here must not be reused elsewhere.

    Example:
        >>> from hornbook.kernels import in_one_function, one_function
        >>> with one_function():
        ...     in_one_function()
        True
    """
    return _set(_one_function)


def in_one_function() -> bool:
    """Whether the code runs inside `one_function()`."""
    return _one_function.get()


def filled(*arrays: Any) -> bool:
    """Whether all arrays have known shapes and are not empty, as the kernels require.

    Example:
        >>> import jax.numpy as jnp
        >>> from hornbook.kernels import filled
        >>> filled(jnp.ones(3)), filled(jnp.ones(3), jnp.ones((2, 0)))
        (True, False)
    """
    return all(isinstance(n, int) and n > 0 for array in arrays for n in array.shape)


def in_one_call(function: Callable | None = None, *, static: tuple[str, ...] = ()) -> Callable:
    """Compile a function for eager calls, so that they dispatch once instead of once per operation.

    Training steps that run in Python (`run_eagerly`) call it compiled too: their gradient then has
    one call each way to trace and to run.

    Args:
        function: a function of arrays; if left out, a decorator is returned.
        static: names of arguments that are not arrays; each value is compiled separately.

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
        apart = wants_plain() or (traced and not are_in_python())
        return (function if apart else compiled)(*args)

    return call
