"""Safe unpacking of untrusted archives: nothing is written outside the target folder."""

import shutil
import stat
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

# An archive may unpack to this many bytes, or this many times its own size.
BYTES = 2**30
TIMES = 200
ENTRY = 512  # bytes counted per member in addition to its content


@dataclass(frozen=True)
class Member:
    """An entry of an archive."""

    name: str
    kind: str  # "file", "folder" or another, which is skipped
    size: int
    open: Callable[[], IO[bytes] | None]


def _of_tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path) as tar:
        for info in tar:
            kind = "file" if info.isreg() else "folder" if info.isdir() else "link or device"
            yield Member(info.name, kind, info.size, partial(tar.extractfile, info))


def _of_zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = stat.S_IFMT(info.external_attr >> 16)
            plain = mode in (0, stat.S_IFREG, stat.S_IFDIR)
            kind = "link or device" if not plain else "folder" if info.is_dir() else "file"
            yield Member(info.filename, kind, info.file_size, partial(archive.open, info))


FORMATS: dict[str, tuple[Callable[[Path], bool], Callable[[Path], Iterator[Member]]]] = {
    "tar": (tarfile.is_tarfile, _of_tar),
    "zip": (zipfile.is_zipfile, _of_zip),
}


def extract(archive: Path, folder: Path, formats: Any = "auto") -> bool:
    """Unpack an archive into a folder, completely or not at all.

    Files get default permissions. Links and devices are skipped, with a warning.

    Args:
        archive: a tar (also compressed) or zip file.
        folder: created if missing; files of the same names are replaced.
        formats: `"tar"`, `"zip"`, a list of them, `"auto"` for both, or `None` for neither.

    Returns:
        Whether it is an archive of one of these formats.

    Raises:
        ValueError: if a name leads out of the folder, or the content exceeds both 1 GiB and 200
            times the archive's size.
    """
    if isinstance(formats, str):
        formats = list(FORMATS) if formats == "auto" else [formats]
    for name in formats or ():
        if name not in FORMATS:
            raise ValueError(f"archive_format is 'auto', 'tar', 'zip' or None, not {name!r}")
        is_one, members = FORMATS[name]
        if is_one(archive):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as fresh:
                whole = Path(fresh, "whole")
                whole.mkdir()
                _unpack(archive, members(archive), whole)
                shutil.copytree(whole, folder, dirs_exist_ok=True, copy_function=shutil.move)
            return True
    return False


def _unpack(archive: Path, members: Iterable[Member], folder: Path) -> None:
    room = max(BYTES, TIMES * archive.stat().st_size)
    left_out = []
    for member in members:
        path = folder.joinpath(*_parts(archive, member.name))
        room -= member.size + ENTRY
        if room < 0:
            raise ValueError(
                f"{archive} would unpack to more than {BYTES / 2**30:g} GiB and {TIMES} times its "
                "own size: unpack it by hand if you trust it"
            )
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
        elif member.kind == "file":
            path.parent.mkdir(parents=True, exist_ok=True)
            source = member.open()
            if source is not None:
                with source, path.open("wb") as file:
                    shutil.copyfileobj(source, file, 2**20)
        else:
            left_out.append(member.name)
    if left_out:
        warnings.warn(f"{archive}: skipped links and devices: {left_out[:5]}", stacklevel=4)


def _parts(archive: Path, name: str) -> tuple[str, ...]:
    """The path of a member below the folder, on every system."""
    parts = PurePosixPath(name).parts
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in parts or _leads_out(name):
        raise ValueError(f"{archive}: {name!r} leads out of the folder; nothing is unpacked")
    return parts


def _leads_out(name: str) -> bool:
    """Whether the name leads out of the folder on Windows."""
    path = PureWindowsPath(name)
    return bool(path.drive or path.root) or ".." in path.parts
