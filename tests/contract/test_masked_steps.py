"""Every layer declared to ignore masked steps gives the same result without them."""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core import tree
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.masked import ignores_masked_steps

RANDOM = {
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "RReLU",
}  # others are drawn
STEPS, MORE = 5, 3
ONE = np.random.default_rng(0).normal(size=(4, STEPS, 6)).astype("float32")
TWO = [ONE, np.random.default_rng(1).normal(size=(4, STEPS, 6)).astype("float32")]
SEQUENCES = {"return_sequences": True}


# layers whose cells one stack runs here
STEP_BY_STEP = ("CoupledLSTM", "LayerNormGRU", "LayerNormLSTM", "PeepholeLSTM")


def cells() -> list:
    return [layers.LSTMCell(3), layers.GRUCell(4)]


def inside(kind: Any, **kwargs: Any) -> Any:
    """A layer with another one in it."""
    return lambda: kind(layers.LSTM(3, **SEQUENCES), **kwargs)


# One row or more for each class that declares it: how to make it, and its input.
ROWS: dict[str, list[tuple[Any, Any]]] = {
    "Activation": [(partial(layers.Activation, "softmax"), ONE)],
    "Add": [(layers.Add, TWO)],
    "AdditiveAttention": [(layers.AdditiveAttention, TWO)],
    "AlphaDropout": [(partial(layers.AlphaDropout, 0.3), ONE)],
    "Attention": [
        (layers.Attention, TWO),
        (partial(layers.Attention, use_scale=True, score_mode="concat"), TWO),
    ],
    "Average": [(layers.Average, TWO)],
    "BatchNormalization": [
        (layers.BatchNormalization, ONE),
        (partial(layers.BatchNormalization, renorm=True), ONE),
    ],
    "Bidirectional": [
        (inside(layers.Bidirectional), ONE),
        (inside(layers.Bidirectional, merge_mode="sum"), ONE),
        (partial(layers.Bidirectional, layers.GRU(3)), ONE),
    ],
    "Concatenate": [(layers.Concatenate, TWO)],
    "Dense": [(partial(layers.Dense, 3, activation="tanh"), ONE)],
    "Dropout": [(partial(layers.Dropout, 0.3), ONE)],
    "ELU": [(layers.ELU, ONE)],
    "GRU": [
        (partial(layers.GRU, 3), ONE),
        (partial(layers.GRU, 3, reset_after=False, **SEQUENCES), ONE),
    ],
    "GaussianDropout": [(partial(layers.GaussianDropout, 0.3), ONE)],
    "GaussianNoise": [(partial(layers.GaussianNoise, 0.3), ONE)],
    "GlobalAveragePooling1D": [
        (layers.GlobalAveragePooling1D, ONE),
        (partial(layers.GlobalAveragePooling1D, keepdims=True), ONE),
    ],
    "Identity": [(layers.Identity, ONE)],
    "GroupQueryAttention": [(partial(layers.GroupQueryAttention, 3, 4, 2), (*TWO,))],
    "LSTM": [
        (partial(layers.LSTM, 3, dropout=0.2, recurrent_dropout=0.2, seed=1), ONE),
        (partial(layers.LSTM, 3, return_state=True, **SEQUENCES), ONE),
        (partial(layers.LSTM, 3, zero_output_for_mask=True, **SEQUENCES), ONE),
        (partial(layers.LSTM, 3, go_backwards=True), ONE),
    ],
    "LayerNormalization": [(layers.LayerNormalization, ONE)],
    "LeakyReLU": [(layers.LeakyReLU, ONE)],
    "Maximum": [(layers.Maximum, TWO)],
    "Minimum": [(layers.Minimum, TWO)],
    "MultiHeadAttention": [
        (partial(layers.MultiHeadAttention, 2, 3), (*TWO,)),
        (partial(layers.MultiHeadAttention, 2, 3, sliding_window=2, use_gate=True), (*TWO,)),
    ],
    "Multiply": [(layers.Multiply, TWO)],
    "PReLU": [(partial(layers.PReLU, shared_axes=[1]), ONE)],
    "RReLU": [(layers.RReLU, ONE)],
    "RMSNormalization": [(layers.RMSNormalization, ONE)],
    "RNN": [
        (lambda: layers.RNN(cells(), **SEQUENCES), ONE),
        (lambda: layers.RNN(layers.StackedRNNCells(cells())), ONE),
        (lambda: layers.RNN([getattr(layers, f"{name}Cell")(3) for name in STEP_BY_STEP]), ONE),
    ],
    "ReLU": [(layers.ReLU, ONE)],
    "Normalization": [(partial(layers.Normalization, mean=0.5, variance=2.0), ONE)],
    "Rescaling": [(partial(layers.Rescaling, 2.0, 1.0), ONE)],
    "SimpleRNN": [(partial(layers.SimpleRNN, 3, **SEQUENCES), ONE)],
    "SpatialDropout1D": [(partial(layers.SpatialDropout1D, 0.3, seed=1), ONE)],
    "Subtract": [(layers.Subtract, TWO)],
    "TimeDistributed": [(lambda: layers.TimeDistributed(layers.Dense(3)), ONE)],
    "UnitNormalization": [(layers.UnitNormalization, ONE)],
}
CASES = [
    pytest.param(name, make, inputs, id=f"{name}-{i}")
    for name, rows in ROWS.items()
    for i, (make, inputs) in enumerate(rows)
]
# ConvLSTM takes sequences of pictures: its own tests compare masked steps with shorter sequences.
CONVOLUTIONAL = {"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
INSIDE_OTHERS = {
    *("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", *STEP_BY_STEP),
    *(f"{name}Cell" for name in STEP_BY_STEP),
}


def declares(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, layers.Layer) and declares_in_mro(cls)


def declares_in_mro(cls: type) -> bool:
    """As `ignores_masked_steps`, for a class: whether some object of it may say so."""
    for one in cls.__mro__:
        if "ignores_masked_steps" in vars(one):
            return True
        if {"call", "compute_mask"} & vars(one).keys():
            return False
    return False


def test_the_table_has_every_layer_that_declares_it():
    public = {cls.__name__ for cls in vars(layers).values() if declares(cls)}
    assert public - INSIDE_OTHERS - CONVOLUTIONAL == set(ROWS)


def masked(array: np.ndarray, more: int) -> Any:
    """Sequences with masked steps at their ends and in the midst, and `more` of them at the end."""
    mask = np.ones((len(array), STEPS + more), bool)
    mask[0, 3:] = mask[1, 1] = mask[2, 0] = False
    mask[:, STEPS:] = False
    rest = np.random.default_rng(2).normal(size=(len(array), more, array.shape[-1]))
    whole = jax.numpy.asarray(np.concatenate([array, rest.astype(array.dtype)], 1))
    set_mask(whole, jax.numpy.asarray(mask))
    return whole


def run(layer: Any, inputs: Any, training: bool) -> list:
    """Without more steps and with them: outputs and the gradients of the squares of those that
    count, and the state after it."""
    keras.utils.set_random_seed(1)
    if hasattr(layer, "seed_generator"):
        layer.seed_generator.state.assign(jax.numpy.asarray([0, 7], "uint32"))
    weights = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]

    def squares(weights, more):
        arrays = tree.map_structure(lambda a: masked(a, more), inputs)
        args = arrays if isinstance(arrays, tuple) else (arrays,)
        outputs, after = layer.stateless_call(weights, state, *args, training=training)
        total, kept, ends = 0.0, [], []
        for leaf in tree.flatten(outputs):
            mask = get_mask(leaf)
            if mask is not None:
                assert mask.shape == (len(leaf), STEPS + more)
                ends.append(mask[:, STEPS:])
                leaf = (leaf * mask.reshape(*mask.shape, *[1] * (leaf.ndim - 2)))[:, :STEPS]
            total += (leaf**2).sum()
            kept.append(leaf)
        return total, (kept, after, ends)

    @jax.jit  # both in one program
    def both(weights):
        return [jax.grad(squares, has_aux=True)(weights, more) for more in (0, MORE)]

    found = both(weights)
    assert not any(end.any() for _, (*_, ends) in found for end in ends)
    return [(gradients, kept, after) for gradients, (kept, after, _) in found]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "make", "inputs"), CASES)
def test_masked_steps_at_the_end_change_no_output_no_gradient_and_no_state(
    name, make, inputs, training
):
    if training and name in RANDOM:
        pytest.skip("each element has a random number of its own")
    layer = make()
    assert ignores_masked_steps(layer)
    symbols = tree.map_structure(lambda a: SymbolicTensor(a.shape, a.dtype.name), inputs)
    layer(*symbols) if isinstance(symbols, tuple) else layer(symbols)  # builds it
    few, many = run(layer, inputs, training)
    for one, other in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Activation(lambda x: x / x.sum(1, keepdims=True)),
        layers.Concatenate(axis=1),
        layers.Dense(3, activation=lambda x: x),
        layers.Dense(3, activity_regularizer="l2"),
        layers.GRU(3, return_sequences=True, go_backwards=True),
        layers.LayerNormalization(axis=1),
        layers.BatchNormalization(axis=1),
        layers.UnitNormalization(axis=[1, 2]),
        layers.TimeDistributed(layers.BatchNormalization()),
        layers.TimeDistributed(layers.ActivityRegularization(0.1)),
        layers.Conv1D(3, 2),
        layers.Flatten(),
        layers.GlobalMaxPooling1D(),
        layers.Lambda(lambda x: x),
        layers.Masking(),
        layers.ActivityRegularization(0.1),
    ],
    ids=lambda layer: layer.name,
)
def test_layers_that_are_not_sure_to_ignore_them_do_not_say_so(layer):
    assert not ignores_masked_steps(layer)


def test_a_subclass_with_a_call_of_its_own_declares_it_again():
    class Own(layers.Dense):
        def call(self, inputs):
            return super().call(inputs).cumsum(1)

    class Sure(Own):
        ignores_masked_steps = True

    class Named(layers.Dense):
        """A Dense by another name."""

    assert [ignores_masked_steps(c(3)) for c in (Own, Sure, Named)] == [False, True, True]
