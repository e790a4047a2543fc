"""Files given by a URL: found locally, or downloaded once."""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hornbook.data.archive import extract as unpack
from hornbook.data.download import download
from hornbook.training.progress import say

MAP = "map.json"


def data_folder() -> Path | None:
    """The folder in the environment variable `HORNBOOK_DATA`; `None` if unset or missing.

    Example:
        >>> folder = data_folder()
        >>> folder is None or folder.is_dir()
        True
    """
    named = os.environ.get("HORNBOOK_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if folder.is_dir():
        return folder
    warnings.warn(f"HORNBOOK_DATA names {folder}, which is not a folder", stacklevel=2)
    return None


def local_file(*names: str, subfolder: str = "") -> Path | None:
    """A file or folder in `HORNBOOK_DATA` with one of these names; `None` if there is none.

    Its `map.json` comes first: a table from a name or URL to a path below the folder. Then
    `SUBFOLDER/NAME` and `NAME` are tried.

    Args:
        *names: file names or URLs.
        subfolder: a subfolder to search first.

    Raises:
        ValueError: if the map names a missing file.

    Example:
        >>> local_file("no such file") is None
        True
    """
    folder = data_folder()
    if folder is None:
        return None
    table = json.loads((folder / MAP).read_text("utf-8")) if (folder / MAP).is_file() else {}
    for name in names:
        if name in table:
            path = folder / table[name]
            if not path.exists():
                raise ValueError(f"{folder / MAP} maps {name} to {path}, which does not exist")
            return path
    for name in map(_base_name, names):
        for path in (folder / subfolder / name, folder / name) if name else ():
            if path.exists():
                return path
    return None


def _base_name(address: str) -> str:
    """The last part of a URL or name; `""` if it is not a file name."""
    name = unquote(urlsplit(address).path).rpartition("/")[2] if "://" in address else address
    return "" if name in ("", ".", "..") or set(name) & set("/\\\0") or ":" in name[1:2] else name


def _cache(cache_dir: Any, cache_subdir: Any) -> Path:
    base = Path(cache_dir or os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    folder = (base if writable else Path(tempfile.gettempdir(), ".keras")) / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _has_hash(expected: str, algorithm: str, path: Path) -> bool:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, partial(hashlib.new, algorithm, usedforsecurity=False))
    return found.hexdigest() == expected.lower()


LENGTHS = {32: "md5", 64: "sha256"}  # of hexadecimal checksums


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: Any = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Iterable[str] | None = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The local path of a file, downloaded if necessary.

    The folder in `HORNBOOK_DATA` is searched first: the name or URL in its `map.json`, then
    `CACHE_SUBDIR/NAME`, then `NAME`, where the name is `fname` or the last part of the URL. A file
    found there is used as it is, whatever its checksum. Then come the cache, and the network.

    An interrupted download resumes where it stopped, at once or in the next call.

    Args:
        fname: file name in the cache; default the last part of the URL. For an archive to be
            unpacked, the folder name.
        origin: the URL.
        untar: unpack a tar archive.
        md5_hash: `file_hash` for MD5.
        file_hash: the checksum in hexadecimal. A cached file with another checksum is downloaded
            again.
        cache_subdir: folder below `cache_dir`.
        hash_algorithm: `"md5"`, `"sha256"`, or `"auto"`, which goes by the length of the checksum.
        extract: unpack a tar or zip archive. Links and devices in it are skipped, and an archive
            that would write outside its folder is refused.
        archive_format: `"tar"`, `"zip"`, a list of them, `"auto"` for both, or `None`.
        cache_dir: default the environment variable `KERAS_HOME`, else `~/.keras`.
        force_download: download it even if there is a local file.

    Returns:
        The path of the file, or of the folder with the unpacked archive.

    Raises:
        ValueError: without a URL, for a name with folders in it, a checksum mismatch, or an unsafe
            archive.
        OSError: if the server cannot be reached, or refuses.

    Example:
        >>> with open("words.txt", "w") as file:
        ...     _ = file.write("some words")
        >>> import os, pathlib
        >>> address = pathlib.Path("words.txt").absolute().as_uri()
        >>> path = get_file("copy.txt", address, cache_dir="cache")  # doctest: +ELLIPSIS
        Downloading data from file:///...
        >>> os.path.relpath(path)
        'cache/datasets/copy.txt'
    """
    if origin is None:
        raise ValueError("get_file: pass the URL of the file: origin='https://...'")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    given = os.fspath(fname) if fname else ""
    name = _base_name(given or origin) if "://" not in given else ""
    if not name:
        raise ValueError(
            f"get_file: {given or origin!r} is not a file name: pass fname without folders, and "
            "the folders as cache_dir and cache_subdir"
        )
    is_right = None
    if file_hash is not None:
        by_length = LENGTHS.get(len(file_hash), "")
        algorithm = by_length if hash_algorithm == "auto" else hash_algorithm
        if algorithm not in LENGTHS.values():
            raise ValueError(f"get_file: {file_hash!r} is not an md5 or sha256 checksum")
        is_right = partial(_has_hash, file_hash, algorithm)
    unpacked = extract or untar
    kept_as = goal_name = name  # names of the download and of the result
    if unpacked and given and "." in given:
        goal_name = f"{name.partition('.')[0]}_extracted"
    elif unpacked:
        kept_as = f"{name}_archive"

    subfolder = "" if Path(cache_subdir).is_absolute() else cache_subdir
    found = None if force_download else local_file(name, goal_name, origin, subfolder=subfolder)
    if found is not None and (found.is_dir() or not unpacked):
        return str(found)
    folder = _cache(cache_dir, cache_subdir)
    goal, target = folder / goal_name, found or folder / kept_as
    kept = found is not None or (
        target.exists() and not force_download and (is_right is None or is_right(target))
    )
    if not kept:
        if target.exists() and not force_download:
            say(f"{target} does not match the checksum {file_hash}: downloading it again")
        say(f"Downloading data from {origin}")
        download(origin, target, is_right, anew=force_download)
    if unpacked and not (goal.is_dir() and goal.stat().st_mtime >= target.stat().st_mtime):
        if not unpack(target, goal, "tar" if untar else archive_format):
            warnings.warn(f"get_file: {target} is not a tar or zip archive", stacklevel=2)
        else:
            os.utime(goal)  # newer than the archive
    return str(goal)
