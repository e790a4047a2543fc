"""TensorBoard: write the losses and metrics of each epoch as event files.

A file is a sequence of TFRecords: length, its checksum, data, its checksum. The data is an `Event`,
a protocol buffer of a time, a step, and pairs of a tag and a number. Both formats are simple enough
to encode here by hand.
"""

import os
import socket
import struct
import time
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, BinaryIO

from hornbook.training.callback import Callback

POLYNOMIAL = 0x82F63B78  # of CRC-32C, lowest bit first
IGNORED = (
    "TensorBoard writes losses, metrics and the learning rate of each epoch; {} is ignored, since "
    "nothing else is written"
)


@cache
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


def masked_crc(data: bytes) -> int:
    """The checksum of a record: CRC-32C, rotated by 15 bits and offset.

    Args:
        data: bytes.

    Example:
        >>> hex(masked_crc(b"123456789"))
        '0xc78ab0e5'
    """
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field: bytes, text or a message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def event(wall_time: float, step: int, scalars: Mapping[str, float]) -> bytes:
    """An `Event` with a scalar for each tag; without any, the header event of a file.

    Args:
        wall_time: seconds since 1970.
        step: the x axis in TensorBoard.
        scalars: values by tag.
    """
    head = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + _varint(step)
    if not scalars:
        return head + _field(3, b"brain.Event:2")
    values = [
        _field(1, _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
        for tag, value in scalars.items()
    ]
    return head + _field(5, b"".join(values))


class EventFile:
    """An event file.

    Args:
        folder: its folder; created if missing.
    """

    def __init__(self, folder: str):
        os.makedirs(folder, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        path = os.path.join(folder, f"{name}.{time.monotonic_ns()}.v2")
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115
        self.write(0, {})

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Append a scalar for each tag.

        Args:
            step: the x axis in TensorBoard.
            scalars: values by tag.
        """
        data = event(time.time(), step, scalars)
        length = struct.pack("<Q", len(data))
        sums = (struct.pack("<I", masked_crc(one)) for one in (length, data))
        self._file.write(length + next(sums) + data + next(sums))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TensorBoard(Callback):
    """Write losses, metrics and the learning rate of each epoch for TensorBoard.

    Training values go to `log_dir/train`, validation values to `log_dir/validation`. View them with
    `tensorboard --logdir log_dir`; tensorboard is not needed for writing.

    Args:
        log_dir: folder of the files.
        histogram_freq: ignored with a warning, like all arguments below; none of this is written.
        write_graph: the model's graph.
        write_images: weights as images.
        write_steps_per_second: steps per second.
        update_freq: only `"epoch"`.
        profile_batch: which batches to profile.
        embeddings_freq: how often to write embeddings.
        embeddings_metadata: names of their rows.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> callback = keras.callbacks.TensorBoard(folder)
        >>> callback.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        >>> callback.on_train_end()
        >>> sorted(os.listdir(folder))
        ['train', 'validation']
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        asked = {
            "histogram_freq": histogram_freq,
            "write_images": write_images,
            "write_steps_per_second": write_steps_per_second,
            "update_freq": update_freq != "epoch",
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        ignored = [name for name, value in asked.items() if value]
        if ignored:
            warnings.warn(IGNORED.format(", ".join(ignored)), stacklevel=2)
        self._files: dict[str, EventFile] = {}

    def _write(self, part: str, step: int, scalars: dict[str, float]) -> None:
        if part not in self._files:
            self._files[part] = EventFile(os.path.join(self.log_dir, part))
        self._files[part].write(step, scalars)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the values of an epoch."""
        parts: dict[str, dict[str, float]] = {}
        for name, value in (logs or {}).items():
            part = "validation" if name.startswith("val_") else "train"
            parts.setdefault(part, {})[f"epoch_{name.removeprefix('val_')}"] = float(value)
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and "train" in parts:
            parts["train"].setdefault("epoch_learning_rate", float(optimizer.learning_rate))
        for part, scalars in parts.items():
            self._write(part, epoch, scalars)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files = {}
