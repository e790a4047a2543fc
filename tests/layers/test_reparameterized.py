"""WeightNormalization, SpectralNormalization in training, and RReLU."""

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from tests.parity.helper import agree, floats

IMAGES = floats(8, 5, 5, 3)
# each with data whose outputs have the channels in another place
INITIALIZED = {
    "dense": (lambda: layers.Dense(4, activation="relu"), floats(50, 3), -1),
    "convolution": (lambda: layers.Conv2D(4, 2, data_format="channels_first"), IMAGES, 1),
    "transposed": (lambda: layers.Conv2DTranspose(4, 2), IMAGES, -1),
    "depthwise": (lambda: layers.DepthwiseConv2D(2, depth_multiplier=2), IMAGES, -1),
}


@pytest.mark.parametrize("case", INITIALIZED)
def test_the_first_batch_in_training_sets_length_and_bias(case):
    make, x, channel = INITIALIZED[case]
    layer, plain = layers.WeightNormalization(make()), make()
    plain.build(x.shape)
    layer.build(x.shape)
    plain.set_weights([w.numpy() for w in layer.layer.weights])
    agree(layer(x), plain(x), "before training", rtol=1e-4, atol=1e-5)
    assert not layer.initialized.numpy()
    layer(x, training=True)
    assert layer.initialized.numpy()
    if layer.layer.activation is not None:  # statistics are those before it
        layer.layer.activation = None
    y = np.moveaxis(np.asarray(layer(x)), channel, -1).reshape(-1, layer.g.size)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(0), 1, atol=1e-3)
    before = layer.g.numpy()
    layer(2 * x, training=True)
    np.testing.assert_array_equal(layer.g.numpy(), before)


def test_a_weight_normalized_model_trains_from_the_first_batch_and_is_saved(tmp_path):
    x = floats(32, 3)
    model = keras.Sequential([layers.WeightNormalization(layers.Dense(2))])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, x[:, :2], batch_size=16, shuffle=False, verbose=0)
    layer = model.layers[0]
    y = np.asarray(model(x[:16]))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(0), 1, atol=1e-3)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    kernel, lengths = layer.layer.kernel.numpy(), layer.g.numpy()
    losses = model.fit(x, x[:, :2], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert (layer.layer.kernel.numpy() != kernel).any() and (layer.g.numpy() != lengths).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[0].initialized.numpy()


def test_the_recurrent_kernel_is_normalized_in_recurrent_layers():
    with pytest.raises(ValueError, match="data_init=False"):
        layers.WeightNormalization(layers.LSTM(2))
    layer = layers.WeightNormalization(layers.SimpleRNN(2, dropout=0.5), data_init=False)
    x = floats(2, 3, 4)
    layer.build(x.shape)
    plain = layers.SimpleRNN(2)
    plain.build(x.shape)
    layer.g.assign([2.0, 3.0])
    kernel, recurrent, bias = (w.numpy() for w in layer.layer.weights)
    scaled = recurrent / np.linalg.norm(recurrent, axis=0) * [2.0, 3.0]
    plain.set_weights([kernel, scaled, bias])
    agree(layer(x), plain(x), "output", rtol=1e-4)
    seed = layer.layer.cell.seed_generator.state.numpy()
    layer(x, training=True)  # what the layer inside assigns is kept
    assert (layer.layer.cell.seed_generator.state.numpy() != seed).any()


def test_a_layer_without_a_kernel_is_refused():
    for cls in (layers.WeightNormalization, layers.SpectralNormalization):
        with pytest.raises(ValueError, match="normalizes a weight named 'kernel'"):
            cls(layers.Flatten(), name="it").build((None, 3))


def test_spectral_normalization_keeps_kernels_near_norm_one_while_it_trains():
    x, y = floats(64, 4), floats(64, 3) * 10
    model = keras.Sequential([layers.SpectralNormalization(layers.Dense(3), 5)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(x, y, epochs=20, verbose=0)
    assert np.linalg.norm(model.layers[0].kernel.numpy(), 2) < 1.2
    vectors = layers.SpectralNormalization(layers.Embedding(3, 2))(np.array([0, 2]))
    assert vectors.dtype == "float32"
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    layer(x, training=True)
    assert not layer.kernel.numpy().any()  # zeros have no norm to divide by


def test_rrelu_draws_slopes_in_training_and_takes_their_mean_otherwise():
    x = np.concatenate([-np.ones((1, 1000)), np.ones((1, 10))], 1).astype("float32")
    layer = layers.RReLU(0.2, 0.4, seed=1)
    y = np.asarray(layer(x, training=True))
    slopes = -y[0, :1000]
    assert 0.2 <= slopes.min() < 0.21 and 0.39 < slopes.max() <= 0.4
    assert (y[0, 1000:] == 1).all()
    np.testing.assert_allclose(layer(x)[0, :1000], -0.3, rtol=1e-6)
    again = layers.RReLU(0.2, 0.4, seed=1)
    values = [v.value for v in again.non_trainable_variables]
    drawn = lambda x: again.stateless_call([], values, x, training=True)[0].sum()  # noqa: E731
    np.testing.assert_allclose(jax.grad(drawn)(x)[0, :1000], slopes, rtol=1e-6)
    with pytest.raises(ValueError, match="lower <= upper"):
        layers.RReLU(0.5, 0.25)
