"""Atomic file writes, and checks of paths before they are used."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hornbook.core import placement
from hornbook.saving.bundle import is_bundle
from hornbook.saving.policy import FileError, MissingFile


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary file beside `path`, renamed to `path` when the block ends without an error.

    Until then, and after an error or a crash, `path` is unchanged.

    Args:
        path: the final path; a symbolic link stays one.

    Raises:
        FileNotFoundError: if the folder does not exist.

    Example:
        >>> with replacing("numbers.txt") as temporary:
        ...     _ = temporary.write_text("1 2 3")
        >>> Path("numbers.txt").read_text()
        '1 2 3'
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder; pass the path of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r} to write {path} into")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(target.parent)


@contextmanager
def written_by_first(path: Path) -> Iterator[Path]:
    """Where to write a file that several processes write together: all but the first discard it.

    They must write it too, because each may have a part of what is written.
    """
    if placement.is_first():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / path.name


def _flush(path: Path) -> None:
    """Flush a file or folder to disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # some systems cannot open a folder
        return
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        os.close(handle)


def _mode(target: Path) -> int:
    """Permissions of the replaced file, or the default for a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def to_write(path: Any, suffixes: tuple[str, ...], overwrite: bool) -> str:
    """A path to write to, checked.

    Raises:
        ValueError: if it ends in none of `suffixes`.
        FileExistsError: if there is a file and `overwrite` is false.
    """
    given = str(os.fspath(path))
    path = place(given, suffixes)
    if not path.endswith(suffixes):
        shown = " or ".join(map(repr, suffixes))
        hint = "" if Path(path).suffix else CHECKPOINT
        raise ValueError(f"the name of the file must end in {shown}; got {path!r}{hint}")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path!r} exists; pass overwrite=True to replace it")
    if path != given:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return path


def place(path: str, suffixes: tuple[str, ...]) -> str:
    """The file to write for a path: the path. Programs for TensorFlow have other rules."""
    return path


CHECKPOINT = """
(A name without a suffix meant TensorFlow's own formats, a SavedModel or a checkpoint, which are
read, and not written.)"""
# What programs for TensorFlow write to names without a known suffix: a model to a file in a folder
# of that name, weights to the name and a suffix.
IN_FOLDER, OF_CHECKPOINT = "model.keras", ".weights.h5"
WEIGHTS_ALONE = (
    "{!r} is a checkpoint of TensorFlow's, with weights and no model: build the model, and call "
    "model.load_weights({!r})"
)


def to_read(path: Any, suffixes: tuple[str, ...]) -> str:
    """A path to read from, checked.

    Args:
        path: path of a file, with any name.
        suffixes: suffixes of the files to suggest if there is none.

    Raises:
        FileError: for a checkpoint of TensorFlow's.
        FileNotFoundError: if there is no such file.
    """
    path = str(os.fspath(path))
    if os.path.isfile(inner := os.path.join(path, IN_FOLDER)):
        return inner
    if not os.path.exists(path) and os.path.isfile(path + OF_CHECKPOINT):
        return path + OF_CHECKPOINT
    if not os.path.isfile(path) and is_bundle(path):
        raise FileError(WEIGHTS_ALONE.format(path, path))
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder; pass the path of a file")
    if not os.path.exists(path):
        beside = os.path.dirname(os.path.abspath(path))
        known = sorted(n for n in _names(beside) if n.endswith(suffixes))
        hint = f" The folder has: {', '.join(known[:5])}." if known else ""
        raise MissingFile(f"there is no file {path!r}.{hint}")
    return path


def named(source: Any) -> str:
    """The name of an open file in messages."""
    file = getattr(source, "file", source)  # an h5py group knows its file
    return str(getattr(file, "filename", None) or getattr(file, "name", type(file).__name__))


def _names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
