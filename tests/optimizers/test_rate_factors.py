"""A learning rate for each layer: `learning_rate_factors`."""

import numpy as np
import pytest

import hornbook as keras
from hornbook.core.variable import Variable

VALUES = np.array([1.0, -2.0, 3.0], "float32")
KINDS = [keras.optimizers.SGD, keras.optimizers.Adam, keras.optimizers.AdamW, keras.optimizers.Lion]


def stepped(kind, rate, **options):
    variables = [Variable(VALUES, name=name) for name in ("body", "head")]
    optimizer = kind(rate, **options)
    for _ in range(3):
        optimizer.apply([np.float32(0.1) * VALUES, VALUES], variables)
    return [np.array(variable) for variable in variables]


@pytest.mark.parametrize("kind", KINDS)
def test_each_variable_has_the_rate_of_its_factor(kind):
    body, head = stepped(kind, 0.01, learning_rate_factors={"^body$": 0.25, "b": 7.0})
    np.testing.assert_allclose(body, stepped(kind, 0.0025)[0], rtol=1e-6)
    np.testing.assert_allclose(head, stepped(kind, 0.01)[1], rtol=1e-6)


def test_they_hold_in_fit_with_a_schedule_and_travel_in_files(tmp_path):
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)

    def trained(**options):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Dense(2, name="body"), keras.layers.Dense(1, name="head")]
        model = keras.Sequential([keras.Input((3,)), *layers])
        model.compile(keras.optimizers.RMSprop(rate, **options), "mse")
        model.fit(np.ones((8, 3)), np.ones((8, 1)), batch_size=4, epochs=2, verbose=0)
        return model

    plain, still = trained(), trained(learning_rate_factors={"body/": 0})
    keras.utils.set_random_seed(0)  # as before training
    start = keras.layers.Dense(2)
    start.build((None, 3))
    np.testing.assert_array_equal(still.layers[0].kernel, start.kernel)
    assert np.abs(np.array(plain.layers[0].kernel) - np.array(start.kernel)).max() > 0.01
    still.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.optimizer.learning_rate_factors == {"body/": 0}
    assert "learning_rate_factors" not in plain.optimizer.get_config()  # Keras does not know it


def test_an_expression_without_a_variable_is_an_error():
    with pytest.raises(ValueError, match="'neck' of learning_rate_factors.*body, head"):
        stepped(keras.optimizers.SGD, 0.1, learning_rate_factors={"neck": 0.5})
    with pytest.raises(ValueError, match="number >= 0"):
        keras.optimizers.SGD(0.1, learning_rate_factors={"body": -1})
