"""Nested structures of tensors: lists, tuples, dicts, named tuples. `None` is a leaf."""

from collections.abc import Callable, Iterator
from typing import Any

import jax


def flatten(structure: Any, is_leaf: Callable | None = None) -> list:
    """The leaves, in order; dictionaries by sorted key."""
    return jax.tree.leaves(structure, is_leaf=is_leaf or is_leaf_value)


def map_structure(fn: Callable, structure: Any, *rest: Any) -> Any:
    """A structure of the same form with `fn` applied to each leaf."""
    return jax.tree.map(fn, structure, *rest, is_leaf=is_leaf_value)


def unflatten_as(structure: Any, leaves: list) -> Any:
    """The leaves put back into the form of `structure`."""
    return jax.tree.unflatten(jax.tree.structure(structure, is_leaf=is_leaf_value), leaves)


def is_nested(value: Any) -> bool:
    """Whether a value is a container rather than a leaf."""
    return isinstance(value, list | tuple | dict)


def is_leaf_value(value: Any) -> bool:
    """Everything but a container is a leaf, also where JAX would open it (`None`, variables)."""
    return not isinstance(value, list | tuple | dict)


def walk(value: Any) -> Iterator:
    """The leaves of lists, tuples and dicts in insertion order, without rebuilding anything."""
    if isinstance(value, dict):
        for child in value.values():
            yield from walk(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from walk(child)
    else:
        yield value


def named_leaves(structure: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of a readable path (`"a/0"`) and a leaf."""
    if isinstance(structure, dict):
        items = structure.items()
    elif isinstance(structure, list | tuple):
        items = enumerate(structure)
    else:
        yield prefix, structure
        return
    for key, child in items:
        yield from named_leaves(child, f"{prefix}/{key}" if prefix else str(key))
