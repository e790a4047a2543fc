"""A Sequential whose first layer takes several inputs, and one that is built twice."""

import numpy as np
import pytest

import hornbook as keras

A, B = np.ones((3, 2), "float32"), np.full((3, 1), 2.0, "float32")


class Joined(keras.layers.Layer):
    def call(self, inputs):
        parts = inputs.values() if isinstance(inputs, dict) else inputs
        return keras.ops.concatenate([*parts], -1)


@pytest.mark.parametrize("given", [{"a": A, "b": B}, [A, B], (A, B)], ids=["dict", "list", "tuple"])
def test_the_first_layer_may_take_several_inputs(given):
    model = keras.Sequential([Joined(), keras.layers.Dense(1)])
    assert model(given).shape == (3, 1)
    assert model.layers[1].kernel.shape == (3, 1)
    model.compile("sgd", "mse")
    model.fit(given, B, verbose=0)
    np.testing.assert_allclose(model.predict(given, verbose=0), model(given), rtol=1e-5)


def test_a_model_is_not_built_for_two_shapes():
    model = keras.Sequential([keras.Input((2,), batch_size=3), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="already built for inputs of shape"):
        model.build((3, 4))
    model.build((3, 2))
    model.build((None, 2))


@keras.saving.register_keras_serializable("test_sequential_inputs")
class Own(keras.Model):
    def __init__(self, *args, param=1, **kwargs):
        super().__init__(*args, **kwargs)
        self.param = param

    def get_config(self):
        return super().get_config() | {"param": self.param}


def test_a_functional_model_of_a_class_of_one_s_own_gets_its_arguments_back(tmp_path):
    x = keras.Input((3,))
    model = Own(inputs=x, outputs=keras.layers.Dense(5)(x), param=3)
    assert Own.from_config(model.get_config()).param == 3
    model.save(tmp_path / "m.keras")
    assert keras.models.load_model(tmp_path / "m.keras").param == 3


def test_a_list_of_layers_is_recorded_once(monkeypatch):
    recorded = []
    record = keras.Sequential._set_graph
    monkeypatch.setattr(
        keras.Sequential, "_set_graph", lambda self, *args: recorded.append(record(self, *args))
    )
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3) for _ in range(9))])
    assert len(recorded) == 1 and len(model.layers) == 9
    model.add(keras.layers.Dense(2), rebuild=False)
    assert model.output_shape == (None, 3)
    model.add(keras.layers.Dense(4))
    assert model.output_shape == (None, 4) and len(model.weights) == 22
