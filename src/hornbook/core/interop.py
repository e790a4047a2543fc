"""jax.numpy and jax.nn on symbolic tensors.

numpy asks its arguments whether they want to handle a call (`__array_function__`); jax.numpy has no
such question. So the public functions of these modules are replaced, when the first symbolic tensor
is made, by ones that record a node if a symbolic tensor is among the arguments, and otherwise are
the function they stand for. JAX's own code does not go through these names.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

MODULES = (jnp, jnp.linalg, jnp.fft, jax.nn)


class Recorded:
    """A function of JAX that also takes symbolic tensors; in all else the function itself."""

    def __init__(self, fn: Callable, home: tuple[str, str], op: Callable):
        self.__wrapped__ = fn
        self.home = home  # the module and the name where it is found
        self._call = op(fn, self)
        self.name = self.__name__ = getattr(fn, "__name__", "")
        self.__doc__ = fn.__doc__

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)

    def __repr__(self):
        return repr(self.__wrapped__)


@functools.cache
def _functions() -> dict[int, tuple[Any, tuple[str, str]]]:
    """JAX's own functions in `MODULES` by identity, each with the first module and name it has."""
    found: dict[int, tuple[Any, tuple[str, str]]] = {}
    for module in MODULES:
        for name, fn in vars(module).items():
            if callable(fn) and not isinstance(fn, type) and not name.startswith("_"):
                found.setdefault(id(fn), (fn, (module.__name__, name)))
    return found


def home(fn: Any) -> tuple[str, str] | None:
    """The module and name of a function of `MODULES`."""
    return fn.home if isinstance(fn, Recorded) else _functions().get(id(fn), (None, None))[1]


def taught(value: Any) -> Any:
    """What stands now where a function of JAX was found; any other value as it is.

    Python pickles a function by its name, where `install` may have put another one since.
    """
    place = _functions().get(id(value), (None, None))[1]
    return getattr(sys.modules[place[0]], place[1]) if place else value


@functools.cache
def install(op: Callable) -> None:
    """Teach the functions of `MODULES` to take symbolic tensors (once a process)."""
    made = {key: Recorded(fn, place, op) for key, (fn, place) in _functions().items()}
    for module in MODULES:
        for name, fn in list(vars(module).items()):
            if id(fn) in made and not name.startswith("_"):
                setattr(module, name, made[id(fn)])


def find(module: str, name: str) -> Any:
    """The function of a name in one of `MODULES`.

    Args:
        module: its name, with `numpy` for `jax.numpy`.
        name: of the function.

    Raises:
        AttributeError: if there is none.
    """
    module = f"jax.{module}" if module.partition(".")[0] == "numpy" else module
    known = {one.__name__: one for one in MODULES}
    found = getattr(known.get(module), name)
    if not callable(found):
        raise AttributeError(f"{module}.{name} is no function")
    return found
