"""Training in several threads: each gives the same result as alone."""

import threading
import time
import traceback

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.random import global_generator
from hornbook.core.undisturbed import turn

THREADS = 3


@pytest.fixture
def fits(long) -> int:
    """How many fits each thread makes."""
    return 100 if long else 2


def numbers(seed=0, rows=64):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6)).astype("float32")
    return x, x[:, :1] - x[:, 1:2] * x[:, 2:3]


def make(wide=8):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(wide, "relu"),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def together(*works):
    """Run functions in parallel, each in a thread, and return their results."""
    results, errors = [None] * len(works), []
    barrier = threading.Barrier(len(works))

    def run(number, work):
        barrier.wait()
        try:
            results[number] = work()
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]
    return results


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fits_with_dropout_are_each_what_they_are_alone(fits):
    x, y = numbers()

    def work(thread):
        def run():
            found = []
            for number in range(fits):
                keras.utils.set_random_seed(100 * thread + number)
                model = make()
                history = model.fit(x, y, batch_size=16, epochs=2, verbose=0).history
                found.append([*model.get_weights(), *history.values()])
            return found

        return run

    works = [work(thread) for thread in range(THREADS)]
    alone = [together(one)[0] for one in works]
    for found, wanted in zip(together(*works), alone, strict=True):
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)


def test_models_made_before_train_in_threads_as_they_do_alone(fits):
    x, y = numbers()

    def trained(number):
        keras.utils.set_random_seed(number)
        model = make()

        def run():
            for _ in range(fits):
                model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
                model.train_on_batch(x, y)
            return model.get_weights()

        return run

    alone = [trained(number)() for number in range(THREADS)]
    for one, other in zip(together(*map(trained, range(THREADS))), alone, strict=True):
        assert_same(one, other)


def test_a_model_predicts_evaluates_and_is_read_while_it_is_fitted(fits):
    x, y = numbers(rows=200)
    model, other = make(), make()
    model.fit(x, y, verbose=0)
    done = threading.Event()

    def train():
        try:
            for _ in range(3 * fits):
                model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        finally:
            done.set()
        return int(model.optimizer.iterations)

    def use():
        rounds = 0
        while not done.is_set():
            assert np.isfinite(model.predict(x, verbose=0)).all()
            assert np.isfinite(model.predict_on_batch(x[:5])).all()
            assert np.isfinite(model.evaluate(x, y, verbose=0)).all()
            assert np.isfinite(model.test_on_batch(x, y)).all()
            assert all(np.isfinite(value).all() for value in model.get_weights())
            other.fit(x, y, verbose=0)
            rounds += 1
        return rounds

    before = int(model.optimizer.iterations)
    steps, *rounds = together(train, use, use)
    assert steps - before == 3 * fits * 3 * 25  # no step of the other thread is lost
    assert min(rounds) > 0


def test_two_threads_fit_the_same_model(fits):
    x, y = numbers(rows=200)
    model = make()

    def train():
        for _ in range(fits):
            history = model.fit(x, y, batch_size=20, epochs=2, verbose=0).history
            assert np.isfinite(history["loss"]).all()

    together(train, train, train)
    assert int(model.optimizer.iterations) == 3 * fits * 2 * 10


def test_models_that_share_a_layer_train_at_the_same_time(fits):
    x, y = numbers()
    shared = layers.Dense(8, "relu")
    models = []
    for _ in range(2):
        models.append(keras.Sequential([keras.Input((6,)), shared, layers.Dense(1)]))
        models[-1].compile("adam", "mse")

    def train(model):
        for _ in range(5 * fits):
            model.fit(x, y, batch_size=8, verbose=0)
            model.train_on_batch(x, y)
            assert np.isfinite(model.predict(x, verbose=0)).all()

    together(*(lambda model=model: train(model) for model in models))
    assert np.isfinite(shared.kernel.numpy()).all()


def test_an_evaluation_in_the_midst_of_an_epoch_counts_apart():
    x, y = numbers()
    found = []

    class Evaluate(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.params["evaluate"]:
                found.append(self.model.evaluate(x, y, verbose=0))

    histories = []
    for evaluate in (False, True):
        keras.utils.set_random_seed(3)
        model, callback = make(), Evaluate()
        callback.set_params = lambda params, c=callback, e=evaluate: setattr(
            c, "params", {**params, "evaluate": e}
        )
        history = model.fit(
            x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[callback]
        )
        histories.append(history.history)
    assert histories[0] == histories[1]
    assert len(found) == 8
    assert found[-1] == model.evaluate(x, y, verbose=0)


def test_a_run_leaves_the_arrays_that_belong_to_nobody_alone():
    x, y = numbers()
    model = make()
    for run in (model.fit, model.train_on_batch, model.evaluate, model.test_on_batch):
        seed = global_generator().state.value
        run(x, y)
        assert not seed.is_deleted()


def test_a_thread_draws_what_its_own_seed_says():
    def draw():
        keras.utils.set_random_seed(7)
        return [keras.random.normal((3,)), *keras.layers.Dense(2).kernel_initializer((3, 2))]

    wanted = draw()
    for found in together(*[draw] * THREADS):
        assert_same(found, wanted)


def test_seeding_the_main_thread_seeds_the_others():
    def runs():
        keras.utils.set_random_seed(7)
        first = together(lambda: keras.random.normal((3,)))
        second = together(lambda: keras.random.normal((3,)))
        return first + second

    once, again = runs(), runs()
    assert_same(once, again)
    assert not np.array_equal(*once)  # each thread has its own


def test_variables_are_read_layers_called_and_files_written_while_another_thread_trains(tmp_path):
    x, y = numbers()
    model = make()
    model.fit(x, y, verbose=0)
    done = threading.Event()

    def train():
        try:
            for _ in range(8):
                model.fit(x, y, 4, epochs=3, verbose=0)
        finally:
            done.set()

    def again(read):
        def reads():
            while not done.is_set():
                read()

        return reads

    together(
        train,
        again(lambda: np.asarray(model(x[:4]))),
        again(lambda: np.asarray(model(x[:4], training=True))),
        again(lambda: model.save(tmp_path / "model.keras")),
        again(lambda: [variable.numpy() for variable in model.optimizer.variables]),
    )


def test_a_variable_whose_array_is_used_up_waits_for_the_run_that_did_it():
    variable = keras.Variable([1.0, 2.0])
    used_up, new = variable.value, variable.value + 1
    began = threading.Event()

    def run():
        with turn:
            used_up.delete()
            began.set()
            time.sleep(0.05)
            variable._value = new

    def read():
        began.wait()
        return [keras.ops.sum(variable)]

    _, found = together(run, read)
    assert float(found[0]) == 5
