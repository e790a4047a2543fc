"""Modules: named owners of variables and other modules, found by inspecting attributes.

Nothing is registered: a module owns what its attributes hold, also inside lists and dicts, in the
order in which the attributes were first set.
"""

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from hornbook.core import tree
from hornbook.core.config import Configurable
from hornbook.core.variable import Variable

RESERVED = """{0}.{1} is a read-only property of the base class.
Wrong:  self.{1} = ...
Right:  self.my_{1} = ..."""

_PACKAGE = __name__.partition(".")[0]
# Attributes whose lists change at every call, or whose changes are reported.
UNSEEN = {"_arguments", "_nodes", "_added", "_loss_values", "_loss_functions"}
SHORT = 1000  # of a longer list without modules only the length is compared

_counts: Counter[str] = Counter()
_structure_version = [0]


def to_snake_case(name: str) -> str:
    """`"MaxPooling2D"` -> `"max_pooling2d"`.

    Example:
        >>> to_snake_case("LSTMCell")
        'lstm_cell'
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`"dense"`, then `"dense_1"`, `"dense_2"` ..."""
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def get_uid(prefix: str = "") -> int:
    """A number that no other object with this prefix in its automatic name has.

    Args:
        prefix: such as `"dense"`.

    Example:
        >>> get_uid("my_block"), get_uid("my_block")
        (1, 2)
    """
    _counts[prefix] += 1
    return _counts[prefix]


def reset_names() -> None:
    """Restart the numbering of automatic names."""
    _counts.clear()


def structure_version() -> int:
    """A counter that grows whenever a module's contents may have changed."""
    return _structure_version[0]


def new_structure() -> None:
    """Report that a module's contents may have changed."""
    _structure_version[0] += 1


class derived:
    """A read-only property that an instance attribute of the same name hides.

    The library's own code reads the computed value.
    """

    def __init__(self, compute: Callable):
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, obj: Any, cls: type | None = None) -> Any:
        return self if obj is None else self.compute(obj)


def plain_name(cls: type) -> str:
    """The name of a class that automatic names, and paths in files, are made from."""
    return vars(cls).get("_named_after", cls.__name__)


class Module(Configurable):
    """A named owner of variables and modules.

    Args:
        name: a name without `/`; default the class's name in snake case, numbered.

    Raises:
        ValueError: if the name is not a string, is empty or has a `/`.
    """

    _is_metric = False

    def __init__(self, name: str | None = None):
        if name is None:
            name = auto_name(to_snake_case(plain_name(type(self))))
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(
                f"a {type(self).__name__}'s name is a non-empty string without '/', not {name!r}"
            )
        self._name = name

    @property
    def name(self) -> str:
        """The name, unique in a model."""
        return self._name

    @name.setter
    def name(self, value: str):
        self._name = value

    def __setattr__(self, name: str, value: Any):
        if isinstance(value, Module | Variable | list | tuple | dict) or name.endswith("trainable"):
            _structure_version[0] += 1
        try:
            object.__setattr__(self, name, value)
        except AttributeError as error:
            if getattr(getattr(type(self), name, None), "fset", error) is not None:
                raise
            raise AttributeError(RESERVED.format(type(self).__name__, name)) from error

    def _owned(self) -> Iterator[tuple[str, Any]]:
        """Attribute names and values; a class that owns more overrides this."""
        for name, value in vars(self).items():
            if name != "_arguments":
                yield name, value

    def _owned_variables(self) -> list[Variable]:
        """This module's own variables, each once; weights first."""
        found = dict.fromkeys(
            leaf
            for _, value in self._owned()
            if isinstance(value, Variable | list | tuple | dict)
            for leaf in tree.walk(value)
            if isinstance(leaf, Variable)
        )
        return sorted(found, key=lambda variable: variable.kind != "weight")

    def _child_modules(self) -> list["Module"]:
        """The modules held by its attributes, each once."""
        found = {
            id(leaf): leaf
            for _, value in self._owned()
            if isinstance(value, Module | list | tuple | dict)
            for leaf in tree.walk(value)
            if isinstance(leaf, Module) and leaf is not self
        }
        return list(found.values())

    def _all_modules(self) -> list["Module"]:
        """This module and all below it, each once, parents before children."""
        found: dict[int, Module] = {}
        stack: list[Module] = [self]
        while stack:
            module = stack.pop()
            if id(module) not in found:
                found[id(module)] = module
                stack.extend(reversed(module._child_modules()))
        return list(found.values())

    def _all_variables(self) -> list[Variable]:
        """Every variable of this module and those below it, each once, whatever its kind."""
        return list(dict.fromkeys(v for m in self._all_modules() for v in m._owned_variables()))

    def _variable_paths(self) -> dict[str, Variable]:
        """Every variable by a path that is unique below this module, such as `"dense_1/kernel"`."""
        found: dict[str, Variable] = {}
        seen: set[Variable] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        visited: set[int] = set()
        while stack:
            prefix, module = stack.pop()
            if id(module) in visited:
                continue
            visited.add(id(module))
            for variable in module._owned_variables():
                if variable not in seen:
                    seen.add(variable)
                    found[unused(prefix + variable.name, found)] = variable
            stack.extend((f"{prefix}{c.name}/", c) for c in reversed(module._child_modules()))
        return found


def all_modules(root: Module) -> list[Any]:
    """A module and all below it, each once, parents before children."""
    return root._all_modules()


def child_modules(module: Module) -> list[Any]:
    """The modules held by a module's attributes, each once."""
    return module._child_modules()


def owned_variables(module: Module) -> list[Variable]:
    """A module's own variables, each once; weights first."""
    return module._owned_variables()


def variable_paths(root: Module) -> dict[str, Variable]:
    """Every variable of a module and those below it, by a path such as `"dense_1/kernel"`."""
    return root._variable_paths()


class Structure:
    """A snapshot of a module tree that tells cheaply whether the tree may have changed.

    Setting an attribute increments a counter. Lists and dictionaries change silently, so their
    contents are compared; in the library's own modules only if they hold modules or variables.
    """

    def __init__(self, root: Module):
        self.version = _structure_version[0]
        self.modules = root._all_modules()
        self.settings = [
            (vars(module).get("_policy"), vars(module).get("_learnt")) for module in self.modules
        ]
        found = [
            (_values(container), owns or len(container) < SHORT)
            for module in self.modules
            for name, value in vars(module).items()
            if name not in UNSEEN and isinstance(value, list | tuple | dict)
            for container in _containers(value)
            if (owns := _owns(container)) or not module.__module__.startswith(_PACKAGE)
        ]
        self.views = [view for view, _ in found]
        self.lengths = [len(view) for view in self.views]
        self.compared = [view for view, compare in found if compare]
        self.values = [*chain.from_iterable(self.compared)]

    def holds(self) -> bool:
        """Whether nothing has changed since."""
        return (
            self.version == _structure_version[0]
            and [*map(len, self.views)] == self.lengths
            and all(map(operator.is_, chain.from_iterable(self.compared), self.values))
        )

    def same(self, other: "Structure") -> bool:
        """Whether the modules, their dtypes and their learned constants are the same."""
        return tree.same(self.modules, other.modules) and self.settings == other.settings


def _values(container: Any) -> Any:
    """A live view of the values of a list or dictionary."""
    return container.values() if isinstance(container, dict) else container


def _owns(container: Any) -> bool:
    return any(isinstance(value, Module | Variable) for value in _values(container))


def _containers(value: Any) -> Iterator[Any]:
    """The lists and dictionaries in a value, itself included."""
    if isinstance(value, list | tuple | dict):
        if not isinstance(value, tuple):
            yield value
        for child in _values(value):
            yield from _containers(child)


def unused(name: str, taken: Any) -> str:
    """A name that is not taken: `name`, or `name_1`, `name_2` ..."""
    number, candidate = 1, name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate
