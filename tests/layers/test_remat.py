"""Rematerialization: the same derivatives, from values that are computed again."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.core.variable import bind

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def again(function, *args):
    """Whether a derivative computes again what the function computed."""

    def total(*args):
        with bind({}):
            return jnp.sum(function(*args))

    text = str(jax.make_jaxpr(jax.grad(total))(*args))
    return "checkpoint[" in text or "remat2[" in text or "remat[" in text


def test_a_function_gives_the_same_and_is_computed_again():
    def deep(x, scale=2.0):
        for _ in range(3):
            x = jnp.sin(x * scale)
        return {"x": x, "half": [x / 2]}

    found = hornbook.remat(deep)
    assert found(X, scale=3.0)["half"][0].tolist() == deep(X, scale=3.0)["half"][0].tolist()
    value = lambda fn: lambda x: jnp.sum(fn(x)["x"])  # noqa: E731
    np.testing.assert_allclose(jax.grad(value(found))(X), jax.grad(value(deep))(X), 1e-6)
    assert again(lambda x: found(x)["x"], X) and not again(lambda x: deep(x)["x"], X)


def test_a_function_of_symbols_is_computed_again_in_the_model():
    x = hornbook.Input((3,))
    model = hornbook.Model(x, hornbook.remat(lambda x: jnp.sin(jnp.sin(x)))(x))
    np.testing.assert_allclose(model(X), np.sin(np.sin(X)), 1e-6)
    assert again(model, X)


def test_a_layer_is_computed_again_and_stays_a_layer_of_the_model():
    x = hornbook.Input((3,))
    layer = layers.Dense(4, activation="tanh")
    model = hornbook.Model(x, hornbook.remat(layer)(x))
    assert model.layers[1] is layer
    assert again(model, X)
    plain = layers.Dense(4, activation="tanh")
    np.testing.assert_allclose(hornbook.remat(plain)(X), plain(X), 1e-6)
    assert not again(plain, X)


def made(scope):
    hornbook.utils.set_random_seed(3)
    with scope:
        return hornbook.Sequential(
            [
                hornbook.Input((3,)),
                layers.Dense(16, activation="tanh", name="large"),
                layers.BatchNormalization(name="norm"),
                layers.Dropout(0.3, seed=1, name="drop"),
                layers.ActivityRegularization(l2=0.1, name="penalty"),
                layers.Dense(1, activity_regularizer="l2", name="small"),
            ]
        )


def trained(scope):
    model = made(scope)
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=3, batch_size=4, shuffle=False, verbose=0).history
    return model, history


SCOPES = {
    "full": (hornbook.RematScope("full"), True),
    "activations": (hornbook.RematScope("activations"), True),
    "larger_than": (hornbook.RematScope("larger_than", output_size_threshold=100), True),
    "none that large": (hornbook.RematScope("larger_than", output_size_threshold=10**6), False),
    "list_of_layers": (hornbook.RematScope("list_of_layers", layer_names=["norm"]), True),
    "none of that name": (hornbook.RematScope("list_of_layers", layer_names=["other"]), False),
    "none": (hornbook.RematScope(None), False),
}


@pytest.mark.parametrize("name", SCOPES)
def test_training_in_a_scope_is_training(name):
    scope, computed_again = SCOPES[name]
    model, history = trained(scope)
    plain, wanted = trained(hornbook.RematScope(None))
    for key, values in wanted.items():
        np.testing.assert_allclose(history[key], values, 1e-5)
    for mine, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-5, 1e-6)
    assert again(lambda x: model(x, training=True), X) == computed_again
    assert not again(lambda x: plain(x, training=True), X)


def test_only_layers_made_inside_are_computed_again():
    with hornbook.RematScope("full"):
        inner = layers.Dense(2)
        with hornbook.RematScope(None):
            kept = layers.Dense(2)
    outer = layers.Dense(2)
    assert [again(layer, X) for layer in (inner, kept, outer)] == [True, False, False]


def test_the_threshold_counts_the_batch():
    with hornbook.RematScope("larger_than", output_size_threshold=16):
        layer = layers.Dense(2)
    assert not again(layer, X)
    assert again(layer, np.concatenate([X, X]))


def test_a_model_of_such_layers_can_be_pickled_and_keeps_its_activation():
    model = made(hornbook.RematScope("activations"))
    model(X)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy(X), model(X))
    assert copy.layers[0].activation is hornbook.activations.tanh
    assert again(copy, X)


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match="mode of RematScope is one of"):
        hornbook.RematScope("some")
