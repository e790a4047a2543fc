"""Sizes, axes and shapes may be numpy's integers; configs then hold plain ones."""

import json

import numpy as np
import pytest

import hornbook as keras

two, three, one = np.int64(2), np.int32(3), np.int64(1)
L = keras.layers
SERIES, IMAGE = np.ones((2, 6, 4), "float32"), np.ones((2, 6, 6, 4), "float32")

LAYERS = {
    "Dense": (lambda: L.Dense(three), SERIES),
    "EinsumDense": (lambda: L.EinsumDense("abc,cd->abd", (None, three)), SERIES),
    "Embedding": (lambda: L.Embedding(three, two), np.ones((2, 3), int)),
    "Conv1D": (lambda: L.Conv1D(three, two, strides=two, dilation_rate=one), SERIES),
    "Conv2D": (lambda: L.Conv2D(two, (three, two), strides=(one, two), groups=two), IMAGE),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(two, three, output_padding=None), IMAGE),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(three, depth_multiplier=two), IMAGE),
    "SeparableConv2D": (lambda: L.SeparableConv2D(two, three), IMAGE),
    "MaxPooling2D": (lambda: L.MaxPooling2D((two, three), strides=two), IMAGE),
    "AveragePooling1D": (lambda: L.AveragePooling1D(two), SERIES),
    "LSTM": (lambda: L.LSTM(three), SERIES),
    "GRU": (lambda: L.GRU(three), SERIES),
    "SimpleRNN": (lambda: L.SimpleRNN(three), SERIES),
    "MultiHeadAttention": (
        lambda: L.MultiHeadAttention(two, three, output_shape=three, attention_axes=one),
        (SERIES, SERIES),
    ),
    "Dropout": (lambda: L.Dropout(0.5, noise_shape=(None, one, np.int64(4))), SERIES),
    "BatchNormalization": (lambda: L.BatchNormalization(axis=np.int64(-1)), SERIES),
    "LayerNormalization": (lambda: L.LayerNormalization(axis=np.int64(-1)), SERIES),
    "GroupNormalization": (lambda: L.GroupNormalization(groups=two), SERIES),
    "UnitNormalization": (lambda: L.UnitNormalization(axis=one), SERIES),
    "Reshape": (lambda: L.Reshape((three, np.int64(-1))), SERIES),
    "Reshape, one": (lambda: L.Reshape(np.int64(24)), SERIES),
    "Permute": (lambda: L.Permute((two, one)), SERIES),
    "RepeatVector": (lambda: L.RepeatVector(two), np.ones((2, 3))),
    "Cropping1D": (lambda: L.Cropping1D(one), SERIES),
    "Cropping2D": (lambda: L.Cropping2D(((one, two), (one, one))), IMAGE),
    "ZeroPadding1D": (lambda: L.ZeroPadding1D((one, two)), SERIES),
    "ZeroPadding2D": (lambda: L.ZeroPadding2D(two), IMAGE),
    "UpSampling2D": (lambda: L.UpSampling2D((two, one)), IMAGE),
    "Concatenate": (lambda: L.Concatenate(axis=one), ([SERIES, SERIES],)),
    "Dot": (lambda: L.Dot(axes=two), ([SERIES, SERIES],)),
    "Dot, two": (lambda: L.Dot(axes=(one, one)), ([SERIES, SERIES],)),
    "Softmax": (lambda: L.Softmax(axis=one), SERIES),
    "PReLU": (lambda: L.PReLU(shared_axes=[one]), SERIES),
}


@pytest.mark.parametrize("name", LAYERS)
def test_numpy_s_integers_are_sizes(name):
    make, inputs = LAYERS[name]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    layer = make()
    shape = layer(*inputs).shape
    assert all(type(size) is int for size in shape)
    config = json.loads(json.dumps(layer.get_config()))
    made = type(layer).from_config(config)
    made(*inputs)
    made.set_weights(layer.get_weights())
    np.testing.assert_allclose(made(*inputs), layer(*inputs), rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.Input((three, two)),
        lambda: keras.Input(batch_shape=(None, three, two)),
        lambda: keras.Input((three, two), batch_size=two),
        lambda: keras.layers.InputLayer(shape=[three, two]).output,
    ],
)
def test_numpy_s_integers_are_an_input_s_sizes(make):
    x = make()
    assert x.shape[1:] == (3, 2) and all(type(s) in (int, type(None)) for s in x.shape)
    model = keras.Model(x, keras.layers.Dense(three)(x))
    assert json.loads(model.to_json())


def test_a_single_numpy_integer_is_a_shape():
    assert keras.Input(three).shape == (None, 3)
    assert keras.layers.Dense(1, input_shape=three)._batch_input_shape == (None, 3)
    assert keras.layers.Dense(1, input_dim=three)._batch_input_shape == (None, 3)
