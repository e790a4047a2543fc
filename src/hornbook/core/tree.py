"""Nested structures of tensors: lists, tuples, dicts, named tuples. `None` is a leaf."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax


def flatten(structure: Any, is_leaf: Callable | None = None) -> list:
    """The leaves, in order; dictionaries by sorted key."""
    return jax.tree.leaves(structure, is_leaf=is_leaf or is_leaf_value)


def map_structure(func: Callable, structure: Any, *rest: Any, none_is_leaf: bool = True) -> Any:
    """A structure of the same form with `func` applied to each leaf.

    Args:
        func: takes one leaf of each structure.
        structure, *rest: structures of one form.
        none_is_leaf: whether `func` sees `None` too; else `None` stays as it is.

    Example:
        >>> map_structure(abs, {"a": [-1, None]}, none_is_leaf=False)
        {'a': [1, None]}
    """
    is_leaf = is_leaf_value if none_is_leaf else lambda v: v is not None and is_leaf_value(v)
    return jax.tree.map(func, structure, *rest, is_leaf=is_leaf)


def unflatten_as(structure: Any, flat_sequence: list) -> Any:
    """The leaves put back into the form of `structure`."""
    return jax.tree.unflatten(jax.tree.structure(structure, is_leaf=is_leaf_value), flat_sequence)


def is_nested(structure: Any) -> bool:
    """Whether a value is a container rather than a leaf."""
    return isinstance(structure, list | tuple | dict)


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


def same(first: Iterable, second: Iterable) -> bool:
    """Whether both hold the very same objects in one order; `==` of lists would compare elements.

    Example:
        >>> a, b = np.ones(2), np.ones(2)
        >>> same([a, b], [a, b]), same([a, b], [b, a])
        (True, False)
    """
    return list(map(id, first)) == list(map(id, second))


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
