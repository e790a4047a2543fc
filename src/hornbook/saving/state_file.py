"""Files of a training state: named arrays, and plain data that may hold arrays too.

HDF5 with a checksum of every array and of the data, so that a damaged file is refused rather than
continued from. It holds no names of classes and no code.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.saving import guard
from hornbook.saving.files import replacing
from hornbook.saving.policy import LARGEST_JSON, FileError, parse_json

GROUP = "training"  # beside the groups of layers


@contextmanager
def replaced(path: Path, arrays: Mapping[str, Any], data: Any) -> Iterator[None]:
    """Write a new file; when the block ends, it is flushed to disk and replaces the old one.

    Args:
        path: the file.
        arrays: arrays by their path in the file.
        data: dictionaries with text keys, lists, numbers, text, `None` and arrays; tuples become
            lists.

    Raises:
        TypeError: for anything else in `data`.
        OSError: if it cannot be written.
    """
    import h5py

    inner: dict[str, Any] = {}
    packed = _packed(data, inner, "the state")
    with replacing(path) as temporary:
        with h5py.File(temporary, "w") as file:
            table = {}
            for name, value in {**arrays, **inner}.items():
                array = np.asarray(value)
                table[name] = [array.dtype.name, _checksum(array)]
                if array.dtype.kind == "V" and array.dtype != jnp.bfloat16:  # unknown to HDF5
                    array = array.view(f"u{array.dtype.itemsize}")
                file.create_dataset(name, data=array)
            text = json.dumps({"arrays": table, "data": packed}).encode()
            group = file.require_group(GROUP)
            group.create_dataset("json", data=np.frombuffer(text, "uint8"))
            group.attrs["checksum"] = zlib.crc32(text)
        yield


def read(path: Path) -> tuple[dict[str, np.ndarray], Any]:
    """Read such a file: `(arrays, data)`.

    Raises:
        FileError: if it is damaged, or some other file.
    """
    shown = str(path)
    with guard.opened(shown, shown) as file:
        if GROUP not in file.keys():  # noqa: SIM118 - `in file` would follow links
            raise FileError(f"{shown!r} has no state of a training; weights alone, perhaps")
        text = guard.array_at(file, f"{GROUP}/json").tobytes()
        if len(text) > LARGEST_JSON:
            raise FileError(f"refused: {shown!r} has {len(text)} bytes of JSON")
        if zlib.crc32(text) != file[GROUP].attrs.get("checksum"):
            raise FileError(f"{shown!r} is damaged: its checksum is wrong")
        found = parse_json(text, repr(shown))
        try:
            arrays = {
                name: _checked(guard.array_at(file, name), dtype, checksum, name, shown)
                for name, (dtype, checksum) in found["arrays"].items()
            }
            data = _unpacked(found["data"], arrays)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"{shown!r} is no file of a training state: {error!r}") from None
    return {name: a for name, a in arrays.items() if not name.startswith(f"{GROUP}/data/")}, data


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view("uint8").data)


def _checked(array: np.ndarray, dtype: str, checksum: int, name: str, shown: str) -> np.ndarray:
    if array.dtype.name != dtype:
        wanted = np.dtype(dtype)
        if wanted.kind != "V" or wanted.itemsize != array.dtype.itemsize:
            raise FileError(f"{shown!r} is damaged: {name} is {array.dtype}, not {dtype}")
        array = array.view(wanted)
    if _checksum(array) != checksum:
        raise FileError(f"{shown!r} is damaged: the checksum of {name} is wrong")
    return array


def _packed(value: Any, arrays: dict[str, Any], where: str) -> Any:
    """Plain data as JSON; arrays are put aside, and dictionaries marked as such."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {k: _packed(v, arrays, f"{where}[{k!r}]") for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return [_packed(v, arrays, f"{where}[{i}]") for i, v in enumerate(value)]
    if hasattr(value, "__array__") and np.asarray(value).dtype.kind in "fiubcV":
        name = f"{GROUP}/data/{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    raise TypeError(
        f"{where} cannot be saved: {value!r} is neither a number, text, None or an array, nor a "
        "list or a dictionary of them"
    )


def _unpacked(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_unpacked(one, arrays) for one in value]
    if isinstance(value, dict):
        if "array" in value:
            return arrays[value["array"]]
        return {key: _unpacked(one, arrays) for key, one in value["dict"].items()}
    return value
