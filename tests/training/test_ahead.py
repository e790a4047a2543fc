"""An epoch starts before the previous one's results are read, if nothing needs them in between."""

import gc
import os
import signal
import warnings

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.training.loop import Program

ROWS, BATCH = 90, 16  # five batches, and one that is smaller


def numbers(bad=None):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4)).astype("float32")
    y = x @ np.float32([[1], [2], [-1], [0.5]])
    if bad is not None:
        x[bad] = np.inf
    return x, y


def fresh(at_once):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"], steps_per_execution=at_once)
    return model


def fitted(x, y, epochs=4, watched=False, **settings):
    """A model after `fit`: its history, its variables and its step count."""
    model = fresh(settings.pop("at_once", 1))
    if watched:
        settings["callbacks"] = [keras.callbacks.LambdaCallback(on_epoch_end=lambda *args: None)]
    history = model.fit(x, y, BATCH, epochs=epochs, verbose=0, **settings).history
    return history, model.get_weights(), int(model.optimizer.iterations.value)


@pytest.fixture
def events(monkeypatch) -> list[str]:
    """The order in which runs of steps were started and finished."""
    seen = []

    def watch(name):
        method = getattr(Program, name)

        def watched(self, *args, **more):
            seen.append(name)
            return method(self, *args, **more)

        monkeypatch.setattr(Program, name, watched)

    watch("start")
    watch("finish")
    return seen


def assert_equal(one, other):
    assert one[2] == other[2]
    assert list(one[0]) == list(other[0])
    for a, b in zip([*one[0].values(), *one[1]], [*other[0].values(), *other[1]], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("at_once", "shuffle"), [(1, "batch"), (4, True), (4, "batch"), (100, False), (100, True)]
)
def test_training_is_the_same_whether_somebody_looks_or_not(at_once, shuffle):
    settings = {"at_once": at_once, "shuffle": shuffle}
    assert_equal(fitted(*numbers(), **settings), fitted(*numbers(), watched=True, **settings))


def test_the_next_epoch_is_started_before_this_one_is_finished(events):
    fitted(*numbers(), epochs=3, at_once=100)
    assert events == ["start", "start", "finish", "start", "finish", "finish"]


@pytest.mark.parametrize(
    "settings",
    [
        {"watched": True},
        {"validation_split": 0.2},
        {"callbacks": [keras.callbacks.EarlyStopping("loss")]},
    ],
    ids=["callback", "validation", "early stopping"],
)
def test_where_somebody_looks_each_epoch_is_finished_first(settings, events):
    fitted(*numbers(), at_once=100, **settings)
    assert events[::2] == ["start"] * (len(events) // 2)


def test_a_generator_is_asked_for_no_more_than_its_epoch(events):
    drawn = []
    x, y = numbers()

    def batches():
        while True:
            drawn.append(1)
            yield x[:BATCH], y[:BATCH]

    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(drawn) == 6
    assert events[::2] == ["start"] * (len(events) // 2)


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_loss_that_is_not_finite_is_met_in_each_epoch_and_nothing_is_left_out(at_once):
    x, y = numbers(bad=40)
    runs = []
    for watched in (False, True):
        with pytest.warns(RuntimeWarning, match="the loss is not finite") as said:
            runs.append(fitted(x, y, watched=watched, at_once=at_once))
        assert len(said) == 1
    assert_equal(*runs)
    assert runs[0][2] == 4 * 5  # one of the six steps of each epoch changes nothing


def test_an_interrupt_ends_training_after_what_was_started(monkeypatch):
    finish, done = Program.finish, []

    def press(self, running, *args):
        logs, stop, finite = finish(self, running, *args)
        done.append(stop - running.first)
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return logs, stop, finite

    monkeypatch.setattr(Program, "finish", press)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fresh(100)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*numbers(), BATCH, epochs=50, verbose=0)
    assert done == [6, 6, 6, 6]  # the fourth run had started
    assert int(model.optimizer.iterations) == sum(done)
    assert len(model.history.history["loss"]) == 3


def test_the_data_is_let_go_when_training_is_over():
    def large():
        gc.collect()
        return len([a for a in jax.live_arrays() if a.ndim == 2 and len(a) >= ROWS])

    before = large()
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(*numbers(), BATCH, epochs=2, verbose=0)
    assert large() == before
