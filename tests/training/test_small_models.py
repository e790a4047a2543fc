"""A small model of each kind, from compile to predict: `fit` equals its single steps.

Compiled as users compile, with nothing in XLA_FLAGS: `.ci/run` has a step for it.
"""

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers as L

ROWS = 24
random = np.random.default_rng(0)
features = random.normal(size=(ROWS, 8)).astype("float32")
pictures = random.uniform(0, 255, (ROWS, 12, 12, 3)).astype("float32")
signals = random.normal(size=(ROWS, 10, 3)).astype("float32")
words = random.integers(1, 20, (ROWS, 10)) * (np.arange(10) < random.integers(3, 10, (ROWS, 1)))
numbers = features[:, :1] * 2 + 1
yes = (features.sum(1) > 0).astype("int32")
classes = np.arange(ROWS) % 3


def stack(*parts):
    return keras.Sequential([keras.Input(parts[0]), *parts[1:]])


def regression():
    return stack((8,), L.Dense(30, "relu"), L.Dense(1)), features, numbers, "mse"


def binary():
    return (
        stack((8,), L.Dense(8, "tanh"), L.BatchNormalization(), L.Dense(1, "sigmoid")),
        features,
        yes,
        "binary_crossentropy",
    )


def pictures_in_classes():
    model = stack(
        (12, 12, 3),
        L.Rescaling(1 / 255),
        L.Conv2D(8, 3, activation="relu", padding="same"),
        L.MaxPooling2D(),
        L.SeparableConv2D(8, 3, activation="relu"),
        L.BatchNormalization(),
        L.GlobalAveragePooling2D(),
        L.Dense(3, "softmax"),
    )
    return model, pictures, classes, "sparse_categorical_crossentropy"


def signals_recurrent():
    model = stack(
        (10, 3),
        L.Conv1D(8, 3),
        L.LSTM(8, return_sequences=True),
        L.Bidirectional(L.GRU(4)),
        L.LayerNormalization(),
        L.Dense(3, "softmax"),
    )
    return model, signals, np.eye(3)[classes], "categorical_crossentropy"


def text_with_masks():
    model = stack((10,), L.Embedding(20, 8, mask_zero=True), L.LSTM(8), L.Dense(1, "sigmoid"))
    return model, words, yes, "binary_crossentropy"


def attention():
    x = keras.Input((10,), dtype="int32")
    h = L.Embedding(20, 8)(x)
    h = L.LayerNormalization()(h + L.MultiHeadAttention(2, 4)(h, h))
    h = L.Dense(16, "gelu")(keras.ops.mean(h, axis=1))
    return keras.Model(x, L.Dense(3)(h)), words, numbers * [1, 2, 3], "huber"


def two_inputs_two_outputs():
    a, b = keras.Input((8,)), keras.Input((10, 3))
    h = L.Concatenate()([L.Dense(8, "relu")(a), L.Flatten()(b)])
    model = keras.Model([a, b], [L.Dense(1, name="n")(h), L.Dense(3, "softmax", name="c")(h)])
    loss = ["mse", "sparse_categorical_crossentropy"]
    return model, [features, signals], [numbers, classes], loss


class Own(keras.Model):
    """A subclass with a shared layer, a loss of its own and a penalty."""

    def __init__(self):
        super().__init__()
        self.shared = L.Dense(8, "relu", kernel_regularizer="l2")
        self.last = L.Dense(1)

    def call(self, x):
        h = self.shared(self.shared(x))
        self.add_loss(1e-3 * keras.ops.mean(h**2))
        return self.last(h)


def subclass():
    return Own(), features, numbers, "mae"


KINDS = [
    regression,
    binary,
    pictures_in_classes,
    signals_recurrent,
    text_with_masks,
    attention,
    two_inputs_two_outputs,
    subclass,
]


def trained(kind, step_by_step):
    keras.utils.set_random_seed(1)
    model, x, y, loss = kind()
    model.compile(keras.optimizers.Adam(0.01), loss, run_eagerly=step_by_step)
    history = model.fit(x, y, batch_size=10, epochs=4, shuffle=False, verbose=0)
    return model, x, y, history.history["loss"]


@pytest.mark.usefixtures("as_users_compile")
@pytest.mark.parametrize("kind", KINDS)
def test_fit_is_its_steps_one_by_one(kind):
    model, x, y, losses = trained(kind, step_by_step=False)
    slow, _, _, one_by_one = trained(kind, step_by_step=True)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, one_by_one, rtol=1e-3)
    predicted = keras.tree.flatten(model.predict(x, verbose=0))
    for ours, theirs in zip(predicted, keras.tree.flatten(slow.predict(x, verbose=0)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
    results = model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True)
    again = model.evaluate(x, y, batch_size=ROWS, verbose=0, return_dict=True)
    assert results["loss"] == pytest.approx(again["loss"], rel=1e-4)
    for ours, called in zip(predicted, keras.tree.flatten(model(x)), strict=True):
        np.testing.assert_allclose(ours, called, atol=1e-4)
