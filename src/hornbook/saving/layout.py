"""The paths of a model's variables in a file: Keras 3's layout.

A file has a group for each layer, optimizer and so on, at the attribute path by which it is first
reached from the model: `layers/dense_1`, `encoder/cell`. List items are named by class and
numbered. Layer names are not part of the path, so that a second copy of a model, whose automatic
names differ, finds its weights.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from hornbook.core.module import Module, plain_name, to_snake_case
from hornbook.core.random import SeedGenerator
from hornbook.core.variable import Variable
from hornbook.layers.weighted import Weighted
from hornbook.optimizers import Optimizer

PACKAGE = __name__.partition(".")[0]
# Modules of base classes whose properties are not searched.
FOUNDATIONS = {
    f"{PACKAGE}.{name}"
    for name in "core.module core.operation layers.base layers.recorded layers.weighted "
    "training.protocol training.compiling training.trainer models.model models.sequential "
    "optimizers.base optimizers.state".split()
}
# Attributes whose contents are reached another way.
SKIPPED = {"_arguments", "_stack", "_added", "_nodes", "_trained", "history"}
KEPT = ("weight", "state")  # variable kinds of a layer that are saved


class Entry(NamedTuple):
    """An object with variables, and its path in a file."""

    path: str
    owner: Module
    variables: list[Variable]

    @property
    def optional(self) -> bool:
        """Whether a file may lack it: seeds and optimizers are not weights."""
        return isinstance(self.owner, SeedGenerator) or is_optimizer(self.owner)


def entries(root: Module) -> list[Entry]:
    """Every object below `root` that has a group in a file, `root` itself first."""
    return [Entry(path, owner, _variables(owner)) for path, owner in _walk(root, "", set())]


def is_optimizer(owner: Any) -> bool:
    """Whether it is an optimizer."""
    return isinstance(owner, Optimizer)


def _variables(owner: Module) -> list[Variable]:
    if isinstance(owner, Weighted):
        return owner._own_weights()
    found = owner._owned_variables()
    if isinstance(owner, SeedGenerator) or is_optimizer(owner):
        return found
    return [variable for variable in found if variable.kind in KEPT]


def _walk(owner: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    if id(owner) in seen or owner._is_metric:
        return
    seen.add(id(owner))
    yield path, owner
    properties = _properties(type(owner))  # type: ignore[arg-type]
    for name in _names(owner):
        try:
            value = getattr(owner, name)
        except Exception:  # a property without a value yet
            continue
        if isinstance(value, Module) or not properties.get(name):
            yield from _visit(value, f"{path}/{name}" if path else name, seen)


def _visit(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    if isinstance(value, Module):
        yield from _walk(value, path, seen)
    elif isinstance(value, list | tuple | dict) and id(value) not in seen:
        counts: Counter[str] = Counter()
        for child in value.values() if isinstance(value, dict) else value:
            if isinstance(child, Module):
                name = to_snake_case(_class_name(child))
            elif isinstance(child, list | tuple | dict):
                name = "container"
            else:
                continue
            number, counts[name] = counts[name], counts[name] + 1
            yield from _visit(
                child, f"{path}/{name}_{number}" if number else f"{path}/{name}", seen
            )


def _class_name(owner: Module) -> str:
    return getattr(owner, "_stated_class", {}).get("class_name", plain_name(type(owner)))


def _names(owner: Any) -> list[str]:
    """Attributes that may hold objects with variables: public ones first, in order."""
    names = {name for name in vars(owner) if name not in SKIPPED} | set(_properties(type(owner)))  # type: ignore[arg-type]
    names = {name for name in names if not name.startswith("__")}
    ordered = sorted(names, key=lambda name: (name.startswith("_"), name))
    if not hasattr(owner, "_training_state"):
        return ordered
    if getattr(owner, "_recorded", None) is not None:  # a graph comes before attributes
        return ["layers", *ordered, "optimizer"]
    return sorted({*names, "layers", "optimizer"}, key=lambda name: (name.startswith("_"), name))


@functools.cache
def _properties(cls: Any) -> dict[str, bool]:
    """Properties that may expose private attributes, and whether they are the library's own.

    Of the library's properties, only those that return a single object are used.
    """
    return {
        name: base.__module__.partition(".")[0] == PACKAGE
        for base in reversed(cls.__mro__)
        if base.__module__ not in FOUNDATIONS
        for name, value in vars(base).items()
        if isinstance(value, property | functools.cached_property)
    }
