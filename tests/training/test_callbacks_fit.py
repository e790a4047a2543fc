"""Callbacks in real training runs."""

import os
import re
import signal

import numpy as np
import pytest

import hornbook as keras

ROWS, BATCH = 40, 4
STEPS = ROWS // BATCH


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def make_model(rate=0.01, **options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", **options)
    return model


def fit(model, data, callbacks=(), epochs=3, **options):
    options = {"verbose": 0, "batch_size": BATCH, **options}
    return model.fit(*data, epochs=epochs, callbacks=list(callbacks), **options)


class Record(keras.callbacks.Callback):
    """Records events and their values."""

    def __init__(self):
        self.events = []

    def on_train_begin(self, logs=None):
        self.events.append("train begin")

    def on_train_end(self, logs=None):
        self.events.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(f"epoch {epoch} end: {' '.join(logs)}")

    def on_test_begin(self, logs=None):
        self.events.append("test begin")

    def on_test_end(self, logs=None):
        self.events.append("test end")


def test_events_come_in_keras_order(data):
    record = Record()
    fit(make_model(metrics=["mae"]), data, [record], epochs=2, validation_data=data)
    logs = "loss mae val_loss val_mae"
    assert record.events == [
        "train begin",
        *("epoch 0 begin", "test begin", "test end", f"epoch 0 end: {logs}"),
        *("epoch 1 begin", "test begin", "test end", f"epoch 1 end: {logs}"),
        "train end",
    ]


def test_each_batch_is_reported_to_those_who_want_each(data):
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(("begin", batch)),
        on_train_batch_end=lambda batch, logs: seen.append(("end", batch, type(logs["loss"]))),
    )
    fit(make_model(), data, [watch], epochs=2)
    epoch = [e for b in range(STEPS) for e in (("begin", b), ("end", b, float))]
    assert seen == epoch * 2


def test_the_last_batch_is_reported_to_those_who_do_not(data):
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    watch.every_batch = False
    fit(make_model(), data, [watch], epochs=3)
    assert seen.count(STEPS - 1) == 3
    assert len(seen) < 3 * STEPS


def test_training_is_the_same_whether_or_not_each_batch_is_reported(data):
    results = []
    for callbacks in ([], [keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: None)]):
        keras.utils.set_random_seed(3)
        model = make_model()
        history = fit(model, data, callbacks)
        results.append((history.history["loss"], *model.get_weights()))
    (loss, kernel, bias), (loss2, kernel2, bias2) = results
    np.testing.assert_allclose(loss, loss2, rtol=1e-6)
    np.testing.assert_allclose(kernel, kernel2, rtol=1e-6)
    np.testing.assert_allclose(bias, bias2, rtol=1e-6)


def test_the_last_report_of_a_batch_is_the_loss_of_the_epoch(data):
    last = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: last.append(logs["loss"])
    )
    history = fit(make_model(), data, [watch], epochs=1)
    assert history.history["loss"] == pytest.approx([last[-1]], rel=1e-6)


def test_the_history_is_returned_and_kept_by_the_model(data):
    model = make_model()
    history = fit(model, data, epochs=5, initial_epoch=2, validation_split=0.25)
    assert model.history is history
    assert history.model is model
    assert history.epoch == [2, 3, 4]
    assert list(history.history) == ["loss", "val_loss"]
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.params["epochs"] == 5
    assert history.params["steps"] == 8


@pytest.mark.parametrize("when", ["on_train_batch_end", "on_epoch_end"])
def test_a_callback_can_stop_training(data, when):
    batches = []

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)
            if when == "on_train_batch_end" and batch == 4:
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    history = fit(make_model(), data, [Stop()])
    assert history.epoch == [0]
    assert batches == list(range(5 if when == "on_train_batch_end" else STEPS))


@pytest.mark.parametrize("rate", [0.01, 0.8])  # the last epoch is the best, and the first
def test_the_best_weights_are_restored_exactly(data, rate):
    weights = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append([w.copy() for w in model.get_weights()])
    )
    model = make_model(rate)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)
    history = fit(model, data, [stopping, keep], epochs=4, validation_data=data)
    losses = history.history["val_loss"]
    best = int(np.argmin(losses))
    assert best == (3 if rate == 0.01 else 0)
    for now, then in zip(model.get_weights(), weights[best]):
        np.testing.assert_array_equal(now, then)
    assert model.evaluate(*data, verbose=0) == pytest.approx(losses[best], rel=1e-5)


def test_the_best_weights_are_restored_over_a_moving_average(data):
    stopping = keras.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    model = make_model()
    model.compile(keras.optimizers.SGD(0.01, use_ema=True), "mse")
    fit(model, data, [stopping])
    for now, best in zip(model.get_weights(), stopping.best_weights):
        np.testing.assert_array_equal(now, best)


def test_training_stops_early(data):
    stopping = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=2)
    assert fit(make_model(), data, [stopping], epochs=9).epoch == [0, 1, 2]


@pytest.mark.parametrize("restore", [True, False])
def test_ctrl_c_ends_training_with_history_and_the_best_weights(data, restore):
    class Press(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 1):
                os.kill(os.getpid(), signal.SIGINT)

        def on_epoch_end(self, epoch, logs=None):
            self.weights = self.model.get_weights()

    press, record, model = Press(), Record(), make_model()
    stopping = keras.callbacks.EarlyStopping("loss", restore_best_weights=restore, patience=9)
    with pytest.raises(KeyboardInterrupt):
        fit(model, data, [press, stopping, record], epochs=5)
    assert model.history.epoch == [0, 1]
    assert len(model.history.history["loss"]) == 2
    assert record.events[-1] == "train end"
    same = [np.array_equal(a, b) for a, b in zip(model.get_weights(), press.weights)]
    assert all(same) == restore


def test_a_schedule_changes_the_training(data):
    still = keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 if epoch == 0 else 0.0)
    weights = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()[0].copy())
    )
    model = make_model()
    history = fit(model, data, [still, keep])
    assert history.history["learning_rate"] == pytest.approx([0.01, 0.0, 0.0])
    np.testing.assert_array_equal(weights[0], weights[2])


def test_the_learning_rate_is_reduced_while_nothing_improves(data):
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model = make_model(rate=0.5)
    rates = fit(model, data, [reduce]).history["learning_rate"]
    assert rates == [0.5, 0.5, 0.25]
    assert float(np.asarray(model.optimizer.learning_rate)) == 0.125


@pytest.mark.parametrize("each", [True, False])
def test_a_lost_loss_ends_training_at_its_batch(data, capsys, each):
    x, y = data
    y = y.copy()
    y[5 * BATCH] = np.nan
    callbacks = [keras.callbacks.TerminateOnNaN()]
    if each:
        callbacks.append(keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: None))
    with pytest.warns(RuntimeWarning, match="batch 5"):
        history = fit(make_model(), (x, y), callbacks, shuffle=False)
    assert history.epoch == [0]
    assert "batch 5 (counted from 0): the loss is nan" in capsys.readouterr().out


def test_each_epoch_is_a_line_of_a_csv_file(data, tmp_path):
    path = tmp_path / "log.csv"
    model = make_model(metrics=["mae"])
    history = fit(model, data, [keras.callbacks.CSVLogger(path)], validation_data=data).history
    table = np.genfromtxt(path, delimiter=",", names=True)
    assert table.dtype.names == ("epoch", "loss", "mae", "val_loss", "val_mae")
    np.testing.assert_array_equal(table["epoch"], [0, 1, 2])
    np.testing.assert_array_equal(table["val_mae"], history["val_mae"])


def test_the_best_weights_are_saved(data, tmp_path):
    path = str(tmp_path / "best.weights.h5")
    model = make_model(rate=0.8)  # the first epoch is the best
    save = keras.callbacks.ModelCheckpoint(
        path, monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    losses = fit(model, data, [save], validation_data=data).history["val_loss"]
    assert model.evaluate(*data, verbose=0) > losses[0]
    model.load_weights(path)
    assert model.evaluate(*data, verbose=0) == pytest.approx(losses[0], rel=1e-5)


def test_whole_models_are_saved_after_each_epoch(data, tmp_path):
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{loss:.1f}.keras")
    model = make_model()
    losses = fit(model, data, [save], epochs=2).history["loss"]
    names = [f"0{i + 1}-{loss:.1f}.keras" for i, loss in enumerate(losses)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    loaded = keras.models.load_model(tmp_path / names[-1])
    np.testing.assert_allclose(
        loaded.predict(data[0], verbose=0), model.predict(data[0], verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize("kind", [keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau])
def test_training_goes_on_without_the_validation_that_a_callback_looks_for(data, kind):
    with pytest.warns(UserWarning, match="validation_data or validation_split"):
        history = fit(make_model(), data, [kind("val_loss")])
    assert history.epoch == [0, 1, 2]


def test_a_validation_every_other_epoch_is_waited_for(data):
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=9)
    history = fit(make_model(), data, [stopping], validation_data=data, validation_freq=2)
    assert len(history.history["loss"]) == 3
    assert len(history.history["val_loss"]) == 1


def test_progress_is_shown_in_keras_look(data, capsys):
    model = make_model()
    history = fit(model, data, verbose=2, epochs=2, validation_data=data).history
    lines = capsys.readouterr().out.splitlines()
    assert lines[0::2] == ["Epoch 1/2", "Epoch 2/2"]
    for line, loss, val in zip(lines[1::2], history["loss"], history["val_loss"]):
        times = rf"{STEPS}/{STEPS} - \d+s - \d+[mu]?s/step - "
        assert re.fullmatch(rf"{times}loss: {loss:.4f} - val_loss: {val:.4f}", line)
    value = model.evaluate(*data, batch_size=BATCH, verbose=1)
    times = rf"{STEPS}/{STEPS} ━{{20}} \d+s \d+[mu]?s/step - "
    assert re.fullmatch(rf"{times}loss: {value:.4f}\n", capsys.readouterr().out)
    fit(model, data, verbose=0)
    model.predict(data[0], verbose=0)
    assert capsys.readouterr().out == ""


def test_evaluate_and_predict_tell_their_callbacks(data):
    seen = []
    hooks = ("test_begin", "test_batch_end", "test_end", "predict_begin", "predict_end")
    watch = keras.callbacks.LambdaCallback(
        **{f"on_{hook}": lambda *args, hook=hook: seen.append((hook, *args[:-1])) for hook in hooks}
    )
    model = make_model()
    model.evaluate(*data, batch_size=20, verbose=0, callbacks=[watch])
    model.predict(data[0], batch_size=20, verbose=0, callbacks=[watch])
    batches = [("test_batch_end", 0), ("test_batch_end", 1)]
    ends = [("test_end",), ("predict_begin",), ("predict_end",)]
    assert seen == [("test_begin",), *batches, *ends]
