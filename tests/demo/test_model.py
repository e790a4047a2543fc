"""The model, its reader, and the pace of training."""

import math

import numpy as np
import pytest

import hornbook as keras
from hornbook.demo.corpus import encode
from hornbook.demo.model import LEARNING_RATE, Pace, Reader, Sizes, build

SIZES = Sizes(embedding=4, units=6, streams=2, steps=5)


@pytest.fixture(scope="module")
def corpus():
    return encode("a rose is a rose is a rose. " * 40, "rose")


@pytest.fixture(scope="module")
def reader(corpus):
    model = build(len(corpus.symbols), SIZES, SIZES.streams, SIZES.steps)
    reader = Reader(model, corpus, SIZES)
    reader.refresh()
    return reader


def test_the_model_is_that_of_the_lesson(reader):
    kinds = [type(layer).__name__ for layer in reader.model.layers]
    assert kinds == ["Embedding", "BatchNormalization", "LSTM", "TimeDistributed"]
    lstm = reader.model.get_layer("lstm")
    assert lstm.stateful
    assert lstm.return_sequences


def test_the_reader_has_the_weights_of_the_model(reader):
    for ours, theirs in zip(reader.twin.get_weights(), reader.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_loss_is_the_mean_over_single_predictions(reader, corpus):
    loss = reader.measure()
    reader.forget()
    p = [reader.predict(a)[b] for a, b in zip(corpus.context, corpus.held_out)]
    assert loss == pytest.approx(-np.log(p).mean(), rel=1e-5)


def test_measuring_twice_gives_the_same(reader):
    assert reader.measure() == reader.measure()


def test_a_reader_remembers_until_it_forgets(reader):
    reader.forget()
    first, second = reader.predict(1), reader.predict(1)
    reader.forget()
    assert np.abs(first - second).max() > 0
    np.testing.assert_array_equal(reader.predict(1), first)


@pytest.mark.parametrize(("characters", "streams"), [(950, 1), (9_000, 7), (440_000, 32)])
def test_a_short_text_has_fewer_streams(characters, streams):
    assert Sizes().fitted(characters).streams == streams


# ---- pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def paced(epochs, deadline, durations):
    """Run a pace through epochs of given durations; rates and the number of epochs."""
    clock = Clock()
    pace = Pace(epochs, deadline, clock)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    pace.set_model(model)
    rates = []
    for epoch in range(epochs):
        pace.on_epoch_begin(epoch)
        rates.append(float(np.asarray(model.optimizer.learning_rate)))
        clock.now += durations[epoch]
        pace.on_train_batch_end(0)
        pace.on_epoch_end(epoch)
        if model.stop_training:
            break
    return pace, rates


def test_the_rate_falls_along_half_a_cosine():
    pace, rates = paced(4, None, [1.0] * 4)
    expected = [LEARNING_RATE * (1 + math.cos(math.pi * e / 4)) / 2 for e in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)
    assert not pace.out_of_time


def test_fewer_epochs_are_run_where_time_is_short():
    pace, rates = paced(8, 35.0, [10.0] * 8)
    assert len(rates) == 3
    assert pace.out_of_time
    # the rate falls as if three epochs had been planned from the first that was measured
    assert rates[2] == pytest.approx(LEARNING_RATE * (1 + math.cos(math.pi * 2 / 3)) / 2, rel=1e-5)


def test_all_epochs_are_run_where_they_just_fit():
    pace, rates = paced(3, 30.0, [10.0] * 3)
    assert len(rates) == 3
    assert not pace.out_of_time


def test_a_slow_first_epoch_does_not_shorten_the_rest_for_good():
    pace, rates = paced(5, 30.0, [9.0, 2.0, 2.0, 2.0, 2.0])
    assert len(rates) == 5
    assert not pace.out_of_time


def test_time_up_ends_an_epoch_half_way():
    pace, rates = paced(8, 5.0, [10.0] * 8)
    assert len(rates) == 1
    assert pace.out_of_time
