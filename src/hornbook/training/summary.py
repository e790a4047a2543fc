"""Write numbers, pictures, sounds, histograms and text for TensorBoard."""

import io
import os
import socket
import struct
import time
import wave
import zlib
from pathlib import Path
from typing import Any

import numpy as np

NO_TENSORBOARD = "event files need tensorboard: pip install 'hornbook[tensorboard]'"
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of PNG, by number of channels


class SummaryWriter:
    """Writes an event file with tensorboard's own writer, as `tf.summary` does with TensorFlow.

    `TensorBoard.writer` gives the writers of a training. Use one of your own for anything else, as
    a context or with `close()`.

    Args:
        log_dir: folder of the file; created if missing.

    Raises:
        ImportError: if tensorboard is not installed, with the command to install it.

    Example:
        >>> with keras.callbacks.SummaryWriter("logs/mine") as writer:
        ...     writer.scalar("loss", 0.5, step=0)
        ...     writer.histogram("weights", np.arange(10.0), step=0)
        ...     writer.image("pictures", np.zeros((2, 8, 8, 3)), step=0)
        ...     writer.text("note", "with *Markdown*", step=0)
    """

    def __init__(self, log_dir: str | os.PathLike):
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ImportError(NO_TENSORBOARD) from error
        self.log_dir = os.fspath(log_dir)
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}"
        path = Path(self.log_dir, f"{name}.{time.monotonic_ns()}.v2")
        # not its EventFileWriter, which imports tensorflow if there is one
        self._file = RecordWriter(path.open("wb"))
        self._add(Event(wall_time=now, file_version="brain.Event:2"))

    def __enter__(self) -> "SummaryWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def scalar(self, name: str, data: Any, step: int) -> None:
        """Write a number.

        Args:
            name: name of the curve.
            data: a scalar.
            step: its x coordinate.
        """
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        array = np.asarray(data)
        _check("scalar", name, array, array.ndim == 0 and array.dtype.kind in "fiub", "a number")
        self._write(scalar_pb(name, array.astype("float32")), step)

    def histogram(self, name: str, data: Any, step: int, buckets: int = 30) -> None:
        """Write the distribution of an array's values.

        Args:
            name: name of the histogram.
            data: an array of any shape.
            step: its place in time.
            buckets: number of intervals of equal width.
        """
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb

        array = np.asarray(data)
        _check("histogram", name, array, array.dtype.kind in "fiubV", "an array of numbers")
        self._write(histogram_pb(name, array.astype("float64").ravel(), buckets), step)

    def image(self, name: str, data: Any, step: int, max_outputs: int = 3) -> None:
        """Write pictures.

        Args:
            name: name of the pictures.
            data: (N, height, width, channels) with 1 to 4 channels, channels last: integers from 0
                to 255, or floats from 0 to 1, which are clipped.
            step: their place in time.
            max_outputs: write the first so many pictures at most.
        """
        from tensorboard.plugins.image.metadata import create_summary_metadata

        array = np.asarray(data)
        fits = array.ndim == 4 and array.shape[-1] in COLOR_TYPES and array.dtype.kind in "fiubV"
        _check("image", name, array, fits, "(N, height, width, 1 to 4 channels)")
        if array.dtype.kind in "fV":
            array = np.clip(array.astype("float32"), 0, 1) * 255 + 0.5
        pictures = np.clip(array[:max_outputs], 0, 255).astype("uint8")
        height, width = array.shape[1:3]
        values = [str(width).encode(), str(height).encode(), *map(png, pictures)]
        self._strings(name, values, create_summary_metadata(None, None), step)

    def audio(
        self, name: str, data: Any, step: int, sample_rate: int, max_outputs: int = 3
    ) -> None:
        """Write sounds.

        Args:
            name: name of the sounds.
            data: (N, samples, channels), floats from -1 to 1, which are clipped.
            step: their place in time.
            sample_rate: samples per second.
            max_outputs: write the first so many sounds at most.
        """
        from tensorboard.plugins.audio.metadata import Encoding, create_summary_metadata

        array = np.asarray(data)
        fits = array.ndim == 3 and array.dtype.kind in "fV"
        _check("audio", name, array, fits, "(N, samples, channels), floats from -1 to 1")
        values = [[wav(sound, sample_rate), b""] for sound in array[:max_outputs]]
        metadata = create_summary_metadata(None, None, Encoding.Value("WAV"))
        self._strings(name, values, metadata, step)

    def text(self, name: str, data: Any, step: int) -> None:
        """Write text, which TensorBoard shows as Markdown.

        Args:
            name: name of the text.
            data: a text, or an array of texts, which is shown as a table.
            step: its place in time.
        """
        from tensorboard.plugins.text.summary_v2 import text_pb

        array = np.asarray(data)
        _check("text", name, array, array.dtype.kind in "USO", "text")
        self._write(text_pb(name, array.astype(object)), step)

    def graph(self, model: Any, step: int = 0) -> None:
        """Write a model's layers and their connections.

        Args:
            model: a functional or sequential model.
            step: its place in time.
        """
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

        plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        metadata = SummaryMetadata(plugin_data=plugin)
        self._strings("keras", model.to_json().encode(), metadata, step)

    def flush(self) -> None:
        """Write what is waiting to disk."""
        self._file.flush()

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        self._file.close()

    def _strings(self, name: str, values: Any, metadata: Any, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        tensor = make_tensor_proto(np.array(values, object))
        self._write(
            Summary(value=[Summary.Value(tag=name, tensor=tensor, metadata=metadata)]), step
        )

    def _write(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._add(Event(wall_time=time.time(), step=int(step), summary=summary))

    def _add(self, event: Any) -> None:
        self._file.write(event.SerializeToString())


def _check(kind: str, name: str, array: np.ndarray, fits: bool, wanted: str) -> None:
    if not fits:
        raise ValueError(
            f"SummaryWriter.{kind}: {name!r} must be {wanted}; got shape {array.shape}, dtype "
            f"{array.dtype}"
        )


def wav(sound: np.ndarray, sample_rate: int) -> bytes:
    """A sound as a WAV file of 16 bits.

    Args:
        sound: (samples, channels), floats from -1 to 1.
        sample_rate: samples per second.

    Example:
        >>> wav(np.zeros((4, 1)), 8000)[:4]
        b'RIFF'
    """
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((sound.shape[1], 2, int(sample_rate), 0, "NONE", ""))
        numbers = np.clip(sound.astype("float32"), -1, 1) * 32767
        file.writeframes(np.rint(numbers).astype("<i2").tobytes())
    return content.getvalue()


def png(picture: np.ndarray) -> bytes:
    """A picture as a PNG file.

    Args:
        picture: uint8 (height, width, channels): grey or RGB, and with one more channel, alpha.

    Example:
        >>> png(np.zeros((2, 3, 1), "uint8"))[:4]
        b'\\x89PNG'
    """
    height, width, channels = picture.shape
    rows = np.hstack([np.zeros((height, 1), "uint8"), picture.reshape(height, -1)])
    head = struct.pack(">IIBBBBB", width, height, 8, COLOR_TYPES[channels], 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
