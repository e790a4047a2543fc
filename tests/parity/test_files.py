"""Files that Keras 3 wrote load here, and files written here load in Keras 3."""

import keras
import numpy as np
import pytest

import hornbook


def stack(k):
    L = k.layers
    return k.Sequential(
        [
            k.Input((4, 3)),
            L.Bidirectional(L.LSTM(2, return_sequences=True, dropout=0.1)),
            L.GRU(2),
            L.Dropout(0.5),
            L.BatchNormalization(),
            L.Dense(2),
            L.Dense(1),
        ]
    )


def graph(k):
    """Shared layers, nested models, arithmetic, several inputs and outputs."""
    L = k.layers
    a, b = k.Input((4,)), k.Input((4, 3))
    shared = L.Dense(4)
    stacked = k.Sequential([k.Input((4,)), L.Dense(4)])
    x = k.Input((4,))
    inner = k.Model(x, [shared(x), x * 2])
    u, v = inner(a)
    merged = stacked(shared(u)) + v * 2 - 1.0
    attended = L.GRU(3)(L.MultiHeadAttention(1, 2)(b, b))
    cells = L.RNN([L.LSTMCell(2), L.GRUCell(3)])(L.TimeDistributed(L.Dense(2))(b))
    joined = L.Concatenate()([merged, attended, cells])
    return k.Model([a, b], [L.Dense(1)(joined), L.Dense(2)(joined)])


def convolutions(k):
    L = k.layers
    return k.Sequential(
        [
            k.Input((8, 8, 2)),
            L.Conv2D(3, 3),
            L.DepthwiseConv2D(3),
            L.SeparableConv2D(2, 3),
            L.LayerNormalization(),
            L.PReLU(),
            L.Flatten(),
            L.Dense(2),
        ]
    )


def own_class(k):
    class Blocks(k.Model):
        def __init__(self):
            super().__init__()
            self.alpha = k.layers.Dense(2)
            self.out = k.layers.Dense(1)
            self.blocks = [k.layers.Dense(2), [k.layers.Dense(2)], {"a": k.layers.Dense(3)}]
            self.zeta = k.layers.LSTM(2)
            self.seen = k.metrics.Mean()

        def call(self, x):
            x = self.blocks[0](self.alpha(self.zeta(x)))
            return self.out(self.blocks[2]["a"](self.blocks[1][0](x)))

    model = Blocks()
    model(np.ones((1, 3, 2), "float32"))
    return model


MODELS = [stack, graph, convolutions, own_class]


def randomize(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.weights])


def outputs(model, shapes):
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(2, *shape[1:])).astype("float32") for shape in shapes]
    y = model(x if len(x) > 1 else x[0])
    return [np.asarray(one) for one in (y if isinstance(y, list | tuple) else [y])]


def assert_same_outputs(ours, theirs):
    shapes = [t.shape for t in ours.inputs] if ours.inputs else [(None, 3, 2)]
    for a, b in zip(outputs(ours, shapes), outputs(theirs, shapes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", MODELS)
def test_weights_go_both_ways(make, tmp_path):
    theirs, ours = make(keras), make(hornbook)
    for number, (giver, taker) in enumerate([(theirs, ours), (ours, theirs)]):
        randomize(giver, number)
        giver.save_weights(tmp_path / "m.weights.h5")
        taker.load_weights(tmp_path / "m.weights.h5")
        assert_same_outputs(ours, theirs)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw"])
def test_optimizers_go_both_ways(optimizer, tmp_path):
    def make(k):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile(optimizer, "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    theirs, ours = make(keras), make(hornbook)
    for giver, taker in ((theirs, ours), (ours, theirs)):
        wanted = [np.full(v.shape, i + 1, v.dtype) for i, v in enumerate(giver.optimizer.variables)]
        for variable, value in zip(giver.optimizer.variables, wanted, strict=True):
            variable.assign(value)
        giver.save_weights(tmp_path / "m.weights.h5")
        taker.load_weights(tmp_path / "m.weights.h5")
        found = [np.asarray(v) for v in taker.optimizer.variables]
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
