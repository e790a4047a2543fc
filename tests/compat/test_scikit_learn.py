"""`keras.wrappers.scikit_learn`: in searches, pipelines and other processes."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from hornbook.compat.install import installed

pytest.importorskip("sklearn")

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

X = np.random.default_rng(0).normal(size=(24, 3))
LABELS = np.where(X[:, 0] > 0, "up", "down")


@pytest.fixture(params=["keras1", "keras2"])
def keras(request):
    with installed(request.param):
        import keras

        yield keras


def judge(units=2):
    from keras.layers import Dense
    from keras.models import Sequential

    model = Sequential()
    model.add(Dense(units, activation="relu", input_dim=3))
    model.add(Dense(1, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def test_a_classifier(keras):
    kind = keras.wrappers.scikit_learn.KerasClassifier
    one = kind(build_fn=judge, units=3, nb_epoch=2, batch_size=8, verbose=0)
    history = one.fit(X, LABELS)
    assert len(history.epoch) == 2 and one.model.layers[0].units == 3
    assert one.classes_.tolist() == ["down", "up"] and set(one.predict(X)) <= {"down", "up"}
    shares = one.predict_proba(X)
    assert shares.shape == (24, 2)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    assert one.score(X, LABELS) == pytest.approx((one.predict(X) == LABELS).mean())
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_allclose(again.predict_proba(X), shares, rtol=1e-5)
    assert one.get_params()["units"] == 3
    with pytest.raises(ValueError, match="unit is not a legal parameter"):
        kind(build_fn=judge, unit=3)
    with pytest.raises(ValueError, match="needs build_fn"):
        kind()


def test_searches_and_pipelines(keras):
    kind = keras.wrappers.scikit_learn.KerasClassifier
    grid = GridSearchCV(kind(build_fn=judge, verbose=0), {"units": [1, 2]}, cv=2)
    grid.fit(X, LABELS)
    assert grid.best_params_["units"] in (1, 2) and np.isfinite(grid.best_score_)
    assert not np.isnan(grid.cv_results_["mean_test_score"]).any()
    search = RandomizedSearchCV(
        Pipeline([("scale", StandardScaler()), ("model", kind(build_fn=judge, verbose=0))]),
        {"model__batch_size": [6, 12]},
        n_iter=1,
        cv=2,
    )
    search.fit(X, LABELS)
    assert set(search.predict(X)) <= {"down", "up"}


def test_one_hot_targets_and_a_builder_that_is_the_class(keras):
    class Own(keras.wrappers.scikit_learn.KerasClassifier):
        def __call__(self, rate=0.1):
            model = keras.models.Sequential()
            model.add(keras.layers.Dense(3, activation="softmax", input_dim=3))
            model.compile(keras.optimizers.SGD(lr=rate), "categorical_crossentropy")
            return model

    own = Own(rate=0.5, verbose=0)
    own.fit(X, np.arange(24) % 3)
    assert own.predict_proba(X).shape == (24, 3)
    assert float(own.model.optimizer.lr) == 0.5
    own.fit(X, np.eye(3)[np.arange(24) % 3])
    with pytest.raises(ValueError, match="does not compute accuracy"):
        own.score(X, np.arange(24) % 3)


def test_a_regressor(keras):
    def line():
        model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3)])
        model.compile("sgd", "mse")
        return model

    one = keras.wrappers.scikit_learn.KerasRegressor(build_fn=line, verbose=0)
    one.fit(X, X[:, 1])
    assert one.predict(X).shape == (24,)
    loss = ((one.predict(X) - X[:, 1]) ** 2).mean()
    sign = 1 if keras.__version__ < "2" else -1
    assert one.score(X, X[:, 1]) == pytest.approx(sign * loss, rel=1e-4)


def test_in_other_processes(long):
    with installed("keras2"):
        from keras.layers import Dense
        from keras.models import Sequential
        from keras.wrappers.scikit_learn import KerasClassifier

        def build():
            model = Sequential([Dense(1, activation="sigmoid", input_dim=3)])
            model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
            return model

        one = KerasClassifier(build_fn=build, epochs=1, verbose=0)
        if not long:  # what joblib does, without the other processes
            cloudpickle = pytest.importorskip("cloudpickle")
            told = cloudpickle.dumps(one)
        else:
            assert np.isfinite(cross_val_score(one, X, LABELS, cv=2, n_jobs=2)).all()
            return
    code = "import pickle, sys; pickle.load(sys.stdin.buffer).fit([[1.0, 2, 3]] * 2, [0, 1])"
    done = subprocess.run(
        [sys.executable, "-c", code], input=told, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
