"""A layer that is in a `Sequential` more than once has one set of weights."""

import numpy as np

import hornbook as keras


def test_a_layer_that_is_twice_in_a_stack_is_applied_twice(tmp_path):
    layer = keras.layers.Dense(3, activation="tanh")
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.ReLU(), layer])
    x = np.arange(6, dtype="float32").reshape(2, 3)
    out = model.predict(x, verbose=0)
    np.testing.assert_allclose(out, layer(keras.ops.relu(layer(x))), rtol=1e-5)
    assert len(model.layers) == 3 and len(model.weights) == 2 and model.count_params() == 12
    model.save(tmp_path / "m.keras")
    back = keras.models.load_model(tmp_path / "m.keras")
    assert back.layers[0] is back.layers[2]
    np.testing.assert_array_equal(back.predict(x, verbose=0), out)
    model.pop()
    assert model.layers[-1].name.startswith("re_lu")
