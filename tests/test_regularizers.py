"""Regularizers against Keras's, and their names, configs and errors."""

import keras
import numpy as np
import pytest

from hornbook import regularizers
from tests.parity.helper import floats, same

CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
]


@pytest.mark.parametrize("name, kwargs", CASES)
def test_a_regularizer_agrees(name, kwargs):
    ours, theirs = (getattr(m, name)(**kwargs) for m in (regularizers, keras.regularizers))
    same(ours, theirs, floats(4, 3))


@pytest.mark.parametrize("name, kwargs", CASES)
def test_configs_of_both_libraries_make_an_equal_regularizer(name, kwargs):
    made = getattr(regularizers, name)(**kwargs)
    theirs = keras.regularizers.serialize(getattr(keras.regularizers, name)(**kwargs))
    for described in (regularizers.serialize(made), theirs):
        again = regularizers.deserialize(described)
        assert type(again) is type(made)
        np.testing.assert_allclose(again(floats(4, 3)), made(floats(4, 3)), rtol=1e-6)


@pytest.mark.parametrize("name", regularizers.TABLE)
def test_get_finds_every_name(name):
    found = regularizers.get(name)
    assert isinstance(found, regularizers.Regularizer)
    assert np.ndim(found(floats(2, 3))) == 0


def test_l1_l2_by_name_has_both_factors():
    found = regularizers.get("l1_l2")
    assert (found.l1, found.l2) == (0.01, 0.01)


def test_the_penalty_has_the_dtype_of_the_weight():
    weight = floats(3, 2).astype("float16")
    assert regularizers.L1L2(0.1, 0.1)(weight).dtype == "float16"


def test_other_identifiers():
    def spread(x):
        return x.std()

    assert regularizers.get(None) is None
    assert regularizers.get(spread) is spread
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    with pytest.raises(ValueError, match="'l3' is not a regularizer"):
        regularizers.get("l3")


@pytest.mark.parametrize("factor", [-1, float("nan"), float("inf"), "much", [1]])
@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_a_factor_must_be_a_number_that_is_not_negative(name, factor):
    with pytest.raises(ValueError, match="is a number that is not negative"):
        getattr(regularizers, name)(factor)


def test_the_orthogonal_one_refuses_other_modes_and_shapes():
    with pytest.raises(ValueError, match="'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="diagonals")
    with pytest.raises(ValueError, match=r"a matrix, not shape \(2, 2, 2\)"):
        regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2)))


def test_the_base_penalizes_nothing():
    assert regularizers.Regularizer()(floats(2)) == 0
