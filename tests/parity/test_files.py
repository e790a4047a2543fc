"""Files that Keras 3 wrote load here, and files written here load in Keras 3."""

import importlib
import inspect

import jax
import keras
import numpy as np
import pytest
from keras.src.ops.operation import Operation

import hornbook
from hornbook.models.operations import _BY_CLASS, FAMILIES, _is_called_with


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
    y = model.predict(x if len(x) > 1 else x[0], verbose=0)  # one program
    return [np.asarray(one) for one in (y if isinstance(y, list | tuple) else [y])]


def assert_same_outputs(ours, theirs):
    shapes = [t.shape for t in ours.inputs] if hasattr(ours, "inputs") else [(None, 3, 2)]
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


def operations(k):
    """What Keras records as operations, with settings and constants."""
    L, ops = k.layers, k.ops
    a, b = k.Input((4,), name="a"), k.Input((4, 3), name="b")
    c = L.Concatenate()([a[:, 1:3], ops.reshape(ops.mean(b, axis=1, keepdims=True), (-1, 3))])
    c = ops.concatenate([c, ops.relu(c)], axis=-1)
    r, h = L.GRU(3, return_state=True)(b)
    r2 = L.GRU(3)(b, initial_state=h)
    e = ops.einsum("bij,bj->bi", b, r)
    t = ops.transpose(b, (0, 2, 1))[..., 0]
    q = -ops.exp(a) / 3.0**a + (2 - a)
    v, _ = ops.top_k(a, 2)
    outputs = {
        "out": L.Dense(1, name="out")(c),
        "r": [r, r2 * np.ones((3,), "float32")],
        "x": [e, t, q, v, ops.where(a > 0.0, a, ops.abs(a)), ops.softmax(a, axis=-1)],
        "y": ops.average(b, axis=1, weights=np.array([1.0, 2.0, 3.0, 4.0], "float32")),
    }
    return k.Model({"a": a, "b": b}, outputs)


def flat_outputs(model):
    rng = np.random.default_rng(1)
    data = {
        "a": rng.normal(size=(2, 4)).astype("float32"),
        "b": rng.normal(size=(2, 4, 3)).astype("float32"),
    }
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model(data))]


def assert_same(ours, theirs):
    if isinstance(getattr(ours, "inputs", None) and ours.input, dict):
        for a, b in zip(flat_outputs(ours), flat_outputs(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    else:
        assert_same_outputs(ours, theirs)


def signals_and_words(k):
    L = k.layers
    words, signal = k.Input((5,)), k.Input((64,))
    embedding = L.ReversibleEmbedding(4, 6, tie_weights=False)
    x = embedding(k.ops.cast(words > 0, "int32"))
    x = L.GroupQueryAttention(3, 4, 2, use_gate=True)(x, x)
    logits = embedding(x, reverse=True)
    spectrum = L.STFTSpectrogram(frame_length=16)(k.ops.expand_dims(signal, -1))
    mel = L.MelSpectrogram(16, 8, num_mel_bins=4, power_to_db=False)(signal)
    joined = L.Concatenate()([L.Flatten()(one) for one in (logits, spectrum, mel)])
    return k.Model([words, signal], L.SpectralNormalization(L.Dense(2), 2)(joined))


def several(k):
    """As `graph`, without a layer shared by two models, which Keras cannot load itself."""
    L = k.layers
    a, b = k.Input((4,)), k.Input((4, 3))
    x = k.Input((4,))
    inner = k.Model(x, [L.Dense(4)(x), x * 2])
    u, v = inner(a)
    shared = L.Dense(4)
    w = shared(shared(u)) + k.Sequential([k.Input((4,)), L.Dense(4)])(v)
    joined = L.Concatenate()([w, L.LSTM(3)(L.MultiHeadAttention(1, 2)(b, b))])
    return k.Model([a, b], [L.Dense(1)(joined), inner(joined[:, :4])[0]])


@pytest.mark.parametrize("make", [stack, convolutions, operations, several, signals_and_words])
def test_models_go_both_ways(make, tmp_path):
    theirs, ours = make(keras), make(hornbook)
    randomize(theirs)
    ours.set_weights(theirs.get_weights())
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    assert_same(hornbook.saving.load_model(tmp_path / "theirs.keras"), theirs)
    assert_same(ours, keras.saving.load_model(tmp_path / "ours.keras"))


def flags(k):
    """Layers that are called with `training`, and without; Keras writes it in both cases."""
    L = k.layers
    pictures = k.Input((2, 2, 1))
    x = L.RandomInvert((1, 1), value_range=(0, 1))(pictures)
    vectors = L.Reshape((4,))(x)
    kept = L.BatchNormalization()(vectors, training=False)
    dropped = [L.Dropout(0.9)(vectors), L.Dropout(0.9)(vectors, training=True)]
    return k.Model(pictures, [x, kept, L.BatchNormalization()(vectors), *dropped])


@pytest.mark.parametrize("library", [keras, hornbook])
def test_a_flag_that_is_the_default_does_not_override_the_model_s(library, tmp_path):
    flags(library).save(tmp_path / "a.keras")
    model = hornbook.models.load_model(tmp_path / "a.keras")
    x = np.random.default_rng(0).uniform(0.1, 1, (50, 2, 2, 1)).astype("float32")
    seen = model.predict(x, verbose=0)
    np.testing.assert_array_equal(seen[0], x)
    np.testing.assert_array_equal(seen[3], x.reshape(50, 4))
    assert (seen[4] == 0).mean() > 0.7  # asked for; Keras ignores it in `predict`
    trained = [np.asarray(y) for y in model(x, training=True)]
    np.testing.assert_allclose(trained[0], 1 - x, rtol=1e-6)
    assert (trained[3] == 0).mean() > 0.7
    assert abs(trained[1].mean()) > 0.1 > abs(trained[2].mean())


def test_a_layer_shared_by_two_models_comes_from_keras(tmp_path):
    theirs = graph(keras)
    randomize(theirs)
    theirs.save(tmp_path / "theirs.keras")
    ours = hornbook.saving.load_model(tmp_path / "theirs.keras")
    assert_same(ours, theirs)
    assert len(ours.weights) == len(theirs.weights)


@pytest.mark.parametrize("make", [stack, several, operations])
def test_a_model_read_from_either_file_has_the_same_layers(make, tmp_path):
    theirs, ours = make(keras), make(hornbook)
    theirs.save(tmp_path / "theirs.keras")
    read = hornbook.saving.load_model(tmp_path / "theirs.keras")
    assert [layer.name for layer in read.layers] == [layer.name for layer in theirs.layers]
    kinds = [type(layer).__name__.replace("Functional", "Model") for layer in theirs.layers]
    assert [type(layer).__name__ for layer in ours.layers] == kinds
    assert [v.shape for v in read.weights] == [tuple(v.shape) for v in theirs.weights]


def compiled(k):
    model = k.Sequential([k.Input((3,)), k.layers.Dense(2), k.layers.Dense(1)])
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(
        k.optimizers.Adam(rate, clipnorm=1.0),
        k.losses.Huber(),
        metrics=["mae", k.metrics.RootMeanSquaredError()],
    )
    return model


def fit(model, epochs):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    return model.fit(x, x[:, :1], epochs=epochs, batch_size=4, shuffle=False, verbose=0).history


def test_training_goes_on_in_the_other_library(tmp_path):
    """Compile arguments, schedule and optimizer state travel both ways."""
    theirs = compiled(keras)
    fit(theirs, 1)
    theirs.save(tmp_path / "theirs.keras")
    ours = hornbook.saving.load_model(tmp_path / "theirs.keras")
    wanted, found = fit(theirs, 1), fit(ours, 1)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4)
    ours.save(tmp_path / "ours.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    wanted, found = fit(ours, 1), fit(back, 1)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4)


def test_classes_of_the_users_own_go_both_ways(tmp_path):
    def make(k):
        class Scaled(k.Model):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)
                self.units = units
                self.dense = k.layers.Dense(units)

            def call(self, x):
                return self.dense(x) * 2

            def get_config(self):
                return {**super().get_config(), "units": self.units}

        return Scaled

    theirs, ours = make(keras)(2), make(hornbook)(2)
    x = np.ones((1, 3), "float32")
    theirs(x), ours(x)
    ours.set_weights(theirs.get_weights())
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    read = hornbook.saving.load_model(tmp_path / "theirs.keras", {"Scaled": make(hornbook)})
    back = keras.saving.load_model(tmp_path / "ours.keras", {"Scaled": make(keras)})
    for model in (read, back):
        np.testing.assert_allclose(np.asarray(model(x)), np.asarray(theirs(x)), rtol=1e-6)


# ---- the rule by which arguments belong to a call or to an op, over all ops of Keras


def operation_classes():
    for family in FAMILIES:
        module = importlib.import_module(f"keras.src.ops.{family}")
        for name, cls in vars(module).items():
            own = inspect.isclass(cls) and cls.__module__ == module.__name__
            if own and issubclass(cls, Operation) and (family, name) in _BY_CLASS:
                yield family, cls


def parameters(function):
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("self", "name") and parameter.kind is not parameter.VAR_KEYWORD
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_ops_divide_their_arguments_as_keras_does(family):
    checked = 0
    for one, cls in operation_classes():
        if one != family:
            continue
        name = _BY_CLASS[family, cls.__name__]
        function = getattr(FAMILIES[family], name)
        ours, listed = parameters(function), inspect.signature(function).parameters
        settings = [key for key in ours if not _is_called_with(name, listed[key])]
        theirs = parameters(cls.__init__)
        assert set(settings) - {"num_tokens"} <= set(theirs), (name, settings, theirs)
        assert not set(theirs) & (set(ours) - set(settings)), (name, settings, theirs)
        checked += 1
    assert checked > 5
