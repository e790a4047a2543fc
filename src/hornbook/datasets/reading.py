"""Data set files as arrays. Pickles in them are read without running the code that they name."""

import gzip
import io
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy


class _Kind:
    """Stands in for a pickled dtype: numeric, or Python objects (`"O"`)."""

    def __init__(self, name: Any, align: Any = False, copy: Any = False):
        self.name = _text(name)
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        self.order = _text(state[1])

    def dtype(self) -> np.dtype | None:
        if self.name in ("O", "O8", "O4"):
            return None
        if self.name[:1] not in tuple("biuf") or not self.name[1:].isdigit():
            raise pickle.UnpicklingError(f"{self.name!r} is no dtype of numbers")
        return np.dtype(f"{self.order if self.order in '<>' else '='}{self.name}")


class _Array:
    """Stands in for a pickled array; its content is only bytes or a list."""

    def __init__(self, cls: Any, shape: Any, kind: Any):
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _, shape, kind, fortran, content = self.state
        dtype = kind.dtype()
        if dtype is None:
            array = np.empty(len(content), dtype=object)
            array[:] = [_plain(thing) for thing in content]
            return array.reshape(shape)  # objects are listed row by row, in either order
        array = np.frombuffer(content, dtype=dtype).copy()
        return array.reshape(shape, order="F" if fortran else "C")


class _Scalar:
    """Stands in for a number of numpy: a dtype and bytes."""

    def __init__(self, kind: Any, content: Any):
        self.kind, self.content = kind, content

    def number(self) -> np.generic:
        dtype = self.kind.dtype()
        if dtype is None:
            raise pickle.UnpicklingError("refused: the file holds a scalar of objects")
        return np.frombuffer(self.content, dtype=dtype)[0]


class _Encoded:
    """Stands in for `_codecs.encode`, which Python 3 uses for bytes in protocol 2; immutable."""

    __slots__ = ()

    def __call__(self, text: Any, encoding: Any) -> bytes:
        if encoding != "latin1" or not isinstance(text, str):
            raise pickle.UnpicklingError(f"refused: the file encodes text as {encoding!r}")
        return text.encode("latin1")


# Stand-ins for the names in a pickle. None of numpy's own classes and functions is called.
ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Kind,
    ("numpy", "ndarray"): "ndarray",
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy._core.multiarray", "scalar"): _Scalar,
    ("_codecs", "encode"): _Encoded(),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(
                f"refused: the file names {module}.{name}, and data are arrays of numbers"
            )
        return ADMITTED[module, name]


def _text(thing: Any) -> str:
    return thing.decode("ascii") if isinstance(thing, bytes) else str(thing)


def _plain(thing: Any) -> Any:
    """Convert to arrays, lists, dicts, numbers and text; raise for anything else."""
    if isinstance(thing, _Array):
        return thing.array()
    if isinstance(thing, _Scalar):
        return thing.number()
    if isinstance(thing, list):
        return thing if all(type(item) is int for item in thing) else [_plain(x) for x in thing]
    if isinstance(thing, dict):
        return {_text(key): _plain(value) for key, value in thing.items()}
    if thing is None or type(thing) in (bool, int, float, str, bytes):
        return thing
    raise pickle.UnpicklingError(f"refused: the file holds a {type(thing).__name__}")


def read_pickle(file: BinaryIO) -> Any:
    """Read a pickle of arrays, lists, dicts, numbers and text.

    Args:
        file: open for reading; pickles from Python 2 are fine.

    Raises:
        pickle.UnpicklingError: for other content. Nothing that the file names is ever called.

    Example:
        >>> import io, pickle
        >>> read_pickle(io.BytesIO(pickle.dumps({"labels": [1, 2]})))
        {'labels': [1, 2]}
    """
    try:
        return _plain(_Unpickler(file, encoding="bytes").load())
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise pickle.UnpicklingError(f"refused: {error}") from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a numpy archive; object arrays are read with `read_pickle`.

    Args:
        path: the archive.

    Raises:
        pickle.UnpicklingError: if an array holds anything but numbers, text and lists of those.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): read_npy(archive.read(name)) for name in names}


def read_npy(content: bytes) -> np.ndarray:
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(file)
    if not dtype.hasobject:
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)
    array = read_pickle(file)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise pickle.UnpicklingError(f"refused: an array of shape {shape} was announced")
    return array


def read_idx(path: Path) -> np.ndarray:
    """A uint8 array in MNIST's IDX format, compressed with gzip.

    Args:
        path: the file.

    Raises:
        ValueError: if the file is not one.
    """
    with gzip.open(path) as file:
        content = file.read()
    axes = content[3] if content[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * axes
    shape = np.frombuffer(content[4:start], ">u4").tolist() if len(content) >= start else []
    if not axes or not shape or len(content) - start != math.prod(shape):
        raise ValueError(f"{path} is not a uint8 array in the IDX format of MNIST")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
