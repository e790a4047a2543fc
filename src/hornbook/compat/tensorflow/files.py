"""`tf.io`: files, pictures in files and raw bytes."""

import glob
import io
import os
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.images import convert_image_dtype
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.data.image import pillow

MODES = {0: None, 1: "L", 3: "RGB", 4: "RGBA"}


def content(value: Any) -> bytes:
    """Text or bytes, perhaps in an array without axes, as bytes."""
    one = value if isinstance(value, str | bytes) else np.asarray(value, object).item()
    return one.encode() if isinstance(one, str) else bytes(one)


def path_of(value: Any) -> str:
    """The path of a file that is given as text or as an array of it."""
    return os.fspath(value) if isinstance(value, os.PathLike) else content(value).decode()


def read_file(filename: Any, name: str | None = None) -> Any:
    """The content of a file."""
    with open(path_of(filename), "rb") as file:
        return tensor(file.read())


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write a file, and the folders it is in."""
    path = path_of(filename)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content(contents))


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """The paths of files that match patterns."""
    patterns = [pattern] if isinstance(pattern, str | bytes) else list(np.ravel(pattern))
    found = sorted({path for one in patterns for path in glob.glob(path_of(one))})
    return tensor(np.array(found, object))


def decode_image(contents: Any, channels: int = 0, dtype: Any = np.uint8, **_: Any) -> np.ndarray:
    """A picture from the content of its file, (rows, columns, channels).

    Args:
        contents: bytes of a file that Pillow can read.
        channels: 1, 3, 4, or 0 for those of the file.
        dtype: integers as stored; floats from 0 to 1.
    """
    picture = pillow().open(io.BytesIO(content(contents)))
    mode = MODES[channels or 0] or ("RGB" if picture.mode in ("P", "CMYK") else None)
    if picture.mode.startswith("I") and as_dtype(dtype) == "uint16":
        mode = None
    array = np.asarray(picture.convert(mode) if mode else picture)
    array = array[..., None] if array.ndim == 2 else array
    return convert_image_dtype(np.asarray(array, order="C"), dtype)


def decode_and_crop_jpeg(contents: Any, crop_window: Any, channels: int = 0, **_: Any) -> Any:
    """A rectangle of a picture: top, left, height and width."""
    top, left, height, width = (int(one) for one in crop_window)
    return decode_image(contents, channels)[top : top + height, left : left + width]


def _encoded(image: Any, kind: str, **options: Any) -> bytes:
    array = np.asarray(image)
    made = io.BytesIO()
    picture = pillow().fromarray(array[..., 0] if array.shape[-1] == 1 else array)
    picture.save(made, kind, **options)
    return made.getvalue()


def encode_jpeg(image: Any, format: str = "", quality: int = 95, **_: Any) -> Any:
    """A picture of bytes as a JPEG file."""
    return tensor(_encoded(image, "JPEG", quality=quality))


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """A picture of bytes as a PNG file."""
    return tensor(_encoded(image, "PNG"))


def decode_raw(
    input_bytes: Any,
    out_type: Any,
    little_endian: bool = True,
    fixed_length: int | None = None,
    name: str | None = None,
) -> Any:
    """Numbers from their bytes, along a new last axis."""
    kind = np.dtype(as_dtype(out_type).name)
    order = kind.newbyteorder("<" if little_endian else ">") if kind.itemsize > 1 else kind
    if np.ndim(input_bytes) == 0 or isinstance(input_bytes, str | bytes):
        return np.frombuffer(content(input_bytes), order).astype(kind)
    rows = [np.frombuffer(content(one), order).astype(kind) for one in np.ravel(input_bytes)]
    return np.stack(rows).reshape(*np.shape(input_bytes), -1)


class gfile:
    """`tf.io.gfile`: files and folders."""

    GFile = staticmethod(open)
    exists = staticmethod(os.path.exists)
    isdir = staticmethod(os.path.isdir)
    listdir = staticmethod(os.listdir)
    mkdir = staticmethod(os.mkdir)
    remove = staticmethod(os.remove)
    rmtree = staticmethod(shutil.rmtree)
    stat = staticmethod(os.stat)
    join = staticmethod(os.path.join)

    @staticmethod
    def makedirs(path: Any) -> None:
        """Make a folder, and those it is in."""
        os.makedirs(path, exist_ok=True)

    @staticmethod
    def glob(pattern: Any) -> list[str]:
        """The paths that match patterns."""
        return [str(one) for one in matching_files(pattern)]

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Copy a file."""
        if os.path.exists(dst) and not overwrite:
            raise FileExistsError(f"{dst} exists; pass overwrite=True")
        shutil.copyfile(src, dst)

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Rename a file."""
        if os.path.exists(dst) and not overwrite:
            raise FileExistsError(f"{dst} exists; pass overwrite=True")
        os.replace(src, dst)

    @staticmethod
    def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator:
        """Folders, with the folders and files in each."""
        return os.walk(top, topdown, onerror)
