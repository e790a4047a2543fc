"""A layer's config has what Keras's has, the defaults too, and Keras reads it."""

import keras as theirs
import pytest

import hornbook as keras
from tests.contract.objects import LAYERS

# Keras computes these with TensorFlow; tests/preprocessing has what it gave there.
OF_TENSORFLOW = "Hashing HashedCrossing IntegerLookup StringLookup TextVectorization".split()
# Keras's SpatialDropout takes no `trainable`, and cells stand within an RNN in the table.
NAMES = [
    name
    for name, row in LAYERS.items()
    if hasattr(theirs.layers, name)
    and "SpatialDropout" not in name
    and name not in OF_TENSORFLOW
    and name not in ("Lambda", "JaxLayer")  # whose functions Keras does not know
    and type(row.make()).__name__ == name
]
ABSENT = {"quantization_config", "activity_regularizer"}


@pytest.mark.parametrize("name", NAMES)
def test_a_config_has_the_keys_of_keras_and_can_be_read_by_it(name):
    config = LAYERS[name].make().get_config()
    wanted = getattr(theirs.layers, name).from_config(dict(config)).get_config()
    assert set(wanted) - set(config) <= ABSENT


def test_defaults_stand_in_a_config():
    config = keras.layers.Dense(3).get_config()
    assert config["use_bias"] is True
    assert config["kernel_regularizer"] is None
    assert config["kernel_initializer"] == "glorot_uniform"
    again = keras.layers.Dense.from_config(config)
    assert again.get_config() == config


def test_a_layer_of_ones_own_has_what_it_was_given():
    class Own(keras.layers.Dense):
        def __init__(self, units=3, **kwargs):
            super().__init__(units, use_bias=False, **kwargs)

    config = Own(4).get_config()
    assert "use_bias" not in config
    assert Own.from_config(config).units == 4
