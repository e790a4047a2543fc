"""Models as scikit-learn estimators."""

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import hornbook as keras  # noqa: E402
from hornbook import layers  # noqa: E402
from hornbook.wrappers import (  # noqa: E402
    SKLearnClassifier,
    SKLearnRegressor,
    SKLearnTransformer,
)


def line(x, y, rate=0.1):
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def judge(x, y):
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    return model


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(90, 3)) * [1.0, 10.0, 0.1]


def test_regressor_learns_in_a_pipeline_and_under_cross_validation(features):
    target = features @ [1.0, 0.1, 10.0]
    model = make_pipeline(StandardScaler(), SKLearnRegressor(line, fit_kwargs={"epochs": 60}))
    assert cross_val_score(model, features, target, cv=3).min() > 0.9


def test_classifier_gives_back_labels_of_any_type(features):
    labels = np.where(features[:, 0] > 0, "up", "down")
    model = SKLearnClassifier(judge, fit_kwargs={"epochs": 30}).fit(features / [1, 10, 0.1], labels)
    assert model.score(features / [1, 10, 0.1], labels) > 0.9
    np.testing.assert_allclose(model.predict_proba(features).sum(1), 1, rtol=1e-5)


def test_grid_search_sets_arguments_of_the_model(features):
    search = GridSearchCV(
        SKLearnRegressor(line, fit_kwargs={"epochs": 5}),
        {"model_kwargs": [{"rate": 0.0}, {"rate": 0.1}]},
        cv=2,
        error_score="raise",
    )
    search.fit(features / [1, 10, 0.1], features[:, 0])
    assert search.best_params_ == {"model_kwargs": {"rate": 0.1}}


def test_each_fit_starts_anew_unless_warm(features):
    target = features[:, 0]
    cold = SKLearnRegressor(line).fit(features, target)
    first = cold.model_
    assert clone(cold).fit(features, target).model_ is not first
    assert cold.fit(features, target).model_ is not first
    warm = SKLearnRegressor(line, warm_start=True).fit(features, target)
    first = warm.model_
    assert warm.fit(features, target).model_ is first


def test_a_model_in_the_place_of_a_function_is_explained(features):
    with pytest.raises(TypeError, match="function"):
        SKLearnRegressor(line(features, None)).fit(features, features[:, 0])


def line2(x, y):
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(y.shape[-1])])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    return model


def test_a_transformer_stands_in_a_pipeline(features):
    target = features @ [[1.0, 0.0], [0.1, 0.0], [0.0, 10.0]]
    scaled = StandardScaler().fit_transform(features)
    transformer = SKLearnTransformer(line2, fit_kwargs={"epochs": 60})
    found = make_pipeline(StandardScaler(), transformer).fit_transform(features, target)
    assert found.shape == target.shape and np.corrcoef(found[:, 0], target[:, 0])[0, 1] > 0.9
    assert clone(transformer).fit(scaled).transform(scaled).shape == scaled.shape


def test_the_door_has_the_names_of_keras():
    reference = pytest.importorskip("keras")
    names = {name for name in dir(reference.wrappers) if not name.startswith("_")}
    assert names <= set(keras.wrappers.__all__)
