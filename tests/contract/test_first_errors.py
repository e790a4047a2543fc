"""Typical errors of beginners: each message says what to write instead."""

import re
import subprocess
import sys

import numpy as np
import pytest

import hornbook as keras
from hornbook import Input, layers

x, pictures = np.ones((8, 4), "float32"), np.ones((8, 28, 28), "float32")
words = np.array(list("abcdefgh"))


def model(*parts, loss="mse"):
    made = keras.Sequential(list(parts))
    made.compile("sgd", loss)
    return made


def convnet(loss, *last):
    return model(Input((28, 28, 1)), layers.Conv2D(3, 3), *last, loss=loss)


# what is written -> what the message says
MISTAKES = {
    "a second LSTM": (
        lambda: model(Input((10, 3)), layers.LSTM(4), layers.LSTM(4)),
        "'lstm' before it .* LSTM\\(..., return_sequences=True\\)",
    ),
    "a second LSTM, found by fit": (
        lambda: model(layers.LSTM(4), layers.LSTM(4)).fit(pictures, x),
        "LSTM\\(..., return_sequences=True\\)",
    ),
    "an LSTM after a bidirectional GRU": (
        lambda: model(Input((10, 3)), layers.Bidirectional(layers.GRU(4)), layers.LSTM(4)),
        "GRU\\(..., return_sequences=True\\)",
    ),
    "a convolution after an LSTM": (
        lambda: model(Input((10, 3)), layers.LSTM(4), layers.Conv1D(4, 2)),
        "LSTM\\(..., return_sequences=True\\)",
    ),
    "a layer for each step after an LSTM": (
        lambda: model(Input((9, 3)), layers.LSTM(4), layers.TimeDistributed(layers.Dense(2))),
        "return_sequences=True",
    ),
    "an LSTM of arrays": (lambda: layers.LSTM(4)(x), "return_sequences=True"),
    "pictures without channels": (
        lambda: model(Input((28, 28)), layers.Conv2D(3, 3)),
        "Input\\(\\(28, 28, 1\\)\\).*x\\[..., None\\]",
    ),
    "arrays without channels": (lambda: layers.Conv2D(3, 3)(pictures), "x\\[..., None\\]"),
    "a convolution after Dense": (
        lambda: model(Input((4,)), layers.Dense(3), layers.Conv2D(3, 3)),
        "Reshape\\(\\(height, width, channels\\)\\)",
    ),
    "one sample for a layer": (lambda: layers.Dense(3)(x[0]), "x\\[None\\]"),
    "one sample for a model": (lambda: model(Input((4,)), layers.Dense(3))(x[0]), "x\\[None\\]"),
    "one picture": (
        lambda: convnet("mse").predict(pictures[0][..., None]),
        "\\(28, 28, 1\\). x\\[None\\]",
    ),
    "no Flatten": (
        lambda: convnet(
            "sparse_categorical_crossentropy", layers.Dense(3, activation="softmax")
        ).fit(pictures, np.arange(8) % 3, verbose=0),
        "Flatten\\(\\)",
    ),
    "one-hot labels": (
        lambda: model(
            Input((4,)), layers.Dense(4, activation="softmax"), loss="categorical_crossentropy"
        ).fit(x, np.arange(8) % 4, verbose=0),
        "'sparse_categorical_crossentropy'",
    ),
    "words": (lambda: model(Input((4,)), layers.Dense(1)).fit(x, words), "y has 'a' in row 0"),
    "samples left over": (
        lambda: model(Input((4,)), layers.Dense(1)).fit(x, x[:7, :1]),
        "\\(x: 8, y: 7\\)",
    ),
    "layers that are not in a list": (
        lambda: keras.Sequential(layers.Dense(3), layers.Dense(1)),
        "Right:  Sequential\\(\\[",
    ),
    "a class": (lambda: keras.Sequential([layers.Dense]), "Dense\\(...\\) makes one"),
    "a function": (lambda: keras.Sequential([Input((4,)), np.tanh]), "Lambda\\(function\\)"),
    "a list in add": (lambda: keras.Sequential().add([layers.Dense(1)]), "one layer at a time"),
    "a loss misspelt": (lambda: model(layers.Dense(1), loss="msee"), "Did you mean 'mse'"),
    "an activation misspelt": (lambda: layers.Dense(1, activation="rellu"), "mean 'relu'"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_the_message_says_what_to_write(what):
    mistake, says = MISTAKES[what]
    with pytest.raises((ValueError, TypeError)) as caught:
        mistake()
    assert re.search(says, str(caught.value), re.DOTALL)


def test_layers_may_come_from_a_generator():
    stack = keras.Sequential(layers.Dense(2) for _ in range(3))
    assert len(stack.layers) == 3


@pytest.mark.parametrize(
    ("written", "meant"), [("keras.layer", "Layer"), ("keras.layers.Dens", "Dense")]
)
def test_python_finds_the_public_name_that_was_meant(written, meant):
    code = f"import hornbook as keras\n{written}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.endswith(f"Did you mean: '{meant}'?\n")
