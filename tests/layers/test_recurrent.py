"""Recurrent layers: kernels against cells, dropout, cells of one's own, shapes, errors, configs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import layers
from hornbook.activations import _steep_hard_sigmoid as steep_hard_sigmoid
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.variable import bind
from hornbook.layers.recurrent.cell import GatedCell
from tests.parity.helper import agree, floats, weighted_sum

X = floats(3, 5, 2)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
LAYERS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
CELLS = {
    "simple": lambda **kw: layers.SimpleRNNCell(4, **kw),
    "lstm": lambda **kw: layers.LSTMCell(4, **kw),
    "gru": lambda **kw: layers.GRUCell(4, **kw),
    "gru_before": lambda **kw: layers.GRUCell(4, reset_after=False, **kw),
    "relu": lambda **kw: layers.LSTMCell(4, "relu", "hard_sigmoid", **kw),
    "keras1": lambda **kw: layers.GRUCell(
        4, recurrent_activation=steep_hard_sigmoid, reset_after=False, **kw
    ),
    "softsign": lambda **kw: layers.GRUCell(4, "softsign", **kw),
}


def stepwise(cell: GatedCell) -> GatedCell:
    """The same cell, made to run by its own `call`, as one with an overridden `call` does."""

    class Stepwise(type(cell)):
        def call(self, inputs, states, training=False):
            return super().call(inputs, states, training)

    cell.__class__ = Stepwise
    return cell


def both_ways(cell, x=X, training=False, **options):
    """Outputs, states and gradients of an RNN by its cell's `sequence` and by its cell's `call`."""
    layer = layers.RNN(cell, return_sequences=True, return_state=True, **options)
    layer.build(x.shape)
    trained = layer.trainable_variables
    seeds = [v for v in layer.variables if v.kind == "seed"]

    def run(x, states, values):
        with bind(dict(zip(trained, values, strict=True)) | {v: v.value for v in seeds}):
            outputs = layer(x, initial_state=states, mask=jnp.asarray(MASK), training=training)
        return weighted_sum(outputs), outputs

    states = [floats(3, 4, seed=i) for i in range(cell.state_count)]
    arguments = jnp.asarray(x), states, [v.value for v in trained]
    results = []
    for _ in range(2):
        results.append(jax.jit(jax.value_and_grad(run, (0, 1, 2), has_aux=True))(*arguments))
        stepwise(cell)
    return results


@pytest.mark.parametrize("cell", CELLS)
def test_a_whole_sequence_is_the_cell_step_by_step(cell):
    fast, slow = both_ways(CELLS[cell](), go_backwards=True)
    agree(fast, slow, "outputs, states and gradients", rtol=1e-4, atol=1e-5)


KERNEL = {
    "usual activations": (lambda: layers.LSTM(4), True),
    "the gates of Keras 1": (lambda: layers.LSTM(4, "tanh", steep_hard_sigmoid), True),
    "functions of jax": (lambda: layers.GRU(4, jnp.tanh, jax.nn.sigmoid), True),
    "input dropout": (lambda: layers.GRU(4, dropout=0.5), True),
    "a cell in RNN": (lambda: layers.RNN(layers.SimpleRNNCell(4, "relu")), True),
    "stacked cells": (lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]), True),
    "another activation": (lambda: layers.LSTM(4, "softsign"), False),
    "recurrent dropout": (lambda: layers.LSTM(4, recurrent_dropout=0.5), True),
    "an overridden call": (lambda: layers.RNN(stepwise(layers.GRUCell(4))), False),
}


@pytest.mark.parametrize("case", KERNEL)
def test_the_whole_sequence_kernel_runs_where_it_can(case):
    make, expected = KERNEL[case]
    layer = make()
    layer.build(X.shape)

    def run(x):
        with bind({}):
            return layer(x, training=True)

    # only the kernel has a gradient of its own
    assert ("custom_vjp" in str(jax.make_jaxpr(run)(X))) == expected


@pytest.mark.parametrize("implementation", [1, 2])
@pytest.mark.parametrize("cell", ["simple", "lstm", "gru_before"])
def test_dropout_is_the_same_by_sequence_and_step_by_step(cell, implementation):
    if cell == "simple":
        made = layers.SimpleRNNCell(4, dropout=0.5, recurrent_dropout=0.5 * (implementation - 1))
    else:
        made = CELLS[cell](dropout=0.5, implementation=implementation)
    fast, slow = both_ways(made, training=True)
    agree(fast, slow, "outputs, states and gradients", rtol=1e-4, atol=1e-5)


def test_an_eager_call_does_not_compile_again(caplog):
    layer = layers.LSTM(3)
    with jax.log_compiles():
        layer(X)
        assert "Compiling" in caplog.text
        caplog.clear()
        layer(X + np.float32(1))
    assert "Compiling" not in caplog.text


def test_build_by_hand_makes_the_weights_once():
    layer = layers.LSTM(4, name="l")
    layer.build((None, None, 2))
    layer(X)
    assert layer.built and layer.cell.built
    assert [v.path for v in layer.weights] == [
        f"l/lstm_cell/{name}" for name in ("kernel", "recurrent_kernel", "bias")
    ]


# ---- dropout


def test_input_dropout_drops_the_same_features_at_each_step_and_scales_the_rest():
    layer = layers.SimpleRNN(
        200, "linear", False, "identity", "zeros", dropout=0.25, return_sequences=True, seed=1
    )
    x = np.ones((10, 3, 200), "float32")
    first, second = layer(x, training=True), layer(x, training=True)
    np.testing.assert_allclose(np.unique(first), [0, 1 / 0.75], rtol=1e-6)
    assert abs(float(jnp.mean(first > 0)) - 0.75) < 0.05
    assert (first[:, 0] == first[:, 1]).all() and (first[:, 0] == first[:, 2]).all()
    assert (first != second).any() and (first[0] != first[1]).any()
    assert (layer(x) == 1).all()


def test_recurrent_dropout_drops_the_same_units_at_each_step():
    layer = layers.SimpleRNN(
        100, "linear", False, "zeros", "identity", recurrent_dropout=0.5, return_sequences=True
    )
    state = np.ones((10, 100), "float32")
    h = layer(np.ones((10, 3, 2)), initial_state=state, training=True)
    assert abs(float(jnp.mean(h[:, 0] > 0)) - 0.5) < 0.1
    np.testing.assert_allclose(h[:, 2], h[:, 0] ** 3)
    assert (layer(np.ones((10, 3, 2)), initial_state=state) == 1).all()


@pytest.mark.parametrize(("cell", "gates"), [(layers.LSTMCell, 4), (layers.GRUCell, 3)])
def test_dropout_masks_are_one_for_all_gates_or_one_each(cell, gates):
    masks = cell(5, dropout=0.5).dropout_masks(jnp.ones((2, 7, 3)), training=True)
    assert masks.inputs.shape == (1, 2, 3) and masks.states is None
    masks = cell(5, dropout=0.5, recurrent_dropout=0.5).dropout_masks(jnp.ones((2, 3)), True)
    assert masks.inputs.shape == (gates, 2, 3) and masks.states.shape == (gates, 2, 5)
    assert len({np.asarray(m).tobytes() for m in masks.states}) == gates
    assert cell(5, dropout=0.5).dropout_masks(jnp.ones((2, 3)), False) == (None, None)


def test_the_seed_repeats_the_dropout():
    outputs = []
    for _ in range(2):
        layer = layers.LSTM(4, kernel_initializer="ones", dropout=0.5, seed=3)
        layer.build(X.shape)
        layer.cell.recurrent_kernel.assign(jnp.ones((4, 16)))
        outputs.append(layer(X, training=True))
    assert (outputs[0] == outputs[1]).all()


# ---- cells of one's own


class Counting(hornbook.Layer):
    """A cell with a state of its own, dropout and a loss at each step."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = 3
        self.dropout = layers.Dropout(0.5)

    def build(self, input_shape):
        self.steps = self.add_weight((), "zeros", trainable=False, name="steps")

    def call(self, inputs, states, training=False):
        self.steps.assign_add(1.0)
        self.add_loss(jnp.sum(inputs))
        return self.dropout(jnp.ones_like(states[0])), [states[0] + 1]


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_what_a_cell_assigns_goes_from_step_to_step(mask):
    layer = layers.RNN(Counting(), return_sequences=True, return_state=True)
    outputs, state = layer(X, mask=mask, training=True)
    assert float(layer.cell.steps) == 5
    assert state[:, 0].tolist() == ([5, 5, 5] if mask is None else [3, 2, 0])
    np.testing.assert_allclose(sum(layer.losses), X.sum(), rtol=1e-5)
    if mask is None:
        assert len({np.asarray(outputs[:, t]).tobytes() for t in range(5)}) > 1
        before = layer.cell.dropout.seed_generator.state.numpy()[1]
        assert before >= 5


def test_a_cell_that_assigns_works_compiled():
    layer = layers.RNN(Counting())
    layer(X)

    @jax.jit
    def run(x):
        with bind({}) as scope:
            layer(x, training=True)
        return scope[layer.cell.steps]

    assert float(run(X)) == 10


def test_a_cell_may_be_any_object_with_call_and_state_size():
    class Sum:
        state_size = 2

        def call(self, inputs, states):
            return inputs + states[0], inputs + states[0]

    np.testing.assert_allclose(layers.RNN(Sum())(X), X.sum(1), rtol=1e-5)
    stacked = layers.RNN([Sum(), Sum()], return_state=True)
    output, first, second = stacked(X)
    np.testing.assert_allclose(first, X.sum(1), rtol=1e-5)
    np.testing.assert_allclose(second, X.cumsum(1).sum(1), rtol=1e-5)


def test_the_initial_state_of_a_cell_of_ones_own_is_used():
    class Starting(Counting):
        def get_initial_state(self, batch_size=None):
            return jnp.full((batch_size, 3), 10.0)

    assert (layers.RNN(Starting(), return_state=True)(X)[1] == 15).all()


def test_a_masked_first_step_puts_out_the_state_if_that_fits_else_zeros():
    class Doubling(hornbook.Layer):
        state_size = 2

        def call(self, inputs, states):
            wide = jnp.concatenate([inputs, inputs], -1)
            return wide, [inputs]

    outputs = layers.RNN(Doubling(), return_sequences=True)(X, mask=MASK)
    assert (outputs[0, 0] == 0).all() and (outputs[2] == 0).all()
    np.testing.assert_array_equal(outputs[0, 3, :2], X[0, 2])
    state = floats(3, 4)
    outputs = layers.GRU(4, return_sequences=True)(X, initial_state=state, mask=MASK)
    np.testing.assert_array_equal(outputs[0, 0], state[0])


# ---- calls


@given(
    batch=st.one_of(st.none(), st.integers(1, 4)),
    steps=st.one_of(st.none(), st.integers(1, 4)),
    units=st.integers(1, 3),
    features=st.integers(1, 3),
    sequences=st.booleans(),
    state=st.booleans(),
    kind=st.sampled_from(LAYERS),
)
def test_shapes(batch, steps, units, features, sequences, state, kind):
    layer = kind(units, return_sequences=sequences, return_state=state)
    outputs = layer(hornbook.Input(batch_shape=(batch, steps, features)))
    shapes = [o.shape for o in outputs] if state else [outputs.shape]
    output = (batch, steps, units) if sequences else (batch, units)
    count = (2 if kind is layers.LSTM else 1) if state else 0
    assert shapes == [output] + [(batch, units)] * count


def test_a_symbolic_initial_state():
    x, h, c = hornbook.Input((None, 2)), hornbook.Input((4,)), hornbook.Input((4,))
    layer = layers.LSTM(4)
    model = hornbook.Model([x, h, c], layer(x, initial_state=[h, c]))
    states = [floats(3, 4, seed=1), floats(3, 4, seed=2)]
    agree(model([X, *states]), layer(X, initial_state=states), "output", rtol=1e-5)
    agree(layer([X, *states]), layer(X, initial_state=states), "states in the list of inputs")


def test_the_travelling_mask_is_used_and_goes_on_with_sequences_only():
    x = jnp.asarray(X)
    set_mask(x, jnp.asarray(MASK))
    layer = layers.GRU(4, return_sequences=True, return_state=True)
    outputs, state = layer(x)
    agree(outputs, layer(X, mask=MASK)[0], "masked")
    assert (get_mask(outputs) == MASK).all() and get_mask(state) is None
    assert get_mask(layers.GRU(4)(x)) is None


def test_mask_with_a_last_axis_counts_any_element():
    mask = np.stack([MASK, np.zeros_like(MASK)], -1)
    layer = layers.GRU(4)
    agree(layer(X, mask=mask), layer(X, mask=MASK), "output")


@pytest.mark.parametrize("kind", LAYERS)
def test_bfloat16(kind):
    layer = kind(4, dtype="mixed_bfloat16", return_state=True)
    outputs = layer(X, mask=MASK)
    assert {o.dtype.name for o in outputs} == {"bfloat16"}
    assert {v.dtype for v in layer.weights} == {"float32"}
    full = kind(4, return_state=True)
    full.build(X.shape)
    full.set_weights(layer.get_weights())
    exact = full(X, mask=MASK)
    agree([o.astype("float32") for o in outputs], exact, "output", rtol=0.05, atol=0.05)


def test_a_cell_keeps_its_own_dtype():
    output = layers.RNN(layers.LSTMCell(4, dtype="mixed_bfloat16"), return_sequences=True)(X)
    assert output.dtype == "float32"
    assert (output == output.astype("bfloat16").astype("float32")).all()


def test_constraints_regularizers_and_trainable_reach_the_cell():
    layer = layers.LSTM(4, kernel_constraint="non_neg", bias_regularizer="l2", trainable=False)
    layer.build(X.shape)
    assert layer.cell.kernel.constraint is not None and layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 3
    assert float(layer.losses[0]) == pytest.approx(0.04)
    assert layer.units == 4 and layer.unit_forget_bias and layer.dropout == 0.0


def test_activity_regularizer_counts_the_output():
    layer = layers.GRU(4, activity_regularizer="l2")
    output = layer(X)
    np.testing.assert_allclose(layer.losses, [0.01 * jnp.sum(output**2) / len(X)], rtol=1e-5)


CONFIGS = [
    lambda: layers.LSTM(3, "relu", recurrent_dropout=0.2, return_sequences=True, unroll=True),
    lambda: layers.GRU(3, reset_after=False, kernel_regularizer="l2", seed=3),
    lambda: layers.SimpleRNN(3, bias_initializer="ones", stateful=True),
    lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], go_backwards=True),
    lambda: layers.RNN(layers.StackedRNNCells([layers.SimpleRNNCell(2)]), return_state=True),
]


@pytest.mark.parametrize("make", CONFIGS)
def test_config_round_trip(make):
    layer = make()
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    layer.build(X.shape), copy.build(X.shape)
    assert [v.shape for v in copy.weights] == [v.shape for v in layer.weights]


ERRORS = {
    "units": (lambda: layers.LSTM(0), "units of LSTMCell is a positive integer"),
    "rank": (lambda: layers.LSTM(2)(floats(3, 2)), "takes 3 axes, not 2"),
    "features": (lambda: (g := layers.GRU(2), g(X), g(floats(3, 5, 4))), "must have size 2"),
    "count of states": (
        lambda: layers.LSTM(4)(X, initial_state=[floats(3, 4)]),
        r"takes initial states of shapes \[\(3, 4\), \(3, 4\)\]; initial_state has",
    ),
    "size of state": (lambda: layers.GRU(4)(X, initial_state=floats(3, 5)), r"\[\(3, 5\)\]"),
    "mask": (lambda: layers.GRU(4)(X, mask=MASK[:, :4]), r"a mask of shape \(3, 4\)"),
    "no cell": (lambda: layers.RNN(layers.Dense(3)), "it has no attribute `state_size`"),
    "no call": (lambda: layers.RNN([object()]), "it has no method `call`"),
    "unknown steps": (
        lambda: layers.LSTM(4, unroll=True)(hornbook.Input((None, 2))),
        "cannot be unrolled over an unknown number of steps",
    ),
    "unknown batch": (
        lambda: layers.LSTM(4, stateful=True)(hornbook.Input((5, 2))),
        r"Right:  keras.Input\(batch_shape=",
    ),
    "other batch": (
        lambda: (g := layers.GRU(4, stateful=True), g(X), g(X[:2])),
        "has states for batches of 3 samples; it got 2",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_what_was_expected(case):
    run, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        run()


def test_a_cell_that_returns_other_states_is_an_error():
    class Losing(Counting):
        def call(self, inputs, states):
            return inputs, []

    with pytest.raises(ValueError, match="must be the same"):
        layers.RNN(Losing())(X)
