"""The table of file kinds: how each is recognised, read and written.

The suffix decides what is written; the magic bytes and the content decide how a file is read.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from hornbook.core.errors import door
from hornbook.core.module import Module
from hornbook.core.variable import room
from hornbook.dialects.files import FORMATS, Format
from hornbook.saving import (
    archive,
    bundle,
    by_layer,
    checkpoint,
    guard,
    hdf5,
    orbax,
    saved_model,
    whole,
)
from hornbook.saving.files import named, replacing, to_read, to_write
from hornbook.saving.policy import LARGEST_RATIO, SMALL, FileError


class Kind(NamedTuple):
    """One kind of file. Unsupported jobs are `None`.

    Args:
        suffixes: file name suffixes.
        formats: values of `save_format` in old programs.
        magic: first bytes.
        has: whether an open file with this magic is of this kind; `None` for the default kind.
        write_model, write_weights: `(model, path of a new file, **options)`.
        read_model: `(source, its name, custom objects, whether it is compiled)`.
        read_weights: `(model, source, its name, **options)`.
    """

    suffixes: tuple[str, ...]
    formats: tuple[str, ...]
    magic: bytes
    has: Callable | None
    write_model: Callable | None
    read_model: Callable | None
    write_weights: Callable | None
    read_weights: Callable | None


def _in_hdf5(write: Callable) -> Callable:
    """Turn a function that writes into an open group into one that writes a file."""

    def to_file(model: Any, target: Any, **options: Any) -> None:
        import h5py

        if isinstance(target, h5py.Group):
            return write(model, target, **options)
        with h5py.File(target, "w") as file:
            write(model, file, **options)

    return to_file


ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
H5 = _in_hdf5(whole.write), whole.read, _in_hdf5(by_layer.write), by_layer.read
# Generations of HDF5 files are rows of dialects/files.py.
KINDS = (
    Kind((".keras",), ("keras", "keras_v3"), ZIP, None,
         archive.write, archive.read, None, archive.load),
    Kind((".weights.h5",), (), HDF5, None, None, None, hdf5.write, hdf5.read),
    Kind((".h5", ".hdf5"), ("h5", "hdf5"), HDF5, by_layer.is_by_layer, *H5),
)  # fmt: skip
FORMAT_SUFFIXES: dict[str | None, str] = {
    None: "",
    **{name: kind.suffixes[0] for kind in KINDS for name in kind.formats},
}


def suffixes(job: str) -> tuple[str, ...]:
    """The suffixes of kinds that support a job, such as `"write_model"`."""
    return tuple(suffix for kind in KINDS if getattr(kind, job) for suffix in kind.suffixes)


def _of_suffix(job: str, path: str) -> Callable:
    """The function that does a job for a path, by its longest matching suffix."""
    ending = max((s for s in suffixes(job) if path.endswith(s)), key=len)
    return next(getattr(kind, job) for kind in KINDS if ending in kind.suffixes)


def _of_content(job: str, source: Any, shown: str) -> Callable:
    """The function that does a job for a file, by its magic bytes and content.

    Raises:
        FileError: if no kind matches.
    """
    start = _first_bytes(source, len(HDF5))
    kinds = [kind for kind in KINDS if getattr(kind, job) and start.startswith(kind.magic)]
    if len(kinds) > 1:
        with guard.opened(source, shown) as file:
            kinds.sort(key=lambda kind: kind.has is None or not kind.has(file))
    if not kinds:
        raise FileError(
            f"{shown!r} cannot be read: it is neither HDF5 nor a .keras archive, or is damaged "
            "(truncated?)"
        )
    return getattr(kinds[0], job)


def _first_bytes(source: Any, count: int) -> bytes:
    if isinstance(source, str):
        with open(source, "rb") as file:
            return file.read(count)
    if hasattr(source, "attrs"):  # an open h5py file or group
        return HDF5
    source.seek(0)
    start = source.read(count)
    source.seek(0)
    return start


# ---- models


@door
def save_model(
    model: Module,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    save_format: str | None = None,
    **old: Any,
) -> None:
    """Write a model to a file: its config, weights, compile arguments and optimizer.

    Args:
        model: a model whose classes are the library's own or registered.
        filepath: ends in `.keras`, or in `.h5` or `.hdf5` for the HDF5 files of Keras before 3; or
            an open h5py file or group.
        overwrite: whether to replace an existing file.
        zipped: accepted for compatibility; only `True`.
        include_optimizer: whether HDF5 stores compile arguments and optimizer state; `.keras`
            always does.
        save_format: as in old programs: `"h5"` or `"keras"`, whatever the suffix.
        **old: `save_traces`, `signatures` and `options` of TensorFlow's format; ignored.

    Raises:
        ValueError: for an unknown suffix or argument.
        NotImplementedError: for a subclassed Model in HDF5.
        TypeError: if part of the model cannot be serialized, such as a lambda.
        FileExistsError: if the file exists and `overwrite` is false.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> save_model(model, "m.keras")
        >>> load_model("m.keras").output_shape
        (None, 2)
        >>> save_model(model, "m.h5")
        >>> load_model("m.h5", compile=False).output_shape
        (None, 2)
    """
    if unknown := set(old) - {"save_traces", "signatures", "options"}:
        raise ValueError(f"save has no argument {min(unknown)!r}")
    if zipped is False:
        raise ValueError("a model is written to one .keras file: leave zipped=None")
    kind = kind_of_format(save_format)
    write_model(model, filepath, overwrite, kind, include_optimizer=include_optimizer)


NO_SAVEDMODEL = (
    "{} asks for TensorFlow's SavedModel format, which is not supported. "
    "Save 'model.keras', or 'model.h5' for Keras 1 and 2"
)


def kind_of_format(save_format: str | None) -> str:
    """The suffix for an old program's `save_format`; empty for `None`.

    Raises:
        ValueError: for TensorFlow's own format.
    """
    if save_format not in FORMAT_SUFFIXES:
        raise ValueError(NO_SAVEDMODEL.format(f"save_format={save_format!r}"))
    return FORMAT_SUFFIXES[save_format]


def write_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    kind: str = "",
    any_name: bool = False,
    written: Format = FORMATS["3"],
    include_optimizer: bool = True,
) -> None:
    """`save_model` in the format of a Keras generation.

    Args:
        model: the model.
        filepath: a path, or an open h5py file or group.
        overwrite: whether to replace an existing file.
        kind: suffix of the kind to write; default the path's.
        any_name: whether to write HDF5 to names with other suffixes.
        written: the HDF5 format.
        include_optimizer: whether HDF5 stores compile arguments and optimizer state.
    """
    _write(
        "write_model", model, filepath, overwrite, kind, any_name,
        written=written, include_optimizer=include_optimizer,
    )  # fmt: skip


def _write(
    job: str,
    model: Any,
    filepath: Any,
    overwrite: bool,
    kind: str,
    any_name: bool,
    **options: Any,
) -> None:
    if hasattr(filepath, "attrs"):
        return _of_suffix(job, ".h5")(model, filepath, **options)
    path = to_write(filepath, ("",) if kind or any_name else suffixes(job), overwrite)
    chosen = kind or (path if path.endswith(suffixes(job)) else ".h5")
    with replacing(path) as temporary:
        _of_suffix(job, chosen)(model, temporary, **options)


@door
def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Read a model from a `.keras` file, or from an HDF5 file of any Keras.

    Args:
        filepath: a path, a binary file object, or an open h5py file or group; or a folder of Orbax
            checkpoints, of which the latest is read; or a SavedModel folder of Keras 2's, from the
            config in it: the optimizer starts from scratch.
        custom_objects: classes and functions by name, in addition to the registered ones; also the
            function of a `Lambda` layer in HDF5, by the layer's name.
        compile: whether to compile it as it was saved.
        safe_mode: accepted for compatibility; code in a file is never run.

    Raises:
        ValueError: if the file is damaged, or names an unregistered object.
        FileNotFoundError: if there is no such file.
    """
    importlib.import_module("hornbook.models")  # registers the classes that a file may name
    if orbax.is_checkpoint(filepath):
        return orbax.read_model(filepath, custom_objects, compile)
    if saved_model.is_saved_model(filepath):
        return saved_model.read_model(filepath, custom_objects, compile)
    source, shown = _source(filepath)
    read = _of_content("read_model", source, shown)
    try:
        with room(SMALL + LARGEST_RATIO * _size(source)):
            return read(source, shown, custom_objects, compile)
    except RecursionError:
        raise FileError(f"refused: the content of {shown!r} is nested too deeply") from None
    except Exception as error:
        if shown not in str(error):
            error.add_note(f"(in the file {shown!r})")
        raise


def _size(source: Any) -> int:
    """Size of a file in bytes."""
    if isinstance(source, str):
        return os.path.getsize(source)
    if hasattr(source, "attrs"):
        return source.file.id.get_filesize()
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def _source(filepath: Any) -> tuple[Any, str]:
    """The source to read from, and its name in messages."""
    if isinstance(filepath, str | os.PathLike):
        path = to_read(filepath, suffixes("read_model"))
        return path, path
    if hasattr(filepath, "read") or hasattr(filepath, "attrs"):
        return filepath, named(filepath)
    raise TypeError(f"filepath must be a path, a file object or an h5py object, not {filepath!r}")


# ---- weights


@door
def save_weights(
    model: Module, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
) -> None:
    """Write the weights of a model to a file.

    Args:
        model: a built model or layer.
        filepath: ends in `.weights.h5` for today's layout, with optimizer state; or in `.h5` or
            `.hdf5` for weights by layer, as older versions of Keras read them. Or an open h5py file
            or group, for the latter.
        overwrite: whether to replace an existing file.
        max_shard_size: accepted for compatibility; only `None` (one file).

    Raises:
        ValueError: for an unknown suffix, or a model that is not built.
        FileExistsError: if the file exists and `overwrite` is false.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> save_weights(model, "m.weights.h5")
        >>> keras.saving.load_weights(model, "m.weights.h5")
    """
    if max_shard_size is not None:
        raise ValueError("weights are written to one file: leave max_shard_size=None")
    write_weights(model, filepath, overwrite)


def write_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    any_name: bool = False,
    written: Format = FORMATS["3"],
) -> None:
    """`save_weights` in the format of a Keras generation; arguments as for `write_model`."""
    hdf5.check_built(model, "save")
    kind = ".h5" if any_name else ""
    _write("write_weights", model, filepath, overwrite, kind, any_name, written=written)


@door
def load_weights(
    model: Module,
    filepath: Any,
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Load the weights of a model from a file: all of them, or none and an error.

    Args:
        model: a built model or layer.
        filepath: a `.weights.h5` or `.keras` file, or an HDF5 file of any Keras, of weights or of a
            whole model; or a binary file object, or an open h5py file or group; or a folder of
            Orbax checkpoints, of which the latest is read; or a checkpoint or SavedModel of
            TensorFlow's, whose weights are found by the attributes that lead to them.
        skip_mismatch: whether to skip weights that do not fit, with a warning.
        by_name: whether to match layers by name rather than by position; layers found on one side
            only are then ignored.

    Raises:
        ValueError: if the file is not a weights file, or does not fit the model; the message names
            each layer and variable, the expected shape and the one found.
        FileNotFoundError: if there is no such file.
    """
    hdf5.check_built(model, "load")
    if orbax.is_checkpoint(filepath):
        return orbax.read_weights(model, filepath)
    if prefix := bundle.prefix_of(filepath):
        return checkpoint.read(model, prefix, skip_mismatch, by_name)
    source, shown = _source(filepath)
    read = _of_content("read_weights", source, shown)
    read(model, source, shown, skip_mismatch=skip_mismatch, by_name=by_name)
