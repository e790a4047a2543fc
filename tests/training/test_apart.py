"""Predictions and evaluations of new batch sizes in a few compiled sizes."""

import numpy as np
import pytest

import hornbook as keras
from hornbook.training.apart import results_add_up, rows_are_apart, rows_can_be_added
from tests.training.test_sizes import new_model

L = keras.layers
X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X[:, :1].copy()
APART = {
    "dense": (L.Dense(2, "relu"), (3,)),
    "batch normalization": (L.BatchNormalization(), (3,)),
    "convolution": (L.Conv2D(2, 3, activation="relu"), (8, 8, 3)),
    "recurrence": (L.Bidirectional(L.LSTM(2)), (4, 3)),
    "attention": (lambda t: L.MultiHeadAttention(1, 2)(t, t), (4, 3)),
    "concatenation": (lambda t: L.Concatenate()([t, t]), (3,)),
    "elementwise": (lambda t: t * 2.0 + t, (3,)),
}
MIXED = {
    "the user's activation": (L.Dense(2, lambda x: x - x.mean()), (3,)),
    "the user's function": (L.Lambda(lambda x: x - x.mean()), (3,)),
    "dropout": (lambda t: L.Dropout(0.5)(t, training=True), (3,)),
    "statistics of the batch": (lambda t: L.BatchNormalization()(t, training=True), (3,)),
    "a mean over rows": (lambda t: t - keras.ops.mean(t, axis=0), (3,)),
    "broadcasting": (lambda t: t + L.Reshape((3, 1))(t), (3,)),
    "an axis": (L.Softmax(axis=0), (3,)),
    "an axis from the end": (L.Softmax(axis=-2), (3,)),
}


@pytest.mark.parametrize("name", [*APART, *MIXED])
def test_rows_are_apart_in_known_layers_only(name):
    function, shape = (APART | MIXED)[name]
    inputs = keras.Input(shape)
    assert rows_are_apart(keras.Model(inputs, function(inputs))) == (name in APART)


def test_states_and_fixed_batches_are_not_apart():
    for layer, shape in ((L.LSTM(2, stateful=True), (4, 3)), (L.Dense(2), (3,))):
        inputs = keras.Input(shape, batch_size=2)
        assert not rows_are_apart(keras.Model(inputs, layer(inputs)))


def test_new_sizes_of_predictions_are_padded():
    model = new_model()
    whole = np.asarray(model(X))
    for rows in (40, 1, 2, 4, 3, 37, 25, 29, 33):
        np.testing.assert_allclose(model.predict_on_batch(X[:rows]), whole[:rows], 1e-5, 1e-6)
    sizes = sorted(shape[0] for shape, _ in model._training_state.forward.known)
    assert sizes == [1, 2, 4, 32, 40, 64]


def test_new_sizes_of_evaluations_run_in_pieces():
    model = new_model()
    weights = np.random.default_rng(1).uniform(size=40).astype("float32")
    asked = {"batch_size": 8, "verbose": 0}
    model.evaluate(X[:33], Y[:33], **asked)
    found = model.evaluate(X[:39], Y[:39], sample_weight=weights[:39], **asked)
    other = new_model().evaluate(X[:39], Y[:39], sample_weight=weights[:39], **asked)
    np.testing.assert_allclose(found, other, rtol=1e-5)
    runs = model._training_state.by_mode["test"].run
    assert {batch for _, batch, *_ in runs.chosen} == {8, 4, 2, 1}


def trained(last, compiled, weights=None, sizes=(40, 43, 58, 61)):
    """Losses, weights and slots after fits of these sizes, and the sizes of the programs."""
    keras.utils.set_random_seed(1)
    layers = [L.Dense(6, "relu", kernel_regularizer="l2"), L.Dense(2, last)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(**compiled)
    found = []
    for n in sizes:
        rows = np.arange(n) % 40
        y = (X[rows, 0] > 0).astype("int32") if last else X[rows, :2]
        given = None if weights is None else weights[rows]
        done = model.fit(X[rows], y, 16, epochs=2, sample_weight=given, verbose=0)
        found += [*done.history.values()]
    programs = model._training_state.by_mode["train"].run.chosen
    slots = [v.numpy() for v in model.optimizer.variables]
    return [*found, *model.get_weights(), *slots], {(rest, batch) for rest, batch, *_ in programs}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("last", ["softmax", None])
def test_new_sizes_of_last_batches_are_padded_in_training(last, weighted, monkeypatch):
    classes = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    numbers = {"loss": "huber", "weighted_metrics": ["mae"]}
    compiled = {"optimizer": "adam"} | (classes if last else numbers)
    weights = np.random.default_rng(1).uniform(size=40).astype("float32") if weighted else None
    found, programs = trained(last, compiled, weights)
    assert programs == {(8, 16), (0, 16)}
    monkeypatch.setattr("hornbook.training.step.rows_can_be_added", lambda model: False)
    wanted, programs = trained(last, compiled, weights)
    assert programs == {(8, 16), (0, 11), (0, 10), (0, 13)}
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "mse", "metrics": ["auc"]},
        {"loss": ["mse", "mae"]},
        {"loss": keras.losses.CategoricalCrossentropy(axis=0)},
    ],
)
def test_what_counts_rows_itself_is_trained_at_its_own_size(options):
    inputs = keras.Input((3,))
    outputs = L.Dense(2)(inputs)
    model = keras.Model(inputs, [outputs] * 2 if isinstance(options["loss"], list) else outputs)
    model.compile("sgd", **options)
    y = X[:8, :2]
    model.fit(X[:8], [y, y] if isinstance(options["loss"], list) else y, verbose=0)
    assert not rows_can_be_added(model)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": keras.losses.MeanSquaredError(reduction="sum")},
        {"loss": lambda y, p: abs(y - p)},
        {"loss": "mse", "metrics": [lambda y, p: (y - p).max()]},
    ],
)
def test_what_does_not_add_up_is_evaluated_whole(options):
    model = new_model()
    model.compile("sgd", **options)
    model.evaluate(X[:8], Y[:8], verbose=0)
    assert not results_add_up(model)
