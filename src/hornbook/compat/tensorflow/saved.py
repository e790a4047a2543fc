"""Names of files that TensorFlow accepts: a SavedModel is a folder, a checkpoint has any name."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hornbook import data, saving
from hornbook.saving.files import IN_FOLDER, OF_CHECKPOINT


def place(path: str, suffixes: tuple[str, ...]) -> str:
    """The file for a name: a folder gets a `.keras` file in it, a checkpoint its suffix.

    Args:
        path: a name with or without a suffix.
        suffixes: those of the files that can be written there.

    Example:
        >>> place("models/0001", (".keras", ".h5"))
        'models/0001/model.keras'
        >>> place("cp-{epoch:04d}.ckpt", (".weights.h5", ".h5"))
        'cp-{epoch:04d}.ckpt.weights.h5'
    """
    if path.endswith((*suffixes, ".keras", ".h5", ".hdf5")):
        return path
    return os.path.join(path, IN_FOLDER) if ".keras" in suffixes else path + OF_CHECKPOINT


def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> None:
    """`tf.saved_model.save`: write a model to a folder, as a `.keras` file in it."""
    saving.save_model(obj, export_dir)


def load(export_dir: Any, tags: Any = None, options: Any = None) -> Any:
    """`tf.saved_model.load`: the model in a folder that `save` wrote."""
    return saving.load_model(export_dir)


def get_file(*args: Any, **options: Any) -> str:
    """`get_file`, and beside the folder of an unpacked archive what is in it, as links.

    Archives were unpacked next to themselves up to TensorFlow 2.15, and programs look for the files
    in the folder of the path.
    """
    path = Path(data.get_file(*args, **options))
    if path.is_dir() and (options.get("extract") or options.get("untar")):
        for inner, outer in _missing(path):
            outer.symlink_to(inner.absolute(), target_is_directory=inner.is_dir())
    return str(path)


def _missing(folder: Path) -> Iterator[tuple[Path, Path]]:
    for inner in sorted(folder.iterdir()):
        outer = folder.parent / inner.name
        if outer.is_symlink() and not outer.exists():
            outer.unlink()
        if not outer.exists():
            yield inner, outer
