"""Every loss, metric, regularizer and constraint of the contract table against Keras.

The rows are those of `tests/contract/objects.py`: what is new is compared without a row here.
"""

from typing import Any

import keras
import pytest

from tests.contract.objects import FAMILIES, MATRIX, floats
from tests.parity.helper import agree

NOT_COMPARED = {
    **dict.fromkeys(("LossFunctionWrapper", "MeanMetricWrapper"), "of a function of the table's"),
    "OrthogonalRegularizer": "Keras's columns fail where a matrix is not square",
}
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")
X = floats(*MATRIX)


def rows(*families: str) -> Any:
    """The rows of families whose names Keras has too."""
    found = [
        (family, name)
        for family in families
        for name in FAMILIES[family][1]
        if hasattr(getattr(keras, family), name) and name not in NOT_COMPARED
    ]
    return pytest.mark.parametrize("family, name", found, ids=[f"{f}.{n}" for f, n in found])


def theirs(family: str, name: str, made: Any) -> Any:
    return getattr(getattr(keras, family), name).from_config(made.get_config())


@rows("losses", "metrics")
def test_of_targets_and_predictions(family, name):
    make, *given = FAMILIES[family][1][name]
    given = [value for value in given if value is not None]
    made = make()
    agree(made(*given), theirs(family, name, made)(*given), name, rtol=2e-5)


@rows("regularizers", "constraints")
def test_of_a_weight(family, name):
    made = FAMILIES[family][1][name]()
    agree(made(X), theirs(family, name, made)(X), name)
