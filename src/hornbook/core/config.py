"""Constructor arguments to plain data and back, and the registry of names in files.

The registry is the only path from a name in a file to a class.

An object keeps the arguments it was made with. Its config, its copies and its `repr` are derived
from them, so no class writes `get_config`; a user's class that does is respected.
"""

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from hornbook.core import interop
from hornbook.core.alike import same_named
from hornbook.core.arguments import (
    ConstructorSignature,
    arguments,
    brief,
    completed,
    defaults,
    described,
)
from hornbook.core.dtype import POLICIES, DTypePolicy, as_plain

_PACKAGE = __name__.partition(".")[0]
# Families whose classes and functions a file may name.
LOADABLE = frozenset(
    "activations constraints core distillation dtype_policies initializers layers losses metrics "
    "models optimizers quantizers regularizers".split()
)
FAMILIES = {"preprocessing": "layers"}  # for packages that are not named after their family
# ("layers", "Dense") -> class
_families: dict[tuple[str, str], Any] = {("dtype_policies", k): v for k, v in POLICIES.items()}
_custom: dict[str, Any] = {}  # "package>Name" -> class or function
_names: dict[Any, str] = {}  # class or function -> registered name
_functions: dict[Any, str] = {}  # hornbook's own functions -> the name that `get` knows


class _Thread(threading.local):
    def __init__(self):
        self.scopes: list[dict[str, Any]] = []
        self.shared: dict[Any, Any] | None = None  # objects by their number in the file
        self.numbers: dict[int, tuple[Any, int]] | None = None  # (object, its number) by identity


_thread = _Thread()


class Configurable:
    """Base of objects that are saved, copied and printed by their constructor arguments."""

    _arguments: tuple[tuple, dict]
    _given: tuple[str, ...] = ()  # arguments that `__init__` itself passes to the base class
    __signature__ = ConstructorSignature()

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        object.__setattr__(self, "_arguments", (args, kwargs))
        return self

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        root, _, rest = cls.__module__.partition(".")
        if root == _PACKAGE:
            room = rest.partition(".")[0]
            for name in {cls.__name__, vars(cls).get("_named_after", cls.__name__)}:
                _families[FAMILIES.get(room, room), name] = cls

    def get_config(self) -> dict:
        """The constructor arguments as plain data, ready for JSON and `from_config`.

        For hornbook's own classes this includes the defaults. A user's class that extends this
        method adds the arguments of its own constructor.
        """
        cls: type = type(self)
        apart = described(cls)
        given = {
            k: serialize(v, strict=False) for k, v in arguments(self).items() if k not in apart
        }
        unset = {k: serialize(v, strict=False) for k, v in defaults(cls).items()}
        config = completed(type(self), given, unset)
        for key in ("name", "dtype"):
            if key in unset and config[key] is None:
                config[key] = getattr(self, key, None)
        return config

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """An object made from what `get_config` returned."""
        return cls(**{key: deserialize(value) for key, value in config.items()})

    def __repr__(self):
        unset = {k: brief(v) for k, v in defaults(type(self)).items()}
        shown = {k: brief(v) for k, v in arguments(self).items()}
        differing = (f"{k}={v}" for k, v in shown.items() if v != unset.get(k))
        return f"{type(self).__name__}({', '.join(differing)})"


# ---- the registry


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable:
    """Decorator that registers your own class or function, so that saved files can name it.

    Args:
        package: prefix that groups your names.
        name: the registered name; default the class's own.

    Example:
        >>> @register_keras_serializable(package="docs")
        ... def double(x):
        ...     return 2 * x
        >>> get_registered_name(double)
        'docs>double'
    """

    def decorate(obj):
        full = f"{package}>{name or obj.__name__}"
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(f"{obj.__name__} cannot be saved: it has no get_config method")
        _custom[full] = obj
        _names[obj] = full
        return obj

    return decorate


def register_functions(family: str, functions: dict[str, Callable]) -> None:
    """Register a family's own functions (`"activations"`), so that configs can name them.

    A function that another family has registered already keeps that name.
    """
    new = {name: fn for name, fn in functions.items() if fn not in _functions}
    for name, fn in new.items():
        _families[family, name] = fn
        _functions.setdefault(fn, name)


def register_alias(family: str, name: str, cls: type) -> None:
    """Register another name by which files may refer to one of hornbook's own classes."""
    _families[family, name] = cls


def get_registered_name(obj: Any) -> str:
    """The name an object was registered under, or its own."""
    return _names.get(obj, getattr(obj, "__name__", type(obj).__name__))


def get_registered_object(
    name: str, custom_objects: dict | None = None, module_objects: dict | None = None
) -> Any:
    """The class or function registered under a name, or `None`.

    Args:
        name: the registered name.
        custom_objects: maps names to classes or functions; looked up first.
        module_objects: the same; looked up last.
    """
    found = _lookup_custom(name, custom_objects)
    return (module_objects or {}).get(name) if found is None else found


@contextmanager
def custom_object_scope(custom_objects: dict[str, Any] | None) -> Iterator[None]:
    """Context in which configs and files may use these names.

    Args:
        custom_objects: maps names to classes or functions.
    """
    before = _thread.scopes
    try:
        _thread.scopes = [*before, dict(custom_objects or {})]
        yield
    finally:
        _thread.scopes = before


CustomObjectScope = custom_object_scope


def get_custom_objects() -> dict[str, Any]:
    """The names registered in this process; writable."""
    return _custom


def _lookup_custom(name: str, custom_objects: dict | None = None) -> Any:
    for scope in (custom_objects or {}, *reversed(_thread.scopes), _custom):
        if name in scope:
            return scope[name]
    return None


# ---- to plain data and back


def serialize(value: Any, strict: bool = True) -> Any:
    """Plain data (numbers, strings, lists, dicts) that describes a value.

    Args:
        value: plain data, arrays, dtypes, registered functions, or objects with `get_config`.
        strict: raise for a value that cannot be described, instead of returning it unchanged.

    Raises:
        TypeError: (strict) for a lambda or an object without `get_config`.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, DTypePolicy):
        return value.name if type(value) is DTypePolicy else as_plain(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: serialize(child, strict) for key, child in value.items()}
    if isinstance(value, list | tuple):
        made = [serialize(child, strict) for child in value]
        return tuple(made) if type(value) is tuple else made
    if isinstance(value, bytes | slice | type(...)):
        return _serialize_special(value, strict)
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        return {
            "class_name": "__numpy__",
            "config": {"value": array.tolist(), "dtype": array.dtype.name},
        }
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    return _serialize_object(value, strict)


def _serialize_special(value, strict):
    if isinstance(value, bytes):
        return {"class_name": "__bytes__", "config": {"value": value.decode()}}
    if value is ...:
        return {"class_name": "__ellipsis__", "config": {}}
    ends = {"start": value.start, "stop": value.stop, "step": value.step}
    return {"class_name": "__slice__", "config": serialize(ends, strict)}


def _serialize_object(value, strict):
    if getattr(value, "__hash__", None) and value in _functions:
        return _functions[value]
    name = get_registered_name(
        value if callable(value) and hasattr(value, "__name__") else type(value)
    )
    if callable(value) and hasattr(value, "__name__") and not hasattr(value, "get_config"):
        others = _of_name(value)
        if not strict and value not in others:
            return value  # a copy shares the function
        unsafe = _misnamed(value, others)
        if unsafe:
            raise TypeError(unsafe)
        return {
            "module": "builtins",
            "class_name": "function",
            "config": value.__name__,
            "registered_name": name,
        }
    if not hasattr(value, "get_config"):
        if not strict:
            return value
        raise TypeError(f"{value!r} cannot be saved: it is not plain data and has no get_config")
    return describe(value)


def _of_name(function: Any) -> list:
    """The functions that a function's name resolves to when a file is loaded."""
    name = function.__name__
    custom = [_lookup_custom(one) for one in (get_registered_name(function), name)]
    ours = [f for (family, n), f in _families.items() if n == name and family in LOADABLE]
    return [f for f in custom + ours if f is not None and not inspect.isclass(f)]


def _misnamed(function: Any, others: list) -> str | None:
    """The reason why a file cannot refer to a function by name, or `None` if it can."""
    name = function.__name__
    if name == "<lambda>":
        return (
            "a lambda cannot be saved: it has no name. Write it as a function with def, "
            "and decorate it with @register_keras_serializable()"
        )
    if others and same_named(function, others[0]):
        return None
    if others:
        return (
            f"the function {name!r} of {function.__module__!r} cannot be saved by its name, which "
            "stands for another function where a file is read. Wrap it in a function of another "
            "name, written with def, and decorate that with @register_keras_serializable()"
        )
    place = interop.home(function)
    if place:
        return (
            f"the function {'.'.join(place)!r} cannot be saved: files can only name "
            "hornbook's functions and registered ones. Wrap it in a function written with def, and "
            "decorate that with @register_keras_serializable()"
        )
    return None


# The module that Keras's files give for a family's classes.
_STATED = {"models": "keras"}


def describe(obj: Any) -> dict:
    """The class and config of an object, in Keras 3's file format."""
    cls = type(obj)
    family = next((f for (f, n), c in _families.items() if c is cls), None)
    described = {
        "module": stated_module(family, cls) if family else None,
        "class_name": cls.__name__,
        "config": serialize(obj.get_config()),
        "registered_name": None if family else get_registered_name(cls),
        **getattr(obj, "_stated_class", {}),
    }
    for key in ("build_config", "compile_config"):
        more = getattr(obj, f"get_{key}", lambda: None)()
        if more:
            described[key] = serialize(more)
    if _thread.numbers is not None and hasattr(obj, "built"):
        _, described["shared_object_id"] = _thread.numbers.setdefault(
            id(obj), (obj, len(_thread.numbers))
        )
    return described


def stated_module(family: str, cls: type) -> str:
    """The module that Keras's files give for a class."""
    inner = cls.__module__.rpartition(".")[2]
    return _STATED.get(family) or f"keras.{family}" + (".schedules" if inner == "schedules" else "")


@contextmanager
def sharing() -> Iterator[None]:
    """Context in which an object that is described twice is restored as one shared object."""
    before = _thread.shared, _thread.numbers
    _thread.shared, _thread.numbers = {}, {}
    try:
        yield
    finally:
        _thread.shared, _thread.numbers = before


def deserialize(data: Any, custom_objects: dict | None = None, family: str | None = None) -> Any:
    """The value that plain data describes; only registered names are resolved to classes.

    Args:
        data: what `serialize` returned.
        custom_objects: more names, for this call.
        family: the family to search (`"layers"`) if the data names no module.

    Raises:
        TypeError: if a function's name is not a string or a class's config is not a dictionary.
        ValueError: for a name that is not registered.
    """
    if custom_objects:
        with custom_object_scope(custom_objects):
            return deserialize(data, family=family)
    if isinstance(data, list | tuple):
        return type(data)([deserialize(child, family=family) for child in data])
    if not isinstance(data, dict):
        return data
    if "class_name" not in data or "config" not in data:
        return {key: deserialize(child) for key, child in data.items()}
    if str(data["class_name"]) in _SPECIAL:
        return _SPECIAL[data["class_name"]](data["config"])
    number = str(data["shared_object_id"]) if "shared_object_id" in data else None
    if _thread.shared is not None and number in _thread.shared:
        return _thread.shared[number]
    found: Any = resolve(data, family)
    if data["class_name"] == "function" or not inspect.isclass(found):
        return found
    if not isinstance(data["config"], dict) or not hasattr(found, "from_config"):
        raise TypeError(
            f"no {found.__name__} can be made from {brief(data['config'])}: a config must be a "
            "dictionary, and its class needs a method from_config(cls, config)"
        )
    obj = found.from_config(data["config"])  # type: ignore[attr-defined]
    if data.get("build_config") and not getattr(obj, "built", True):
        obj.build_from_config(data["build_config"])
    if data.get("compile_config") and hasattr(obj, "compile_from_config"):
        obj.compile_from_config(data["compile_config"])
    if _thread.shared is not None and number is not None:
        _thread.shared[number] = obj
    return obj


def _array(config: dict) -> np.ndarray:
    return np.array(config["value"], dtype=np.dtype(str(config["dtype"])))


def _refuse(config: dict) -> Any:
    raise ValueError(
        "the file holds the compiled code of a lambda, which is never run. Rebuild the model "
        "from its program, with the function written with def and decorated with "
        "@register_keras_serializable(), and load its weights"
    )


_SPECIAL: dict[str, Callable[[dict], Any]] = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__bytes__": lambda config: config["value"].encode(),
    "__slice__": lambda config: slice(*(config[key] for key in ("start", "stop", "step"))),
    "__ellipsis__": lambda config: ...,
    "__lambda__": _refuse,
}


def resolve(data: dict, family: str | None = None) -> Any:
    """The class or function named by a serialized description."""
    is_function = data["class_name"] == "function"
    name = data["config"] if is_function else data["class_name"]
    if not isinstance(name, str):
        error = TypeError if is_function else ValueError
        raise error(f"a class or function is named by a string, not by {brief(name)}")
    names = [data.get("registered_name"), name]
    if is_function:  # Keras 3.6 wrote registered functions without their package
        names += [full for full in _custom if full.rpartition(">")[2] == name]
    for candidate in names:
        found = _lookup_custom(candidate) if candidate else None
        if found is not None:
            return found
    module, registered = data.get("module"), data.get("registered_name")
    ours = str(module).partition(".")[0] in ("keras", "tf_keras", "builtins", _PACKAGE)
    if ours or (module is None and registered is None):  # Keras 1 and 2 name no module
        path = str(module).removeprefix("tf_").removeprefix("keras.").removeprefix("src.")
        for candidate in (path.partition(".")[0], family):
            if (candidate, name) in _families and candidate in LOADABLE:
                return _families[candidate, name]
        owners = [f for f, n in _families if n == name and f in LOADABLE]
        if len(owners) == 1:
            return _families[owners[0], name]
    kind = "function" if is_function else "class"
    said = {"module": module, "registered name": registered}
    more = ", ".join(f"{what} {value!r}" for what, value in said.items() if value is not None)
    raise ValueError(
        f"the {kind} {name!r}{f' ({more})' if more else ''} is not known here. If it is yours, "
        f"decorate it with @register_keras_serializable() or pass custom_objects={{{name!r}: ...}}"
    )


def lookup(family: str, identifier: Any, table: dict[str, Any], article: str) -> Any:
    """The object for a name, config, class or callable: the implementation of every `get`.

    Args:
        family: `"losses"`, `"activations"`, ...
        identifier: a name, a config dict, an object, a class or `None`.
        table: this family's names.
        article: what messages call a member (`"a loss"`).

    Raises:
        ValueError: for an unknown name, with the nearest known ones.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier, family=family)
    if isinstance(identifier, str):
        found = _lookup_custom(identifier) or table.get(identifier)
        if found is None:
            raise ValueError(f"{identifier!r} is not {article}. {nearest(identifier, table)}")
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"{identifier!r} is not {article}: pass a name, an object or a function")


def nearest(name: str, known: Any) -> str:
    """A sentence that suggests the closest known names."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}?"
    return f"Known names: {', '.join(sorted(map(str, known)))}"
