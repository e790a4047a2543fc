"""Nested structures of tensors: lists, tuples, dicts, named tuples. `None` is a leaf."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax

CONTAINERS = (list, tuple, dict)  # a union type would be built at every call
ARRAY = object()  # stands for an array among leaves


def flatten(structure: Any, is_leaf: Callable | None = None) -> list:
    """The leaves, in order; dictionaries by sorted key."""
    return jax.tree.leaves(structure, is_leaf=is_leaf or is_leaf_value)


def is_array(value: Any) -> bool:
    """Whether a value is one of JAX's arrays."""
    return isinstance(value, jax.Array)


def parted(leaves: list, is_array: Callable = is_array) -> tuple[list, tuple]:
    """The arrays among leaves, and the leaves with `ARRAY` in their places.

    Example:
        >>> parted(["a", 2.5], lambda leaf: leaf == 2.5)[0]
        [2.5]
    """
    arrays = [leaf for leaf in leaves if is_array(leaf)]
    return arrays, tuple(ARRAY if is_array(leaf) else leaf for leaf in leaves)


def joined(form: Any, fixed: Iterable, arrays: Iterable) -> Any:
    """The structure whose leaves were `parted`, with other arrays.

    Args:
        form: the structure, from `jax.tree.flatten`.
        fixed: its leaves, with `ARRAY` for arrays.
        arrays: the arrays, in order.
    """
    given = iter(arrays)
    return jax.tree.unflatten(form, [next(given) if leaf is ARRAY else leaf for leaf in fixed])


def map_structure(func: Callable, *structures: Any, none_is_leaf: bool = True) -> Any:
    """Apply `func` to each leaf; the result has the same structure.

    Args:
        func: takes one leaf of each structure.
        *structures: one or more, all of the same form.
        none_is_leaf: whether `func` is applied to `None` too; otherwise `None` is kept.

    Raises:
        ValueError: if the structures differ in form, or none is given.

    Example:
        >>> map_structure(abs, {"a": [-1, None]}, none_is_leaf=False)
        {'a': [1, None]}
    """
    if not structures:
        raise ValueError("map_structure needs at least one structure to map")
    is_leaf = is_leaf_value if none_is_leaf else lambda v: v is not None and is_leaf_value(v)
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return jax.tree.map(func, *structures, is_leaf=is_leaf)


def unflatten_as(structure: Any, flat_sequence: list) -> Any:
    """Pack a flat list of leaves into the form of `structure`."""
    return jax.tree.unflatten(jax.tree.structure(structure, is_leaf=is_leaf_value), flat_sequence)


def map_structure_up_to(shallow_structure: Any, func: Callable, *structures: Any) -> Any:
    """Apply `func` to the parts of structures at the depth where a shallower one has leaves.

    Args:
        shallow_structure: determines where to stop; its leaves are not passed.
        func: takes one part of each of `structures`.
        *structures: one or more, of the same form down to that depth.

    Raises:
        ValueError: if the forms differ, or no structure is given.

    Example:
        >>> map_structure_up_to({"a": 0, "b": 0}, len, {"a": [1, 2], "b": (3,)})
        {'a': 2, 'b': 1}
    """
    if not structures:
        raise ValueError("map_structure_up_to needs at least one structure to map")
    form: Any = jax.tree.structure(shallow_structure, is_leaf=is_leaf_value)
    parts = [form.flatten_up_to(structure) for structure in structures]
    return form.unflatten([func(*found) for found in zip(*parts, strict=True)])


def flatten_with_path(structure: Any) -> list[tuple[tuple, Any]]:
    """Pairs `(path, leaf)`, where a path is a tuple of keys and positions.

    Example:
        >>> flatten_with_path({"a": [5, 6]})
        [(('a', 0), 5), (('a', 1), 6)]
    """
    if is_leaf_value(structure):
        return [((), structure)]
    keys = sorted(structure) if isinstance(structure, dict) else range(len(structure))
    return [
        ((key, *path), leaf) for key in keys for path, leaf in flatten_with_path(structure[key])
    ]


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raise unless two structures have the same form.

    Args:
        a, b: the structures.
        check_types: accepted for compatibility; lists and tuples always differ.

    Raises:
        ValueError: if they differ.
    """
    forms: list = [jax.tree.structure(one, is_leaf=is_leaf_value) for one in (a, b)]
    if forms[0] != forms[1]:
        raise ValueError(f"two structures have different forms: {forms[0]} and {forms[1]}")


def assert_same_paths(a: Any, b: Any) -> None:
    """Raise unless the leaves of two structures have the same paths; lists equal tuples here.

    Args:
        a, b: the structures.

    Raises:
        ValueError: with the paths that only one of them has.
    """
    paths = [{path for path, _ in flatten_with_path(one)} for one in (a, b)]
    if apart := paths[0] ^ paths[1]:
        raise ValueError(f"two structures have different leaves: only one has {apart}")


class MAP_TO_NONE:
    """Returned by a function to make `traverse` replace a part by `None`."""


def traverse(func: Callable, structure: Any, top_down: bool = True) -> Any:
    """Replace parts of a structure by what `func` returns for them.

    Args:
        func: called on every container and leaf; returns `None` to descend (bottom up: to keep
            the part), `MAP_TO_NONE` to replace it by `None`, anything else to replace it by that.
        structure: the structure.
        top_down: whether containers are visited before their contents.

    Example:
        >>> traverse(lambda part: sum(part) if isinstance(part, tuple) else None, [(1, 2), 3])
        [3, 3]
    """

    def inside() -> Any:
        if is_leaf_value(structure):
            return structure
        parts, form = jax.tree.flatten(structure, is_leaf=lambda part: part is not structure)
        return jax.tree.unflatten(form, [traverse(func, part, top_down) for part in parts])

    whole = structure if top_down else inside()
    found = func(whole)
    if found is None:
        return inside() if top_down else whole
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """A copy of a structure with tuples instead of lists.

    Example:
        >>> lists_to_tuples({"a": [1, [2]]})
        {'a': (1, (2,))}
    """
    return traverse(
        lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False
    )


def map_shape_structure(func: Callable, structure: Any) -> Any:
    """Apply `func` to each shape in a structure of shapes.

    Args:
        func: takes a shape: a list or tuple of integers and `None`.
        structure: the shapes.

    Example:
        >>> map_shape_structure(len, [(None, 3), {"a": (None, 4, 5)}])
        [2, {'a': 3}]
    """

    def is_shape(part: Any) -> bool:
        several = isinstance(part, list | tuple)
        return several and all(size is None or isinstance(size, int) for size in part)

    return jax.tree.map(func, structure, is_leaf=lambda part: is_shape(part) or is_leaf_value(part))


def is_nested(structure: Any) -> bool:
    """Whether a value is a container rather than a leaf."""
    return isinstance(structure, CONTAINERS)


def is_leaf_value(value: Any) -> bool:
    """Whether a value is a leaf: anything but a container, even if JAX would flatten it."""
    return not isinstance(value, CONTAINERS)


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
    """Whether both hold the same objects in the same order (`==` would compare array elements).

    Example:
        >>> a, b = np.ones(2), np.ones(2)
        >>> same([a, b], [a, b]), same([a, b], [b, a])
        (True, False)
    """
    return list(map(id, first)) == list(map(id, second))


def named_leaves(structure: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs `(path, leaf)` with readable paths such as `"a/0"`."""
    if isinstance(structure, dict):
        items = structure.items()
    elif isinstance(structure, list | tuple):
        items = enumerate(structure)
    else:
        yield prefix, structure
        return
    for key, child in items:
        yield from named_leaves(child, f"{prefix}/{key}" if prefix else str(key))
