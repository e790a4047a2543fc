"""`csv` as in Python 2: readers and writers take files opened in binary mode."""

import csv
import io
from collections.abc import Iterable
from typing import Any


class _Encoded:
    """A text writer over a binary file."""

    def __init__(self, file: Any):
        self.file = file

    def write(self, text: str) -> int:
        return self.file.write(text.encode("latin-1", "hornbook-utf8"))


def _lines(file: Any) -> Any:
    if not isinstance(file, Iterable):
        return file
    return (line.decode("latin-1") if isinstance(line, bytes) else line for line in file)


def _written(file: Any) -> Any:
    return _Encoded(file) if isinstance(file, io.RawIOBase | io.BufferedIOBase) else file


def reader(csvfile, *args, **kwargs):
    """`csv.reader`."""
    return csv.reader(_lines(csvfile), *args, **kwargs)


def writer(csvfile, *args, **kwargs):
    """`csv.writer`."""
    return csv.writer(_written(csvfile), *args, **kwargs)


class DictReader(csv.DictReader):
    """`csv.DictReader`."""

    def __init__(self, f, *args, **kwargs):
        super().__init__(_lines(f), *args, **kwargs)


class DictWriter(csv.DictWriter):
    """`csv.DictWriter`."""

    def __init__(self, f, *args, **kwargs):
        super().__init__(_written(f), *args, **kwargs)
