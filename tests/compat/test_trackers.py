"""Callbacks of Weights & Biases and MLflow, as published, offline; skipped where these are not."""

import os
import subprocess
import sys

import pytest

START = """\
import numpy as np
import keras
x = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
y = (x.sum(1) > 0).astype("int32")
model = keras.models.Sequential()
model.add(keras.layers.Dense(2, activation="softmax", input_shape=(4,)))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
WANDB = (
    START
    + """
import os
import wandb
from wandb.integration.keras import WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint

class Evaluate(WandbEvalCallback):
    def log_data_table(self, *args, **kwargs):  # wandb uses no artifacts offline
        self.data_table_ref = self.data_table

    def add_ground_truth(self, logs=None):
        for i in range(3):
            self.data_table.add_data(i, int(y[i]))

    def add_model_predictions(self, epoch, logs=None):
        predicted = self.model.predict(x[:3], verbose=0).argmax(1)
        for i in self.data_table_ref.get_index():
            self.pred_table.add_data(epoch, *self.data_table_ref.data[i], int(predicted[i]))

run = wandb.init(project="p", dir=".")
callbacks = [
    WandbMetricsLogger(log_freq=2),
    WandbModelCheckpoint("epoch-{epoch}.h5"),
    WandbModelCheckpoint("step-{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=4),
    Evaluate(["i", "y"], ["epoch", "i", "y", "predicted"]),
]
history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0,
                    callbacks=callbacks).history
summary = dict(run.summary)
run.finish()
assert summary["epoch/loss"] == history["loss"][-1], summary
assert summary["epoch/val_loss"] == history["val_loss"][-1]
assert summary["batch/batch_step"] == 10 and abs(summary["epoch/learning_rate"] - 1e-3) < 1e-9
print(sorted(name for name in os.listdir() if name.endswith(".h5")))
"""
)
MLFLOW = (
    START
    + """
import mlflow
mlflow.set_tracking_uri("file:" + __import__("os").path.abspath("runs"))
client = mlflow.MlflowClient()
callback = mlflow.keras.MlflowCallback
with mlflow.start_run() as run:
    history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback()]).history
found = client.get_metric_history(run.info.run_id, "loss")
assert [one.value for one in found] == history["loss"], (found, history)
assert client.get_run(run.info.run_id).data.params["optimizer_learning_rate"] == "0.001"
with mlflow.start_run() as run:
    each = callback(log_every_epoch=False, log_every_n_steps=2)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[each])
assert [one.step for one in client.get_metric_history(run.info.run_id, "loss")] == [6, 8, 10]
mlflow.keras.autolog(log_models=False)
history = model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y)).history
data = mlflow.last_active_run().data
assert data.metrics["val_loss"] == history["val_loss"][-1] and data.params["epochs"] == "2"
print("logged")
"""
)


def run(tmp_path, source, *arguments):
    program = tmp_path / "program.py"
    program.write_text(source)
    env = {**os.environ, "WANDB_MODE": "offline", "MLFLOW_ALLOW_FILE_STORE": "true"}
    env["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))
    command = [sys.executable, "-m", "hornbook", "run", *arguments, str(program)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("arguments", [[], ["--as", "keras2"]])
def test_wandb(tmp_path, arguments):
    pytest.importorskip("wandb")
    done = run(tmp_path, WANDB, *arguments)
    steps = ["step-1-4.weights.h5", "step-2-2.weights.h5", "step-2-3.weights.h5"]
    names = [name for name in steps if name in done.stdout]
    assert names and "epoch-1.h5" in done.stdout and "epoch-2.h5" in done.stdout
    assert arguments or "written for Keras 3 (wandb" in done.stderr


def test_mlflow(tmp_path):
    pytest.importorskip("mlflow")
    done = run(tmp_path, MLFLOW)
    assert "logged" in done.stdout and "written for Keras 3 (mlflow" in done.stderr
    assert "unexpected error during autologging" not in done.stderr


@pytest.mark.parametrize("generation", ["keras2", "keras3"])
def test_what_such_callbacks_ask_of_tensorflow_is_there(tmp_path, generation):
    source = """
import abc
import keras
import tensorflow as tf
from tensorflow.keras import callbacks
from tensorflow.keras.callbacks import Callback
assert callbacks.ModelCheckpoint is keras.callbacks.ModelCheckpoint
assert tf.keras.__version__ == keras.__version__ and keras.__version__[0] in "23"
import numpy as np
layer = keras.layers.Dense(1)
layer.build((None, 2))
assert isinstance(layer.kernel, tf.Variable) and isinstance(tf.data.Dataset, type)

class Logger(Callback, abc.ABC):
    pass

try:
    import nltk
except ImportError:
    pass
else:
    assert nltk.__file__  # no module stands in for a library of today
print("found")
"""
    assert "found" in run(tmp_path, source, "--as", generation).stdout
