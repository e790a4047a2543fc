"""Every activation against Keras's: outputs and gradients."""

import keras
import numpy as np
import pytest

from hornbook import activations
from tests.parity.helper import floats, same

X = floats(3, 4, low=-4.0, high=4.0)
LARGE = np.float32([[-1e4, -90.0, -20.0, 20.0, 90.0, 1e4]])

CASES = [
    *[(name, {}) for name in activations.TABLE if name not in ("threshold", "sparsemax")],
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 2.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.2, "max_value": 2.0, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
    ("glu", {"axis": -1}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("hard_shrink", {"threshold": 1.0}),
    ("squareplus", {"b": 2}),
    ("threshold", {"threshold": 1.0, "default_value": -2.0}),
]


@pytest.mark.parametrize("name, kwargs", CASES, ids=lambda value: str(value))
def test_an_activation_agrees(name, kwargs):
    theirs = getattr(keras.activations, name)
    tolerance = {"rtol": 1e-4, "atol": 1e-5}
    if "threshold" in kwargs and name == "threshold":
        limits = tuple(kwargs.values())
        same(lambda x: activations.threshold(x, *limits), lambda x: theirs(x, *limits), X)
    else:
        same(getattr(activations, name), theirs, X, **tolerance, **kwargs)


@pytest.mark.parametrize(
    "name", [name for name in activations.TABLE if name not in ("threshold", "sparsemax")]
)
def test_an_activation_of_large_numbers_agrees_and_is_finite(name):
    out = same(getattr(activations, name), getattr(keras.activations, name), LARGE, gradient=False)
    assert name == "exponential" or np.isfinite(np.asarray(out)).all()


@pytest.mark.parametrize("name", ["relu", "gelu", "softmax", "silu", "tanh", "elu"])
def test_an_activation_keeps_bfloat16(name):
    fn, theirs = getattr(activations, name), getattr(keras.activations, name)
    x = keras.ops.cast(X, "bfloat16")
    same(fn, theirs, x, gradient=False, rtol=1e-2, atol=1e-2)
