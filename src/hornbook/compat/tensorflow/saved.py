"""Names of files that TensorFlow accepts: a SavedModel is a folder, a checkpoint has any name."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hornbook import data, layers, models, saving
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.older import without
from hornbook.core import tree
from hornbook.data.files import local_file
from hornbook.layers.base import Layer
from hornbook.models import Model
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


_saved: dict[str, type] = {}  # classes of what this program has saved; a file names them only


def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> None:
    """`tf.saved_model.save`: write a model or module to a folder, as a `.keras` file in it."""
    saving.save_model(obj, export_dir)
    _saved.update({type(one).__name__: type(one) for one in obj._all_modules()})


def load(export_dir: Any, tags: Any = None, options: Any = None) -> Any:
    """`tf.saved_model.load`: the model or module in a folder that `save` wrote.

    Classes of the program are found if the same program saved them, or if they are registered.
    """
    return saving.load_model(export_dir, custom_objects=_saved)


ENDPOINTS = ("serve", "serving_default")


def exported(today: Callable) -> Callable:
    """`model.export`, which writes the model to a folder as `tf.saved_model.save` does.

    Args:
        today: the method, which says for each format what writes it.
    """

    @functools.wraps(today)
    def export(self: Model, filepath: Any, format: str = "tf_saved_model", **options: Any) -> None:
        if format == "tf_saved_model":
            save(self, filepath)
        else:
            today(self, filepath, format, **options)

    return export


def _serve(self: Model, *inputs: Any) -> Any:
    """The model's outputs in inference, as an exported model gives them."""
    return self(inputs[0] if len(inputs) == 1 else list(inputs), training=False)


def _signatures(self: Model) -> dict[str, Callable]:
    """The functions of an exported model: one, which gives its outputs in a dictionary."""

    def serving(*inputs: Any, **named: Any) -> dict[str, Any]:
        outputs = tree.flatten(_serve(self, *(inputs or named.values())))
        return {f"output_{number}": one for number, one in enumerate(outputs)}

    return {"serving_default": serving}


class TFSMLayer(Layer):
    """A layer that calls an exported model.

    Args:
        filepath: the folder, from `model.export` or `tf.saved_model.save`.
        call_endpoint: `"serve"`, or `"serving_default"`, which gives a dictionary.
        call_training_endpoint: ignored.
        trainable, name, dtype: as for every layer.

    Raises:
        ValueError: for another endpoint.
    """

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        **common: Any,
    ):
        if call_endpoint not in ENDPOINTS:
            raise ValueError(f"call_endpoint must be one of {ENDPOINTS}, not {call_endpoint!r}")
        super().__init__(trainable=trainable, **common)
        self.model, self.call_endpoint = load(filepath), call_endpoint

    def call(self, inputs: Any) -> Any:
        """The model's outputs."""
        inputs = inputs if isinstance(inputs, list | tuple) else [inputs]
        if self.call_endpoint == "serve":
            return _serve(self.model, *inputs)
        return _signatures(self.model)[self.call_endpoint](*inputs)


def attributes() -> Table:
    """What is added during a run."""
    return {
        Model: {"serve": _serve, "signatures": property(_signatures)},
        layers: {"TFSMLayer": TFSMLayer},
    }


def replaced() -> Table:
    """What is replaced during a run: settings of files concern TensorFlow's."""
    of_files = {"load_model": without(saving.load_model, ("options",))}
    return {saving: of_files, models: of_files, Model: {"export": exported(Model.export)}}


class SaveOptions:
    """`tf.saved_model.SaveOptions`: accepts all settings, which concern TensorFlow's files."""

    def __init__(self, *settings: Any, **options: Any):
        vars(self).update(options)


class LoadOptions(SaveOptions):
    """`tf.saved_model.LoadOptions`: accepts all settings."""


def get_file(fname: Any = None, origin: Any = None, *args: Any, **options: Any) -> str:
    """`get_file`, and beside the folder of an unpacked archive what is in it, as links.

    Archives were unpacked next to themselves up to TensorFlow 2.15, and programs look for the files
    in the folder of the path, or at the path without its suffix. A name without a file is a link to
    the folder, where programs for TensorFlow 2.16 look.
    """
    unpacked = options.get("extract") or options.get("untar") or (args and args[0])
    if not fname or not unpacked:
        path = Path(data.get_file(fname, origin, *args, **options))
        if unpacked and path.is_dir():
            _link(path)
        return str(path)
    name = os.fspath(fname)
    found = local_file(name)
    if found is not None and found.is_dir():
        return str(found)
    folder = name.partition(".")[0] + "_extracted"
    address = origin if found is None else found.absolute().as_uri()
    goal = Path(data.get_file(folder, address, *args, **options))
    _link(goal)
    path = goal.parent / name
    if not path.exists():
        path.unlink(missing_ok=True)
        path.symlink_to(goal.absolute(), target_is_directory=True)
    return str(path)


def _link(folder: Path) -> None:
    for inner, outer in _missing(folder):
        outer.symlink_to(inner.absolute(), target_is_directory=inner.is_dir())


def _missing(folder: Path) -> Iterator[tuple[Path, Path]]:
    for inner in sorted(folder.iterdir()):
        outer = folder.parent / inner.name
        if outer.is_symlink() and not outer.exists():
            outer.unlink()
        if not outer.exists():
            yield inner, outer
