"""Keras 3's `.keras` files: a zip archive of a config, weights and a note on versions."""

import datetime
import json
import os
import shutil
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hornbook.core.config import custom_object_scope, deserialize, serialize, sharing
from hornbook.core.errors import door
from hornbook.core.module import Module
from hornbook.saving import hdf5
from hornbook.saving.files import replacing, to_read, to_write
from hornbook.saving.policy import CONFIG, METADATA, WEIGHTS, FileError, member, read_json

SUFFIX = ".keras"
FORMAT = "3.15.0"  # the version of Keras whose format is written

NOT_BUILT = (
    "the model {!r} is saved before it is built: the file has no weights. Call it on data, or "
    "begin it with an Input, first"
)


@door
def save_model(
    model: Module,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    **old: Any,
) -> None:
    """Write a model to a file: its config, weights, compile arguments and optimizer.

    Args:
        model: a model whose classes are the library's, or registered.
        filepath: ends in `.keras`; or in `.weights.h5`, for the weights alone.
        overwrite: whether an existing file is replaced.
        zipped: accepted for Keras's sake; only `True`.
        **old: `save_format` and `include_optimizer`, accepted for old programs' sake.

    Raises:
        ValueError: for another suffix, or another argument.
        TypeError: if something in the model cannot be described, such as a lambda.
        FileExistsError: if the file exists and `overwrite` is false.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> save_model(model, "m.keras")
        >>> load_model("m.keras").output_shape
        (None, 2)
    """
    if unknown := set(old) - {"include_optimizer", "save_format"}:
        raise ValueError(f"save has no argument {min(unknown)!r}")
    if zipped is False:
        raise ValueError("a model is written to one .keras file: leave zipped=None")
    path = to_write(filepath, SUFFIX, overwrite)
    if not getattr(model, "built", True):
        warnings.warn(NOT_BUILT.format(getattr(model, "name", "")), stacklevel=3)
    with sharing():
        config = json.dumps(numbered(serialize(model)))
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": FORMAT, "date_saved": saved})
    with replacing(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as weights:
        hdf5.write(model, weights)
        weights.seek(0)
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(METADATA, metadata)
            archive.writestr(CONFIG, config)
            with archive.open(WEIGHTS, "w", force_zip64=True) as target:
                shutil.copyfileobj(weights, target)


@door
def load_model(
    filepath: str | os.PathLike,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Read a model from a `.keras` file.

    Args:
        filepath: ends in `.keras`.
        custom_objects: classes and functions of yours by name, in addition to the registered ones.
        compile: whether it is compiled as it was when it was saved.
        safe_mode: accepted for Keras's sake: code in a file is never run, whatever this says.

    Raises:
        ValueError: if the file is damaged, or names what is not registered.
        FileNotFoundError: if there is no such file.
    """
    path = to_read(filepath, (SUFFIX,))
    with opened(path) as archive:
        config = read_json(archive, CONFIG, path)
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileError(f"{CONFIG!r} in {path!r} does not describe a model")
    with custom_object_scope(custom_objects or {}), sharing():
        model = deserialize(joined(config if compile else _without_compile(config)))
    if not isinstance(model, Module):
        raise FileError(f"{CONFIG!r} in {path!r} describes no model but {type(model).__name__}")
    with opened(path) as archive:
        read_weights(model, archive, path)
    return model


@door
def load_weights(
    model: Module,
    filepath: str | os.PathLike,
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Read the weights of a model from a file; all of them, or an error and none.

    Args:
        model: a built model or layer.
        filepath: ends in `.weights.h5`, or in `.keras`.
        skip_mismatch: whether what does not fit is left as it is, with a warning.
        by_name: whether layers are matched by name rather than by place; layers that are not in
            the file, and what is in the file for others, are then left alone.

    Raises:
        ValueError: if the file is not a weights file, or does not fit the model: the message names
            each layer and variable, what was expected and what there is.
        FileNotFoundError: if there is no such file.
    """
    path = to_read(filepath, (hdf5.SUFFIX, SUFFIX))
    hdf5.check_built(model, "load")
    if not path.endswith(SUFFIX):
        return hdf5.read(model, path, path, skip_mismatch, by_name)
    with opened(path) as archive:
        read_weights(model, archive, path, skip_mismatch=skip_mismatch, by_name=by_name)


@contextmanager
def opened(path: str) -> Iterator[zipfile.ZipFile]:
    """The archive in a file; whatever there is to say of a damaged one becomes one kind of error.

    Raises:
        FileError: if it is none, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise FileError(
            f"{path!r} cannot be read: it is no .keras file, or it is damaged (cut short?). {error}"
        ) from None


def read_weights(model: Module, archive: zipfile.ZipFile, path: str, **options: Any) -> None:
    """Read the weights in an archive into a model; `options` are those of `hdf5.read`."""
    info = member(archive, WEIGHTS, path)
    with tempfile.TemporaryFile() as copy:
        with archive.open(info) as source:
            _copy(source, copy, info.file_size, path)
        hdf5.read(model, copy, path, **options)


def _copy(source: Any, target: Any, size: int, path: str) -> None:
    """Copy as many bytes as the archive declares, and find damage."""
    while piece := source.read(min(1 << 20, size + 1)):
        size -= len(piece)
        if size < 0:
            raise FileError(f"{path!r} is damaged: {WEIGHTS!r} is longer than it says")
        target.write(piece)
    target.seek(0)


def _without_compile(config: Any) -> Any:
    """Plain data without the compile arguments of models."""
    if isinstance(config, dict):
        kept = {k: v for k, v in config.items() if k != "compile_config"}
        return {key: _without_compile(child) for key, child in kept.items()}
    return [_without_compile(child) for child in config] if isinstance(config, list) else config


# ---- objects that stand in a config more than once


def numbered(config: Any) -> Any:
    """A config in which only objects that are described more than once have a number."""
    counts = Counter(one["shared_object_id"] for one in _described(config))
    for one in _described(config):
        if counts[one["shared_object_id"]] == 1:
            del one["shared_object_id"]
    return config


def joined(config: Any) -> Any:
    """A config in which each description of a shared layer has its number.

    Keras 3 forgets the number of the first one where that stands inside a nested model.
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
    """What is equal in descriptions of one object."""
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
