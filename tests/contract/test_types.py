"""What a type checker infers for a user's program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = """
import numpy as np

import hornbook as keras
from hornbook import layers, losses, metrics, ops


class Scale(layers.Layer):
    def build(self, input_shape: tuple) -> None:
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs * self.factor


class Weighed(losses.BinaryCrossentropy):
    def call(self, y_true, y_pred):
        return 2 * super().call(y_true, y_pred)


class Largest(metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.model.stop_training = True


x = np.ones((8, 4), "float32")
inputs = keras.Input((4,))
model = keras.Model(inputs, layers.Dense(1)(Scale()(inputs)))
model.compile("adam", loss=losses.MeanSquaredError(), metrics=["mae"])
history = model.fit(x, x[:, :1], epochs=2, callbacks=[Stop()])
loss, mae = model.evaluate(x, x[:, :1])
sequence, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x[None])

reveal_type(inputs)  # SymbolicTensor
reveal_type(layers.Dense(3)(x))  # Array
reveal_type(Scale()(x))  # Array
reveal_type(model(x))  # Array
reveal_type(model.predict(x))  # ndarray
reveal_type(history)  # History
reveal_type(history.history["loss"])  # list
reveal_type(losses.MeanSquaredError()(x, x))  # Array
reveal_type(keras.datasets.mnist.load_data())  # tuple
reveal_type(losses.Huber(delta=2.0, name="own").call(x, x))  # Any
reveal_type(losses.mean_squared_error(x, x))  # Array
reveal_type(metrics.Mean().result())  # Array
reveal_type(ops.tanh(x))  # Array
reveal_type(ops.add(x, 1.0))  # Array
reveal_type(ops.sum(x, axis=-1))  # Array
reveal_type(ops.matmul(inputs, x.T))  # Array
reveal_type(ops.clip(x, x_min=0, x_max=1))  # Array
reveal_type(ops.reshape([1.0, 2.0], (2, 1)))  # Array
reveal_type(ops.softmax(x, axis=-1))  # Array
reveal_type(keras.activations.relu(x))  # Array
reveal_type(keras.random.normal((3,)))  # Array
reveal_type(model.layers[0])  # Layer
reveal_type(model.weights[0])  # Variable
ops.clip(x)  # error: Missing positional arguments "x_min", "x_max"
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy says of each line, by its number."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--config-file=", "--ignore-missing-imports"]
    command += ["--no-implicit-reexport"]  # as with --strict: doors say what is public
    command += [f"--cache-dir={CHECKOUT / '.mypy_cache' / 'program'}", "program.py"]
    environment = {**os.environ, "MYPYPATH": str(CHECKOUT / "src")}
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    said: dict[int, str] = {}
    for number, text in re.findall(r"^program\.py:(\d+): (.*)$", run.stdout, re.M):
        said[int(number)] = said.get(int(number), "") + text
    assert said, run.stdout + run.stderr
    return said


@pytest.mark.parametrize(
    ("number", "line", "wanted"),
    [
        (number, *line.split("  # "))
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if "  # " in line
    ],
)
def test_a_checker_knows_what_it_is(checked, number, line, wanted):
    said = checked.get(number, "")
    if wanted.startswith("error"):
        assert said.startswith(wanted)
    else:
        assert re.search(rf'note: Revealed type is "[\w.]*\b{wanted}\b', said)


def test_nothing_else_is_found_wrong(checked):
    expected = {n for n, line in enumerate(PROGRAM.splitlines(), 1) if "  # " in line}
    assert {n: text for n, text in checked.items() if n not in expected} == {}
