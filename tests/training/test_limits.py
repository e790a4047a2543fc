"""`config.set_max_epochs` and `set_max_steps_per_epoch`: quick trial runs of any program."""

import keras as theirs
import numpy as np
import pytest

import hornbook as keras

X, Y = np.arange(40, dtype="float32")[:, None], np.ones((40, 1), "float32")


@pytest.fixture(params=[keras, theirs], ids=["here", "Keras"])
def k(request):
    yield request.param
    request.param.config.set_max_epochs(None)
    request.param.config.set_max_steps_per_epoch(None)


def model_of(k):
    model = k.Sequential([k.Input((1,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def batches():
    for start in range(0, 40, 4):
        yield X[start : start + 4], Y[start : start + 4]


def test_there_is_no_limit_at_the_start(k):
    assert k.config.max_epochs() is None and k.config.max_steps_per_epoch() is None


def test_fit_trains_no_more_epochs_than_the_limit(k):
    k.config.set_max_epochs(2)
    assert k.config.max_epochs() == 2
    model = model_of(k)
    with pytest.warns(UserWarning, match="(?i)limit"):
        assert model.fit(X, Y, epochs=5, verbose=0).epoch == [0, 1]
    assert model.fit(X, Y, epochs=1, verbose=0).epoch == [0]


@pytest.mark.filterwarnings("ignore:.*shuffle=True")  # of Keras
@pytest.mark.parametrize("source", ["arrays", "generator"])
def test_epochs_evaluations_and_predictions_have_no_more_steps(k, source):
    k.config.set_max_steps_per_epoch(3)
    assert k.config.max_steps_per_epoch() == 3
    model = model_of(k)
    data = (X, Y) if source == "arrays" else (batches(),)
    size = {"batch_size": 4} if source == "arrays" else {}
    with pytest.warns(UserWarning, match="(?i)limit"):
        model.fit(*data, **size, verbose=0)
    assert int(model.optimizer.iterations) == 3
    data = X if source == "arrays" else ((x,) for x, _ in batches())
    with pytest.warns(UserWarning, match="(?i)limit"):
        assert len(model.predict(data, **size, verbose=0)) == 12
    data = (X, Y) if source == "arrays" else (batches(),)
    weights = [np.array([[2.0]]), np.array([1.0])]
    model.set_weights(weights)
    with pytest.warns(UserWarning, match="(?i)limit"):
        found = model.evaluate(*data, **size, verbose=0)
    np.testing.assert_allclose(found, np.mean((2 * X[:12]) ** 2), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:the data ended")
def test_fewer_steps_than_the_limit_stay_as_they_are():
    keras.config.set_max_steps_per_epoch(3)
    try:
        model = model_of(keras)
        model.fit(X, Y, batch_size=4, steps_per_epoch=2, verbose=0)
        assert int(model.optimizer.iterations) == 2
        with pytest.warns(UserWarning, match="limit"):
            model.fit(X[:8], Y[:8], batch_size=4, verbose=0)
        assert int(model.optimizer.iterations) == 4
    finally:
        keras.config.set_max_steps_per_epoch(None)
