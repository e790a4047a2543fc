"""Structures of tensors: lists, tuples, dicts."""

from collections import namedtuple

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook.core import tree
from hornbook.core.variable import Variable

Pair = namedtuple("Pair", "first second")
structures = st.recursive(
    st.integers() | st.none() | st.text(max_size=3),
    lambda child: (
        st.lists(child, max_size=3)
        | st.tuples(child, child)
        | st.dictionaries(st.text(max_size=2), child, max_size=3)
    ),
    max_leaves=8,
)


@given(structures)
def test_flatten_and_unflatten_are_inverse(structure):
    assert tree.unflatten_as(structure, tree.flatten(structure)) == structure


@given(structures)
def test_map_structure_keeps_the_form(structure):
    mapped = tree.map_structure(lambda leaf: (leaf,).__len__(), structure)
    assert all(leaf == 1 for leaf in tree.flatten(mapped))
    assert len(tree.flatten(mapped)) == len(tree.flatten(structure))


@given(structures)
def test_walk_finds_the_leaves_that_flatten_finds(structure):
    assert sorted(map(repr, tree.walk(structure))) == sorted(map(repr, tree.flatten(structure)))


def test_flatten_goes_by_sorted_key_and_walk_by_insertion():
    structure = {"b": 1, "a": [2, 3]}
    assert tree.flatten(structure) == [2, 3, 1]
    assert list(tree.walk(structure)) == [1, 2, 3]


def test_none_arrays_and_variables_are_leaves():
    v, a = Variable(1.0), np.ones(2)
    assert tree.flatten([None, v, (a,)]) == [None, v, a]


def test_named_tuples_keep_their_type():
    mapped = tree.map_structure(lambda x: x + 1, Pair(1, [2]))
    assert mapped == Pair(2, [3])
    assert isinstance(mapped, Pair)


def test_map_structure_takes_several_of_one_form():
    assert tree.map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]}) == {"x": [11, 22]}
    with pytest.raises(ValueError):
        tree.map_structure(lambda a, b: a, [1, 2], [1])


def test_named_leaves_have_readable_paths():
    structure = {"a": [1, {"b": 2}], "c": 3}
    assert list(tree.named_leaves(structure)) == [("a/0", 1), ("a/1/b", 2), ("c", 3)]
    assert list(tree.named_leaves(5)) == [("", 5)]


def test_the_public_door_has_keras_s_names():
    assert hornbook.tree.pack_sequence_as([0, (0,)], [1, 2]) == [1, (2,)]
    assert hornbook.tree.is_nested([1]) and not hornbook.tree.is_nested(jnp.ones(1))
