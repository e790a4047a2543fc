"""Process-wide settings, and that a session can be cleared of them."""

import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import keras
import numpy as np
import pytest

import hornbook
from hornbook.core import settings
from hornbook.kernels import attention


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


def test_flash_attention_is_asked_as_in_keras():
    for config in (hornbook.config, keras.config):
        assert config.is_flash_attention_enabled() is None
        config.disable_flash_attention()
        try:
            assert config.is_flash_attention_enabled() is False
        finally:
            config.enable_flash_attention()
        assert config.is_flash_attention_enabled() is None


@pytest.mark.parametrize("asked", [None, True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_flash_attention_says_whether_the_kernel_may_be_used(asked, enabled, monkeypatch):
    used = []
    watched = SimpleNamespace(suits=lambda *arrays: used.append(1) and False)
    monkeypatch.setattr(attention, "native", watched)
    x = np.ones((2, 5, 8), "float32")
    if not enabled:
        hornbook.config.disable_flash_attention()
    try:
        layer = hornbook.layers.MultiHeadAttention(2, 4, flash_attention=asked)
        jax.eval_shape(lambda: hornbook.ops.dot_product_attention(*[x[..., None]] * 3))
    finally:
        hornbook.config.enable_flash_attention()
    layer(x, x)
    assert bool(used) == (asked if asked is not None else enabled)


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
