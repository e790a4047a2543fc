"""Constraints against Keras's, and their names, configs and errors."""

import keras
import numpy as np
import pytest

from hornbook import constraints
from tests.parity.helper import floats, same

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 3.0, "max_value": 4.0, "rate": 0.3, "axis": 1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": (0, 1)}),
]


def make(library, name, kwargs):
    # Keras sums over tuples of axes alone.
    fixed = {
        k: tuple(v) if isinstance(v, list) and library is keras else v for k, v in kwargs.items()
    }
    family = constraints if library is not keras else keras.constraints
    return getattr(family, name)(**fixed)


@pytest.mark.parametrize("name, kwargs", CASES)
def test_a_constraint_agrees(name, kwargs):
    same(make(None, name, kwargs), make(keras, name, kwargs), floats(4, 3), rtol=1e-4)


@pytest.mark.parametrize("name, kwargs", CASES)
def test_configs_of_both_libraries_make_an_equal_constraint(name, kwargs):
    made = make(None, name, kwargs)
    theirs = keras.constraints.serialize(make(keras, name, kwargs))
    for described in (constraints.serialize(made), theirs):
        again = constraints.deserialize(described)
        assert type(again) is type(made)
        np.testing.assert_array_equal(again(floats(4, 3)), made(floats(4, 3)))


def test_a_second_projection_changes_nothing():
    w = floats(4, 3)
    for projection in (constraints.MaxNorm(0.5), constraints.NonNeg(), constraints.UnitNorm()):
        once = projection(w)
        np.testing.assert_allclose(projection(once), once, rtol=1e-5)


def test_max_norm_leaves_short_vectors_as_they_are():
    w = np.array([[0.3, 3.0], [0.4, 4.0]], "float32")
    out = np.asarray(constraints.MaxNorm(1.0)(w))
    np.testing.assert_allclose(out, [[0.3, 0.6], [0.4, 0.8]], rtol=1e-5)


@pytest.mark.parametrize("name", constraints.TABLE)
def test_get_finds_every_name(name):
    assert isinstance(constraints.get(name), constraints.TABLE[name])


def test_other_identifiers():
    def halve(w):
        return w / 2

    assert constraints.get(None) is None
    assert constraints.get(halve) is halve
    assert isinstance(constraints.get(constraints.NonNeg), constraints.NonNeg)
    with pytest.raises(ValueError, match="'max_nrom' is not a constraint.*max_norm"):
        constraints.get("max_nrom")


def test_the_base_changes_nothing():
    w = floats(2, 2)
    assert constraints.Constraint()(w) is w
