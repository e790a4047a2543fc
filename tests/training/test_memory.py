"""Nothing leaks: models are freed, and the process does not grow."""

import gc
import itertools
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook.core import allocator
from hornbook.core.allocator import SLACK
from hornbook.training import loop, programs, small
from hornbook.utils import session

MIB = 2**20
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
X, Y = np.ones((40, 3), "float32"), np.ones((40, 1), "float32")


def resident() -> int:
    """Bytes of this process that lie in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def growth(work: Callable[[], None]) -> int:
    """By how much the process grows at each `work`: a leak does so every time, a heap that is
    still settling does not."""
    work()
    sizes = [resident()]
    gc.freeze()  # objects of other tests are not searched each time
    for _ in range(3):
        work()
        sizes.append(resident())
    gc.unfreeze()
    return min(after - before for before, after in itertools.pairwise(sizes))


@pytest.fixture(scope="module", autouse=True)
def frozen_afterwards():
    """Later tests do not look again through what was there before, which `growth` unfroze."""
    yield
    gc.freeze()


def trained() -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=8, verbose=0)
    return model


def test_a_model_is_freed_with_its_last_reference():
    model = trained()
    model.predict(X, verbose=0)
    held = weakref.ref(model), weakref.ref(model.layers[0]), weakref.ref(model.optimizer)
    del model
    gc.collect()
    assert [reference() for reference in held] == [None, None, None]


def test_clear_session_frees_models_unless_told_otherwise(monkeypatch):
    collected = []
    collector = SimpleNamespace(collect=lambda: collected.append(True))
    monkeypatch.setattr(session, "gc", collector)
    for free in (True, False):
        keras.utils.clear_session(free_memory=free)
    assert len(collected) == 1


def test_programs_of_many_shapes_are_dropped(monkeypatch):
    monkeypatch.setattr(programs, "MOST_SHAPES", 2)
    model = trained()
    for size in (1, 2, 3, 1):
        assert model.predict(X[:size], verbose=0).shape == (size, 1)
    forward = model._training_state.forward
    assert len(forward.known) <= 2 and forward.run._cache_size() <= 2


def test_a_large_model_gives_memory_back_before_its_first_step(monkeypatch):
    given = []
    monkeypatch.setattr(small, "give_back", lambda: given.append(True))
    trained()
    assert not given
    monkeypatch.setattr(small, "MUCH", 0)
    trained()
    assert given == [True]


@LINUX
def test_a_thousand_predictions_take_no_memory():
    model = trained()

    def predict() -> None:
        for i in range(250):
            model.predict(X[: 40 if i % 10 == 0 else 1], verbose=0)

    assert growth(predict) < MIB


@LINUX
def test_ever_new_numbers_of_rows_take_no_memory(long):
    model, x, y = trained(), np.ones((1024, 3), "float32"), np.ones((1024, 1), "float32")
    sizes = iter(range(1000, 0, -7))

    def work() -> None:
        for size in itertools.islice(sizes, 30 if long else 10):
            model.predict(x[:size], batch_size=size, verbose=0)
            if long:
                model.evaluate(x[:size], y[:size], verbose=0)

    assert growth(work) < MIB


@LINUX
def test_models_trained_and_dropped_take_no_memory(long):
    count = 50 if long else 8

    def train() -> None:
        for _ in range(count):
            trained()

    assert growth(train) < count * MIB // 15


@LINUX
def test_folds_of_a_cross_validation_take_no_memory(long):
    x = np.random.default_rng(0).normal(size=(50_000, 20)).astype("float32")  # 4 MB
    y = x[:, :1]

    def cross_validate() -> None:
        for i in range(10 if long else 3):
            kept = np.arange(len(x)) % 10 != i
            model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x[kept], y[kept], batch_size=1000, verbose=0)
            model.evaluate(x[~kept], y[~kept], verbose=0)

    assert growth(cross_validate) < 2 * MIB


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="only CPUs allocate at dispatch")
def test_no_epoch_is_begun_ahead_of_a_program_with_much_temporary_memory(monkeypatch):
    begun, begin = [], loop.Epochs._begin_next
    monkeypatch.setattr(loop.Epochs, "_begin_next", lambda run: begun.append(1) or begin(run))
    monkeypatch.setattr(small, "WORK", 0)  # a single function has no temporary buffers
    for bulky, ahead in ((0, 0), (2**40, 2)):
        monkeypatch.setattr(loop, "BULKY", bulky)
        monkeypatch.setattr(loop, "BULKY_IF_LONG", bulky)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, Y, epochs=3, verbose=0)
        assert len(begun) == ahead


def test_smaller_buffers_are_waited_for_if_the_steps_are_long():
    program = loop.Program(SimpleNamespace(temporary=loop.BULKY_IF_LONG), None, None)
    assert program.bulky  # as each dispatch is one step
    program.pace.note(1, 1e-3)
    assert not program.bulky
    program.run.temporary = loop.BULKY
    assert program.bulky


def test_temporary_buffers_are_waited_for(monkeypatch):
    sizes = iter([SLACK + 3, SLACK + 3, SLACK + 2])
    monkeypatch.setattr(allocator, "in_use", lambda: next(sizes))
    monkeypatch.setattr(allocator, "PATIENCE", 60)
    allocator.settled(2)
    assert next(sizes, None) is None
    allocator.settled(0)  # nothing known


def test_slots_are_not_copied():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    slots = [v for v in model.optimizer.variables if v.shape]
    assert len(slots) == 4
    shared = programs.program_of(model, "train").variables.shared()
    assert not [path for path in shared if path.endswith(("momentum", "velocity"))]
    held = slots[0].numpy(), slots[0].value
    model.fit(X, Y, verbose=0)
    assert not held[0].any() and not np.asarray(held[1]).any() and slots[0].numpy().any()
