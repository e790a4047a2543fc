"""Batches of a source: those that arrive while the device is busy are sent together."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hornbook as keras
from hornbook.training import feed, loop
from hornbook.training.feed import IterableFeed, Stack
from hornbook.training.loop import Program

ROWS, STEPS = 4, 200


@pytest.fixture
def eager_to_stack(monkeypatch):
    """Pretend that steps take long enough to be worth another compilation, on a slow device."""
    monkeypatch.setattr(Program, "many_pay", lambda self, data, rows: True)
    monkeypatch.setattr(Program, "works", lambda self, running: True)


@pytest.fixture
def dispatched(monkeypatch) -> list:
    """How many steps each dispatch ran."""
    steps = []
    start_of = Program.start

    def watched(self, slab, start, stop, *args):
        steps.append(stop - start)
        return start_of(self, slab, start, stop, *args)

    monkeypatch.setattr(Program, "start", watched)
    return steps


def numbers(seed: int, count: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count * ROWS, 3)).astype("float32"), rng.normal(size=(count * ROWS, 1))


def batches(x: Any, y: Any, *weight: Any) -> Iterator:
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        yield tuple(part[rows] for part in (x, y, *weight))


def linear(**kwargs: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"], **kwargs)
    return model


def test_batches_that_come_together_are_trained_as_one_by_one(
    eager_to_stack, dispatched, monkeypatch
):
    x, y = numbers(0)
    x, y = x[:-1], y[:-1]  # the last batch is smaller
    weight = np.random.default_rng(1).random(len(x)).astype("float32")

    def run(*data):
        dispatched.clear()
        model = linear()
        history = model.fit(batches(*data), validation_data=batches(*data), verbose=0).history
        return history, model.get_weights(), list(dispatched)

    for data in ((x, y), (x, y, weight)):
        history, weights, together = run(*data)
        with monkeypatch.context() as patch:
            patch.setattr(Program, "many_pay", lambda self, data, rows: False)
            plain, plain_weights, alone = run(*data)
        assert sum(together) == sum(alone) == len(alone) == 2 * STEPS
        assert len(together) < STEPS / 2
        assert history == plain
        for one, other in zip(weights, plain_weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_short_steps_come_to_be_dispatched_together_by_themselves(dispatched):
    x, y = numbers(0, 6000)
    linear().fit(batches(x, y), verbose=0)
    assert sum(dispatched) == 6000
    assert len(dispatched) < 5000 and dispatched[0] == 1


def test_a_callback_that_listens_to_batches_is_told_of_each(eager_to_stack, dispatched):
    x, y = numbers(0)
    seen = []
    drawn = []

    def watched():
        for batch in batches(x, y):
            drawn.append(len(seen))
            yield batch

    look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    linear().fit(watched(), callbacks=[look], verbose=0)
    assert seen == list(range(STEPS))
    assert dispatched == [1] * STEPS
    assert drawn == list(range(STEPS))  # none was drawn early


def test_an_endless_source_is_asked_for_the_batches_of_its_epochs_alone(eager_to_stack, dispatched):
    drawn = []

    def endless():
        while True:
            drawn.append(True)
            yield np.ones((ROWS, 3), "float32"), np.ones((ROWS, 1), "float32")

    at_end = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: at_end.append(len(drawn)))
    linear().fit(endless(), steps_per_epoch=50, epochs=3, callbacks=[look], verbose=0)
    assert at_end == [50, 100, 150]
    assert len(dispatched) < 150 and sum(dispatched) == 150


def aligned(*shape: int) -> np.ndarray:
    """An array that a CPU device uses without a copy."""
    raw = np.empty(int(np.prod(shape)) + 16, "float32")
    start = -raw.ctypes.data // 4 % 16
    return raw[start : start + int(np.prod(shape))].reshape(shape)


@pytest.mark.parametrize("together", [True, False])
def test_an_array_that_a_generator_fills_again_counts_as_it_was_given(together):
    def refilled():
        held = aligned(1, 16), aligned(1, 16)
        for number in range(5):
            for array in held:
                array[:] = number
            yield held

    slabs = list(IterableFeed(refilled()).epoch(lambda first, count, began: together))
    assert [slab.steps for slab in slabs] == ([5] if together else [1] * 5)
    for part in (0, 1):
        found = [float(row[0]) for slab in slabs for row in slab.data[part][: slab.steps]]
        assert found == [0, 1, 2, 3, 4]


def test_training_does_not_wait_for_a_slow_source(dispatched, monkeypatch):
    monkeypatch.setattr(Program, "many_pay", lambda self, data, rows: True)
    x, y = numbers(0, 30)

    def slow():
        for batch in batches(x, y):
            time.sleep(2 * loop.PATIENCE)
            yield batch

    model = linear(steps_per_execution=50)
    model.fit(slow(), verbose=0)
    dispatched.clear()
    model.fit(slow(), verbose=0)
    assert dispatched.count(1) > 20


def test_what_came_before_an_error_of_the_source_is_trained_on(eager_to_stack, dispatched):
    x, y = numbers(0)

    def broken():
        yield from batches(x, y)
        raise OSError("the disk is gone")

    model = linear()
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(broken(), verbose=0)
    assert int(model.optimizer.iterations.value) == STEPS
    assert len(dispatched) < STEPS


def test_ctrl_c_ends_training_between_dispatches(eager_to_stack):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    x, y = numbers(0)

    def pressed():
        for number, batch in enumerate(batches(x, y)):
            if number == 150:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    model = linear()
    with pytest.raises(KeyboardInterrupt):
        model.fit(pressed(), epochs=3, verbose=0)
    assert model.history.epoch == []
    assert 0 < int(model.optimizer.iterations.value) <= STEPS


def test_a_loss_that_is_not_finite_names_its_batch_among_many(eager_to_stack, dispatched):
    x, y = numbers(0)
    x[130 * ROWS] = np.nan
    model = linear()
    with pytest.warns(RuntimeWarning, match=r"batch 130: .* the batch's x already has NaN"):
        model.fit(batches(x, y), verbose=0)
    assert len(dispatched) < STEPS


def test_structures_and_batches_of_other_shapes_keep_their_order(eager_to_stack):
    source = [({"b": np.full((n, 2), i), "a": np.full((n, 1), -i)}, None, np.full(n, i / 2))
              for i, n in enumerate([3, 3, 3, 2, 3, 3, 1])]  # fmt: skip
    slabs = list(IterableFeed(iter(source)).epoch(lambda first, count, began: True))
    assert [(slab.batch, slab.steps) for slab in slabs] == [(3, 3), (2, 1), (3, 2), (1, 1)]
    rows = [slab.data[0]["b"][: slab.steps * slab.batch, 0].tolist() for slab in slabs]
    assert sum(rows, []) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 2 + [4] * 3 + [5] * 3 + [6]
    assert slabs[0].data[1] is None
    assert slabs[0].data[0]["a"].shape == (feed.STACK_STEPS * 3, 1)
    assert slabs[1].data[0]["a"].shape == (2, 1)


def test_a_stack_is_bounded_in_bytes():
    large = np.zeros((2, 2**18), "float32")  # 2 MiB
    assert Stack((large, None, None)).room == feed.STACK_BYTES // large.nbytes == 4
    assert Stack((np.zeros((2, 2**22), "float32"), None, None)).room == 1
