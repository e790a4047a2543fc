"""Objects in the format of Keras 2 are written and read as Keras 3's `legacy.saving` does."""

import keras as reference
import pytest

import hornbook as keras

ours, theirs = keras.legacy.saving, reference.legacy.saving
MAKE = {
    "constraint": lambda library: library.constraints.MaxNorm(2.0),
    "schedule": lambda library: library.optimizers.schedules.CosineDecay(0.1, 10, name="c"),
    "initializer": lambda library: library.initializers.HeNormal(seed=3),
    "function": lambda library: library.activations.relu,
    "none": lambda library: None,
}


@pytest.mark.parametrize("name", MAKE)
def test_objects_are_written_as_keras_writes_them(name):
    said = ours.serialize_keras_object(MAKE[name](keras))
    assert said == theirs.serialize_keras_object(MAKE[name](reference))
    assert keras.utils.legacy.serialize_keras_object is ours.serialize_keras_object
    made = ours.deserialize_keras_object(said)
    if hasattr(made, "get_config"):
        assert made.get_config() == MAKE[name](keras).get_config()
    else:
        assert made is MAKE[name](keras)


def test_inner_objects_are_read():
    layer = keras.layers.Dense(2, kernel_regularizer="l2", activation="tanh", name="d")
    said = ours.serialize_keras_object(layer)
    other = theirs.deserialize_keras_object(
        theirs.serialize_keras_object(
            reference.layers.Dense(2, kernel_regularizer="l2", activation="tanh", name="d")
        ),
        module_objects=vars(reference.layers) | vars(reference.regularizers),
    )
    for made in (
        ours.deserialize_keras_object(said),
        ours.deserialize_keras_object(theirs.serialize_keras_object(other)),
    ):
        assert (made.name, made.units, made.activation.__name__) == ("d", 2, "tanh")
        assert made.kernel_regularizer.get_config() == {"l2": pytest.approx(0.01)}
        assert type(made.kernel_initializer).__name__ == "GlorotUniform"


def test_names_are_looked_up_in_order():
    class Thing:
        def __init__(self, size=1):
            self.size = size

        def get_config(self):
            return {"size": self.size}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    said = ours.serialize_keras_object(Thing(4))
    assert said == {"class_name": "Thing", "config": {"size": 4}}
    assert ours.deserialize_keras_object(said, {"Thing": Thing}).size == 4
    assert ours.deserialize_keras_object("Thing", custom_objects={"Thing": Thing}).size == 1
    with pytest.raises(ValueError, match="unknown thing 'Thing'"):
        ours.deserialize_keras_object(said, printable_module_name="thing")
    for wrong in ({"config": {}}, 3):
        with pytest.raises(ValueError, match="cannot interpret"):
            ours.deserialize_keras_object(wrong)
    with pytest.raises(ValueError, match="cannot be serialized"):
        ours.serialize_keras_object(3)
