"""Bidirectional: copies, merging, masks, states, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import layers
from hornbook.core.mask import get_mask, set_mask
from tests.parity.helper import agree, floats

X = floats(3, 5, 2)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


def test_it_is_a_forward_and_a_backward_layer():
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True))
    output = both(X)
    forward, backward = layers.GRU(4, return_sequences=True), layers.GRU(4, return_sequences=True)
    for layer, weights in zip(
        (forward, backward), (both.get_weights()[:3], both.get_weights()[3:])
    ):
        layer.build(X.shape)
        layer.set_weights(weights)
    wanted = np.concatenate([forward(X), backward(X[:, ::-1])[:, ::-1]], -1)
    agree(output, wanted, "output", rtol=1e-5)


def test_weights_are_new_and_the_forward_ones_come_first():
    layer = layers.LSTM(4, name="inner")
    layer(X)
    both = layers.Bidirectional(layer)
    both(X)
    assert [v.path.split("/")[1] for v in both.weights] == ["forward_inner"] * 3 + [
        "backward_inner"
    ] * 3
    assert (both.weights[0].numpy() != layer.weights[0].numpy()).any()
    assert (both.weights[0].numpy() != both.weights[3].numpy()).any()


def test_first_weights_may_be_given():
    weights = [np.full(v.shape, i, "float32") for i, v in enumerate(_built().weights)]
    both = layers.Bidirectional(layers.GRU(4), weights=weights)
    both.build(X.shape)
    agree(both.get_weights(), weights, "weights")


def _built():
    both = layers.Bidirectional(layers.GRU(4))
    both.build(X.shape)
    return both


@given(
    merge_mode=st.sampled_from(["concat", "sum", "mul", "ave", None]),
    batch=st.one_of(st.none(), st.integers(1, 3)),
    steps=st.one_of(st.none(), st.integers(1, 3)),
    sequences=st.booleans(),
    state=st.booleans(),
)
def test_shapes(merge_mode, batch, steps, sequences, state):
    inner = layers.LSTM(4, return_sequences=sequences, return_state=state)
    outputs = layers.Bidirectional(inner, merge_mode)(hornbook.Input(batch_shape=(batch, steps, 2)))
    shapes = [o.shape for o in outputs] if isinstance(outputs, tuple) else [outputs.shape]
    size = 8 if merge_mode == "concat" else 4
    output = (batch, steps, size) if sequences else (batch, size)
    states = [(batch, 4)] * 4 if state else []
    assert shapes == [output] * (1 if merge_mode else 2) + states


@pytest.mark.parametrize("merge_mode", ["sum", None])
def test_the_mask_goes_on_with_sequences(merge_mode):
    x = hornbook.ops.convert_to_tensor(X)
    set_mask(x, hornbook.ops.convert_to_tensor(MASK))
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode=merge_mode)
    outputs = both(x)
    for output in outputs if merge_mode is None else [outputs]:
        assert (get_mask(output) == MASK).all()
        assert (output[~MASK] == 0).all() and (output[MASK] != 0).all()
    assert get_mask(layers.Bidirectional(layers.GRU(4))(x)) is None


def test_stateful_layers_carry_the_states_of_both_directions():
    both = layers.Bidirectional(layers.LSTM(4, stateful=True))
    assert both.states is None
    first = both(X)
    assert len(both.states) == 4 and len(both.get_weights()) == 6
    second = both(X)
    assert (first != second).any()
    both.reset_state()
    agree(both(X), first, "after reset")


def test_a_layer_with_unregistered_parts_is_copied():
    class Cell(hornbook.Layer):
        state_size = 4

        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], 4), name="kernel")

        def call(self, inputs, states):
            h = inputs @ self.kernel + states[0]
            return h, [h]

    def activation(x):
        return x * 2

    for layer in (layers.RNN([Cell(), Cell()]), layers.GRU(4, activation=activation)):
        both = layers.Bidirectional(layer)
        assert both(X).shape == (3, 8)
        cells = both.forward_layer.cell, both.backward_layer.cell
        assert cells[0] is not cells[1]
    assert both.backward_layer.activation is activation


def test_a_layer_of_ones_own_may_be_wrapped():
    class Totals(hornbook.Layer):
        stateful = return_state = return_sequences = False

        def __init__(self, go_backwards=False, **kwargs):
            super().__init__(**kwargs)
            self.go_backwards = go_backwards

        def call(self, inputs):
            return inputs[:, 0] if self.go_backwards else inputs[:, -1]

    output = layers.Bidirectional(Totals())(X)
    agree(output, np.concatenate([X[:, -1], X[:, 0]], -1), "output")


def test_config_round_trip():
    backward = layers.GRU(4, go_backwards=True, activation="relu")
    for both in (
        layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="ave"),
        layers.Bidirectional(layers.GRU(4), backward_layer=backward),
    ):
        copy = layers.Bidirectional.from_config(both.get_config())
        assert copy.get_config() == both.get_config()
        both.build(X.shape), copy.build(X.shape)
        assert [v.path for v in copy.weights] == [v.path for v in both.weights]
        copy.set_weights(both.get_weights())
        agree(copy(X), both(X), "output")


ERRORS = {
    "merge mode": (lambda: layers.Bidirectional(layers.GRU(2), "max"), "is one of .*, not 'max'"),
    "no layer": (lambda: layers.Bidirectional("gru"), "wraps a layer, not 'gru'"),
    "same direction": (
        lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)),
        "both have go_backwards=False",
    ),
    "other sequences": (
        lambda: layers.Bidirectional(
            layers.GRU(2),
            backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True),
        ),
        "must have the same return_sequences, not False and True",
    ),
    "half a state": (
        lambda: layers.Bidirectional(layers.GRU(4))(X, initial_state=[floats(3, 4)]),
        "must hold equally many forward and backward states; it has 1",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_what_was_expected(case):
    run, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        run()


def test_resetting_a_layer_without_states_is_an_error():
    with pytest.raises(AttributeError, match="is not stateful"):
        layers.Bidirectional(layers.GRU(2)).reset_states()
