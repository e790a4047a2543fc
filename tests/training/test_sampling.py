"""`predict(samples=...)`: mean and spread of passes with random layers active."""

import numpy as np
import pytest

import hornbook as keras

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")


def make_model(*layers, **options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "mse", **options)
    return model


@pytest.mark.parametrize("eagerly", [False, True])
def test_mean_and_spread_are_those_of_dropout(eagerly):
    model = make_model(keras.layers.Dropout(0.5, seed=3), run_eagerly=eagerly)
    mean, std = model.predict(X, samples=300, verbose=0)
    np.testing.assert_allclose(mean, X, atol=0.25 * np.abs(X).max())  # 4 standard errors
    np.testing.assert_allclose(std, np.abs(X), rtol=0.25)  # 0 or 2x, equally likely


def test_one_row_takes_samples_too_and_each_call_draws_anew():
    model = make_model(keras.layers.Dropout(0.5), keras.layers.Dense(2))
    first, second = (model.predict(X[:1], samples=5) for _ in range(2))
    assert first.mean.shape == first.std.shape == (1, 2)
    assert not np.array_equal(first.mean, second.mean)


def test_layers_with_a_state_work_as_in_prediction():
    norm = keras.layers.BatchNormalization()
    model = make_model(norm)
    norm.moving_mean.assign(np.full(3, 5.0))
    mean, std = model.predict(X, samples=3, verbose=0)
    np.testing.assert_allclose(mean, model.predict(X, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(std, 0, atol=1e-5)
    assert (np.array(norm.moving_mean) == 5).all()


def test_layers_of_nested_and_subclassed_models_are_sampled():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.drop = keras.layers.Dropout(0.5)
            self.norm = keras.layers.BatchNormalization()

        def call(self, x, training=None):
            return self.norm(self.drop(x, training=training), training=training)

    model = make_model(Own())
    mean, std = model.predict(X, samples=4, verbose=0)
    assert (std[np.abs(X) > 0.1] > 0).any()
    np.testing.assert_allclose(mean, X, atol=10)


def test_several_outputs_keep_their_structure():
    x = keras.Input((3,))
    drop = keras.layers.Dropout(0.5)(x)
    model = keras.Model(x, {"a": drop, "b": keras.layers.Dense(1)(drop)})
    mean, std = model.predict(X, samples=4, verbose=0)
    assert mean["a"].shape == (40, 3) and std["b"].shape == (40, 1)


def test_a_number_of_passes_is_needed():
    model = make_model(keras.layers.Dense(1))
    for wrong in (1, 0, 2.5, True):
        with pytest.raises(ValueError, match="integer >= 2"):
            model.predict(X, samples=wrong)

    class Own(keras.Sequential):
        def predict_step(self, data):
            return data

    with pytest.raises(ValueError, match="predict_step"):
        Own([keras.Input((3,))]).predict(X, samples=3)
