"""Doors: modules that re-export what other modules define. Each name is one import line.

    from hornbook.layers.dense import Dense as Dense

`Dense as Dense` tells type checkers and editors that the name is public; `publish`, called at the
end of a door, tells Python.
"""

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from hornbook.core.config import Configurable, register_functions
from hornbook.core.module import to_snake_case

T = TypeVar("T")
_also: dict[Any, list[str]] = {}  # by function or class
_PACKAGE = __name__.partition(".")[0]


def publish(scope: dict[str, Any], own: bool = False) -> None:
    """Set `__all__` and `__dir__` of a door to the public names that belong to hornbook.

    Args:
        scope: `globals()` of the door. Modules in it are public if they are doors.
        own: publish only what the module defines itself.

    Example:
        >>> scope = {"Dense": keras.layers.Dense, "np": np, "_Lambda": keras.layers.Lambda}
        >>> publish(scope)
        >>> scope["__all__"]
        ['Dense']
    """
    public = {name: value for name, value in scope.items() if _is_public(name, value)}
    if own:
        here = scope["__name__"]
        public = {n: v for n, v in public.items() if getattr(v, "__module__", None) == here}
    scope["__all__"] = sorted(public)
    scope["__dir__"] = scope["__all__"].copy


def _is_public(name: str, value: Any) -> bool:
    if isinstance(value, ModuleType):
        known = "__dir__" in vars(value)
    else:
        known = not (isinstance(value, FunctionType) and name in _also.get(value, ()))
    return name[0] != "_" and known and _is_ours(value)


def _is_ours(value: Any) -> bool:
    place = "__name__" if isinstance(value, ModuleType) else "__module__"
    return (getattr(value, place, None) or "").partition(".")[0] == _PACKAGE


def also(names: str) -> Callable[[T], T]:
    """Decorator that adds aliases under which `get` finds a function or class.

    Args:
        names: the aliases, separated by spaces.

    Example:
        >>> keras.losses.get("mse") is keras.losses.mean_squared_error  # @also("mse MSE")
        True
    """

    def name(thing: T) -> T:
        _also[thing] = names.split()
        return thing

    return name


def table(
    family: str, scope: dict[str, Any], bases: tuple[type, ...] = (), first: type = type
) -> dict[str, Any]:
    """A family's members by name: `"mean_squared_error"`, `"MeanSquaredError"`, `"mse"`.

    Members are configurable classes, ops, and functions decorated with `also`. A class is found by
    its name, its name in snake case, and the names of the function it wraps. Aliases of functions
    become attributes of the door.

    Args:
        family: the family's name in files, such as `"losses"`.
        scope: `globals()` of the door.
        bases: classes that are not members.
        first: which kind wins a name that both claim: `type` for classes, or functions.
    """
    members = {
        name: value
        for name, value in scope.items()
        if name[0] != "_" and _is_ours(value) and _is_member(value) and value not in bases
    }
    register_functions(family, {n: v for n, v in members.items() if not isinstance(v, type)})
    found: dict[str, Any] = {}
    for name, value in sorted(members.items(), key=lambda item: isinstance(item[1], first)):
        names = [name, *_also.get(value, ())]
        if isinstance(value, type):
            function = getattr(value, "function", None)
            made_from = [function.__name__, *_also.get(function, ())] if function else []
            names += [to_snake_case(value.__name__), *made_from]
        else:
            scope.update(dict.fromkeys(_also.get(value, ()), value))
        found.update(dict.fromkeys(names, value))
    return found


def _is_member(value: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, Configurable)
    return isinstance(value, FunctionType) and (hasattr(value, "name") or value in _also)
