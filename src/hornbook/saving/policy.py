"""Limits for reading archives: known members, sane sizes, bounded JSON depth."""

import json
import zipfile
from typing import Any

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LARGEST_JSON = 1 << 28  # bytes
LARGEST_RATIO = 200  # uncompressed to compressed size of a member
DEEPEST = 256  # levels of JSON; about sixty nested models
SMALL = 1 << 24  # bytes; no ratio check below this


class FileError(ValueError):
    """A file is damaged, refused, or does not fit the model."""


class MissingFile(FileError, FileNotFoundError):
    """There is no such file; both a ValueError, as in Keras, and a FileNotFoundError."""


def member(archive: zipfile.ZipFile, name: str, shown: str) -> zipfile.ZipInfo:
    """The entry of a file in an archive, with name and size checked.

    Raises:
        FileError: if it is missing, duplicated or encrypted, or its compression ratio is
            implausible.
    """
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise FileError(f"{shown!r} has {len(found)} entries {name!r} where one is expected")
    info = found[0]
    if info.flag_bits & 1:
        raise FileError(f"refused: {name!r} in {shown!r} is encrypted")
    if info.file_size > SMALL and info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
        raise FileError(
            f"refused: {name!r} in {shown!r} would grow from {info.compress_size} to "
            f"{info.file_size} bytes"
        )
    return info


def read_json(archive: zipfile.ZipFile, name: str, shown: str) -> Any:
    """A JSON file in an archive.

    Raises:
        FileError: if it is too large, or not JSON.
    """
    info = member(archive, name, shown)
    if info.file_size > LARGEST_JSON:
        raise FileError(f"refused: {name!r} in {shown!r} is {info.file_size} bytes of JSON")
    return parse_json(archive.read(info), f"{name!r} in {shown!r}")


def parse_json(text: str | bytes, shown: str) -> Any:
    """Plain data from JSON.

    Raises:
        FileError: if it is not JSON, or nested too deeply.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{shown} cannot be read as JSON: {error}") from None
    level, depth = [found], 0
    while level := [inner for one in level if isinstance(one, dict | list) for inner in _in(one)]:
        depth += 1
        if depth > DEEPEST:
            raise FileError(f"refused: {shown} is nested too deeply, more than {DEEPEST} levels")
    return found


def _in(one: Any) -> Any:
    return one.values() if isinstance(one, dict) else one
