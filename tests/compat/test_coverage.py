"""Names used by real programs are supported and covered by tests."""

import pytest

from tests.compat.coverage import share, uses_of


@pytest.mark.parametrize(
    ("generation", "uses", "resolved", "tried"),
    [("Keras 1", 3575, 0.99, 0.98), ("Keras 2", 2197, 0.99, 0.97), ("Theano", 692, 0.99, 0.99)],
)
def test_shares(generation, uses, resolved, tried):
    assert sum(uses_of(generation).values()) == uses
    found = share(generation)
    assert found.resolved >= resolved * uses, found.missing
    assert found.tried >= tried * uses, found.missing
