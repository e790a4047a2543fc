"""New layers begin as Keras's do: the spread of each weight, and penalties on what they give."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras

X = np.linspace(-1, 1, 2 * 5 * 24, dtype="float32").reshape(2, 5, 24)
IMAGE = np.ones((2, 8, 8, 24), "float32")

# From a name to what makes a layer, and what it is called on.
WEIGHTS = {
    "dense": (lambda m: m.layers.Dense(64), [X]),
    "einsum, last axis": (lambda m: m.layers.EinsumDense("abc,cde->abde", (None, 8, 16)), [X]),
    "einsum, two axes": (lambda m: m.layers.EinsumDense("abcd,cde->abe", (8, 64)), [IMAGE]),
    "einsum, elementwise": (lambda m: m.layers.EinsumDense("abc,bcd->abd", (5, 64)), [X]),
    "einsum, dots": (lambda m: m.layers.EinsumDense("...x,xyz->...yz", (8, 16)), [X]),
    "einsum, he": (
        lambda m: m.layers.EinsumDense(
            "abc,cde->abde", (None, 8, 16), kernel_initializer="he_normal"
        ),
        [X],
    ),
    "einsum, own axes": (
        lambda m: m.layers.EinsumDense(
            "abc,cde->abde",
            (None, 8, 16),
            kernel_initializer=m.initializers.VarianceScaling(input_axes=[1], output_axes=[2]),
        ),
        [X],
    ),
    "heads": (lambda m: m.layers.MultiHeadAttention(8, 16), [X, X]),
    "convolution": (lambda m: m.layers.Conv2D(32, 3), [IMAGE]),
    "in groups": (lambda m: m.layers.Conv2D(32, 3, groups=4), [IMAGE]),
    "transposed": (lambda m: m.layers.Conv2DTranspose(32, 3), [IMAGE]),
    "depthwise": (lambda m: m.layers.DepthwiseConv2D(5, depth_multiplier=4), [IMAGE]),
    "separable": (lambda m: m.layers.SeparableConv2D(32, 5, depth_multiplier=4), [IMAGE]),
    "lstm": (lambda m: m.layers.LSTM(32), [X]),
    "gru": (lambda m: m.layers.GRU(32), [X]),
    "simple": (lambda m: m.layers.SimpleRNN(32), [X]),
    "embedding": (lambda m: m.layers.Embedding(100, 16), [np.ones((2, 3))]),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_begin_with_keras_s_spread(name):
    make, inputs = WEIGHTS[name]

    def layer(module):
        module.utils.set_random_seed(1)
        made = make(module)
        made(*(module.Input(batch_shape=np.shape(x)) for x in inputs))
        return made

    for ours, theirs in zip(layer(keras).weights, layer(reference).weights, strict=True):
        mine, want = (np.std(np.asarray(weight.numpy())) for weight in (ours, theirs))
        np.testing.assert_allclose(mine, want, rtol=0.12, err_msg=ours.path)


def test_a_layer_s_initializer_is_left_as_it_was():
    own = keras.initializers.GlorotUniform(seed=1)
    layer = keras.layers.EinsumDense("abc,cde->abde", (None, 8, 16), kernel_initializer=own)
    layer(X)
    assert layer.kernel_initializer is own and own.input_axes is None
    assert layer.get_config()["kernel_initializer"]["config"].get("input_axes") is None


PENALIZED = {
    "dense": lambda m, r: m.layers.Dense(3, activity_regularizer=r),
    "conv": lambda m, r: m.layers.Conv1D(3, 2, activity_regularizer=r),
    "lstm": lambda m, r: m.layers.LSTM(3, activity_regularizer=r, return_sequences=True),
    "heads": lambda m, r: m.layers.MultiHeadAttention(2, 3, activity_regularizer=r),
    "of its own": lambda m, r: m.layers.ActivityRegularization(l1=0.1, l2=0.2),
    "batch norm": lambda m, r: m.layers.BatchNormalization(activity_regularizer=r),
}


@pytest.mark.parametrize("rows", [2, 0])
@pytest.mark.parametrize("name", PENALIZED)
def test_penalties_on_outputs_are_for_one_sample(name, rows):
    x = [X[:rows]] * (2 if name == "heads" else 1)
    layers = [PENALIZED[name](m, m.regularizers.L1L2(0.1, 0.2)) for m in (keras, reference)]
    for layer in layers:
        layer(*([X] * len(x)))
    layers[1].set_weights(layers[0].get_weights())
    if rows == 0 and name in ("lstm", "conv", "heads"):
        pytest.skip("Keras cannot")
    for layer in layers:
        layer(*x)
    ours, theirs = ([float(loss) for loss in layer.losses] for layer in layers)
    np.testing.assert_allclose(sorted(ours), sorted(theirs), rtol=2e-5)


def test_the_loss_does_not_grow_with_the_batch():
    model = keras.Sequential(
        [keras.Input((24,)), keras.layers.Dense(3, activity_regularizer=keras.regularizers.L2(1.0))]
    )
    model.compile(keras.optimizers.SGD(0.0), lambda y, p: 0 * p)
    x = np.repeat(X[0, :1], 12, 0)
    losses = [model.fit(x, x, batch_size=n, verbose=0).history["loss"][0] for n in (1, 4, 5)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)
