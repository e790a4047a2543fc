"""Process-wide settings, and that a session can be cleared of them."""

import os
import subprocess
import sys

import pytest

import hornbook
from hornbook.core import settings


def test_defaults_are_keras_s():
    assert settings.floatx() == "float32"
    assert settings.epsilon() == 1e-7
    assert settings.image_data_format() == "channels_last"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: settings.set_floatx("float8"), "floatx must be one of .*not 'float8'"),
        (lambda: settings.set_image_data_format("last"), "channels_first', not 'last'"),
        (lambda: settings.standardize_data_format("first"), "channels_first', not 'first'"),
    ],
)
def test_wrong_values_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        change()


def test_a_changed_setting_is_what_layers_and_variables_follow():
    try:
        settings.set_floatx("float16")
        settings.set_image_data_format("channels_first")
        assert hornbook.Variable(1.5).dtype == "float16"
        assert hornbook.layers.Dense(1).compute_dtype == "float16"
        assert hornbook.Input((2,)).dtype == "float16"
        assert hornbook.layers.Conv2D(1, 1).data_format == "channels_first"
    finally:
        hornbook.utils.clear_session()
    assert settings.floatx() == "float32"
    assert settings.image_data_format() == "channels_last"


def test_epsilon_is_what_was_set():
    try:
        settings.set_epsilon(1e-3)
        assert hornbook.backend.epsilon() == 1e-3
    finally:
        settings.set_epsilon(1e-7)


def test_none_means_the_process_wide_data_format():
    assert settings.standardize_data_format(None) == "channels_last"


FLOAT64 = """
import numpy as np, hornbook as keras
keras.config.set_floatx("float64")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
predicted = model.predict(np.ones((1, 2)), verbose=0)
print(model.weights[0].dtype, model(np.ones((1, 2))).dtype, predicted.dtype)
"""


def test_float64_reaches_weights_training_and_predictions():
    # in a process of its own: JAX's 64-bit mode stays on
    run = subprocess.run(
        [sys.executable, "-c", FLOAT64],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert run.stdout.split() == ["float64"] * 3, run.stderr
