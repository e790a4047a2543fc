"""The kinds of files: one table says how each is known, read and written.

What is written follows from the suffix, what is read from the first bytes and what lies inside.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from hornbook.core.errors import door
from hornbook.core.module import Module
from hornbook.core.variable import room
from hornbook.dialects.files import FORMATS, Format
from hornbook.saving import archive, by_layer, guard, hdf5, whole
from hornbook.saving.files import named, replacing, to_read, to_write
from hornbook.saving.policy import LARGEST_RATIO, SMALL, FileError


class Kind(NamedTuple):
    """One kind of file. What it cannot do is `None`.

    Args:
        suffixes: what the names of such files end in.
        formats: what old programs gave as `save_format`.
        magic: their first bytes.
        has: whether an open file with these first bytes is of this kind; `None` if all others are.
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
    """A function that writes into an open group, as one that writes a file."""

    def to_file(model: Any, target: Any, **options: Any) -> None:
        import h5py

        if isinstance(target, h5py.Group):
            return write(model, target, **options)
        with h5py.File(target, "w") as file:
            write(model, file, **options)

    return to_file


ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
H5 = _in_hdf5(whole.write), whole.read, _in_hdf5(by_layer.write), by_layer.read
# Beside them, the generations of HDF5 files are rows of dialects/files.py.
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
    """What the names of files end in that can do a job (`"write_model"`)."""
    return tuple(suffix for kind in KINDS if getattr(kind, job) for suffix in kind.suffixes)


def _of_suffix(job: str, path: str) -> Callable:
    """How a job is done for a path: by the kind of the longest suffix that it ends in."""
    ending = max((s for s in suffixes(job) if path.endswith(s)), key=len)
    return next(getattr(kind, job) for kind in KINDS if ending in kind.suffixes)


def _of_content(job: str, source: Any, shown: str) -> Callable:
    """How a job is done for a file, by its first bytes and by what is in it.

    Raises:
        FileError: if it is of no kind.
    """
    start = _first_bytes(source, len(HDF5))
    kinds = [kind for kind in KINDS if getattr(kind, job) and start.startswith(kind.magic)]
    if len(kinds) > 1:
        with guard.opened(source, shown) as file:
            kinds.sort(key=lambda kind: kind.has is None or not kind.has(file))
    if not kinds:
        raise FileError(
            f"{shown!r} cannot be read: it is neither HDF5 nor a .keras archive, or it is damaged "
            "(cut short?)"
        )
    return getattr(kinds[0], job)


def _first_bytes(source: Any, count: int) -> bytes:
    if isinstance(source, str):
        with open(source, "rb") as file:
            return file.read(count)
    if hasattr(source, "attrs"):  # an open file or group of h5py's
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
        model: a model whose classes are the library's, or registered.
        filepath: ends in `.keras`, or in `.h5` or `.hdf5` for the HDF5 files of Keras before 3; or
            an open file or group of h5py's.
        overwrite: whether an existing file is replaced.
        zipped: accepted for Keras's sake; only `True`.
        include_optimizer: whether HDF5 says how the model was compiled; `.keras` always does.
        save_format: as old programs gave it: `"h5"` or `"keras"`, whatever the suffix.
        **old: `save_traces`, `signatures` and `options` of TensorFlow's format, if they are off.

    Raises:
        ValueError: for another suffix, or another argument.
        NotImplementedError: for a subclass of Model in HDF5.
        TypeError: if something in the model cannot be described, such as a lambda.
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
    "{} asks for TensorFlow's SavedModel, a folder with the graph of a program, which is not "
    "written here. Save 'model.keras', or 'model.h5' for Keras 1 and 2"
)


def kind_of_format(save_format: str | None) -> str:
    """The suffix of what old programs gave as `save_format`; empty if they gave none.

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
    """As `save_model`, in the format of a generation.

    Args:
        model: the model.
        filepath: a path, or an open file or group of h5py's.
        overwrite: whether an existing file is replaced.
        kind: the suffix whose kind is written; default the path's.
        any_name: whether names with other suffixes are those of HDF5 files.
        written: the format of HDF5.
        include_optimizer: whether HDF5 says how the model was compiled.
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
        filepath: a path; or a binary file object, or an open file or group of h5py's.
        custom_objects: classes and functions of yours by name, in addition to the registered ones;
            also, for a `Lambda` layer in HDF5, its function by the layer's name.
        compile: whether it is compiled as it was when it was saved.
        safe_mode: accepted for Keras's sake: code in a file is never run, whatever this says.

    Raises:
        ValueError: if the file is damaged, or names what is not registered.
        FileNotFoundError: if there is no such file.
    """
    source, shown = _source(filepath)
    read = _of_content("read_model", source, shown)
    try:
        with room(SMALL + LARGEST_RATIO * _size(source)):
            return read(source, shown, custom_objects, compile)
    except RecursionError:
        raise FileError(f"refused: what is in {shown!r} is nested too deeply") from None
    except Exception as error:
        if shown not in str(error):
            error.add_note(f"(in the file {shown!r})")
        raise


def _size(source: Any) -> int:
    """How many bytes a file has."""
    if isinstance(source, str):
        return os.path.getsize(source)
    if hasattr(source, "attrs"):
        return source.file.id.get_filesize()
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def _source(filepath: Any) -> tuple[Any, str]:
    """What to read from, and its name for messages."""
    if isinstance(filepath, str | os.PathLike):
        path = to_read(filepath, suffixes("read_model"))
        return path, path
    if hasattr(filepath, "read") or hasattr(filepath, "attrs"):
        return filepath, named(filepath)
    raise TypeError(f"a file is given as a path, a file object or h5py's, not as {filepath!r}")


# ---- weights


@door
def save_weights(
    model: Module, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
) -> None:
    """Write the weights of a model to a file.

    Args:
        model: a built model or layer.
        filepath: ends in `.weights.h5`, for today's layout and the optimizer's state too; or in
            `.h5` or `.hdf5`, for the weights by layer as all older Kerases read them. Or an open
            file or group of h5py's, for the latter.
        overwrite: whether an existing file is replaced.
        max_shard_size: accepted for Keras's sake; only `None` (one file).

    Raises:
        ValueError: for another suffix, or a model that is not built.
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
    """As `save_weights`, in the format of a generation; arguments as of `write_model`."""
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
    """Read the weights of a model from a file; all of them, or an error and none.

    Args:
        model: a built model or layer.
        filepath: a `.weights.h5` or `.keras` file, or an HDF5 file of any Keras, of weights or of a
            whole model; or a binary file object, or an open file or group of h5py's.
        skip_mismatch: whether what does not fit is left as it is, with a warning.
        by_name: whether layers are matched by name rather than by place; layers that are not in
            the file, and what is in the file for others, are then left alone.

    Raises:
        ValueError: if the file is not a weights file, or does not fit the model: the message names
            each layer and variable, what was expected and what there is.
        FileNotFoundError: if there is no such file.
    """
    source, shown = _source(filepath)
    hdf5.check_built(model, "load")
    read = _of_content("read_weights", source, shown)
    read(model, source, shown, skip_mismatch=skip_mismatch, by_name=by_name)
