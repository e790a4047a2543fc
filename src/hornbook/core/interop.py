"""jax.numpy and jax.nn on symbolic tensors.

numpy lets its arguments handle a call (`__array_function__`); jax.numpy has no such hook. So its
functions are patched when the first symbolic tensor is made: in place where their class allows it
(`jnp.add`, `jax.nn.relu`), else by a wrapper that checks its arguments' types first and replaces
the name in JAX's modules and in every module that imported it. Functions that do not take arrays
are left alone, and JAX's own code does not go through these names. `docs/design.md` has the
alternatives that were weighed.
"""

import copyreg
import functools
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp

MODULES = (jnp, jnp.linalg, jnp.fft, jax.nn)
IN_PLACE = (jnp.ufunc, jax.custom_jvp)  # callables whose class can be swapped
# Functions of dtypes, shapes, sizes, files and text.
LEFT_ALONE = set(
    "bartlett blackman broadcast_shapes can_cast diag_indices einsum_path empty eye fftfreq "
    "from_dlpack frombuffer fromfile fromiter frompyfunc fromstring get_printoptions "
    "get_scaled_dot_general_config hamming hanning indices iscomplexobj isdtype isrealobj "
    "isscalar issubdtype iterable load mask_indices ndim ones printoptions promote_types "
    "result_type rfftfreq save savez scaled_dot_general set_printoptions shape size tri "
    "tril_indices triu_indices vectorize zeros".split()
)
Place = tuple[str, str]  # a module and a name in it
_arrays: set[type] = set()  # argument types that hold no symbolic tensor
_taught: dict[int, Any] = {}  # id of a JAX function -> its replacement
_installing, _installed = threading.Lock(), threading.Event()


@functools.cache
def _functions() -> dict[int, tuple[Any, Place]]:
    """JAX's array functions by id, each with the first place where it is found."""
    found: dict[int, tuple[Any, Place]] = {}
    for module in MODULES:
        for name, fn in vars(module).items():
            public = callable(fn) and not isinstance(fn, type) and not name.startswith("_")
            ours = public and getattr(fn, "__module__", "") != "numpy"
            if ours and name not in LEFT_ALONE:
                found.setdefault(id(fn), (fn, (module.__name__, name)))
    return found


def home(fn: Any) -> Place | None:
    """The module and name of a function of `MODULES`."""
    return _functions().get(id(fn), (None, None))[1]


def taught(value: Any) -> Any:
    """The replacement of a JAX function; any other value unchanged."""
    return _taught.get(id(value), value)


def install(op: Callable, symbolic: tuple[type, ...]) -> None:
    """Make the functions of `MODULES` accept symbolic tensors; runs once per process.

    Args:
        op: wraps a function so that its calls on symbolic tensors are recorded as calls of another.
        symbolic: types that are, or may hold, symbolic tensors.
    """
    if not _installed.is_set():
        with _installing:  # threads may build models at the same time
            if not _installed.is_set():
                _install(op, symbolic)
                _installed.set()


def _install(op: Callable, symbolic: tuple[type, ...]) -> None:
    for key, (fn, place) in list(_functions().items()):
        learns = isinstance(fn, IN_PLACE)
        new = _in_place(fn, op, symbolic) if learns else _standing_for(fn, place, op, symbolic)
        _taught[key] = new
        _functions()[id(new)] = (new, place)
    for owner, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and _may_change(owner, module):
            held = vars(module)
            for name, value in list(held.items()):
                if id(value) in _taught:
                    held[name] = _taught[id(value)]


def _may_change(owner: str, module: ModuleType) -> bool:
    return module in MODULES or owner.partition(".")[0] not in ("jax", "jaxlib")


def _asking(fn: Callable, recorded: Callable, symbolic: tuple[type, ...]) -> Callable:
    """A function that calls `recorded` if an argument may hold a symbolic tensor, else `fn`."""

    def ask(args, kwargs):
        given = {type(arg) for arg in (*args, *kwargs.values())}
        _arrays.update(kind for kind in given if not issubclass(kind, symbolic))
        return recorded(*args, **kwargs)

    def call(*args, **kwargs):
        for arg in args:
            if type(arg) not in _arrays:
                return ask(args, kwargs)
        if kwargs:
            for arg in kwargs.values():
                if type(arg) not in _arrays:
                    return ask(args, kwargs)
        return fn(*args, **kwargs)

    return call


def _standing_for(fn: Any, place: Place, op: Callable, symbolic: tuple[type, ...]) -> Callable:
    """A wrapper of `fn` that also accepts symbolic tensors."""

    def recorded(*args, **kwargs):
        return op(fn, call)(*args, **kwargs)

    call: Any = functools.wraps(fn)(_asking(fn, recorded, symbolic))
    vars(call).update({name: getattr(fn, name) for name in dir(fn) if not name.startswith("_")})
    call.__module__, call.__qualname__ = place  # where pickles look for it
    call.name = place[1]
    return call


def _in_place(fn: Any, op: Callable, symbolic: tuple[type, ...]) -> Any:
    """The same object, its class swapped for a subclass that also accepts symbolic tensors."""
    kind = type(fn)
    plain = kind.__call__.__get__(fn)
    call = _asking(plain, op(plain, fn), symbolic)
    methods = {"__call__": staticmethod(call), "__reduce__": _reduced}
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "name": fn.__name__}
    fn.__class__ = type(kind.__name__, (kind,), methods | names)
    return fn


def find(module: str, name: str) -> Any:
    """A function of one of `MODULES` by name.

    Args:
        module: the module's name, with `numpy` for `jax.numpy`.
        name: the function's name.

    Raises:
        AttributeError: if there is none.
    """
    module = f"jax.{module}" if module.partition(".")[0] == "numpy" else module
    known = {one.__name__: one for one in MODULES}
    found = getattr(known.get(module), name)
    if not callable(found):
        raise AttributeError(f"{module}.{name} is not a function")
    return found


def _reduced(fn: Any) -> Any:
    """How a JAX function is pickled: by where it is found, not where it was defined."""
    place = home(fn)
    return (find, place) if place else fn.__reduce_ex__(4)


for _kind in (*IN_PLACE, type(jnp.tanh)):
    copyreg.pickle(_kind, _reduced)
