"""`Operation`: computed on arrays, recorded on symbolic tensors, saved with the model."""

import json
import pickle

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from hornbook.layers.calling import overrides


class Formula:
    def __init__(self, exponent, name=None):
        super().__init__(name=name)
        self.exponent = exponent

    def call(self, x):
        return x**self.exponent


@keras.saving.register_keras_serializable("operations")
class Power(Formula, keras.Operation):
    pass


@reference.saving.register_keras_serializable("operations")
class Theirs(Formula, reference.Operation):
    pass


X = np.arange(6, dtype="float32").reshape(2, 3)


def test_an_operation_is_that_of_keras():
    made, theirs = Power(3, name="cube"), Theirs(3, name="cube")
    assert np.array_equal(made(X), theirs(X))
    assert made.get_config() == theirs.get_config() == {"name": "cube", "exponent": 3}
    x, y = keras.Input((3,)), reference.Input((3,))
    assert made(x).shape == theirs(y).shape == (None, 3)
    assert made.input is x and made.output.shape == theirs.output.shape
    assert made.compute_output_spec(keras.KerasTensor((2, 3))).shape == (2, 3)
    assert Power(2).name.startswith("power")
    public = {name for name in dir(theirs) if name[0] != "_"}
    assert public - set(dir(made)) == {"quantized_call", "rematerialized_call"}


def test_layers_and_functions_are_operations():
    x = keras.Input((3,))
    layer = keras.layers.Dense(2)
    assert isinstance(layer, keras.Operation)
    assert isinstance(keras.Function(x, layer(x)), keras.Operation)
    assert layer.symbolic_call(x).shape == (None, 2) and layer.output.shape == (None, 2)


def test_only_a_user_s_own_shapes_are_asked_for():
    class Told(keras.layers.Layer):
        def compute_output_spec(self, x):
            return x

    asked = [overrides(kind, "compute_output_spec") for kind in (keras.layers.Dense, Told)]
    assert asked == [False, True]  # else each recorded call would trace the formula twice


def test_an_operation_of_a_model_is_shared_saved_copied_and_pickled(tmp_path):
    x = keras.Input((3,))
    cube = Power(3)
    model = keras.Model(x, cube(cube(keras.layers.Dense(2)(x))))
    assert [type(one) for one in model.operations[2:]] == [Power]
    assert cube not in model.layers
    model.save(tmp_path / "m.keras")
    expected = model(X)
    for again in (
        keras.models.load_model(tmp_path / "m.keras"),
        pickle.loads(pickle.dumps(model)),
    ):
        np.testing.assert_array_equal(again(X), expected)
        assert again.operations[2].exponent == 3
    theirs = Theirs(3)
    y = reference.Input((3,))
    other = reference.Model(y, theirs(theirs(reference.layers.Dense(2)(y))))
    ours, said = (json.loads(m.to_json())["config"]["layers"][2] for m in (model, other))
    assert ours.keys() == said.keys() and ours["config"]["exponent"] == 3
    assert len(ours["inbound_nodes"]) == len(said["inbound_nodes"]) == 2


def test_an_operation_without_a_name_argument_keeps_its_name():
    @keras.saving.register_keras_serializable("operations")
    class Twice(keras.Operation):
        def call(self, x):
            return 2 * x

    class Half(keras.Operation):
        def __init__(self):
            super().__init__(name="half")

    assert Twice.from_config(Twice(name="two").get_config()).name == "two"
    assert Half.from_config({"name": "other"}).name == "other"


def test_messages_name_the_operation():
    with pytest.raises(NotImplementedError, match=r"Nothing has no call\(self, inputs\)"):
        type("Nothing", (keras.Operation,), {})()(X)
    with pytest.raises(Exception) as caught:
        Power(3, name="cube")("text")
    assert "cube" in str(caught.value.__notes__)
    with pytest.raises(AttributeError, match="operation 'cube' has no symbolic output"):
        Power(3, name="cube").output  # noqa: B018
