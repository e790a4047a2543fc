"""Orbax checkpoints, read here and by Keras."""

import os

import numpy as np
import pytest

import hornbook as keras

pytest.importorskip("orbax.checkpoint")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def make_model(keras):
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(4, activation="relu", name="a"),
        keras.layers.BatchNormalization(name="b"),
        keras.layers.Dense(1, name="c"),
    ]
    model = keras.Sequential(layers, name="m")
    model.compile(keras.optimizers.Adam(0.01, name="adam"), "mse")
    return model


def fit(model, folder, epochs=3, **options):
    save = keras.callbacks.OrbaxCheckpoint(folder, **options)
    history = model.fit(
        X, Y, epochs=epochs, batch_size=4, verbose=0, validation_data=(X, Y), callbacks=[save]
    )
    return history.history


def steps(folder):
    return sorted(int(name) for name in os.listdir(folder) if name.isdigit())


def assert_same(one, other):
    """The same weights and optimizer."""
    for name in ("weights", "optimizer.variables"):
        values = [eval(f"m.{name}", {"m": model}) for model in (one, other)]
        for a, b in zip(*values, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)


def test_a_model_is_read_back(tmp_path):
    model = make_model(keras)
    fit(model, tmp_path, max_to_keep=2)
    assert steps(tmp_path) == [1, 2]
    again = keras.saving.load_model(tmp_path)
    assert_same(model, again)
    expected = model.fit(X, Y, shuffle=False, verbose=0).history
    assert again.fit(X, Y, shuffle=False, verbose=0).history == expected
    first = make_model(keras)
    first.load_weights(tmp_path / "1")
    assert int(first.optimizer.iterations) == 8
    assert not keras.saving.load_model(tmp_path, compile=False)._training_state.compiled


def test_batches_and_weights_alone(tmp_path):
    model = make_model(keras)
    fit(model, tmp_path, save_freq=3, max_to_keep=None, save_weights_only=True)
    assert steps(tmp_path) == [3, 6, 9, 12]
    again = make_model(keras)
    again.load_weights(tmp_path)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match="has weights without a model"):
        keras.saving.load_model(tmp_path)
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    with pytest.raises(ValueError, match="has no place for 'm/a/bias' of shape"):
        other.load_weights(tmp_path)


def test_the_best_alone(tmp_path):
    history = fit(
        make_model(keras), tmp_path, 4, save_best_only=True, mode="max", max_to_keep=None,
        save_on_background=False,
    )["val_loss"]  # fmt: skip
    best = [i for i, loss in enumerate(history) if loss == max(history[: i + 1])]
    assert steps(tmp_path) == best
    with pytest.warns(UserWarning, match="no value 'val_acc' to monitor"):
        fit(make_model(keras), tmp_path / "b", 1, monitor="val_acc", save_best_only=True)
    assert steps(tmp_path / "b") == []


def test_files_are_those_of_keras(tmp_path):
    theirs = pytest.importorskip("keras")
    ours = make_model(keras)
    fit(ours, tmp_path / "ours", 1)
    read = make_model(theirs)  # Keras's load_model leaves a Sequential's weights as they are
    read.optimizer.build(read.trainable_variables)
    read.load_weights(tmp_path / "ours")
    assert_same(ours, read)
    assert theirs.saving.load_model(tmp_path / "ours").name == "m"
    model = make_model(theirs)
    save = theirs.callbacks.OrbaxCheckpoint(tmp_path / "theirs")
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[save])
    again = keras.saving.load_model(tmp_path / "theirs")
    np.testing.assert_allclose(
        again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_vocabularies_are_saved_too(tmp_path):
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"], name="words")
    inputs = keras.Input((1,), dtype="string")
    model = keras.Model(inputs, keras.layers.Embedding(4, 1, name="e")(lookup(inputs)))
    model.compile("sgd", "mse")
    words, y = np.array([["a"], ["b"]]), np.ones((2, 1, 1))
    save = keras.callbacks.OrbaxCheckpoint(tmp_path)
    model.fit(words, y, verbose=0, callbacks=[save])
    again = keras.saving.load_model(tmp_path)
    np.testing.assert_array_equal(again.predict(words), model.predict(words))


def test_a_state_tree_goes_there_and_back():
    model, other = make_model(keras), make_model(keras)
    model.fit(X, Y, verbose=0)
    other.optimizer.build(other.trainable_variables)
    tree = model.get_state_tree("numpy_array")
    assert sorted(tree) == [
        "metrics_variables", "non_trainable_variables", "optimizer_variables",
        "trainable_variables",
    ]  # fmt: skip
    other.set_state_tree(tree)
    assert_same(model, other)
    with pytest.raises(ValueError, match="there is no 'weights'"):
        other.set_state_tree({"weights": {}})
