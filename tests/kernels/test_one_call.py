"""Functions that are compiled for arrays that are not traced."""

import jax
import jax.numpy as jnp
import numpy as np

import hornbook as keras
from hornbook import layers
from hornbook.kernels import in_one_call, plain


def counted():
    traces = []

    def double(x):
        traces.append(type(x))
        return 2 * x

    return in_one_call(double), traces


def test_arrays_that_are_not_traced_are_compiled_for_once():
    double, traces = counted()
    assert [float(double(jnp.float32(x))) for x in (1, 2, 3)] == [2, 4, 6]
    assert len(traces) == 1


def test_what_is_traced_is_left_to_who_traces_it():
    double, _ = counted()
    assert "jit" not in str(jax.make_jaxpr(double)(1.0))
    assert jax.grad(double)(3.0) == 2


def test_within_plain_nothing_is_remembered():
    double, traces = counted()
    with plain():
        double(jnp.float32(1)), double(jnp.float32(2))
    assert len(traces) == 2


def test_a_dense_layer_called_by_itself_is_the_same_as_compiled():
    layer, x = layers.Dense(5, activation="relu"), np.linspace(-1, 1, 12).reshape(3, 4)
    model = keras.Sequential([keras.Input((4,)), layer])
    np.testing.assert_allclose(layer(x), model.predict(x, verbose=0), rtol=1e-6)
