"""Logarithms of probabilities that round to 0 or 1."""

import numpy as np
import pytest

from hornbook.compat.theano.function import function
from hornbook.compat.theano.gradient import grad
from hornbook.compat.theano.names import NAMES
from tests.compat.theano.tensors import integers, matrix, total

FAR = np.array([[1000.0, 0, -1000], [-200, 0, 200]], "f")


def named(family, name):
    return NAMES.get(family, name)


exp, log = named("floats", "exp"), named("floats", "log")
sigmoid, softmax = named("sigmoids", "sigmoid"), named("nnet_arrays", "softmax")
LOG_SOFTMAX = FAR - FAR.max(1, keepdims=True)
LOG_SIGMOID = np.minimum(FAR, 0)
LOG_REST = -np.maximum(FAR, 0)
AT_0 = np.array([[0, 1, 0], [0, 1, 0]]) * np.log(2)


def written_out(x):
    made = exp(x - x.max(axis=1).dimshuffle(0, "x"))
    return made / made.sum(axis=1).dimshuffle(0, "x")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda x: log(softmax(x)), LOG_SOFTMAX),
        (lambda x: log(softmax(x)[:, ::-1]), LOG_SOFTMAX[:, ::-1]),
        (lambda x: log(softmax(x).T.reshape((6,))), LOG_SOFTMAX.T.ravel()),
        (lambda x: log(written_out(x)), LOG_SOFTMAX),
        (lambda x: log(sigmoid(x)), LOG_SIGMOID - AT_0),
        (lambda x: log(1 - sigmoid(x)), LOG_REST - AT_0),
        (lambda x: log(1 / (1 + exp(-x))), LOG_SIGMOID - AT_0),
        (lambda x: log(1 - 1 / (1 + exp(-x))), LOG_REST - AT_0),
        (lambda x: log(1 + exp(x)), np.maximum(FAR, 0) + AT_0),
        (lambda x: named("floats", "log1p")(exp(x)), np.maximum(FAR, 0) + AT_0),
        (lambda x: named("nnet_arrays", "binary_crossentropy")(sigmoid(x), x * 0), AT_0 - LOG_REST),
        (
            lambda x: named("nnet_arrays", "categorical_crossentropy")(softmax(x), x * 0 + 1),
            -LOG_SOFTMAX.sum(1),
        ),
    ],
)
def test_logarithms_and_their_gradients_are_finite(formula, expected):
    x = matrix("x")
    made = formula(x)
    value, slope = function([x], [made, grad(total(made), x)])(FAR)
    assert np.allclose(value, expected, rtol=1e-6) and np.isfinite(slope).all()


def test_crossentropy_with_labels_of_what_is_rounded_to_0():
    x, y = matrix("x"), integers("y")
    rows = log(softmax(x)[y * 0 + [0, 1], y])
    value, slope = function([x, y], [rows, grad(total(rows), x)])(FAR, [2, 0])
    assert value.tolist() == [-2000, -400] and slope[0].tolist() == [-1, 0, 1]


def test_other_logarithms_are_plain():
    x = matrix("x")
    given = {x: [[1, 2]]}
    assert np.allclose(log(2 - sigmoid(x)).eval(given), np.log(2 - 1 / (1 + np.exp([-1.0, -2]))))
    assert np.allclose(log(3 + exp(x)).eval(given), np.log(3 + np.exp([1.0, 2])))
    assert np.allclose(log(2 / (1 + exp(x))).eval(given), np.log(2 / (1 + np.exp([1.0, 2]))))


def test_the_softmax_of_a_vector_is_a_row():
    made = softmax(np.array([0.2, 0.7, 0.1]))
    assert made.eval().shape == (1, 3) and np.allclose(made.eval().sum(), 1)
