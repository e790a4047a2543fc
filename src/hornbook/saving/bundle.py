"""TensorFlow's tensor bundles: the files of its checkpoints, read as untrusted input.

`NAME.index` is a sorted table of blocks, as LevelDB has them, from the names of tensors to where
their bytes are in `NAME.data-00000-of-00001` and further such files. Nothing in them is run, and
memory stays in proportion to the size of the index; tensors are read one at a time.
"""

import math
import os
import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hornbook.saving.checksum import masked
from hornbook.saving.policy import SMALL, FileError, MissingFile
from hornbook.saving.wire import fields, varint

INDEX = ".index"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER = 48  # bytes
LARGEST_INDEX = 1 << 26  # bytes
MOST_SHARDS = 1 << 16
MOST_AXES = 32
STRING = 7
DTYPES: dict[int, Any] = {
    number: np.dtype(dtype)
    for number, dtype in {
        1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 8: "<c8", 9: "<i8", 10: "?",
        14: jnp.bfloat16, 17: "<u2", 18: "<c16", 19: "<f2", 22: "<u4", 23: "<u8",
    }.items()
}  # fmt: skip
DAMAGED = "{!r} is damaged, or no index of a TensorFlow checkpoint: {}"


class Entry(NamedTuple):
    """Where a tensor is: its dtype's number, shape, file, and bytes in it."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    whole: bool


class Bundle:
    """The tensors of a checkpoint by name.

    Args:
        prefix: the path without `.index`.

    Attributes:
        entries: where each tensor is.

    Raises:
        FileError: if the index is damaged, or asks for too much memory.
        MissingFile: if there is none.
    """

    def __init__(self, prefix: Any):
        self.prefix = os.fspath(prefix).removesuffix(INDEX)
        path = self.prefix + INDEX
        if not os.path.isfile(path):
            raise MissingFile(f"there is no checkpoint {self.prefix!r}: {path!r} is missing")
        if (size := os.path.getsize(path)) > LARGEST_INDEX:
            raise FileError(f"refused: the index {path!r} takes {size} bytes")
        with open(path, "rb") as file:
            data = file.read(LARGEST_INDEX)
        try:
            found = dict(_table(data))
            header = dict(_numbers(found.pop(b"", b"")))
            self.shards = header.get(1, 0)
            if header.get(2, 0) or not 0 < self.shards <= MOST_SHARDS:
                raise FileError(f"its header says {header}")
            self.entries = {name.decode(): _entry(value) for name, value in found.items()}
        except (FileError, UnicodeDecodeError) as error:
            raise FileError(DAMAGED.format(path, error)) from None

    def dtype(self, name: str) -> Any:
        """The dtype of a tensor; text is `object`."""
        number = self.entries[name].dtype
        return np.dtype(object) if number == STRING else DTYPES.get(number)

    def read(self, name: str) -> np.ndarray:
        """A tensor, checked.

        Raises:
            FileError: if its bytes are missing or damaged, or it is no array of numbers.
            KeyError: if there is no such name.
        """
        entry = self.entries[name]
        path = self.path(entry.shard)
        where = f"{name!r} in {path!r}"
        dtype = DTYPES.get(entry.dtype)
        if dtype is None or not entry.whole:
            raise FileError(f"{where} is no plain array of numbers, which alone can be read")
        if entry.shard >= self.shards or not os.path.isfile(path):
            raise MissingFile(f"the checkpoint is not complete: {path!r} is missing")
        if entry.size != math.prod(entry.shape) * dtype.itemsize:
            raise FileError(f"the file is damaged: {where} has {entry.size} bytes, {entry.shape}")
        if entry.offset + entry.size > os.path.getsize(path):
            raise FileError(f"the file is damaged: {where} lies beyond its end (truncated?)")
        with open(path, "rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
        if masked(data) != entry.checksum:
            raise FileError(f"the file is damaged: the checksum of {where} differs")
        return np.frombuffer(data, dtype).reshape(entry.shape)

    def read_all(self) -> dict[str, np.ndarray]:
        """All arrays of numbers.

        Raises:
            FileError: if one cannot be read, or they take more bytes than there are in the files.
        """
        names = [name for name, entry in self.entries.items() if entry.dtype != STRING]
        paths = {self.path(self.entries[name].shard) for name in names}
        there = sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
        if sum(self.entries[name].size for name in names) > there and there:
            raise FileError(f"refused: tensors of {self.prefix!r} share their bytes")
        return {name: self.read(name) for name in names}

    def path(self, shard: int) -> str:
        """The path of a file with tensors."""
        return f"{self.prefix}.data-{shard:05d}-of-{self.shards:05d}"


def is_bundle(prefix: Any) -> bool:
    """Whether there is a tensor bundle at a path without `.index`.

    Example:
        >>> is_bundle("nothing")
        False
    """
    try:
        with open(os.fspath(prefix).removesuffix(INDEX) + INDEX, "rb") as file:
            file.seek(-len(MAGIC), os.SEEK_END)
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def latest(folder: str) -> str | None:
    """The prefix that the text file `checkpoint` in a folder names, if it lies in that folder."""
    try:
        with open(os.path.join(folder, "checkpoint"), encoding="utf-8") as file:
            found = re.search(r'^model_checkpoint_path: "([^"\n]+)"', file.read(1 << 20), re.M)
    except (OSError, UnicodeDecodeError):
        return None
    return os.path.join(folder, os.path.basename(found[1])) if found else None


def prefix_of(path: Any) -> str | None:
    """The prefix of the bundle that a path means; `None` if it means none.

    Args:
        path: a prefix, its index, a folder with a file `checkpoint`, or a SavedModel.
    """
    if not isinstance(path, str | os.PathLike):
        return None
    path = os.fspath(path)
    inside = os.path.join(path, "variables", "variables")
    for prefix in (path, inside, latest(path) if os.path.isdir(path) else None):
        if prefix and not os.path.isfile(prefix) and is_bundle(prefix):
            return prefix.removesuffix(INDEX)
    return path.removesuffix(INDEX) if path.endswith(INDEX) and is_bundle(path) else None


# ---- the table


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of a table."""
    if len(data) < FOOTER or data[-len(MAGIC) :] != MAGIC:
        raise FileError("it does not end as such a file does (truncated?)")
    at = len(data) - FOOTER
    for _ in range(2):  # the handle of the index of blocks follows that of a block not needed
        offset, at = varint(data, at)
        size, at = varint(data, at)
    left = [len(data), SMALL + 16 * len(data)]  # bytes of blocks, and of names
    for _, handle in _pairs(_block(data, offset, size, left), left):
        offset, at = varint(handle, 0)
        size, _ = varint(handle, at)
        for name, value in _pairs(_block(data, offset, size, left), left):
            yield name, bytes(value)


def _block(data: bytes, offset: int, size: int, left: list[int]) -> memoryview:
    """A block, without its list of restarts."""
    end = offset + size
    left[0] -= size
    if left[0] < 0 or end + 5 > len(data):
        raise FileError("a block lies beyond its end, or is listed twice")
    if masked(memoryview(data)[offset : end + 1]) != struct.unpack_from("<I", data, end + 1)[0]:
        raise FileError("the checksum of a block differs")
    if data[end]:
        raise FileError("a block is compressed, which TensorFlow does not do")
    count = struct.unpack_from("<I", data, end - 4)[0] if size >= 4 else size
    if 4 * (count + 1) > size:
        raise FileError("the restarts of a block are longer than it")
    return memoryview(data)[offset : end - 4 * (count + 1)]


def _pairs(block: memoryview, left: list[int]) -> Iterator[tuple[bytes, memoryview]]:
    name, at = b"", 0
    while at < len(block):
        shared, at = varint(block, at)
        more, at = varint(block, at)
        size, at = varint(block, at)
        left[1] -= shared + more
        if shared > len(name) or more + size > len(block) - at or left[1] < 0:
            raise FileError("a name or value is longer than its block")
        name = name[:shared] + bytes(block[at : at + more])
        at += more
        yield name, block[at : at + size]
        at += size


def _numbers(message: Any) -> Iterator[tuple[int, int]]:
    return ((number, value) for number, _, value in fields(message) if isinstance(value, int))


def _entry(message: bytes) -> Entry:
    """A `BundleEntryProto`."""
    one: dict[int, Any] = {number: value for number, _, value in fields(message)}
    shape = []
    for number, _, dim in fields(_part(one.get(2, b""))):
        if number == 2:
            shape.append(dict(_numbers(_part(dim))).get(1, 0))
    numbers = [one.get(number, 0) for number in (1, 3, 4, 5)]
    sizes = [*shape, *numbers]
    if not all(isinstance(n, int) and n < 1 << 62 for n in sizes) or len(shape) > MOST_AXES:
        raise FileError("an entry has no sane sizes")
    dtype, shard, offset, size = numbers
    checksum = int.from_bytes(_part(one.get(6, b"")), "little")
    return Entry(dtype, tuple(shape), shard, offset, size, checksum, whole=7 not in one)


def _part(value: Any) -> Any:
    if isinstance(value, int):
        raise FileError("a number where a message is expected")
    return value
