"""Arrays as one slab: the partial last batch, and an order drawn ahead of its use."""

import numpy as np
import pytest

import hornbook as keras
from hornbook.core.random import host_generator
from hornbook.training.feed import ArrayFeed
from hornbook.training.loop import Program


def data(rows=21):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3)).astype("float32")
    return x, x @ np.array([[1.0], [-2.0], [0.5]], "float32")


def model(optimizer="adam"):
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


@pytest.fixture
def dispatched(monkeypatch) -> list:
    """The first step of each dispatch and the one after its last."""
    seen = []
    finish = Program.finish

    def watched(self, running, *rest):
        logs, done, finite = finish(self, running, *rest)
        seen.append((running.first, done))
        return logs, done, finite

    monkeypatch.setattr(Program, "finish", watched)
    return seen


def by_hand(epochs):
    """The same training, a batch at a time."""
    made = model()
    x, y = data()
    for start in [*range(0, 21, 8)] * epochs:
        made.train_on_batch(x[start : start + 8], y[start : start + 8])
    return made.get_weights()


def test_the_smaller_last_batch_is_trained_after_the_others_in_one_dispatch(dispatched):
    made = model()
    made.fit(*data(), 8, epochs=3, shuffle=False, verbose=0)
    assert dispatched[-1] == (0, 3)
    np.testing.assert_allclose(made.get_weights()[0], by_hand(3)[0], rtol=1e-5)


def test_who_listens_to_every_batch_hears_of_the_smaller_last_one(dispatched):
    made, heard = model(), []
    ear = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: heard.append(batch))
    made.fit(*data(), 8, epochs=2, shuffle=False, verbose=0, callbacks=[ear])
    assert heard == [0, 1, 2] * 2
    assert dispatched == [(0, 1), (1, 2), (2, 3)] * 2
    np.testing.assert_allclose(made.get_weights()[0], by_hand(2)[0], rtol=1e-5)


def test_a_bad_loss_in_the_smaller_last_batch_is_told_and_changes_nothing():
    x, y = data()
    y[20] = np.nan
    made, other = model(), model()
    with pytest.warns(RuntimeWarning, match="batch 2: the loss is not finite.*the batch's y"):
        made.fit(x, y, 8, shuffle=False, verbose=0)
    other.fit(x[:16], y[:16], 8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(made.get_weights()[0], other.get_weights()[0])


def test_the_last_batch_is_not_trained_when_a_loss_before_it_was_bad_and_training_ends():
    x, y = data()
    y[8] = np.nan
    made = model()
    with pytest.warns(RuntimeWarning, match="batch 1"):
        made.fit(x, y, 8, shuffle=False, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    other = model()
    other.train_on_batch(x[:8], y[:8])
    np.testing.assert_allclose(made.get_weights()[0], other.get_weights()[0], rtol=1e-6)


def test_predictions_and_evaluations_take_the_smaller_last_batch_in():
    x, y = data()
    made = model()
    assert made.predict(x, 8, verbose=0).shape == (21, 1)
    np.testing.assert_allclose(
        made.predict(x, 8, verbose=0), made.predict(x, 21, verbose=0), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        made.evaluate(x, y, 8, verbose=0), made.evaluate(x, y, 21, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_orders_drawn_ahead_are_those_that_would_have_been_drawn(shuffle):
    def orders(ahead, between):
        keras.utils.set_random_seed(3)
        feed, found = ArrayFeed(data(), 8, shuffle), []
        for _ in range(4):
            slabs = feed.epoch()
            found.append(next(slabs).order)
            if ahead:
                assert not list(slabs)  # all slabs are consumed, so the next order is drawn
            if between:
                found.append(host_generator().random(3))
        return found

    for between in (False, True):
        for one, other in zip(orders(False, between), orders(True, between), strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_order_drawn_ahead_is_forgotten_when_the_seed_is_set():
    feed = ArrayFeed(data(), 8, True)
    list(feed.epoch())
    keras.utils.set_random_seed(5)
    wanted = host_generator().permutation(21)
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(feed.order(), wanted)
