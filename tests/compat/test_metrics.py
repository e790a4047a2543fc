"""Metrics of Keras 1: one number per batch."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score, matthews_corrcoef, precision_score, recall_score

from hornbook.compat.install import installed

RNG = np.random.default_rng(0)
TRUE = (RNG.random(40) > 0.4).astype("float32")
PREDICTED = RNG.random(40).astype("float32")


@pytest.fixture
def metrics():
    with installed("keras1"):
        from keras import metrics

        yield metrics


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("precision", precision_score),
        ("recall", recall_score),
        ("fmeasure", lambda y, p: fbeta_score(y, p, beta=1)),
        ("matthews_correlation", matthews_corrcoef),
        ("binary_accuracy", lambda y, p: np.mean(y == p)),
    ],
)
def test_scores_are_those_of_scikit_learn(metrics, name, oracle):
    found = getattr(metrics, name)(TRUE, PREDICTED)
    np.testing.assert_allclose(found, oracle(TRUE, PREDICTED > 0.5), rtol=1e-5)


def test_losses_are_means(metrics):
    y, p = np.eye(4, dtype="float32"), np.full((4, 4), 0.25, "float32")
    np.testing.assert_allclose(metrics.categorical_crossentropy(y, p), np.log(4), rtol=1e-5)
    assert metrics.mse(y, p).shape == () == metrics.categorical_accuracy(y, p).shape
    along = y / np.linalg.norm(y, axis=1, keepdims=True) * 0.5
    np.testing.assert_allclose(metrics.cosine_proximity(y, p), -np.mean(along), rtol=1e-5)


def test_a_score_is_a_metric_of_training(metrics):
    import keras

    model = keras.models.Sequential([keras.layers.Dense(1, activation="sigmoid", input_dim=3)])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", metrics.recall, "fmeasure"])
    x = RNG.normal(size=(40, 3)).astype("float32")
    history = model.fit(x, TRUE, nb_epoch=1, batch_size=40, verbose=0)
    assert {"acc", "recall", "fmeasure"} <= {*history.history}
    with pytest.raises(ValueError, match="beta"):
        metrics.fbeta_score(TRUE, PREDICTED, -1)
