"""jax.numpy and jax.nn on symbolic tensors.

numpy asks its arguments whether they want to handle a call (`__array_function__`); jax.numpy has no
such question. So the public functions of these modules are replaced, when the first symbolic tensor
is made, by ones that record a node if a symbolic tensor is among the arguments, and otherwise are
the function they stand for. JAX's own code does not go through these names.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

MODULES = (jnp, jnp.linalg, jnp.fft, jax.nn)


class Recorded:
    """A function of JAX that also takes symbolic tensors; in all else the function itself."""

    def __init__(self, fn: Callable, op: Callable):
        self.__wrapped__ = fn
        self._call = op(fn)
        self.__name__ = getattr(fn, "__name__", "")
        self.__doc__ = fn.__doc__

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)

    def __repr__(self):
        return repr(self.__wrapped__)

    def __reduce__(self):
        return _find, (self.__wrapped__.__module__, self.__name__)


_installed: list[bool] = []


def install(op: Callable) -> None:
    """Teach the functions of `MODULES` to take symbolic tensors (once a process)."""
    if _installed:
        return
    _installed.append(True)
    for module in MODULES:
        for name, fn in list(vars(module).items()):
            if callable(fn) and not isinstance(fn, type) and not name.startswith("_"):
                setattr(module, name, Recorded(fn, op))


def original(fn: Any) -> Any:
    """The function of JAX behind a taught one."""
    return fn.__wrapped__ if isinstance(fn, Recorded) else fn


def _find(module: str, name: str) -> Any:
    return next(getattr(m, name) for m in MODULES if hasattr(m, name))
