"""`keras.tree`: the same structures, the same errors."""

from collections import namedtuple

import keras as reference
import pytest

import hornbook as keras

Pair = namedtuple("Pair", "one two")
DEEP = {"b": [1, (2, None)], "a": Pair(3, [[], 4])}
SHAPES = [(None, 2), {"a": (3,), "b": [4, None]}]


def size(*parts):
    return tuple(len(p) if isinstance(p, list | tuple | dict) else p for p in parts)


CASES = {
    "flatten": lambda t: t.flatten(DEEP),
    "paths": lambda t: t.flatten_with_path([{"b": 1, "a": (2, None)}]),
    "path of a leaf": lambda t: t.flatten_with_path(3),
    "up to": lambda t: t.map_structure_up_to([0, {"a": 0}], size, [(1, 2), {"a": [3]}]),
    "up to two": lambda t: t.map_structure_up_to((0, 0), size, (1, [2]), ([1], 2)),
    "up to a leaf": lambda t: t.map_structure_up_to(0, size, [1, 2]),
    "up to a list of other length": lambda t: t.map_structure_up_to([0, 0], size, [1]),
    "up to a list of deeper form": lambda t: t.map_structure_up_to([[0], 0], size, [1, 1]),
    "up to nothing": lambda t: t.map_structure_up_to([0], size),
    "same": lambda t: t.assert_same_structure(DEEP, t.map_structure(str, DEEP)),
    "deeper": lambda t: t.assert_same_structure([1, 2], [1, [2]]),
    "shallower": lambda t: t.assert_same_structure([1, [2]], [1, 2]),
    "a tuple for a list": lambda t: t.assert_same_structure([1], (1,)),
    "other keys": lambda t: t.assert_same_structure({"a": 1}, {"b": 1}),
    "same paths": lambda t: t.assert_same_paths([1, {"a": (2,)}], (3, {"a": [4]})),
    "other paths": lambda t: t.assert_same_paths([1], [1, 2]),
    "packed": lambda t: t.pack_sequence_as(DEEP, list("abcdef")[: len(t.flatten(DEEP))]),
    "packed short": lambda t: t.pack_sequence_as([1, 2], [1]),
    "tuples": lambda t: t.lists_to_tuples(DEEP),
    "top down": lambda t: t.traverse(lambda p: 0 if isinstance(p, tuple) else None, DEEP),
    "bottom up": lambda t: t.traverse(
        lambda p: sum(p) if isinstance(p, list) else None, [[1, 2], ([3],)], top_down=False
    ),
    "to none": lambda t: t.traverse(lambda p: t.MAP_TO_NONE if p == 1 else None, [1, [1, 2]]),
    "shapes": lambda t: t.map_shape_structure(len, SHAPES),
    "mapped": lambda t: t.map_structure(lambda a, b: (a, b), {"a": [1]}, {"a": [2]}),
    "mapped over other forms": lambda t: t.map_structure(lambda a, b: 0, [1], [[1]]),
    "mapped over a longer list": lambda t: t.map_structure(lambda a, b: 0, [1], [1, 2]),
    "mapped over nothing": lambda t: t.map_structure(str),
}


def outcome(case, tree):
    try:
        return CASES[case](tree)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("case", CASES)
def test_structures_are_as_in_keras(case):
    assert outcome(case, keras.tree) == outcome(case, reference.tree)


def test_all_of_keras_s_names_are_there():
    assert {name for name in dir(reference.tree) if name[0] != "_"} == set(keras.tree.__all__)
