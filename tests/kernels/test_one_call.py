"""Functions that are compiled for arrays that are not traced."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import hornbook as keras
from hornbook import activations, formulas, layers
from hornbook.core.origins import steps_in_python
from hornbook.core.variable import bind
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


def test_steps_in_python_call_it_compiled():
    double, traces = counted()
    with steps_in_python():
        assert [float(jax.grad(double)(jnp.float32(x))) for x in (1, 2, 3)] == [2, 2, 2]
    assert len(traces) == 1


def test_dense_of_steps_in_python_is_one_call():
    x, kernel, bias = jnp.ones((4, 3)), jnp.ones((3, 2)), jnp.ones(2)
    with steps_in_python():
        for activation in (None, activations.relu):
            program = jax.make_jaxpr(lambda x, f=activation: formulas.dense(x, kernel, bias, f))(x)
            assert [str(one.primitive) for one in program.eqns] == ["jit"]


def test_loss_of_steps_in_python_is_one_call():
    y, x = jnp.ones((4, 2)), jnp.arange(8.0).reshape(4, 2)
    weights = jnp.arange(4.0)

    def primitives(loss, pred=lambda x: x):
        program = jax.make_jaxpr(lambda x: loss(y, pred(x), weights))(x)
        return [str(one.primitive) for one in program.eqns]

    class Mine(keras.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred) * 2

    for loss in (keras.losses.Huber(delta=2.0), keras.losses.get("mse")):
        outside = jax.grad(lambda x, loss=loss: jnp.sum(loss(y, x)))(x)
        with steps_in_python():
            inside = jax.grad(lambda x, loss=loss: jnp.sum(loss(y, x)))(x)
        np.testing.assert_allclose(inside, outside, rtol=1e-6)
    with steps_in_python():
        assert primitives(keras.losses.Huber(delta=2.0)) == ["jit"]
        assert len(primitives(Mine())) > 1  # a program's own runs in Python
        # from the logits, not from their rounded probabilities
        crossentropy = keras.losses.CategoricalCrossentropy()
        assert "exp" in primitives(crossentropy, keras.ops.softmax)
    far = jnp.asarray([[0.0, 200.0]])
    with steps_in_python():
        one = jax.jit(lambda x: crossentropy(jnp.asarray([[1.0, 0.0]]), keras.ops.softmax(x)))(far)
    assert one == 200


def test_what_is_no_array_is_compiled_for_by_itself():
    power = in_one_call(static=("of",))(lambda x, of=2: x**of if of else jnp.ones_like(x))
    x = jnp.float32(3)
    assert [float(power(x)), float(power(x, 3)), float(power(x, 0))] == [9, 27, 1]


def test_dropout_called_by_itself_draws_what_it_does_when_compiled():
    x = jnp.linspace(-1, 1, 60).reshape(3, 4, 5)
    for shape in (None, (None, 1, None)):
        alone, traced = (layers.Dropout(0.4, noise_shape=shape, seed=3) for _ in range(2))
        for _ in range(2):
            state = traced.seed_generator.state
            expected, after = jax.jit(partial(_drop, traced))(x, state.value)
            state.assign(after)
            np.testing.assert_array_equal(alone(x, training=True), expected)


def _drop(layer, x, seed):
    state = layer.seed_generator.state
    with bind({state: seed}) as scope:
        return layer(x, training=True), scope[state]


def test_a_dense_layer_called_by_itself_is_the_same_as_compiled():
    layer, x = layers.Dense(5, activation="relu"), np.linspace(-1, 1, 12).reshape(3, 4)
    model = keras.Sequential([keras.Input((4,)), layer])
    np.testing.assert_allclose(layer(x), model.predict(x, verbose=0), rtol=1e-6)
