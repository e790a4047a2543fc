"""Recurrent layers, Bidirectional and TimeDistributed against Keras: outputs, states, gradients."""

import keras
import numpy as np
import pytest

import hornbook
from tests.parity.helper import agree, copy_weights, floats, same_layer

X = floats(3, 5, 2)
H, C = floats(3, 4, seed=1), floats(3, 4, seed=2)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)

LAYERS = {
    "simple": lambda k, **kw: k.layers.SimpleRNN(4, **kw),
    "lstm": lambda k, **kw: k.layers.LSTM(4, **kw),
    "gru": lambda k, **kw: k.layers.GRU(4, **kw),
    "gru_before": lambda k, **kw: k.layers.GRU(4, reset_after=False, **kw),
}
STATES = {"simple": [H], "lstm": [H, C], "gru": [H], "gru_before": [H]}
EVERYTHING = {"return_sequences": True, "return_state": True}

# name: arguments of the layer, arguments of the call; few, since each costs four compilations
SETTINGS = {
    "last_output": ({}, {}),
    "masked_from_states": (EVERYTHING, {"mask": MASK, "initial_state": STATES}),
    "masked_backwards": (EVERYTHING | {"go_backwards": True}, {"mask": MASK}),
    "masked_zeros": (EVERYTHING | {"zero_output_for_mask": True}, {"mask": MASK}),
    "unrolled": (EVERYTHING | {"unroll": True}, {"initial_state": STATES}),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("layer", LAYERS)
def test_layer(layer, setting):
    arguments, call = SETTINGS[setting]
    call = {key: value[layer] if value is STATES else value for key, value in call.items()}
    same_layer(lambda k: LAYERS[layer](k, **arguments), X, call_kwargs=call)


# each leaves the whole-sequence kernel in another way, or uses another row of its table
ARGUMENTS = {
    "relu": ("lstm", {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    "linear": ("gru", {"activation": None, "use_bias": False}),
    "softsign": ("lstm", {"activation": "softsign", "unit_forget_bias": False}),
    "gelu": ("gru_before", {"activation": "gelu", "go_backwards": True}),
    "elu": ("simple", {"activation": "elu", "use_bias": False}),
    "regularizers": ("lstm", {"kernel_regularizer": "l2", "recurrent_regularizer": "l1"}),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(case):
    layer, arguments = ARGUMENTS[case]
    ours, theirs = same_layer(lambda k: LAYERS[layer](k, **arguments), X)
    agree(ours.losses, theirs.losses, "losses")


@pytest.mark.parametrize("layer", ["simple", "lstm", "gru"])
def test_names_shapes_and_first_values_of_weights(layer):
    ours, theirs = LAYERS[layer](hornbook, name="r"), LAYERS[layer](keras, name="r")
    ours.build(X.shape), theirs.build(X.shape)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    assert [v.shape for v in ours.weights] == [v.shape for v in theirs.weights]
    agree([ours.weights[-1]], [theirs.weights[-1]], "bias")
    recurrent = np.asarray(ours.weights[1])
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-5)


CELLS = {
    "stacked": lambda k: [k.layers.LSTMCell(4), k.layers.GRUCell(3)],
    "stacked_slow": lambda k: [k.layers.SimpleRNNCell(3), k.layers.LSTMCell(4, "softsign")],
}


@pytest.mark.parametrize("cell", CELLS)
def test_cells(cell):
    same_layer(lambda k: k.layers.RNN(CELLS[cell](k), **EVERYTHING), X, call_kwargs={"mask": MASK})


def minimal(k):
    """Keras's example of a cell of one's own."""

    class MinimalCell(k.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(
                shape=(input_shape[-1], self.state_size),
                initializer="glorot_uniform",
                name="kernel",
            )
            self.recurrent = self.add_weight(
                shape=(self.state_size, self.state_size), initializer="orthogonal", name="recurrent"
            )

        def call(self, inputs, states):
            h = k.ops.matmul(inputs, self.kernel)
            output = k.ops.tanh(h + k.ops.matmul(states[0], self.recurrent))
            return output, [output]

    return MinimalCell


def test_a_cell_of_ones_own():
    same_layer(lambda k: k.layers.RNN(minimal(k)(4), **EVERYTHING), X, call_kwargs={"mask": MASK})


def test_stacked_cells_of_ones_own():
    same_layer(lambda k: k.layers.RNN([minimal(k)(4), minimal(k)(3)], return_state=True), X)


def test_states_of_a_stateful_layer():
    ours, theirs = (k.layers.LSTM(4, stateful=True) for k in (hornbook, keras))
    ours.build(X.shape), theirs.build(X.shape)
    copy_weights(ours, theirs, perturb=True)
    for _ in range(2):
        agree(ours(X), theirs(X), "output", rtol=1e-4, atol=1e-5)
        agree(ours.states, theirs.states, "states", rtol=1e-4, atol=1e-5)
    ours.reset_state(), theirs.reset_state()
    agree(ours.states, theirs.states, "states after reset")


# ---- Bidirectional

BIDIRECTIONAL = {
    "last_output": ({}, {}, {}),
    "masked": ({"merge_mode": "mul"}, {"return_sequences": True}, {"mask": MASK}),
    "states": ({"merge_mode": "sum"}, EVERYTHING, {"initial_state": [H, C, C, H]}),
    "both": ({"merge_mode": None}, EVERYTHING, {"mask": MASK}),
}


@pytest.mark.parametrize("case", BIDIRECTIONAL)
def test_bidirectional(case):
    outer, inner, call = BIDIRECTIONAL[case]
    same_layer(
        lambda k: k.layers.Bidirectional(k.layers.LSTM(4, **inner), **outer), X, call_kwargs=call
    )


@pytest.mark.parametrize("merge_mode", ["sum", "mul", "ave", "concat"])
def test_merge_modes(merge_mode):
    def make(k):
        return k.layers.Bidirectional(k.layers.SimpleRNN(4), merge_mode=merge_mode)

    same_layer(make, X, gradient=False)


def test_bidirectional_with_another_backward_layer():
    def make(k):
        forward = k.layers.SimpleRNN(4, return_sequences=True, name="f")
        backward = k.layers.GRU(4, return_sequences=True, go_backwards=True, name="b")
        return k.layers.Bidirectional(forward, backward_layer=backward, name="both")

    ours, theirs = same_layer(make, X)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]


def test_names_of_bidirectional_weights():
    ours, theirs = (
        k.layers.Bidirectional(k.layers.LSTM(4, name="l"), name="b") for k in (hornbook, keras)
    )
    ours.build(X.shape), theirs.build(X.shape)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]


# ---- TimeDistributed

FRAMES = floats(2, 3, 6, 6, 2)
INNER = {
    "dense": (lambda k: k.layers.Dense(4, activation="tanh"), X),
    "dense_more_axes": (lambda k: k.layers.Dense(4), FRAMES),
    "convolution": (lambda k: k.layers.Conv2D(3, 3), FRAMES),
    "flatten": (lambda k: k.layers.Flatten(), FRAMES),
    "recurrent": (lambda k: k.layers.GRU(3), floats(2, 3, 4, 2)),
    "normalization": (lambda k: k.layers.BatchNormalization(), X),
}


@pytest.mark.parametrize("inner", INNER)
def test_time_distributed(inner):
    make, x = INNER[inner]
    same_layer(lambda k: k.layers.TimeDistributed(make(k)), x, rtol=2e-4)


def test_time_distributed_normalizes_each_step_by_its_own_batch():
    def make(k):
        return k.layers.TimeDistributed(k.layers.BatchNormalization())

    same_layer(make, X, training=True, rtol=1e-3, atol=1e-4)


def test_names_of_time_distributed_weights():
    ours, theirs = (
        k.layers.TimeDistributed(k.layers.Dense(4, name="d"), name="t") for k in (hornbook, keras)
    )
    ours.build(X.shape), theirs.build(X.shape)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]


PICTURES, VOLUMES = floats(2, 3, 5, 4, 2), floats(2, 2, 3, 3, 3, 1)
CONVOLVED = {
    "strided": (lambda k, **kw: k.layers.ConvLSTM1D(3, 2, strides=2, **kw), PICTURES[..., 0]),
    "dilated": (
        lambda k, **kw: k.layers.ConvLSTM2D(
            2, 2, dilation_rate=2, recurrent_activation="hard_sigmoid", use_bias=False, **kw
        ),
        PICTURES,
    ),
    "first": (
        lambda k, **kw: k.layers.ConvLSTM2D(
            2, 3, padding="same", data_format="channels_first", go_backwards=True, **kw
        ),
        PICTURES,
    ),
    "three": (
        lambda k, **kw: k.layers.ConvLSTM3D(2, 2, activation="relu", **kw),
        VOLUMES,
    ),
}


@pytest.mark.parametrize("case", CONVOLVED)
def test_convolutional_lstm(case):
    make, x = CONVOLVED[case]
    same_layer(lambda k: make(k, **EVERYTHING), x)


def test_a_convolutional_lstm_keeps_its_states_and_drops_the_same_at_each_step():
    ours, theirs = (k.layers.ConvLSTM2D(2, 2, stateful=True) for k in (hornbook, keras))
    ours.build(PICTURES.shape), theirs.build(PICTURES.shape)
    copy_weights(ours, theirs, perturb=True)
    for _ in range(2):
        agree(ours(PICTURES), theirs(PICTURES), "output", rtol=1e-4, atol=1e-5)
    cell = hornbook.layers.ConvLSTM2D(
        1, 1, dropout=0.5, activation=None, recurrent_activation=None, return_sequences=True
    )
    x = np.ones((1, 3, 8, 8, 1), "float32")
    cell.build(x.shape)
    cell.set_weights([np.ones((1, 1, 1, 4)), np.zeros((1, 1, 1, 4)), np.zeros(4)])
    y = np.asarray(cell(x, training=True))[0]
    kept = y[0] != 0
    assert 0 < kept.mean() < 0.5 and ((y[1] != 0) == kept).all()
    assert (np.asarray(cell(x))[0, 0] == 1).all()


def test_a_convolutional_lstm_leaves_masked_steps_out():
    # Keras on JAX broadcasts the mask over the last axes of a picture: no oracle
    layer = hornbook.layers.ConvLSTM2D(2, 2, **EVERYTHING)
    y, h, _ = layer(PICTURES, mask=np.array([[0, 1, 1], [1, 1, 0]], bool))
    late, h_late, _ = layer(PICTURES[:1, 1:])
    early, h_early, _ = layer(PICTURES[1:, :2])
    agree(y[0, 1:], late[0], "without the first")
    agree(y[1, :2], early[0], "without the last")
    agree([h[0], h[1], y[1, 2]], [h_late[0], h_early[0], early[0, 1]], "states")


def test_a_convolutional_lstm_of_pictures_of_any_size():
    x = hornbook.Input((None, None, None, 1))
    model = hornbook.Model(x, hornbook.layers.ConvLSTM2D(2, 3, padding="same")(x))
    assert model.output_shape[-1] == 2
    for size in (4, 6):
        assert model.predict(np.ones((1, 2, size, size, 1)), verbose=0).shape == (1, size, size, 2)
    with pytest.raises(ValueError, match="whose size is unknown"):
        model.layers[-1].get_initial_state(2)
