"""Ctrl-C at any time: no state is lost, and the interrupted call raises KeyboardInterrupt."""

import gc
import os
import random
import signal
import threading
import time
import warnings

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.undisturbed import undisturbed
from hornbook.core.variable import thread

# An interrupt during garbage collection is raised there and lost.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

X, Y = np.ones((32, 4), "float32"), np.zeros((32, 1), "float32")


@pytest.fixture(autouse=True)
def ctrl_c_raises():
    """Install the default handler, which a shell may have disabled, for the main thread."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def presses(long) -> int:
    """How many times Ctrl-C is pressed."""
    return 300 if long else 20


def away(y_true, y_pred):
    return -y_pred


class Model(keras.Sequential):
    """A model whose weights all equal the number of steps: each step adds 1."""

    def whole(self):
        if self.optimizer.built:
            steps = int(self.optimizer.iterations)
            for value in (self.layers[0].kernel, self.layers[0].bias):
                np.testing.assert_array_equal(value, np.full(value.shape, steps))
        assert all(np.isfinite(v.numpy()).all() for v in (*self.variables, *self.metrics_variables))
        assert (thread.scopes, thread.names, thread.calls) == ((), (), ())
        assert thread.compute_dtypes == (None,)


class Custom(Model):
    def train_step(self, state, data):
        trainable, others, optimizer, metrics = state
        x, _ = data

        def loss_of(trainable):
            y_pred, _ = self.stateless_call(trainable, others, x, training=True)
            return -y_pred.mean()

        loss, gradients = jax.value_and_grad(loss_of)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": loss}, (trainable, others, optimizer, metrics)


def make(kind=Model, **settings):
    model = kind(
        [keras.Input((4,)), layers.Dense(1, kernel_initializer="zeros"), layers.Dropout(0.0)]
    )
    model.compile(keras.optimizers.SGD(1.0), away, metrics=["mae"], **settings)
    return model


def press(*pauses, after=None):
    """Press Ctrl-C after each of these pauses in seconds, from another thread.

    The first pause begins when the event `after` is set, or at once.
    """

    def run():
        if after is not None:
            after.wait()
        for seconds in pauses:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=run)
    presser.start()
    return presser


def bombard(work, presses, check):
    """Repeat work, pressing Ctrl-C at random moments."""
    work()
    check()
    began = time.perf_counter()
    work()
    usual = time.perf_counter() - began
    draw = random.Random(0)
    for _ in range(presses):
        with pytest.raises(KeyboardInterrupt):
            press(draw.uniform(0, 2 * usual + 0.002))
            while True:
                work()
        check()
    work()
    check()


@pytest.mark.parametrize("kind", [Model, Custom])
@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"]
)
def test_an_interrupt_at_any_instant_loses_nothing(kind, method, presses):
    model = make(kind)
    given = {"verbose": 0} if method in ("fit", "evaluate", "predict") else {}
    data = (X,) if "predict" in method else (X, Y)
    model.train_on_batch(X, Y)
    bombard(lambda: getattr(model, method)(*data, **given), presses, model.whole)


def test_an_interrupt_while_all_is_new_loses_nothing(presses):
    made = []

    def work():
        made[:] = [make()]
        made[0].fit(X, Y, verbose=0)
        made[0].predict(X, verbose=0)

    bombard(work, presses // 4, lambda: made[0].whole())


def test_an_interrupt_in_pure_functions_leaves_the_variables_alone(presses):
    model = make()
    model.train_on_batch(X, Y)

    def work():
        @jax.jit
        def step(trainable, others, optimizer):
            y_pred, others = model.stateless_call(trainable, others, X)
            return model.optimizer.stateless_apply(optimizer, trainable, trainable), y_pred

        values = [[v.value for v in model.trainable_variables]]
        values += [[v.value for v in model.non_trainable_variables]]
        step(*values, [v.value for v in model.optimizer.variables])

    bombard(work, presses, model.whole)


def test_the_other_models_go_on(presses):
    one = make()

    def check():
        other = make()
        other.fit(X, Y, verbose=0)
        other.whole()

    bombard(lambda: one.train_on_batch(X, Y), presses // 4, check)


@pytest.fixture
def uncollected():
    """No garbage collection, in which a press would be lost, and with it the end of `fit`."""
    gc.disable()
    yield
    gc.enable()


def test_two_presses_lose_nothing(presses, uncollected):
    model = make()
    model.fit(X, Y, batch_size=2, verbose=0)
    draw = random.Random(1)
    for _ in range(presses):
        ready = threading.Event()
        presser = press(draw.uniform(0, 0.02), draw.uniform(0, 0.005), after=ready)
        with pytest.raises(KeyboardInterrupt):
            try:
                ready.set()
                model.fit(X, Y, epochs=10**6, batch_size=2, verbose=0)
            finally:
                presser.join()
                time.sleep(0.001)  # the second press, too, is heard in here
        model.whole()


def test_fit_ends_whole_and_raises():
    model, heard = make(), []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epoch == 2 and os.kill(os.getpid(), signal.SIGINT),
        on_train_end=lambda logs: heard.append("train end"),
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, batch_size=8, verbose=0, callbacks=[callback])
    assert heard == ["train end"]
    assert model.history.epoch == [0, 1, 2]
    assert len(model.history.history["loss"]) == 3
    assert int(model.optimizer.iterations) == 12
    model.whole()
    model.fit(X, Y, epochs=5, initial_epoch=3, batch_size=8, verbose=0)
    assert model.history.epoch == [3, 4]
    assert int(model.optimizer.iterations) == 20
    model.whole()


def test_an_interrupt_during_validation_ends_fit_too():
    model = make()
    on_test_begin = keras.callbacks.LambdaCallback()
    on_test_begin.on_test_begin = lambda logs=None: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, verbose=0, validation_data=(X, Y), callbacks=[on_test_begin])
    assert int(model.optimizer.iterations) == 1
    model.whole()


def test_a_second_press_does_not_wait():
    model = make()

    class Twice(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            raise KeyError("at once")

    with pytest.raises(KeyError, match="at once"):
        model.fit(X, Y, epochs=9, verbose=0, callbacks=[Twice()])
    model.whole()


def test_an_ignored_ctrl_c_stays_ignored():
    model = make()
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), signal.SIGINT)
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.epoch == [0, 1, 2]


def test_a_handler_of_the_program_is_called_and_may_stop_training():
    model = make()

    def stop(number, frame):
        model.stop_training = True

    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epoch == 1 and os.kill(os.getpid(), signal.SIGINT)
    )
    before = signal.signal(signal.SIGINT, stop)
    try:
        history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[callback])
        assert signal.getsignal(signal.SIGINT) is stop
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.epoch == [0, 1]


def test_other_signals_lose_nothing_either(presses):
    model = make()
    model.train_on_batch(X, Y)

    class Timeout(Exception):
        pass

    def out_of_time(number, frame):
        raise Timeout

    before = signal.signal(signal.SIGALRM, out_of_time)
    try:
        for _ in range(presses):
            with pytest.raises(Timeout):
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.002))
                while True:
                    model.train_on_batch(X, Y)
            model.whole()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_fit_in_another_thread_does_not_touch_signals(monkeypatch):
    model, errors = make(), []

    def fit():
        try:
            model.fit(X, Y, verbose=0)
        except BaseException as error:
            errors.append(error)

    def refuse(*args):
        raise AssertionError("a handler was set")

    monkeypatch.setattr(signal, "signal", refuse)
    worker = threading.Thread(target=fit)
    worker.start()
    worker.join()
    monkeypatch.undo()
    assert not errors
    model.whole()


def test_what_is_undisturbed_hears_of_signals_afterwards():
    steps = []

    def work():
        os.kill(os.getpid(), signal.SIGINT)
        steps.append(time.sleep(0.001))
        return steps

    with pytest.raises(KeyboardInterrupt):
        undisturbed(work)
    assert len(steps) == 1


def test_an_interrupt_while_a_layer_is_traced_is_heard_at_once():
    class Slow(layers.Layer):
        def call(self, x):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
            raise AssertionError("it went on")

    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    slow = Slow()
    model.layers[0].call = lambda x, **_: slow.call(x)
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(X[:7], Y[:7])
    assert thread.scopes == ()
    model.get_weights()


def test_nothing_is_said_of_an_interrupt(capsys):
    model = make()
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), signal.SIGINT)
    )
    with warnings.catch_warnings(), pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0, callbacks=[callback])
    assert capsys.readouterr().out == ""
