"""Stateful recurrent layers: states go from batch to batch, in calls, compiled, in fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.core.variable import bind
from tests.parity.helper import agree, floats

X = floats(3, 6, 2)
FIRST, SECOND = X[:, :3], X[:, 3:]
LAYERS = [layers.SimpleRNN, layers.LSTM, layers.GRU]


@pytest.mark.parametrize("kind", LAYERS)
def test_two_halves_give_what_the_whole_gives(kind):
    layer, whole = kind(4, stateful=True), kind(4)
    layer.build(FIRST.shape), whole.build(X.shape)
    whole.set_weights(layer.get_weights())
    layer(FIRST)
    agree(layer(SECOND), whole(X), "second half", rtol=1e-4, atol=1e-6)


def test_states_are_carried_and_not_weights():
    layer = layers.LSTM(4, stateful=True)
    layer.build(FIRST.shape)
    assert [v.kind for v in layer.states] == ["carry", "carry"]
    assert not set(layer.states) & set(layer.weights)
    assert set(layer.states) <= set(layer.non_trainable_variables)
    assert len(layer.get_weights()) == 3


def test_reset_state_starts_from_zeros_or_from_what_is_given():
    layer = layers.GRU(4, stateful=True)
    first = layer(FIRST)
    layer(SECOND)
    layer.reset_states()
    assert (layer.states[0].numpy() == 0).all()
    agree(layer(FIRST), first, "after reset")
    state = floats(3, 4)
    layer.reset_state([state])
    np.testing.assert_array_equal(layer.states[0].numpy(), state)
    fresh = layers.GRU(4)
    fresh.reset_states()


def test_no_gradient_flows_into_the_batch_before():
    layer = layers.GRU(4, stateful=True)
    layer.build(FIRST.shape)

    def loss(kernel, state):
        with bind({layer.cell.kernel: kernel, layer.states[0]: state}):
            return jnp.sum(layer(SECOND))

    layer(FIRST)
    kernel, state = layer.cell.kernel.value, layer.states[0].value

    def carried(kernel):
        with bind({layer.cell.kernel: kernel}):
            return jnp.sum(layer(SECOND))

    agree(jax.grad(carried)(kernel), jax.grad(loss)(kernel, state), "gradient")


def test_compiled_loops_over_batches_carry_the_states():
    layer = layers.LSTM(4, stateful=True)
    layer(FIRST)
    states = layer.states
    layer.reset_state()

    @jax.jit
    def run(batches, values):
        def body(i, values):
            with bind(dict(zip(states, values, strict=True))) as scope:
                layer(batches[i])
            return [scope[v] for v in states]

        return jax.lax.fori_loop(0, 2, body, values)

    carried = run(jnp.stack([FIRST, SECOND]), [v.value for v in states])
    layer(FIRST), layer(SECOND)
    agree(carried, [v.value for v in states], "states", rtol=1e-5)


def test_fit_carries_states_over_batches_and_saves_none():
    model = hornbook.Sequential(
        [hornbook.Input(batch_shape=(3, 3, 2)), layers.GRU(4, stateful=True), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    x = np.concatenate([FIRST, SECOND])
    model.fit(x, np.zeros((6, 1)), batch_size=3, epochs=1, shuffle=False, verbose=0)
    layer = model.layers[0]
    after = layer.states[0].numpy()
    layer.reset_state()
    layer(FIRST), layer(SECOND)
    agree(after, layer.states[0].numpy(), "state after two batches", rtol=1e-5)
    assert len(model.get_weights()) == 5


def test_a_stack_of_cells_is_stateful_too():
    layer = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], stateful=True)
    whole = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)])
    layer.build(FIRST.shape), whole.build(X.shape)
    whole.set_weights(layer.get_weights())
    layer(FIRST)
    agree(layer(SECOND), whole(X), "second half", rtol=1e-4, atol=1e-6)
    assert len(jax.tree.leaves([v.value for s in layer.states for v in s])) == 3
    layer.reset_states()
    assert all((v.numpy() == 0).all() for s in layer.states for v in s)
