"""Models and data without any samples."""

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers

MODELS = {
    "dense": ((4,), lambda: [layers.Dense(3, "relu"), layers.BatchNormalization()]),
    "convolution": (
        (8, 8, 3),
        lambda: [
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.GroupNormalization(1),
            layers.Flatten(),
        ],
    ),
    "recurrence": (
        (5, 3),
        lambda: [
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3)),
            layers.Dropout(0.5),
            layers.GRU(4),
        ],
    ),
    "rows of a table": (
        (5,),
        lambda: [layers.Embedding(90, 4, mask_zero=True), layers.SimpleRNN(3)],
    ),
    "normalization": ((5, 16), lambda: [layers.LayerNormalization(), layers.Flatten()]),
}


def made(name):
    shape, inner = MODELS[name]
    model = keras.Sequential([keras.Input(shape), *inner(), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    return model, np.zeros((0, *shape), "float32")


@pytest.mark.parametrize("name", MODELS)
def test_outputs_of_no_samples_are_empty(name):
    model, x = made(name)
    for outputs in (
        model.predict(x, verbose=0),
        model.predict(x, batch_size=3, callbacks=[keras.callbacks.Callback()], verbose=0),
        model.predict_on_batch(x),
        model(x),
        model(x, training=True),
    ):
        assert np.shape(outputs) == (0, 2)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_to_train_on_is_an_error_that_says_so(name):
    model, x = made(name)
    y = np.zeros((0, 2), "float32")
    before = model.get_weights()
    for work in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="no samples"):
            work(x, y, verbose=0)
    for work in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match="no samples"):
            work(x, y)
    jax.tree.map(np.testing.assert_array_equal, model.get_weights(), before)


def test_outputs_of_no_samples_for_structures():
    a, b = keras.Input((3,), name="a"), keras.Input((4, 6), name="b")
    attended = layers.MultiHeadAttention(2, 3)(b, b)
    outputs = {"sum": layers.Dense(2)(a), "steps": attended}
    model = keras.Model([a, b], outputs)
    given = np.zeros((0, 3)), np.zeros((0, 4, 6))
    for x in (list(given), {"a": given[0], "b": given[1]}):
        found = model.predict(x, verbose=0)
        assert {name: value.shape for name, value in found.items()} == {
            "sum": (0, 2),
            "steps": (0, 4, 6),
        }


def test_a_source_may_give_a_batch_of_no_samples():
    model, _ = made("dense")
    sizes = [2, 0, 3]
    x = [np.ones((n, 4), "float32") for n in sizes]
    found = model.predict(iter(x), verbose=0)
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found, model.predict(np.ones((5, 4)), verbose=0), rtol=1e-5)


@pytest.mark.parametrize("work", ["fit", "evaluate"])
def test_a_batch_of_no_samples_from_a_source_is_an_error_that_says_so(work):
    model, _ = made("dense")
    batches = ((np.ones((n, 4), "float32"), np.ones((n, 2), "float32")) for n in (2, 0, 3))
    with pytest.raises(ValueError, match="no samples"):
        getattr(model, work)(batches, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_no_samples_leave_moving_averages_as_they_are():
    layer = layers.BatchNormalization()
    layer(np.ones((3, 4)), training=True)
    before = layer.get_weights()
    assert layer(np.ones((0, 4)), training=True).shape == (0, 4)
    jax.tree.map(np.testing.assert_array_equal, layer.get_weights(), before)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (lambda: layers.Dense(3), (2, 5, 0), (2, 5, 3)),
        (lambda: layers.Dense(3, "relu"), (2, 0), (2, 3)),
        (lambda: layers.EinsumDense("abc,cd->abd", (None, 4)), (2, 5, 0), (2, 5, 4)),
        (lambda: layers.Conv1D(4, 2), (2, 5, 0), (2, 4, 4)),
        (lambda: layers.GroupNormalization(1), (0, 5, 6, 3), (0, 5, 6, 3)),
        (lambda: layers.Reshape((-1,)), (0, 5, 3), (0, 15)),
        (lambda: layers.Reshape((3, -1)), (0, 5, 3), (0, 3, 5)),
        (lambda: layers.LSTM(4), (2, 0, 3), (2, 4)),
        (lambda: layers.GRU(4), (2, 3, 0), (2, 4)),
        (lambda: layers.GlobalAveragePooling1D(), (0, 5, 3), (0, 3)),
    ],
)
def test_layers_of_inputs_without_anything_in_them(layer, shape, expected):
    assert layer()(np.zeros(shape, "float32")).shape == expected


def test_dot_products_of_nothing_are_zero():
    x = np.zeros((2, 5, 0), "float32")
    np.testing.assert_array_equal(layers.Dot(-1)([x, x]), np.zeros((2, 5, 5)))
