"""`epoch_metrics`: functions of all targets and predictions of a validation."""

import numpy as np
import pytest
from sklearn import metrics

import hornbook as keras

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)).astype("float32")
CLASSES = X[:, :3].argmax(1)
FUNCTIONS = {
    "f1": lambda true, pred: metrics.f1_score(true, pred, average="macro"),
    "kappa": metrics.cohen_kappa_score,
}


def make_model(units, activation, loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])
    model.compile("adam", loss, **options)
    return model


def test_a_validation_is_measured_as_a_whole():
    model = make_model(1, "sigmoid", "binary_crossentropy", metrics=["accuracy"])
    y = (CLASSES == 0).astype(int)
    functions = {
        "f1": metrics.f1_score,
        "auc": metrics.roc_auc_score,
        "loss_again": metrics.log_loss,
        "own": lambda true, pred: (true.shape, pred.shape),
    }
    history = model.fit(
        X, y, epochs=2, validation_split=0.4, verbose=0, epoch_metrics=functions
    ).history
    pred = model.predict(X[54:], verbose=0)[:, 0]
    assert history["val_f1"][-1] == metrics.f1_score(y[54:], pred > 0.5)
    assert history["val_auc"][-1] == metrics.roc_auc_score(y[54:], pred)
    assert history["val_loss_again"] == pytest.approx(history["val_loss"], rel=1e-5)
    assert history["val_own"] == [((36,), (36,))] * 2


@pytest.mark.parametrize("one_hot", [False, True])
def test_classes_become_labels(one_hot):
    kind = "categorical" if one_hot else "sparse_categorical"
    model = make_model(3, "softmax", f"{kind}_crossentropy", metrics=["accuracy"])
    y = np.eye(3)[CLASSES] if one_hot else CLASSES
    functions = {"same": metrics.accuracy_score, "matrix": metrics.confusion_matrix}
    found = model.evaluate(X, y, verbose=0, return_dict=True, epoch_metrics=functions)
    assert found["same"] == pytest.approx(found["accuracy"])
    labels = model.predict(X, verbose=0).argmax(1)
    np.testing.assert_array_equal(found["matrix"], metrics.confusion_matrix(CLASSES, labels))


def test_logits_and_multiple_labels_have_their_threshold():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model = make_model(3, None, loss)
    functions = {"same": metrics.accuracy_score}
    for y in (X[:, :3] > 0, np.array([[0.25, 0.75, 0], [0.5, 0.5, 0]])[CLASSES % 2]):  # soft, too
        y = y.astype("float32")
        found = model.evaluate(X, y, verbose=0, return_dict=True, epoch_metrics=functions)
        labels = model.predict(X, verbose=0) > 0
        assert found["same"] == metrics.accuracy_score(y > 0.5, labels)


def test_targets_of_regression_and_of_batches_stay_numbers():
    model = make_model(1, None, "mse")
    batches = [(X[:50], X[:50].sum(1)), (X[50:], X[50:].sum(1))]
    functions = {"r2": metrics.r2_score, "mse": metrics.mean_squared_error}
    found = model.evaluate(iter(batches), verbose=0, return_dict=True, epoch_metrics=functions)
    assert found["mse"] == pytest.approx(found["loss"], rel=1e-5)
    assert found["r2"] == metrics.r2_score(X.sum(1), model.predict(X, verbose=0)[:, 0])


def test_outputs_are_named():
    x = keras.Input((4,))
    outputs = [keras.layers.Dense(1, name=name)(x) for name in ("one", "two")]
    model = keras.Model(x, outputs)
    model.compile("sgd", "mse")
    y = [X[:, :1], X[:, 1:2]]
    given = {"two": {"mae": metrics.mean_absolute_error}}
    found = model.evaluate(X, y, verbose=0, return_dict=True, epoch_metrics=given)
    expected = metrics.mean_absolute_error(y[1], model.predict(X, verbose=0)[1])
    assert found["two_mae"] == pytest.approx(expected)
    for wrong in ({"mae": metrics.mean_absolute_error}, {"three": {}}, [1]):
        with pytest.raises(ValueError, match="'one', 'two'"):
            model.evaluate(X, y, verbose=0, epoch_metrics=wrong)


def test_what_cannot_be_measured_is_an_error():
    model = make_model(1, None, "mse")
    with pytest.raises(ValueError, match="needs validation_data"):
        model.fit(X, CLASSES, verbose=0, epoch_metrics={"r2": metrics.r2_score})
    with pytest.raises(ValueError, match="names to functions"):
        model.evaluate(X, CLASSES, verbose=0, epoch_metrics={"r2": "r2"})
