"""What programs for tf.keras ask of layers, metrics and versions that today's Keras dropped."""

import importlib

import pytest

from hornbook.compat.install import installed


@pytest.fixture
def tf():
    with installed("tfkeras"):
        yield importlib.import_module("tensorflow")


def test_a_version_is_compared_by_its_numbers(tf):
    version = tf.__version__
    assert isinstance(version, str) and version.split(".")[0] == "2"
    assert version >= "2.4" and version >= "2.10.0" and version > "2"
    assert not version < "2.4" and not version <= "2.9.3" and version < "10"


def test_metrics_are_reset_by_their_old_method(tf):
    metric = tf.keras.metrics.Mean()
    metric.update_state([1.0, 3.0])
    metric.reset_states()
    metric.update_state([5.0])
    assert float(metric.result()) == 5.0
