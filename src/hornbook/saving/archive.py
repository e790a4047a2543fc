"""Keras 3's `.keras` files: a zip archive of a config, weights, assets and versions."""

import datetime
import json
import shutil
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hornbook.core.config import custom_object_scope, deserialize, serialize, sharing
from hornbook.core.module import Module
from hornbook.saving import assets, hdf5
from hornbook.saving.policy import CONFIG, METADATA, WEIGHTS, FileError, member, read_json

FORMAT = "3.15.0"  # the version of Keras whose format is written

NOT_BUILT = (
    "the model {!r} is saved before it is built: the file has no weights. Call it on data "
    "first, or start it with an Input"
)


def write(model: Module, temporary: Path, **_: Any) -> None:
    """Write a model to a new file.

    Args:
        model: the model.
        temporary: the path.
    """
    if not getattr(model, "built", True):
        warnings.warn(NOT_BUILT.format(getattr(model, "name", "")), stacklevel=4)
    with sharing():
        config = json.dumps(numbered(serialize(model)))
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": FORMAT, "date_saved": saved})
    with tempfile.TemporaryFile(dir=temporary.parent) as weights:
        hdf5.write(model, weights)
        weights.seek(0)
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(METADATA, metadata)
            archive.writestr(CONFIG, config)
            with archive.open(WEIGHTS, "w", force_zip64=True) as target:
                shutil.copyfileobj(weights, target)
            assets.write(model, archive)


def read(
    source: Any, shown: str, custom_objects: dict[str, Any] | None = None, compile: bool = True
) -> Any:
    """Read a model.

    Args:
        source: a path or a file object.
        shown: its name in messages.
        custom_objects: classes and functions by name.
        compile: whether to compile it as it was saved.
    """
    with opened(source, shown) as archive:
        config = read_json(archive, CONFIG, shown)
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileError(f"{CONFIG!r} in {shown!r} does not describe a model")
    with custom_object_scope(custom_objects or {}), sharing():
        model = deserialize(joined(config if compile else without_compile(config)))
    if not isinstance(model, Module):
        raise FileError(f"{CONFIG!r} in {shown!r} describes no model but {type(model).__name__}")
    load(model, source, shown)
    with opened(source, shown) as archive:
        assets.read(model, archive, shown)
    return model


def load(model: Module, source: Any, shown: str, **options: Any) -> None:
    """Read the weights of a model; `options` are those of `hdf5.read`."""
    with opened(source, shown) as archive:
        read_weights(model, archive, shown, **options)


@contextmanager
def opened(source: Any, path: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; errors from a damaged one become a `FileError`.

    Raises:
        FileError: if it is not an archive, or damaged.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise FileError(
            f"{path!r} cannot be read: it is not a .keras file, or is damaged (truncated?). {error}"
        ) from None


def read_weights(model: Module, archive: zipfile.ZipFile, path: str, **options: Any) -> None:
    """Read the weights in an archive into a model; `options` are those of `hdf5.read`."""
    with weights_of(archive, path) as weights:
        hdf5.read(model, weights, path, **options)


@contextmanager
def weights_of(archive: zipfile.ZipFile, path: str) -> Iterator[Any]:
    """A temporary file with the weights in an archive."""
    info = member(archive, WEIGHTS, path)
    with tempfile.TemporaryFile() as copy:
        with archive.open(info) as source:
            _copy(source, copy, info.file_size, path)
        yield copy


def _copy(source: Any, target: Any, size: int, path: str) -> None:
    """Copy the declared number of bytes; raise if there are more."""
    while piece := source.read(min(1 << 20, size + 1)):
        size -= len(piece)
        if size < 0:
            raise FileError(f"{path!r} is damaged: {WEIGHTS!r} is longer than declared")
        target.write(piece)
    target.seek(0)


def without_compile(config: Any) -> Any:
    """A config without the compile arguments of models."""
    if isinstance(config, dict):
        kept = {k: v for k, v in config.items() if k != "compile_config"}
        return {key: without_compile(child) for key, child in kept.items()}
    return [without_compile(child) for child in config] if isinstance(config, list) else config


# ---- shared objects in a config


def numbered(config: Any) -> Any:
    """Remove the number of objects that occur only once in a config."""
    counts = Counter(one["shared_object_id"] for one in _described(config))
    for one in _described(config):
        if counts[one["shared_object_id"]] == 1:
            del one["shared_object_id"]
    return config


def joined(config: Any) -> Any:
    """Restore the number of a shared layer in each of its descriptions.

    Keras 3 omits the number of the first one if it is inside a nested model.
    """
    counts = Counter(one["shared_object_id"] for one in _described(config))
    lost: dict[str, list[dict]] = {}
    for one in _dicts(config):
        if not one.get("build_config") or "class_name" not in one:
            continue
        same = lost.setdefault(_identity(one), [])
        if "shared_object_id" not in one:
            same.append(one)
        elif counts[one["shared_object_id"]] == 1 and len(same) == 1:
            same[0]["shared_object_id"] = one["shared_object_id"]
    return config


def _identity(described: dict) -> str:
    """A key that is equal for all descriptions of one object."""
    varying = ("shared_object_id", "inbound_nodes")
    return json.dumps({k: _untagged(v) for k, v in described.items() if k not in varying})


def _untagged(config: Any) -> Any:
    if isinstance(config, dict):
        return {k: _untagged(v) for k, v in config.items() if k != "shared_object_id"}
    return [_untagged(child) for child in config] if isinstance(config, list) else config


def _described(config: Any) -> Iterator[dict]:
    return (one for one in _dicts(config) if isinstance(one.get("shared_object_id"), int))


def _dicts(config: Any) -> Iterator[dict]:
    """Every dictionary in plain data, outermost first."""
    if isinstance(config, dict):
        yield config
    for child in config.values() if isinstance(config, dict) else config:
        if isinstance(child, dict | list | tuple):
            yield from _dicts(child)
