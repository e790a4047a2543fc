"""Arrays that a program holds outlive training, which donates the others without copying them."""

import copy

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook.core import placement
from hornbook.core.variable import Variable, bind
from hornbook.training.variables import Variables

X, Y = np.ones((40, 3), "float32"), np.ones((40, 1), "float32")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    return model


@pytest.fixture
def copies(monkeypatch) -> list[str]:
    """Paths of the variables whose arrays were copied."""
    found: list[str] = []
    copied = placement.copied
    monkeypatch.setattr(placement, "copied", lambda state: found.extend(state) or copied(state))
    return found


def test_only_what_the_program_may_hold_is_copied(model, copies):
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    metrics = {path for path in copies if path.startswith("metrics/")}
    copies.clear()
    model.get_weights()
    model.predict(X, verbose=0)
    model.fit(X, Y, epochs=2, verbose=0)
    assert {*copies} <= metrics
    copies.clear()
    kept = model.layers[0].kernel.value
    model.fit(X, Y, verbose=0)
    assert [path for path in copies if path not in metrics] == [f"{model.layers[0].name}/kernel"]
    assert not kept.is_deleted()


def runs(model):
    epoch_end = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: hold(model))
    yield lambda: model.fit(X, Y, verbose=0)
    yield lambda: [model.fit(X, Y, verbose=0) for _ in range(2)]
    yield lambda: model.train_on_batch(X[:32], Y[:32])
    yield lambda: model.fit(X, Y, epochs=3, verbose=0, callbacks=[epoch_end])


held: list[tuple] = []


def hold(model) -> None:
    """Keep the kernel's array, another one with its buffer, a view of it, and its numbers."""
    array = model.layers[0].kernel.value
    held.append((array, jax.device_put(array), np.asarray(array), np.array(array)))


def test_arrays_and_views_that_the_program_holds_keep_their_numbers(model):
    for run in runs(model):
        hold(model)
        run()
        for *kept, numbers in held:
            for one in kept:
                np.testing.assert_array_equal(np.asarray(one), numbers)
        assert not np.array_equal(model.layers[0].kernel, held[0][-1])
    held.clear()


def test_a_view_stays_where_the_array_was_forgotten(model):
    view = np.asarray(model.layers[0].kernel.value)
    numbers = view.copy()
    model.fit(X, Y, verbose=0)
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(view, numbers)


def test_variables_with_one_array_and_arrays_of_the_program_are_copied():
    given = jax.numpy.ones(3)
    one, two = Variable(given, name="one"), Variable(given, name="two")
    run = Variables({"one": one, "two": two}, "train", [one, two])
    run.own()
    assert len({id(given), id(one._value), id(two._value)}) == 3
    assert not run.shared()
    one.assign(given)
    twin = copy.deepcopy(two)
    with bind(run.bound(run.read()[0])):
        assert two.value is twin.value
    assert {*run.shared()} == {"one", "two"}
    run.own()
    with bind(run.bound(run.read()[0])):
        _ = one.value  # by a step that runs in Python
    assert {*run.shared()} == {"one"}
