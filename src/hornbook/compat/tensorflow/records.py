"""TFRecord files: records with their lengths and checksums, perhaps compressed."""

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.tensorflow.files import content, path_of
from hornbook.saving.checksum import masked
from hornbook.saving.policy import FileError

LARGEST = 1 << 30  # bytes of a record in a compressed file
PIECE = 1 << 20
DAMAGED = "{!r} is damaged: {} of record {}"
KINDS = ("", "GZIP", "ZLIB")
NUMBERS: dict[Any, str] = {None: "", 0: "", 1: "ZLIB", 2: "GZIP"}


# ---- reading


class _Inflated:
    """A file compressed with zlib, read a piece at a time."""

    def __init__(self, file: Any):
        self._file, self._inflate, self._waiting = file, zlib.decompressobj(), b""

    def read(self, size: int) -> bytes:
        made = bytearray()
        while len(made) < size and not self._inflate.eof:
            given = self._inflate.unconsumed_tail or self._file.read(PIECE)
            if not given:
                break
            made += self._inflate.decompress(given, size - len(made))
        return bytes(made)


def _kind(options: Any) -> str:
    """The name of a compression, given as text, number or options.

    Raises:
        ValueError: if it is none.
    """
    kind = getattr(options, "compression_type", options)
    kind = content(kind).decode() if kind is not None and not isinstance(kind, int) else kind
    kind = NUMBERS.get(kind, kind)
    if kind not in KINDS:
        raise ValueError(f"the compression of TFRecord files is one of {KINDS}, not {kind!r}")
    return kind


def _exactly(file: Any, size: int) -> bytes:
    """That many bytes, or fewer at the end; memory grows only as they come."""
    made = bytearray()
    while len(made) < size:
        piece = file.read(min(PIECE, size - len(made)))
        if not piece:
            break
        made += piece
    return bytes(made)


def read_records(path: Any, compression: Any = None) -> Iterator[bytes]:
    """The records of a file.

    Args:
        path: the file.
        compression: `None`, `"GZIP"` or `"ZLIB"`.

    Raises:
        FileError: if it is damaged.
    """
    name, kind = path_of(path), _kind(compression)
    with open(name, "rb") as raw:
        file: Any = {"GZIP": gzip.GzipFile, "ZLIB": _Inflated}.get(kind, lambda fileobj: fileobj)(
            **{"file" if kind == "ZLIB" else "fileobj": raw}
        )
        most = LARGEST if kind else os.fstat(raw.fileno()).st_size
        number = 0
        while True:
            try:
                head = _exactly(file, 12)
                if not head:
                    return
                if len(head) < 12 or masked(head[:8]) != struct.unpack("<I", head[8:])[0]:
                    raise FileError(DAMAGED.format(name, "the length", number))
                (size,) = struct.unpack("<Q", head[:8])
                if size > most:
                    raise FileError(DAMAGED.format(name, f"{size} is too large as length", number))
                body = _exactly(file, size + 4)
            except (OSError, EOFError, zlib.error) as error:
                raise FileError(DAMAGED.format(name, f"{error} in front", number)) from None
            if len(body) < size + 4 or masked(memoryview(body)[:-4]) != _number(body[-4:]):
                raise FileError(DAMAGED.format(name, "the content", number))
            yield body[:-4]
            number += 1


def _number(four: bytes) -> int:
    return struct.unpack("<I", four)[0]


def TFRecordDataset(
    filenames: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    num_parallel_reads: Any = None,
    name: str | None = None,
) -> data.Dataset:
    """The records of files, as bytes.

    Args:
        filenames: a path, several, or a data set of them.
        compression_type: `None`, `"GZIP"` or `"ZLIB"`.
        buffer_size, num_parallel_reads, name: ignored; files are read one after another.

    Raises:
        ValueError: for another compression.
    """
    kind = _kind(compression_type)
    single = isinstance(filenames, str | bytes | os.PathLike) or np.ndim(filenames) == 0
    several = hasattr(filenames, "as_numpy_iterator")
    paths = filenames if several else [filenames] if single else list(filenames)

    def records() -> Iterator[bytes]:
        for path in paths:
            yield from read_records(path, kind)

    return data.Dataset.from_generator(records)


# ---- writing


class TFRecordOptions:
    """Settings of a writer.

    Args:
        compression_type: `None`, `"GZIP"` or `"ZLIB"`.
        **settings: of compression; `compression_level` is used.
    """

    def __init__(self, compression_type: Any = None, **settings: Any):
        self.compression_type = _kind(compression_type)
        self.compression_level = settings.get("compression_level")


class TFRecordWriter:
    """Writes records to a file; use it as a context.

    Args:
        path: the file.
        options: a `TFRecordOptions`, or the name of a compression.
    """

    def __init__(self, path: Any, options: Any = None):
        level = getattr(options, "compression_level", None)
        level = -1 if level is None else level
        self._kind = _kind(options)
        self._raw = open(path_of(path), "wb")  # noqa: SIM115 - closed by `close`
        self._file: Any = self._raw
        if self._kind == "GZIP":
            self._file = gzip.GzipFile("", "wb", 9 if level < 0 else level, self._raw, 0)
        self._deflate = zlib.compressobj(level) if self._kind == "ZLIB" else None

    def write(self, record: Any) -> None:
        """Write a record."""
        body = content(record)
        head = struct.pack("<Q", len(body))
        crcs = struct.pack("<I", masked(head)), struct.pack("<I", masked(body))
        made = head + crcs[0] + body + crcs[1]
        self._file.write(made if self._deflate is None else self._deflate.compress(made))

    def flush(self) -> None:
        """Write what is waiting."""
        if self._deflate is not None:
            self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()
        self._raw.flush()

    def close(self) -> None:
        """Close the file."""
        if self._raw.closed:
            return
        if self._deflate is not None:
            self._file.write(self._deflate.flush())
        self._file.close()
        self._raw.close()

    def __enter__(self) -> "TFRecordWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file."""
    return read_records(path, options)
