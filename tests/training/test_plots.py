"""Figures of a training, and the learning-rate finder."""

import numpy as np
import pytest

import hornbook as keras

matplotlib = pytest.importorskip("matplotlib")
X = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
Y = X @ np.array([1.0, -2.0, 3.0, 0.5], "float32")[:, None]


@pytest.fixture(autouse=True)
def closed():
    matplotlib.use("agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def make_model(rate=0.01):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1), keras.layers.BatchNormalization()]
    )
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    return model


def test_a_history_has_a_panel_for_each_value():
    history = make_model().fit(
        X, Y, epochs=4, validation_split=0.2, validation_freq=2, verbose=0,
        callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1**epoch)],
    )  # fmt: skip
    figure = history.plot()
    assert [panel.get_title() for panel in figure.axes] == ["loss", "mae", "learning_rate"]
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["training"].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(lines["training"].get_ydata(), history.history["loss"])
    np.testing.assert_array_equal(lines["validation"].get_xdata(), [2, 4])
    assert figure.axes[2].get_yscale() == "log"
    with pytest.raises(ValueError, match="no epoch"):
        keras.callbacks.History().plot()


def test_the_finder_raises_the_rate_and_restores_everything():
    model = make_model()
    model.fit(X, Y, verbose=0)
    before = [np.array(v) for v in (*model.variables, *model.optimizer.variables)]
    finder = keras.callbacks.LearningRateFinder(1e-5, 100.0, steps=60)
    history = model.fit(X, Y, epochs=20, verbose=0, callbacks=[finder])
    after = [np.array(v) for v in (*model.variables, *model.optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(finder.rates, np.geomspace(1e-5, 100.0, 60)[: len(finder.rates)])
    assert len(history.epoch) <= 6
    first = keras.ops.mean(keras.losses.mean_squared_error(Y, model(X, training=True)))
    assert np.mean(finder.losses[:10]) == pytest.approx(float(first), rel=0.2)  # of single batches
    assert 1e-4 < finder.suggestion < 10
    figure = finder.plot()
    assert figure.axes[0].get_xscale() == "log"


def test_the_finder_stops_where_the_loss_grows():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    finder = keras.callbacks.LearningRateFinder(1e-3, 1e3, steps=100)
    model.fit(X, Y, epochs=20, verbose=0, callbacks=[finder])
    assert len(finder.rates) < 100
    assert finder.smoothed[-1] > 4 * min(finder.smoothed)


def test_the_finder_refuses_what_it_cannot_use():
    for arguments in ((1.0, 0.1), (0.1, 1.0, 1), (0.1, 1.0, 5, 1.0), (0.1, 1.0, 5, 0.9, 1.0)):
        with pytest.raises(ValueError, match="LearningRateFinder"):
            keras.callbacks.LearningRateFinder(*arguments)
    model = make_model(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(ValueError, match="schedule"):
        model.fit(X, Y, verbose=0, callbacks=[keras.callbacks.LearningRateFinder()])
    with pytest.raises(ValueError, match="no losses"):
        _ = keras.callbacks.LearningRateFinder().suggestion
