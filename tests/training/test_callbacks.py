"""What each callback does with a model and the logs, on a stub model."""

import http.server
import json
import os
import threading
import urllib.parse
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from hornbook import callbacks as door
from hornbook.callbacks import (
    CallbackList,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    RemoteMonitor,
    TerminateOnNaN,
)
from hornbook.training.callbacks.monitor import infer_mode

NAN = float("nan")


class Optimizer:
    def __init__(self, rate=1.0):
        self.learning_rate = rate


class Model:
    """A model whose weights equal the number of epochs it was trained for."""

    def __init__(self, rate=1.0):
        self.stop_training = False
        self.optimizer = Optimizer(rate)
        self.weights = [np.zeros(1)]
        self.saved = []

    def get_weights(self):
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=False):
        self.saved.append(("model", path, overwrite))
        Path(path).write_text("model")

    def save_weights(self, path, overwrite=False):
        self.saved.append(("weights", path, overwrite))
        Path(path).write_text("weights")


def fit(callbacks, epochs, model=None, **params):
    """Run epochs with these logs; returns the model and the epochs that were run."""
    model = model or Model()
    told = CallbackList(callbacks, add_history=True, model=model, epochs=len(epochs), **params)
    told.on_train_begin()
    for epoch, logs in enumerate(epochs):
        told.on_epoch_begin(epoch)
        model.weights = [np.array([epoch + 1.0])]
        told.on_epoch_end(epoch, logs if isinstance(logs, dict) else {"loss": logs})
        if model.stop_training:
            break
    told.on_train_end()
    return model, model.history.epoch


def test_the_door_has_all_callbacks():
    assert all(hasattr(door, name) for name in door.__all__)
    assert {"Callback", "CallbackList", "History", "ProgbarLogger"} <= set(door.__all__)


# ---- what is monitored


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("loss", "min"),
        ("val_loss", "min"),
        ("head_accuracy_loss", "min"),
        ("val_acc", "max"),
        ("accuracy_1", "max"),
        ("BinaryAccuracy", "max"),
        ("val_sparse_top_k_categorical_accuracy", "max"),
        ("distance_accuracy", "max"),
        ("AUC", "max"),
        ("precision_at_recall", "max"),
        ("f1_score", "max"),
        ("r2_score", "max"),
        ("mean_io_u", None),
        ("one_hot_iou", "max"),
        ("cosine_similarity", "max"),
        ("true_positives", "max"),
        ("false_positives", "min"),
        ("mean_absolute_error", "min"),
        ("root_mean_squared_error", "min"),
        ("sparse_categorical_crossentropy", "min"),
        ("mse", "min"),
        ("brier_score", "min"),
        ("reward", None),
        ("learning_rate", None),
    ],
)
def test_the_name_tells_which_way_is_better(name, mode):
    assert infer_mode(name) == mode


MONITORS = [
    EarlyStopping,
    ReduceLROnPlateau,
    lambda name: ModelCheckpoint("x.keras", name, save_best_only=True),
]


@pytest.mark.parametrize("make", MONITORS)
@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("val_loss", "no validation.*validation_data.*monitor='loss'"),
        ("acc", "loss, accuracy.*Did you mean 'accuracy'"),
        ("something", "reported: loss, accuracy"),
    ],
)
def test_a_monitor_that_does_not_exist_is_warned_of_and_training_goes_on(
    make, monitor, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match=message):
        logs = [{"loss": 1.0, "accuracy": 0.5}] * 3
        assert fit([make(monitor)], logs)[1] == [0, 1, 2]


@pytest.mark.parametrize("make", MONITORS)
def test_a_value_of_validation_is_waited_for(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logs = [{"loss": 1.0}, {"loss": 1.0, "val_loss": 1.0}] * 2
    assert fit([make("val_loss")], logs, validation_freq=2)[1] == [0, 1, 2, 3]
    assert fit([make("val_loss")], logs[:3], validation_freq=[2])[1] == [0, 1, 2]
    with pytest.warns(UserWarning, match="no validation"):
        fit([make("val_loss")], [{"loss": 1.0}] * 2, validation_freq=2)


@pytest.mark.parametrize("make", MONITORS)
def test_an_unknown_direction_is_an_error(make):
    with pytest.raises(ValueError, match="mode='max' or mode='min'"):
        fit([make("reward")], [{"reward": 1.0}, {"reward": 2.0}])


@pytest.mark.parametrize("cls", [EarlyStopping, ReduceLROnPlateau])
def test_an_unknown_mode_is_warned_of_and_taken_for_auto(cls):
    with pytest.warns(UserWarning, match="mode='maximum'"):
        assert cls(mode="maximum").mode == "auto"


# ---- early stopping


@pytest.mark.parametrize(
    ("arguments", "values", "stops_after"),
    [
        ({"patience": 0}, [3, 2, 2, 1], 3),
        ({"patience": 2}, [3, 2, 2, 1, 1, 1, 0], 6),
        ({"patience": 1, "min_delta": 0.5}, [3.0, 2.75, 2.0], 2),
        ({"patience": 1, "mode": "max"}, [1, 2, 1, 3], 3),
        ({"patience": 2}, [3, 2, 1, 0], 4),
        ({"patience": 1, "start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({"patience": 2, "baseline": 1}, [5, 4, 3, 2], 2),
        ({"patience": 2, "baseline": 4}, [5, 3, 3, 3, 0], 4),
        ({"patience": 1}, [NAN, 2, 1, 1], 1),
        ({"patience": 2}, [NAN, 2, 1, NAN, NAN], 5),
    ],
)
def test_training_stops_when_patience_is_at_its_end(arguments, values, stops_after):
    model, epochs = fit([EarlyStopping("loss", **arguments)], values)
    assert len(epochs) == stops_after
    assert model.stop_training == (stops_after < len(values) or values[-1] != min(values))


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([3, 2, 1], 3),  # did not stop early
        ([3, 1, 2], 2),
        ([1, 2, 3], 1),  # the first epoch
        ([1], 1),
        ([NAN, 2, 1, 3, 3], 3),
        ([2, NAN, NAN], 1),
    ],
)
def test_the_best_weights_are_always_restored(values, best):
    stopping = EarlyStopping("loss", patience=9, restore_best_weights=True)
    model, epochs = fit([stopping], values)
    assert epochs == list(range(len(values)))
    assert model.weights == [best]
    assert stopping.best_epoch == best - 1


def test_the_best_weights_are_restored_after_an_early_stop():
    stopping = EarlyStopping("loss", patience=2, restore_best_weights=True)
    model, epochs = fit([stopping], [3, 1, 2, 2, 0])
    assert (model.weights, stopping.stopped_epoch, len(epochs)) == ([2.0], 3, 4)


def test_the_best_weights_are_restored_when_training_is_interrupted():
    model = Model()
    stopping = EarlyStopping("loss", patience=9, restore_best_weights=True)
    callbacks = CallbackList([stopping], model=model)
    callbacks.on_train_begin()
    callbacks.on_epoch_end(0, {"loss": 1.0})
    model.weights = [np.array([99.0])]
    callbacks.on_train_end()
    assert model.weights == [0.0]


def test_the_weights_stay_if_there_is_nothing_better():
    assert fit([EarlyStopping("loss", patience=9)], [1, 2, 3])[0].weights == [3.0]
    late = EarlyStopping("loss", start_from_epoch=9, restore_best_weights=True)
    assert fit([late], [1, 2, 3])[0].weights == [3.0]


def test_the_best_epoch_is_restored_even_below_the_baseline():
    stopping = EarlyStopping("loss", patience=3, baseline=0.0, restore_best_weights=True)
    model, epochs = fit([stopping], [3, 1, 2, 0.5])
    assert (model.weights, len(epochs)) == ([2.0], 3)


def test_early_stopping_forgets_an_earlier_training():
    stopping = EarlyStopping("loss", patience=1, restore_best_weights=True)
    fit([stopping], [0, 1])
    model, epochs = fit([stopping], [5, 4, 3])
    assert (model.weights, len(epochs)) == ([3.0], 3)


def test_early_stopping_tells_when_asked(capsys):
    fit([EarlyStopping("loss", patience=1, verbose=1, restore_best_weights=True)], [1, 2])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: early stopping",
        "Restoring the weights of the best epoch: 1",
    ]


quarters = st.integers(0, 8).map(lambda n: n / 4)  # exact in float32


@given(
    st.lists(quarters, min_size=1, max_size=8),
    st.integers(1, 3),
    st.sampled_from(["min", "max"]),
    st.sampled_from([0, 0.25, 0.5]),
    st.integers(0, 2),
)
def test_early_stopping_stops_where_keras_does(values, patience, mode, min_delta, start):
    keras = pytest.importorskip("keras")
    arguments = {"monitor": "loss", "patience": patience, "mode": mode}
    arguments |= {"min_delta": min_delta, "start_from_epoch": start, "restore_best_weights": True}
    ours, epochs = fit([EarlyStopping(**arguments)], values)
    theirs, expected = fit([keras.callbacks.EarlyStopping(**arguments)], values)
    assert epochs == expected
    assert ours.weights == theirs.weights


# ---- checkpoints


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_checkpoint_is_saved_after_each_epoch_under_its_own_name(tmp_path):
    path = tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.weights.h5"
    save = ModelCheckpoint(path, save_weights_only=True)
    model, _ = fit([save], [{"val_loss": 1.0}, {"val_loss": 0.126}])
    assert names(tmp_path) == ["new/01-1.00.weights.h5", "new/02-0.13.weights.h5"]
    assert [(kind, overwrite) for kind, _, overwrite in model.saved] == [("weights", True)] * 2


def test_the_whole_model_is_saved_unless_only_weights_are_wanted(tmp_path):
    model, _ = fit([ModelCheckpoint(tmp_path / "m.keras")], [1.0])
    assert model.saved == [("model", str(tmp_path / "m.keras"), True)]


@pytest.mark.parametrize(
    ("arguments", "saved"),
    [
        ({}, [1, 2, 4]),
        ({"mode": "max"}, [1, 3]),
        ({"initial_value_threshold": 2.5}, [2, 4]),
        ({"initial_value_threshold": 0.0}, []),
    ],
)
def test_only_better_epochs_are_saved(tmp_path, arguments, saved):
    path = tmp_path / "{epoch}.keras"
    fit([ModelCheckpoint(path, "loss", save_best_only=True, **arguments)], [3, 2, 4, 1, NAN])
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]


def test_the_best_value_is_kept_over_two_trainings(tmp_path):
    save = ModelCheckpoint(tmp_path / "m.keras", "loss", save_best_only=True)
    fit([save], [1.0])
    assert not fit([save], [2.0])[0].saved


def test_a_checkpoint_without_a_monitor_needs_none(tmp_path):
    assert fit([ModelCheckpoint(tmp_path / "m.keras")], [{"loss": 1.0}])[0].saved


def test_a_checkpoint_is_saved_every_so_many_batches(tmp_path):
    model = Model()
    save = ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss}.keras", save_freq=3)
    callbacks = CallbackList([save], model=model)
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(4):
            callbacks.on_train_batch_end(batch, {"loss": 0.5})
        callbacks.on_epoch_end(epoch, {"loss": 0.5})
    assert names(tmp_path) == ["1-3-0.5.keras", "2-2-0.5.keras"]


def test_only_a_checkpoint_of_batches_needs_every_batch(tmp_path):
    class Own(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    def needs(callback):
        return CallbackList([callback]).needs_every_batch("train")

    assert not needs(ModelCheckpoint(tmp_path / "m.keras"))
    assert needs(ModelCheckpoint(tmp_path / "m.keras", save_freq=3))
    assert needs(Own(tmp_path / "m.keras"))


def test_a_name_in_the_path_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="asks for 'val_los'.*val_loss, epoch.*'val_loss'"):
        fit([ModelCheckpoint(tmp_path / "{val_los:.2f}.keras")], [{"val_loss": 1.0}])


@pytest.mark.parametrize(
    ("path", "settings", "error", "message"),
    [
        ("", {}, IsADirectoryError, "path of a file"),
        ("m.pt", {}, ValueError, "must end in .keras or .h5 or .hdf5. Pass 'm.keras'"),
        ("m", {}, ValueError, "must end in .keras"),
        ("m.keras", {"save_weights_only": True}, ValueError, "save_weights_only=False"),
        ("m.pt", {"save_weights_only": True}, ValueError, "'m.weights.h5'"),
        ("{epoch.keras", {}, ValueError, "cannot be filled in"),
        ("{epoch:02q}.keras", {}, ValueError, "cannot be filled in"),
        ("{}.keras", {}, ValueError, "cannot be filled in"),
        ("{batch}.keras", {}, ValueError, "asks for the batch"),
        ("{val_loss}.keras", {"save_freq": 3}, ValueError, "'val_loss' is only known after an"),
        ("file/m.keras", {}, NotADirectoryError, "file is no folder"),
        ("file/{epoch}/m.keras", {}, NotADirectoryError, "file is no folder"),
    ],
)
def test_a_checkpoint_that_cannot_work_says_so_when_it_is_made(
    path, settings, error, message, tmp_path
):
    (tmp_path / "file").touch()
    with pytest.raises(error, match=message):
        ModelCheckpoint(tmp_path / path, **settings)


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(PermissionError, match="cannot be written to"):
        ModelCheckpoint(tmp_path / "new" / "m.keras")


def test_a_checkpoint_counts_the_batches_of_an_execution(tmp_path):
    model = Model()
    save = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4)
    callbacks = CallbackList([save], model=model)
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in (2, 5, 8):  # steps_per_execution=3
            callbacks.on_train_batch_end(batch, {"loss": 0.5})
    assert names(tmp_path) == ["1-6.keras", "2-3.keras", "2-9.keras"]


@pytest.mark.parametrize("wrong", ["batch", 0, -1, 2.5])
def test_an_unknown_save_freq_is_an_error(wrong):
    with pytest.raises(ValueError, match="save_freq="):
        ModelCheckpoint("m.keras", save_freq=wrong)


def test_a_validation_value_cannot_be_asked_for_after_a_batch():
    with pytest.raises(ValueError, match="save_freq='epoch', or monitor='loss'"):
        ModelCheckpoint("m.keras", save_best_only=True, save_freq=10)


def test_a_checkpoint_tells_when_asked(tmp_path, capsys):
    path = tmp_path / "m.keras"
    fit([ModelCheckpoint(path, "loss", save_best_only=True, verbose=1)], [1.0, 2.0, 0.5])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: loss improved from none to 1.00000",
        f"Epoch 1: saved to {path}",
        "Epoch 2: loss did not improve from 1.00000",
        "Epoch 3: loss improved from 1.00000 to 0.50000",
        f"Epoch 3: saved to {path}",
    ]


# ---- learning rates


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch: 2.0**-epoch,
        lambda epoch, rate: rate / 2 if epoch else rate,
        lambda epoch, rate=None: np.float32(2.0**-epoch),
        lambda epoch, rate: np.array(2.0**-epoch),
    ],
)
def test_a_schedule_sets_the_learning_rate_of_each_epoch(schedule):
    model, _ = fit([LearningRateScheduler(schedule)], [1, 1, 1], Model(rate=1.0))
    assert model.history.history["learning_rate"] == [1.0, 0.5, 0.25]
    assert type(model.optimizer.learning_rate) is float


@pytest.mark.parametrize("wrong", [None, "fast", [0.1, 0.2]])
def test_a_schedule_that_returns_no_number_is_an_error(wrong):
    with pytest.raises(ValueError, match=r"for epoch 0.*one number"):
        fit([LearningRateScheduler(lambda epoch: wrong)], [1.0])


def test_an_error_inside_a_schedule_is_not_swallowed():
    def schedule(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        fit([LearningRateScheduler(schedule)], [1.0])


def test_the_learning_rate_falls_when_progress_stops():
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    model, _ = fit([reduce], [3, 2, 2, 2, 2, 2, 1])
    assert model.history.history["learning_rate"] == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_the_learning_rate_does_not_fall_below_its_limit():
    reduce = ReduceLROnPlateau("loss", factor=0.1, patience=1, min_lr=0.25)
    assert fit([reduce], [1] * 5)[0].optimizer.learning_rate == 0.25


@pytest.mark.parametrize("factor", [1.0, 2, -0.5])
def test_a_factor_that_does_not_reduce_is_an_error(factor):
    with pytest.raises(ValueError, match="below 1"):
        ReduceLROnPlateau(factor=factor)


def test_changes_of_the_learning_rate_are_told_when_asked(capsys):
    fit([ReduceLROnPlateau("loss", patience=1, verbose=1)], [1, 1])
    fit([LearningRateScheduler(lambda epoch: 0.125, verbose=1)], [1])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: ReduceLROnPlateau sets the learning rate to 0.1",
        "Epoch 1: LearningRateScheduler sets the learning rate to 0.125",
    ]


@given(
    st.lists(quarters, min_size=1, max_size=12),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(["min", "max"]),
    st.sampled_from([0.0, 0.125]),
)
def test_the_learning_rate_falls_where_that_of_keras_does(values, patience, cooldown, mode, least):
    keras = pytest.importorskip("keras")
    arguments = {"monitor": "loss", "factor": 0.5, "patience": patience}
    arguments |= {"cooldown": cooldown, "mode": mode, "min_lr": least}
    ours, _ = fit([ReduceLROnPlateau(**arguments)], values)
    theirs, _ = fit([keras.callbacks.ReduceLROnPlateau(**arguments)], values)
    assert ours.history.history == theirs.history.history


# ---- the others


@pytest.mark.parametrize("loss", [NAN, float("inf"), -float("inf")])
def test_a_lost_loss_ends_training_and_names_the_batch(loss, capsys):
    model = Model()
    callbacks = CallbackList([TerminateOnNaN()], model=model)
    callbacks.on_epoch_begin(2)
    callbacks.on_train_batch_end(36, {"loss": 1.0})
    assert not model.stop_training
    callbacks.on_train_batch_end(37, {"loss": loss})
    assert model.stop_training
    assert f"Epoch 3, batch 37 (counted from 0): the loss is {loss}" in capsys.readouterr().out


def test_a_lost_loss_is_an_error_if_asked():
    callbacks = CallbackList([TerminateOnNaN(raise_error=True)], model=Model())
    with pytest.raises(RuntimeError, match="batch 4"):
        callbacks.on_train_batch_end(4, {"loss": NAN})
    assert not callbacks.needs_every_batch("train")


def test_logs_without_a_loss_are_no_lost_loss():
    CallbackList([TerminateOnNaN()], model=Model()).on_train_batch_end(0, {"accuracy": NAN})


def read(path):
    return path.read_text().splitlines()


def test_a_csv_file_is_whole_after_each_epoch(tmp_path):
    path = tmp_path / "new" / "log.csv"
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(read(path)))
    logs = {"loss": 0.5, "accuracy": 0.25}
    fit([CSVLogger(path), look], [logs, {"loss": 0.125}])
    assert seen == [
        ["epoch,loss,accuracy", "0,0.5,0.25"],
        ["epoch,loss,accuracy", "0,0.5,0.25", "1,0.125,NA"],
    ]
    fit([CSVLogger(path, separator=";")], [1.0])
    assert read(path) == ["epoch;loss", "0;1.0"]


def test_a_csv_file_has_columns_for_a_later_validation(tmp_path):
    path = tmp_path / "log.csv"
    fit([CSVLogger(path)], [1.0, {"loss": 0.5, "val_loss": 2.0}], validation_freq=2)
    assert read(path) == ["epoch,loss,val_loss", "0,1.0,NA", "1,0.5,2.0"]


def test_a_csv_file_is_appended_to_under_its_own_columns(tmp_path):
    path = tmp_path / "log.csv"
    fit([CSVLogger(path, append=True)], [{"loss": 1.0, "mae": 2.0}])
    fit([CSVLogger(path, append=True)], [{"mae": 4.0, "loss": 3.0}])
    assert read(path) == ["epoch,loss,mae", "0,1.0,2.0", "0,3.0,4.0"]
    with pytest.raises(ValueError, match="reports mse, but the columns.*epoch, loss, mae"):
        fit([CSVLogger(path, append=True)], [{"loss": 1.0, "mse": 4.0}])


def test_a_name_that_comes_late_is_left_out_of_a_csv_file_with_a_warning(tmp_path):
    path = tmp_path / "log.csv"
    late = {"loss": 1.0, "late": 2.0}
    with pytest.warns(UserWarning, match="epoch 1 reports late") as warned:
        fit([CSVLogger(path)], [1.0, late, late])
    assert len(warned) == 1
    assert read(path) == ["epoch,loss", "0,1.0", "1,1.0", "2,1.0"]


HOOKS = [name for name in vars(door.Callback) if name.startswith("on_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_function_can_be_any_hook(hook):
    calls = []
    callbacks = CallbackList([LambdaCallback(**{hook: lambda *args: calls.append(args)})])
    index = (5,) if "batch" in hook or "epoch" in hook else ()
    getattr(callbacks, hook)(*index, {"loss": 1})
    assert calls == [(*index, {"loss": 1.0})]


def test_a_function_of_a_batch_needs_every_batch_unless_it_says_otherwise():
    callback = LambdaCallback(on_train_batch_end=print)
    assert CallbackList([callback]).needs_every_batch("train")
    callback.every_batch = False
    assert not CallbackList([callback]).needs_every_batch("train")
    assert not CallbackList([LambdaCallback(on_epoch_end=print)]).needs_every_batch("train")


def test_a_function_of_no_hook_is_an_error():
    with pytest.raises(TypeError, match="'on_epoch_ends'.*Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end=3 is not a function"):
        LambdaCallback(on_epoch_end=3)


@pytest.fixture
def server():
    """A web server that records the requests posted to it."""
    posts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            posts.append((self.path, self.headers, body))
            self.send_response(200 if self.path == "/publish/epoch/end/" else 404)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served.root, served.posts = f"http://127.0.0.1:{served.server_port}", posts
        yield served
        served.shutdown()
        thread.join()


@pytest.mark.parametrize("as_json", [True, False])
def test_each_epoch_is_sent_to_a_server(server, as_json):
    fit([RemoteMonitor(server.root, headers={"X-Key": "k"}, send_as_json=as_json)], [0.5])
    [(_, headers, body)] = server.posts
    text = body if as_json else urllib.parse.parse_qs(body)["data"][0]
    assert json.loads(text) == {"epoch": 0, "loss": 0.5}
    assert headers["X-Key"] == "k"
    assert headers["Content-Type"].endswith("json") == as_json


def test_a_server_that_does_not_answer_is_warned_of(server):
    with pytest.warns(UserWarning, match="404"):
        fit([RemoteMonitor(server.root, path="/elsewhere/")], [0.5])
    with pytest.warns(UserWarning, match="RemoteMonitor: http://127.0.0.1:1/"):
        fit([RemoteMonitor("http://127.0.0.1:1")], [0.5])
