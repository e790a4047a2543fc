"""Event files, read by an independent reader of the format."""

import struct

import numpy as np
import pytest

import hornbook as keras
from hornbook.training.callbacks.tensorboard import masked_crc


def records(path):
    """The data of each record, with checked sums."""
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == masked_crc(data[:8])
        body, rest = data[12 : 12 + length], data[12 + length :]
        assert struct.unpack("<I", rest[:4])[0] == masked_crc(body)
        yield body
        data = rest[4:]


def fields(data):
    """Number and value of each field of a message."""

    def varint(at):
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    at = 0
    while at < len(data):
        key, at = varint(at)
        kind = key & 7
        if kind == 0:
            value, at = varint(at)
        else:
            size, at = varint(at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at : at + size], at + size
        yield key >> 3, value


def scalars(path):
    """(step, tag, number) of all events of a file."""
    for body in list(records(path))[1:]:
        event = dict(fields(body))
        for _, value in fields(event[5]):
            tag, number = dict(fields(value)).values()
            yield event[2], tag.decode(), struct.unpack("<f", number)[0]


def test_the_checksum_is_that_of_the_standard():
    # CRC-32C of "123456789" is e3069283 in every description of it
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_an_epoch_s_numbers_are_read_back(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.25), "mse")
    x = np.ones((200, 2))
    history = model.fit(
        x,
        x[:, 0],
        epochs=2,
        verbose=0,
        validation_data=(x, x[:, 0]),
        callbacks=[keras.callbacks.TensorBoard(tmp_path)],
    ).history
    (train,) = (tmp_path / "train").iterdir()
    (validation,) = (tmp_path / "validation").iterdir()
    first = dict(fields(next(records(train))))
    assert first[3] == b"brain.Event:2"
    found = list(scalars(train))
    assert {tag for _, tag, _ in found} == {"epoch_loss", "epoch_learning_rate"}
    losses = [number for _, tag, number in found if tag == "epoch_loss"]
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-6)
    assert [step for step, tag, _ in found if tag == "epoch_loss"] == [0, 1]
    numbers = [number for _, tag, number in scalars(validation)]
    np.testing.assert_allclose(numbers, history["val_loss"], rtol=1e-6)


def test_tensorboard_reads_it(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    callback = keras.callbacks.TensorBoard(str(tmp_path))
    callback.on_epoch_end(300, {"loss": 0.5})
    callback.on_train_end()
    found = EventAccumulator(str(tmp_path / "train"))
    found.Reload()
    assert [(one.step, one.value) for one in found.Scalars("epoch_loss")] == [(300, 0.5)]


def test_what_is_not_written_is_told():
    with pytest.warns(UserWarning, match="histogram_freq, profile_batch is ignored"):
        keras.callbacks.TensorBoard("logs", histogram_freq=1, profile_batch=2)
