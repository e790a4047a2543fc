"""Types of variables: dtypes, axes, broadcasting."""

import numpy as np
import pytest

from hornbook.compat.theano import basic, indexing  # noqa: F401
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import constant

x = TensorType("float32", (False, False))("x")
i = TensorType("int64", ())("i")
n = TensorType("int32", (False,))("n")


@pytest.mark.parametrize(
    ("made", "dtype", "broadcastable"),
    [
        (lambda: x + 1, "float32", (False, False)),
        (lambda: x + x.shape[0], "float32", (False, False)),
        (lambda: 0.1 * n, "float32", (False,)),
        (lambda: n * 1000, "int32", (False,)),
        (lambda: n / 2, "float32", (False,)),
        (lambda: n // 2, "int32", (False,)),
        (lambda: (x > 0) + (x < 1), "int8", (False, False)),
        (lambda: ~(x > 0), "bool", (False, False)),
        (lambda: np.ones(3) + x, "float64", (False, False)),
        (lambda: x.dimshuffle(0, "x", 1), "float32", (False, True, False)),
        (lambda: x[:, None] * x, "float32", (False, False, False)),
        (lambda: x.shape, "int64", (False,)),
        (lambda: x[i * 20 : (i + 1) * 20], "float32", (False, False)),
        (lambda: x[n, n], "float32", (False,)),
        (lambda: x[0, n], "float32", (False,)),
        (lambda: x[..., -1], "float32", (False,)),
        (lambda: x[x > 0], "float32", (False,)),
        (lambda: x.astype("int8"), "int8", (False, False)),
    ],
)
def test_results_have_types(made, dtype, broadcastable):
    assert made().type == TensorType(dtype, broadcastable)


def test_equality_is_identity():
    assert x == x and x != i
    assert x in [i, x] and {x: 1}[x] == 1


def test_constants_take_the_smallest_dtype_that_holds_them():
    assert [constant(v).dtype for v in (1, 300, 70000, 2**40)] == "int8 int16 int32 int64".split()


def test_comparisons_have_no_truth():
    assert bool(x)
    with pytest.raises(TypeError, match="T.switch"):
        bool(x > 0)


def test_too_many_indices_are_told():
    with pytest.raises(IndexError, match=r"x .* has 2 axes"):
        x[0, 0, 0]
