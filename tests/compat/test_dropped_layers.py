"""Layers that only old Keras had, against their formulas."""

import numpy as np
import pytest

import hornbook

RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 3)).astype("float32")


def made(layer, x):
    """A layer with weights that are not all zeros and ones; its weights and its output."""
    layer(x)
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer.get_weights(), np.asarray(layer(x))


def test_maxout_and_highway(keras1):
    (w, b), found = made(keras1.layers.MaxoutDense(2, nb_feature=3), X)
    assert w.shape == (3, 3, 2)
    want = np.max([X @ w[k] + b[k] for k in range(3)], axis=0)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    layer = keras1.layers.Highway(activation="tanh", input_dim=3)
    layer(X)
    assert layer.get_weights()[-1].tolist() == [1.0] * 3
    (w, c, b, d), found = made(layer, X)
    share = 1 / (1 + np.exp(-(X @ c + d)))
    want = share * np.tanh(X @ w + b) + (1 - share) * X
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_learned_activations(keras1):
    (low, below, gap, above), found = made(keras1.layers.SReLU(), 3 * X)
    high = low + np.abs(gap)
    x = 3 * X
    want = np.where(x <= low, low + below * (x - low), x)
    want = np.where(x >= high, high + above * (x - high), want)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)
    (alpha, beta), found = made(keras1.layers.ParametricSoftplus(), X)
    np.testing.assert_allclose(found, alpha * np.log1p(np.exp(beta * X)), rtol=1e-4, atol=1e-5)
    shared = keras1.layers.SReLU(shared_axes=[1, 2])
    shared(np.ones((1, 4, 4, 2)))
    assert shared.get_weights()[0].shape == (1, 1, 2)


def test_windows_with_weights_of_their_own(keras1, keras2):
    x = RNG.normal(size=(2, 6, 3)).astype("float32")
    (w, b), found = made(keras2.layers.LocallyConnected1D(4, 3, strides=2, activation="relu"), x)
    want = [np.maximum(x[:, 2 * t : 2 * t + 3].reshape(2, -1) @ w[t] + b[t], 0) for t in range(2)]
    np.testing.assert_allclose(found, np.stack(want, 1), rtol=1e-4, atol=1e-5)
    pictures = RNG.normal(size=(2, 5, 4, 3)).astype("float32")
    for form in ("channels_last", "channels_first"):
        given = pictures if form == "channels_last" else pictures.transpose(0, 3, 1, 2)
        layer = keras2.layers.LocallyConnected2D(2, (2, 3), data_format=form)
        (w, b), found = made(layer, given)
        assert w.shape == (4 * 2, 2 * 3 * 3, 2) and b.shape == (4, 2, 2)
        cut = (slice(0, 2), slice(1, 4))
        window = given[:, *cut] if form == "channels_last" else given[:, :, *cut]
        at = found[:, 0, 1] if form == "channels_last" else found[:, :, 0, 1]
        np.testing.assert_allclose(at, window.reshape(2, -1) @ w[1] + b[0, 1], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="windows of .*, more than the size"):
        keras2.layers.LocallyConnected1D(4, 7)(x)


def test_they_are_saved_and_read(keras1, tmp_path):
    model = keras1.models.Sequential(
        [
            keras1.layers.Highway(input_dim=3),
            keras1.layers.MaxoutDense(4, init="he_normal"),
            keras1.layers.SReLU(),
            keras1.layers.Reshape((4, 1)),
            keras1.layers.LocallyConnected1D(2, 2),
        ]
    )
    model.compile("sgd", "mse")
    model.save(str(tmp_path / "m.keras"))
    again = hornbook.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X), rtol=1e-5)


def test_a_recurrent_layer_of_one_s_own(keras1):
    K = keras1.backend

    class Sum(keras1.layers.Recurrent):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.W = self.add_weight((input_shape[2], self.output_dim), initializer="one", name="W")
            self.states = [None]
            self.built = True

        def get_constants(self, x):
            return [2.0]

        def step(self, x, states):
            h = K.dot(x, self.W) + states[1] * states[0]
            return h, [h]

    model = keras1.models.Sequential([Sum(2, input_shape=(3, 1), return_sequences=True)])
    found = model.predict(np.ones((1, 3, 1)))
    assert found[0].tolist() == [[1, 1], [3, 3], [7, 7]]


def test_a_layer_that_joins_its_inputs_by_a_function(keras2):
    class Difference(keras2.layers._Merge):
        def _merge_function(self, inputs):
            return inputs[0] - 2 * inputs[1]

    found = np.asarray(Difference()([X, X]))
    np.testing.assert_allclose(found, -X, rtol=1e-5)


def test_old_names_of_attributes(keras1):
    layers = keras1.layers
    dense = layers.Dense(output_dim=4, input_dim=3, init="one")
    dense.build((None, 3))
    assert dense.output_dim == 4 and dense.W.get_value().tolist() == np.ones((3, 4)).tolist()
    assert dense.b.eval().tolist() == [0.0] * 4 and dense.bias is not True
    dropout = layers.Dropout(p=0.5)
    dropout.p = 0.25
    assert dropout.rate == 0.25 == dropout.p
    conv = layers.Convolution2D(4, 3, 3, border_mode="same", subsample=(2, 2), dim_ordering="th")
    assert (conv.nb_filter, conv.border_mode, conv.subsample) == (4, "same", (2, 2))
    assert conv.dim_ordering == "th"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dense.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="has been called 0 times"):
        layers.Dense(3).output_shape  # noqa: B018
