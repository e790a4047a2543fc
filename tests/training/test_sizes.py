"""New numbers of rows: what they compile, and that the results stay the same."""

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook.training import small
from hornbook.training.small import Runs

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(99, 3)).astype("float32"), RNG.normal(size=(99, 1)).astype("float32")
SIZES = [int(n) for n in RNG.integers(9, 60, 3)]


@pytest.fixture
def compiled():
    """The number of compilations so far."""
    found = []

    def listen(event, seconds, **more):
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield found
    jax.monitoring.unregister_event_duration_listener(listen)


def new_model(**options):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "mse", metrics=["mae"], **options)
    return model


def everything(model, sizes=SIZES, epochs=1):
    """Losses and weights after fits and evaluations of these sizes."""
    found = []
    for n in sizes:
        history = model.fit(X[:n], Y[:n], batch_size=8, epochs=epochs, verbose=0)
        found += [*history.history.values(), model.evaluate(X[:n], Y[:n], 8, verbose=0)]
    return [*found, *model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]


def test_sizes_of_the_last_batch_share_the_loop(compiled):
    model = new_model()
    model.fit(X[:33], Y[:33], batch_size=8, verbose=0)
    before = len(compiled)
    for n in (34, 35, 42, 59):  # up to 64 rows in 8 batches
        model.fit(X[:n], Y[:n], batch_size=8, verbose=0)
    assert len(compiled) == before + 2
    runs = model._training_state.by_mode["train"].run
    assert {(rest, batch) for rest, batch, *_ in runs.chosen} == {(1, 8), (0, 2), (0, 3)}


def test_a_last_batch_compiled_alone_changes_no_number(monkeypatch):
    apart = everything(new_model(), epochs=2)
    monkeypatch.setattr(Runs, "parts", lambda self, slab, span: [(0, slab, span)])
    for a, b in zip(apart, everything(new_model(), epochs=2), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("row", [20, 33])
def test_a_loss_that_is_not_finite_stops_at_its_batch(row):
    model = new_model()
    model.fit(X[:33], Y[:33], batch_size=8, verbose=0)
    y = Y[:34].copy()
    y[row] = np.inf
    with pytest.warns(RuntimeWarning, match=f"batch {row // 8}"):
        model.fit(X[:34], y, batch_size=8, shuffle=False, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()


def test_few_programs_are_kept(monkeypatch):
    monkeypatch.setattr(small, "MOST_PROGRAMS", 1)
    model = new_model()
    apart = everything(model, [33, 34, 33])
    runs = model._training_state.by_mode["train"].run
    assert len(runs.chosen) == 1 and len(runs.loops) <= 1
    monkeypatch.undo()
    for a, b in zip(apart, everything(new_model(), [33, 34, 33]), strict=True):
        np.testing.assert_array_equal(a, b)
