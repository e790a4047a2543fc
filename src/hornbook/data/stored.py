"""Elements of a `Dataset` that are kept: what `cache` writes and reads.

In a file, after a first line, an element is a line of JSON with its structure, and its arrays in
numpy's format. Text is in the line. The file holds plain data only.
"""

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook.data.elements import apply, locked
from hornbook.data.passes import Read

FIRST = b"hornbook cache 1\n"
END = b"end\n"
FOREIGN = (
    "Dataset.cache: {} is not a whole file that cache wrote; delete it, or pass another filename"
)


def in_memory(read: Read) -> Read:
    """`read` of a data set whose elements are kept after the first whole pass.

    Args:
        read: of the elements.
    """
    kept: list = []
    whole = False

    def first(key: tuple) -> Iterator:
        nonlocal whole
        found = []
        for element in read(0, key):
            found.append(apply(locked, element))
            yield found[-1]
        kept[:], whole = found, True

    def elements(start: int, key: tuple) -> Iterator:
        return itertools.islice(iter(kept) if whole else first(key), start, None)

    return elements


def in_file(path: str, read: Read) -> Read:
    """`read` of a data set whose elements are kept in a file, written in the first whole pass.

    The file has its name once it is whole, so an interrupted pass leaves none.

    Args:
        path: the file.
        read: of the elements.
    """

    def elements(start: int, key: tuple) -> Iterator[Any]:
        found = _stored(path) if os.path.exists(path) else _written(path, read(0, key))
        return itertools.islice(found, start, None)

    return elements


def _written(path: str, elements: Iterator[Any]) -> Iterator[Any]:
    folder = os.path.dirname(os.path.abspath(path))
    number, part = tempfile.mkstemp(dir=folder, prefix=f"{os.path.basename(path)}.")
    try:
        with open(number, "wb") as file:
            file.write(FIRST)
            for element in elements:
                _write(file, element)
                yield apply(locked, element)
            file.write(END)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _stored(path: str) -> Iterator[Any]:
    with open(path, "rb") as file:
        if file.readline() != FIRST:
            raise ValueError(FOREIGN.format(path))
        while (line := file.readline()) != END:
            if not line.endswith(b"\n"):
                raise ValueError(FOREIGN.format(path))
            yield _read(json.loads(line), file)


def _write(file: Any, element: Any) -> None:
    arrays: list[np.ndarray] = []
    line = json.dumps(_described(element, arrays)).encode()
    file.write(line + b"\n")
    for array in arrays:
        np.lib.format.write_array(file, array, allow_pickle=False)


def _described(value: Any, arrays: list[np.ndarray]) -> Any:
    """A structure as JSON, with its arrays apart."""
    if isinstance(value, dict):
        return {"dict": [[key, _described(one, arrays)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_described(one, arrays) for one in value]}
    if value is None or isinstance(value, str):
        return {"plain": value}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    array = np.asarray(value)
    if array.dtype.kind == "O":
        parts = [_described(one, arrays) for one in array.ravel().tolist()]
        return {"texts": parts, "shape": array.shape}
    if array.dtype.isbuiltin != 1:  # such as bfloat16, which numpy's format does not name
        raise TypeError(f"Dataset.cache: a file cannot hold {value!r}; cast it to a dtype of numpy")
    arrays.append(array)
    return {"array": None}


def _read(described: dict, file: Any) -> Any:
    kind, value = next(iter(described.items()))
    if kind == "array":
        return locked(np.lib.format.read_array(file, allow_pickle=False))[()]
    if kind == "dict":
        return {key: _read(one, file) for key, one in value}
    if kind == "tuple":
        return tuple(_read(one, file) for one in value)
    if kind == "bytes":
        return value.encode("latin-1")
    if kind == "texts":
        texts = np.empty(len(value), object)
        texts[:] = [_read(one, file) for one in value]
        return locked(texts.reshape(described["shape"]))
    return value
