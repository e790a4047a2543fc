"""Functions and classes with old names, made from the rows of `dialects/`.

A class with an old name is a subclass of today's class that takes old arguments. Its config, files
and copies are those of today's class.
"""

import abc
import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hornbook import callbacks, layers, models, optimizers
from hornbook.compat.keras import dropped, local  # noqa: F401 (files name their classes)
from hornbook.compat.keras.callbacks import OldCallback
from hornbook.compat.keras.layers import VARIANTS, OldLayer, renamed
from hornbook.compat.keras.models import OldModel, OldSequential
from hornbook.compat.keras.optimizers import OldOptimizer
from hornbook.compat.keras.recurrent import OldRecurrent
from hornbook.compat.keras.sizes import FITTED
from hornbook.compat.translate import resolve, translate
from hornbook.core.config import get_registered_name, stated_module
from hornbook.dialects.row import Row

OF_TODAY = ("bias", "input_dtype")  # attributes of today's layers that are not old names
# The mixin of old methods for each kind of class; the first match wins.
MIXINS: dict[Any, type] = {
    models.Sequential: OldSequential,
    models.Model: OldModel,
    **dict.fromkeys((layers.SimpleRNN, layers.LSTM, layers.GRU), OldRecurrent),
    layers.Layer: OldLayer,
    optimizers.Optimizer: OldOptimizer,
    callbacks.Callback: OldCallback,
}


class OldNames(abc.ABCMeta):
    """Metaclass of classes with old names: translates constructor arguments.

    It is one of `abc`, so that libraries can mix these classes with abstract ones.
    """

    _row: Row
    _today: type
    _adapt: Callable
    _arguments_today: Callable

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_row" not in vars(cls):  # a program's own subclass
            return super().__call__(*args, **kwargs)
        given = cls._arguments_today(args, kwargs)
        kind = _variant(cls, given)
        kept = dict(given)
        kind._adapt(kept)
        made = kind.__new__(kind, **kept)
        kind.__init__(made, **given)
        return made

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, vars(cls).get("_today", ())) or super().__instancecheck__(
            instance
        )

    def __subclasscheck__(cls, subclass: type) -> bool:
        today = vars(cls).get("_today")
        return (today is not None and issubclass(subclass, today)) or super().__subclasscheck__(
            subclass
        )


class Names:
    """The names of one generation, each created on first use.

    Args:
        dialect: a module of `dialects/`.
    """

    def __init__(self, dialect: ModuleType):
        self.dialect: Any = dialect
        self._made: dict[int, Any] = {}

    def get(self, family: str, name: str) -> Any:
        """The function or class for a name.

        Args:
            family: such as `"layers"`.
            name: the old name.

        Raises:
            KeyError: if the generation had no such name, or it is not in the tables.
        """
        row = self.dialect.FAMILIES[family][name]
        if id(row) not in self._made:
            rows = self.dialect.FAMILIES[family].items()
            first = next(known for known, one in rows if one is row)
            self._made[id(row)] = self._make(family, first, row)
        return self._made[id(row)]

    def _make(self, family: str, name: str, row: Row) -> Any:
        today = resolve(row.new)
        if isinstance(today, type):
            mixin = next((one for kind, one in MIXINS.items() if issubclass(today, kind)), None)
            if mixin or row.arguments or row.defaults:
                return _class(self, family, name, row, today, mixin)
        elif row.arguments or row.defaults or family.startswith("applications"):
            return _function(self, name, row, FITTED.get(row.new, today))
        return today

    def adopt(self, model: Any) -> Any:
        """Give a loaded or copied model, and its layers, their old methods.

        Args:
            model: a model or layer of a current class.
        """
        found = model._all_modules()
        optimizer = getattr(model, "optimizer", None)
        for module in [*found, *([optimizer] if optimizer is not None else [])]:
            old = self._old_classes.get(type(module))
            if old is not None:
                module.__class__ = self.get(*old)
        return model

    @functools.cached_property
    def _old_classes(self) -> dict[type, tuple[str, str]]:
        """The old name of each current class, preferring the same name."""
        found: dict[type, tuple[str, str]] = {}
        for family in ("layers", "models", "optimizers"):
            for name, row in self.dialect.FAMILIES[family].items():
                today = resolve(row.new)
                if isinstance(today, type) and (today not in found or name == today.__name__):
                    found[today] = family, name
        return found


def _function(names: Names, name: str, row: Row, today: Callable) -> Callable:
    dialect = names.dialect
    is_same = not row.arguments and not row.defaults

    def old(*args, **kwargs):
        if is_same:
            made = today(*args, **kwargs)
        else:
            made = today(**translate(name, row, dialect.VALUES, args, kwargs))
        return names.adopt(made) if isinstance(made, models.Model) else made

    old.__name__ = old.__qualname__ = name
    old.__doc__ = f"`{row.new}` of today, called as {dialect.TITLE} called `{name}`."
    old.__signature__ = _signature(row)  # type: ignore[attr-defined]
    return old


def _signature(row: Row) -> inspect.Signature:
    """The signature with the old arguments that the row lists."""
    names = [name for argument in row.arguments for name in argument.old]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in names])


def _class(names: Names, family: str, name: str, row: Row, today: Any, mixin: Any) -> Any:
    dialect = names.dialect

    @functools.wraps(today.__init__)
    def __init__(self, *args, **kwargs):
        given = translate(name, row, dialect.VALUES, args, kwargs)
        extra = type(self)._adapt(given)
        if mixin:
            self._before_init(given)
        today.__init__(self, **given)
        if mixin:
            self._after_init(extra)

    def given_of(args, kwargs):
        return translate(name, row, dialect.VALUES, args, kwargs)

    def adapt(given):
        return mixin._adapt_arguments(today, given) if mixin else {}

    old_names = {
        argument.old[0]: renamed(argument.old[0], argument.new)
        for argument in row.arguments
        if argument.new and len(argument.old) == 1 and not hasattr(today, argument.old[0])
        if argument.old[0] not in (argument.new, *OF_TODAY) and issubclass(today, layers.Layer)
    }
    return OldNames(
        name,
        (mixin, today) if mixin else (today,),
        {
            **old_names,
            "__init__": __init__,
            "__module__": f"keras.{family}",
            "__doc__": f"`{row.new}` of today, made as {dialect.TITLE} made `{name}`.",
            "_row": row,
            "_today": today,
            "_names": names,
            "_arguments_today": staticmethod(given_of),
            "_adapt": staticmethod(adapt),
            "_stated_class": property(_stated),
        },
    )


def _variant(cls: Any, given: dict) -> Any:
    """The class for an old argument that today's class does not support."""
    argument, kind = VARIANTS.get(cls._today, (None, None))
    if argument is None or not given.get(argument):
        given.pop(argument, None)
        return cls
    if "_with" not in vars(cls):
        names = cls._names
        mixin = cls.__mro__[1]
        cls._with = _class(names, "layers", cls.__name__, cls._row, kind, mixin)
    return cls._with


def _stated(self: Any) -> dict:
    """The class name written to files: today's, unless the program defines the class."""
    cls = type(self)
    if "_row" not in vars(cls):
        return {}
    today = cls._today
    if today is models.Model and self._recorded is not None:
        module = "keras.src.models.functional"
        return {"module": module, "class_name": "Functional", "registered_name": "Functional"}
    family = today.__module__.split(".")[1]
    if family == "compat":
        registered = get_registered_name(today)
        return {"module": None, "class_name": today.__name__, "registered_name": registered}
    module = stated_module(family, today)
    return {"module": module, "class_name": today.__name__, "registered_name": None}
