"""`cPickle` and `pickle` as in Python 2: files may be opened as text, strings are bytes."""

import io
import pickle
from typing import Any


def _binary(file: Any) -> Any:
    """The binary file underneath one opened without `b`."""
    return file.buffer if isinstance(file, io.TextIOWrapper) else file


def load(file: Any, encoding: str = "latin1") -> Any:
    """`pickle.load`; byte strings become strings with one character per byte."""
    return pickle.load(_binary(file), encoding=encoding)


def loads(text: bytes | str, encoding: str = "latin1") -> Any:
    """`pickle.loads` likewise."""
    return pickle.loads(
        text.encode("latin-1") if isinstance(text, str) else text, encoding=encoding
    )


def dump(value: Any, file: Any, protocol: int = 0) -> None:
    """`pickle.dump`."""
    pickle.dump(value, _binary(file), max(protocol, 2) if protocol >= 0 else protocol)


def dumps(value: Any, protocol: int = 0) -> bytes:
    """`pickle.dumps`."""
    return pickle.dumps(value, max(protocol, 2) if protocol >= 0 else protocol)
