"""Losses and metrics that need the values of tensors: steps run in Python."""

import importlib
import warnings

import numpy as np
import pytest

from hornbook.compat import installed

X, Y = np.ones((6, 3), "float32"), np.arange(6, dtype="float32")[:, None]


@pytest.fixture(params=[("keras2", "keras"), ("tfkeras", "tensorflow.keras")], ids=str)
def old(request):
    """The `tf` and `keras` of a generation."""
    generation, path = request.param
    with installed(generation):
        yield importlib.import_module("tensorflow"), importlib.import_module(path)


def compiled(keras, loss, *metrics):
    layers = importlib.import_module(f"{keras.__name__}.layers")
    models = importlib.import_module(f"{keras.__name__}.models")
    model = models.Sequential([layers.Dense(1, kernel_initializer="zeros", input_shape=(3,))])
    model.compile("sgd", loss=loss, metrics=[*metrics])
    return model


def test_elements_chosen_by_value(old):
    tf, keras = old

    def loss(y_true, y_pred):
        chosen = tf.greater(y_true, 2.0)
        errors = tf.boolean_mask(y_true, chosen) - tf.boolean_mask(y_pred, chosen)
        return tf.reduce_mean(tf.square(errors))

    def number(y_true, y_pred):
        assert int(tf.reduce_sum(y_true)) == 15
        return tf.cast(tf.shape(tf.where(y_pred < 10.0))[0], "float32")

    model = compiled(keras, loss, number)
    with pytest.warns(UserWarning, match="needs the values of tensors"):
        history = model.fit(X, Y, epochs=1, verbose=0).history
    np.testing.assert_allclose(history["loss"], np.mean(Y[3:] ** 2), rtol=1e-6)
    assert history["number"] == [6]
    step = 0.01 * 2 * np.mean(Y[3:])  # of each weight and of the bias
    np.testing.assert_allclose(model.predict(X), 4 * step, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0)[0], np.mean((Y[3:] - 4 * step) ** 2))


def test_others_are_compiled(old):
    tf, keras = old
    calls = []

    def loss(y_true, y_pred):
        calls.append(y_pred)
        return tf.reduce_mean(tf.square(y_true - y_pred))

    model = compiled(keras, loss)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, batch_size=1, epochs=4, verbose=0)
    assert len(calls) < 12
