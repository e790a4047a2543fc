"""Downloads of single files that resume where they stopped."""

import os
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from hornbook.training.progress import Progbar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SCHEMES = ("http", "https", "ftp", "file")
SECONDS = 60  # timeout without data
TRIES = 20  # each must make progress
BLOCK = 2**18


def download(
    origin: str,
    target: Path,
    is_right: Callable[[Path], bool] | None,
    anew: bool = False,
    verbose: int = 1,
) -> None:
    """Download a URL to a file, which appears when it is complete.

    Partial data is kept beside it in `NAME.part`. The download resumes from there, now or in a
    later call, if the server can send the rest and confirms that the file is the same, or if there
    is a checksum.

    Args:
        origin: an http, https, ftp or file URL.
        target: the file.
        is_right: checks the checksum of a complete file.
        anew: whether to replace an existing valid file.
        verbose: 1 shows a progress bar, 0 nothing.

    Raises:
        ValueError: for other URLs, or a checksum mismatch.
        OSError: if the server cannot be reached, refuses, or keeps dropping the connection.
    """
    if urlsplit(origin).scheme not in SCHEMES:
        raise ValueError(f"get_file: {origin!r} is not an http, https, ftp or file URL")
    part, tag = (target.with_name(f"{target.name}.{end}") for end in ("part", "part.tag"))
    with _alone(part) as file:
        if not anew and target.exists() and (is_right is None or is_right(target)):
            _let_go(file)  # another process has downloaded it
            part.unlink()
            return
        whole = not file.seek(0, os.SEEK_END)
        _receive(origin, file, tag, is_right is not None, verbose)
        if is_right is not None and not is_right(part):
            if not whole:  # the old part may be of another file
                file.truncate(0)
                _receive(origin, file, tag, True, verbose)
            if whole or not is_right(part):
                _let_go(file)
                part.unlink()
                tag.unlink(missing_ok=True)
                raise ValueError(
                    f"get_file: the file from {origin} is incomplete or a different one: its "
                    "checksum does not match"
                )
        tag.unlink(missing_ok=True)
        _let_go(file)
        part.replace(target)


def _let_go(file: BinaryIO) -> None:
    """Close the file on Windows, which cannot move open files; elsewhere the lock is kept."""
    if fcntl is None:
        file.close()


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """A file opened for appending, locked by one process at a time."""
    while True:
        with path.open("a+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
                try:
                    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                        continue  # the previous owner moved it
                except FileNotFoundError:
                    continue
            yield file
            return


def _receive(origin: str, file: BinaryIO, tag: Path, checked: bool, verbose: int) -> None:
    """Append to a file until it is complete."""
    why: Any = None
    for _ in range(TRIES):
        size = file.seek(0, os.SEEK_END)
        try:
            if _add(origin, file, tag, checked, verbose):
                return
            why = "the connection broke"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and size:  # range not satisfiable: start over
                file.truncate(0)
                continue
            raise OSError(f"get_file: {origin} answers {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", None) or error
        finally:
            file.flush()
        if file.seek(0, os.SEEK_END) <= size:
            break
    raise OSError(
        f"get_file: {origin} cannot be read ({why}). Without a network, put the file into "
        "the folder that HORNBOOK_DATA names"
    )


def _add(origin: str, file: BinaryIO, tag: Path, checked: bool, verbose: int) -> bool:
    """One attempt: request the missing part; returns whether the file is complete."""
    have = file.seek(0, os.SEEK_END)
    same = tag.read_text("utf-8") if tag.exists() else ""
    headers = {"User-Agent": "hornbook", "Accept-Encoding": "identity"}
    if have and (same or checked):
        headers["Range"] = f"bytes={have}-"
        if same:
            headers["If-Range"] = same
    with urlopen(Request(origin, headers=headers), timeout=SECONDS) as reply:
        if getattr(reply, "status", None) == 206:
            place, _, total = reply.headers.get("Content-Range", "").partition("/")
            if place.split("-")[0] != f"bytes {have}":
                raise OSError(f"asked for the bytes from {have} on, the server sends {place!r}")
            length = int(total) if total.isdigit() else None
        else:
            file.truncate(0)
            have = 0
            length = int(reply.headers.get("Content-Length") or 0) or None
            etag = reply.headers.get("ETag") or ""
            strong = "" if etag.startswith("W/") else etag
            tag.write_text(strong or reply.headers.get("Last-Modified") or "", "utf-8")
        bar = Progbar(length, verbose=verbose, unit_name="byte")
        while block := reply.read(BLOCK):
            file.write(block)
            have += len(block)
            bar.update(have)
    if length is None:
        bar.update(have, finalize=True)
    return length is None or have == length
