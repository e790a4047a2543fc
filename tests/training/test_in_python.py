"""`run_eagerly=True`: layers, losses and metrics run in Python, step by step."""

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, ops

X = np.random.default_rng(0).normal(size=(40, 3, 4)).astype("float32")
Y = X.sum((1, 2), keepdims=True)[:, 0]


def said(value):
    """The sign of a value if it is known; printed, it is readable."""
    try:
        sign = bool(value > 0)
    except TypeError:
        return None
    assert any(digit in str(value) for digit in "0123456789")
    return sign


class Look(layers.Layer):
    """Records the values it receives, on which Python can branch."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def call(self, x):
        self.seen.append(said(ops.sum(x)))
        return x


def make(eager, seen=None, optimizer="adam", **more):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((3, 4)),
            layers.Masking(),
            layers.Dense(5, "relu"),
            layers.Dropout(0.2),
            layers.BatchNormalization(),
            *([] if seen is None else [Look(seen)]),
            layers.LSTM(3),
            layers.Dense(1, kernel_regularizer="l2"),
        ]
    )
    model.compile(optimizer, "mse", metrics=["mae"], run_eagerly=eager, **more)
    return model


def test_it_computes_what_compiled_steps_do():
    compiled, eager = make(False), make(True)
    data = {"x": X, "y": Y, "batch_size": 20, "shuffle": False}  # one shape, compiled once
    histories = [
        model.fit(**data, epochs=2, verbose=0, validation_data=(X, Y)).history
        for model in (compiled, eager)
    ]
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4)
    for one, other in zip(compiled.variables, eager.variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    x, y = X[:20], Y[:20]
    np.testing.assert_allclose(eager.predict(x, verbose=0), compiled.predict(x, verbose=0), 1e-3)
    assert eager.train_on_batch(x, y) == pytest.approx(compiled.train_on_batch(x, y), rel=1e-4)
    assert eager.test_on_batch(x, y) == pytest.approx(compiled.test_on_batch(x, y), rel=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_optimizer_counts_and_moves(optimizer):
    model = make(True, optimizer=optimizer)
    before = model.get_weights()
    model.fit(X, Y, batch_size=16, verbose=0)
    assert int(model.optimizer.iterations) == 3
    assert not np.allclose(before[0], model.get_weights()[0])


def test_values_are_seen_in_each_step():
    seen = []
    model = make(True, seen)
    for use, calls in ((model.fit, 3), (model.evaluate, 3)):
        seen.clear()
        use(X, Y, batch_size=16, verbose=0)
        assert len(seen) == calls
        assert None not in seen
    seen.clear()
    model.predict(X, batch_size=16, verbose=0)
    assert None not in seen and len(seen) == 3


def test_python_sees_each_step_of_a_cell():
    seen = []

    class Cell(layers.Layer):
        state_size = output_size = 4

        def call(self, x, states, training=False):
            seen.append(said(ops.sum(states[0])))
            return x + states[0], [x + states[0]]

    model = keras.Sequential([keras.Input((3, 4)), layers.RNN(Cell()), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    seen.clear()
    model.train_on_batch(X[:2], Y[:2])
    assert sum(sign is not None for sign in seen) == 3


def test_metrics_are_not_differentiated():
    class Largest(keras.metrics.Metric):
        def __init__(self):
            super().__init__()
            self.largest = self.add_weight(name="largest", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.largest.assign(np.maximum(self.largest.numpy(), np.abs(np.asarray(y_pred)).max()))

        def result(self):
            return self.largest

    model = make(True)
    model.compile("sgd", "mse", metrics=[Largest()], run_eagerly=True)
    assert model.fit(X, Y, verbose=0).history["largest"][0] > 0


def test_a_loss_that_is_not_finite_keeps_the_weights():
    model = make(True)
    x = X.copy()
    x[20] = np.inf
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    with pytest.warns(RuntimeWarning, match="batch 0: the loss is not finite"):
        model.fit(x, Y, batch_size=40, verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_can_be_turned_on_and_off():
    seen = []
    model = make(False, seen)
    for eager in (False, True, False):
        model.run_eagerly = eager
        for use in (model.fit, model.evaluate):
            use(X[:8], Y[:8], verbose=0)
            seen.clear()
            use(X[:8], Y[:8], verbose=0)
            assert bool(seen) == eager
        model.predict(X[:8], verbose=0)
        seen.clear()
        model.predict(X[:8], verbose=0)
        assert bool(seen) == eager


def test_jit_compile_changes_nothing():
    seen = []
    model = make(False, seen, jit_compile=False)
    assert not model.run_eagerly
    model.fit(X[:8], Y[:8], verbose=0)
    seen.clear()
    model.fit(X[:8], Y[:8], verbose=0)
    assert not seen
    assert model.get_compile_config()["run_eagerly"] is False


def test_a_step_of_ones_own_runs_in_python():
    seen = []

    class Model(keras.Sequential):
        def train_step(self, state, data):
            seen.append(float(np.asarray(data[0]).sum()))
            return super().train_step(state, data)

    model = Model([keras.Input((3, 4)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, batch_size=20, verbose=0)
    assert len(seen) == 2
    assert int(model.optimizer.iterations) == 2
