"""Checkpoints and SavedModels of TensorFlow's: files of tf_keras 2.21, and hostile ones.

`tensorflow/rnn` and `tensorflow/sub` are by `save_weights`, `tensorflow/saved` by `save` without
its graph, from models like those below. The outputs are TensorFlow's.
"""

import random
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.compat.tensorflow import checkpoints
from hornbook.core.variable import Variable
from hornbook.saving import bundle
from hornbook.saving.bundle import MAGIC, Bundle
from hornbook.saving.checksum import masked
from hornbook.saving.policy import FileError

FILES = Path(__file__).parent / "tensorflow"
X = np.linspace(-1, 1, 12).reshape(4, 3).astype("float32")
SAVED = [-0.37692338, -0.02853356, 0.31985626, 0.66824603]


def recurrent() -> keras.Model:
    lstm = layers.Bidirectional(layers.LSTM(2))
    return keras.Sequential([keras.Input((4, 3)), lstm, layers.Dense(1)])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.more = layers.Dense(2), [layers.Dense(2), layers.Dense(1)]

    def call(self, x):
        for layer in (self.one, *self.more):
            x = layer(x)
        return x


def subclassed() -> keras.Model:
    model = Subclassed()
    model.build((None, 3))
    return model


def functional() -> keras.Model:
    inputs = keras.Input((3,))
    both = layers.Add()([layers.Dense(2)(inputs), layers.Dense(2)(inputs)])
    return keras.Model(inputs, layers.Dense(1)(both))


@pytest.fixture
def saved(tmp_path):
    folder = shutil.copytree(FILES / "saved", tmp_path / "saved")
    (folder / "saved_model.pb").write_bytes(b"a graph, which is not read")
    return folder


def test_weights_give_what_they_gave_in_tensorflow(saved):
    for model, path, x, expected in (
        (recurrent(), FILES / "rnn", X[None], [-0.21606438]),
        (subclassed(), FILES / "sub", X, [-0.39925507, -0.15142277, 0.09640955, 0.3442418]),
        (functional(), saved, X, SAVED),
    ):
        model.load_weights(path)
        np.testing.assert_allclose(np.ravel(model(x)), expected, atol=1e-6)


def test_a_saved_model_is_made_from_its_config(saved):
    model = keras.saving.load_model(saved)
    np.testing.assert_allclose(np.ravel(model(X)), SAVED, atol=1e-6)
    assert type(model.optimizer).__name__ == "SGD" and model.loss == "mse"
    (saved / "keras_metadata.pb").unlink()
    with pytest.raises(ValueError, match="no config of a model, only TensorFlow's graph"):
        keras.saving.load_model(saved)


def test_a_checkpoint_that_does_not_fit_loads_nothing():
    model = functional()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"(?s)in 12 places.*'more/0/bias.*is no weight"):
        model.load_weights(FILES / "sub")
    other = keras.Sequential([keras.Input((4, 3)), layers.LSTM(2), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"expects shape \(2, 1\); the file has shape \(4, 1\)"):
        other.load_weights(FILES / "rnn")
    with pytest.raises(ValueError, match="with weights and no model: build the model"):
        keras.saving.load_model(FILES / "sub")
    assert all(map(np.array_equal, before, model.get_weights()))


def test_values_and_objects_are_restored_by_name():
    names = dict(checkpoints.list_variables(FILES / "sub"))
    assert names["one/kernel" + bundle.VALUE] == [3, 2] and names[bundle.GRAPH] == []
    kernel = checkpoints.load_variable(FILES / "sub", "one/kernel" + bundle.VALUE)
    dense, bias = layers.Dense(2), Variable(np.zeros(2, "float32"))
    status = checkpoints.Checkpoint(one=dense, more=[{"bias": bias}]).restore(FILES / "sub")
    dense.build((None, 3))
    status.assign()
    np.testing.assert_array_equal(dense.kernel, kernel)
    expected = checkpoints.load_variable(FILES / "sub", "more/0/bias" + bundle.VALUE)
    np.testing.assert_array_equal(bias, expected)


# ---- hostile files


class Any:
    """A checksum that fits."""

    def __ne__(self, other):
        return False


def test_damaged_files_are_refused_or_read(tmp_path, monkeypatch, long):
    path = shutil.copy(FILES / "rnn.index", tmp_path)
    data, draw = Path(path).read_bytes(), random.Random(0)
    shutil.copy(FILES / "rnn.data-00000-of-00001", tmp_path)

    def outcome(changed: bytes) -> str:
        Path(path).write_bytes(changed)
        try:
            Bundle(tmp_path / "rnn").read_all()
        except FileError:
            return "refused"
        return "read"

    def changed() -> bytes:
        made = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            made[draw.randrange(len(made) - 8)] = draw.choice((0, 1, 127, 128, 255))
        return bytes(made[: draw.choice((None, draw.randrange(len(made))))])

    assert outcome(data) == "read"
    for _ in range(5):
        assert outcome(changed()) == "refused"
    monkeypatch.setattr(bundle, "masked", lambda data: Any())
    found = [outcome(changed()) for _ in range(5000 if long else 300)]
    assert {*found} == {"read", "refused"}


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(bytes([0, len(k), len(v)]) + k + v for k, v in pairs)
    body += struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", masked(body))


def write(path: Path, entries: list[tuple[bytes, bytes]], blocks: int = 1) -> None:
    """An index with a block that is listed so often."""
    first = block([(b"", b"\x08\x01"), *entries])
    listed = block([(b"z", b"\0" + bytes([len(first) - 5]))] * blocks)
    footer = bytes([0, 0, len(first), len(listed) - 5]).ljust(40, b"\0") + MAGIC
    path.write_bytes(first + listed + footer)


def test_what_would_take_much_memory_is_refused(tmp_path, monkeypatch):
    numbers = np.arange(4, dtype="<f4").tobytes()
    (tmp_path / "m.data-00000-of-00001").write_bytes(numbers)
    entry = b"\x08\x01\x12\x04\x12\x02\x08\x04\x28\x10\x35" + struct.pack("<I", masked(numbers))
    write(tmp_path / "m.index", [(b"a", entry)])
    assert Bundle(tmp_path / "m").read_all()["a"].tolist() == [0, 1, 2, 3]
    write(tmp_path / "m.index", [(b"a", entry), (b"b", entry)])
    with pytest.raises(FileError, match="share their bytes"):
        Bundle(tmp_path / "m").read_all()
    write(tmp_path / "m.index", [(b"a", entry.replace(b"\x08\x04", b"\x08\x7f"))])
    with pytest.raises(FileError, match=r"has 16 bytes, \(127,\)"):
        Bundle(tmp_path / "m").read("a")
    write(tmp_path / "m.index", [(b"a", entry)], blocks=12)
    with pytest.raises(FileError, match="listed twice"):
        Bundle(tmp_path / "m")
    monkeypatch.setattr(bundle, "LARGEST_INDEX", 9)
    with pytest.raises(FileError, match="refused: the index"):
        Bundle(tmp_path / "m")
