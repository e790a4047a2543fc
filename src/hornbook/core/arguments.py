"""Constructor arguments: a class's signature and defaults, and what an object was given."""

import functools
import inspect
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def constructor_signature(cls: type) -> inspect.Signature:
    """The signature of a class, with `**kwargs` expanded to the parameters of its base classes.

    Example:
        >>> class Base:
        ...     def __init__(self, name=None): ...
        >>> class Scale(Base):
        ...     def __init__(self, factor, **kwargs): ...
        >>> constructor_signature(Scale)
        <Signature (factor, *, name=None)>
    """
    found: dict[str, inspect.Parameter] = {}
    given = getattr(cls, "_given", ())
    open_kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    in_place = True  # whether this class's parameters can be passed by position
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        own = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        for parameter in own:
            filled = parameter.kind in open_kinds or (parameter.name in given and not in_place)
            if not filled and parameter.name not in found:
                kind = parameter.kind if in_place else inspect.Parameter.KEYWORD_ONLY
                found[parameter.name] = parameter.replace(kind=kind)
        if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own):
            break
        in_place = False
    return inspect.Signature(list(found.values()))


def own(variables: dict[str, Any], *without: str) -> dict[str, Any]:
    """A constructor's own arguments from its `locals()`, except some.

    Example:
        >>> class Scale:
        ...     def __init__(self, factor, offset=0, **kwargs):
        ...         self.given = own(locals(), "offset")
        >>> Scale(2).given
        {'factor': 2}
    """
    apart = ("self", "kwargs", "__class__", *without)
    return {name: value for name, value in variables.items() if name not in apart}


class ConstructorSignature:
    """Descriptor that `inspect.signature` reads on a class; on an object it reads `__call__`."""

    def __get__(self, obj: Any, cls: type) -> inspect.Signature:
        if obj is not None:
            raise AttributeError("__signature__ is the class's")
        return constructor_signature(cls)


def defaults(cls: type) -> dict[str, Any]:
    """The default arguments of one of hornbook's own classes; empty for other classes.

    Example:
        >>> from hornbook import regularizers
        >>> defaults(regularizers.L2)
        {'l2': 0.01}
    """
    return _defaults(cls) if cls.__module__.partition(".")[0] == _PACKAGE else {}


@functools.cache
def _defaults(cls: type) -> dict[str, Any]:
    parameters = constructor_signature(cls).parameters
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


def completed(cls: type, given: dict[str, Any], unset: dict[str, Any]) -> dict[str, Any]:
    """The given arguments plus values for the unset ones, in the constructor's order.

    Example:
        >>> from hornbook import regularizers
        >>> completed(regularizers.L1L2, {"l2": 1}, {"l1": 0.0, "l2": 0.0})
        {'l1': 0.0, 'l2': 1}
    """
    found = {**unset, **given}
    order = constructor_signature(cls).parameters if unset else ()
    return {name: found[name] for name in order if name in found} | found


def brief(value: Any) -> str:
    """A short form of a value, for a `repr`."""
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@functools.cache
def described(cls: type) -> frozenset[str]:
    """The constructor arguments that a user's `get_config` adds to those of its base class.

    As in Keras, the base class leaves them out: `dict(units=self.units, **super().get_config())`.

    Example:
        >>> described(ConstructorSignature)
        frozenset()
    """
    writers = [
        i
        for i, base in enumerate(cls.__mro__)
        if "get_config" in vars(base) and base.__module__.partition(".")[0] != _PACKAGE
    ]
    if not writers:
        return frozenset()
    users, base = cls.__mro__[: writers[-1] + 1], cls.__mro__[writers[-1] + 1]
    own = [vars(user)["__init__"] for user in users if "__init__" in vars(user)]
    names = {name for init in own for name in inspect.signature(init).parameters}
    return frozenset(names - {*constructor_signature(base).parameters})


def arguments(obj: Any) -> dict[str, Any]:
    """The arguments an object was made with, by name; those left at their defaults are omitted."""
    args, kwargs = obj._arguments
    signature = inspect.signature(type(obj).__init__)
    parameters = list(signature.parameters.values())[1:]
    try:
        bound = signature.replace(parameters=parameters).bind(*args, **kwargs)
    except TypeError:  # a user-defined __new__ took the arguments
        return dict(kwargs)
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            raise NotImplementedError(
                f"{type(obj).__name__}.__init__ takes *{name}, which has no names to save it by; "
                "write get_config and from_config for it"
            )
        else:
            named[name] = value
    return named
