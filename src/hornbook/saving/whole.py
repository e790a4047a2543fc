"""Whole models in HDF5: config and compile arguments as JSON, weights by layer, optimizer state."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hornbook.core.config import custom_object_scope, deserialize
from hornbook.core.module import Module
from hornbook.dialects.files import FORMATS, Format, format_of
from hornbook.saving import assets, by_layer, compiled, configs, configs_then, guard
from hornbook.saving.policy import FileError

OPTIMIZER = "optimizer_weights"

SUBCLASSED = (
    "HDF5 can hold only Functional and Sequential models, and {!r} ({}) is a "
    "subclass of Model, whose computation is in its code. Save it with save('model.keras'), or its "
    "weights with save_weights(...)"
)
NOT_COMPILED = "{!r} has no compile arguments: compile the model before training or evaluation"
NO_ASSETS = (
    "HDF5 cannot hold the vocabularies of {}: they are not saved. Save 'model.keras', or create "
    "these layers with vocabulary=layer.get_vocabulary()"
)
OTHER_STATE = "the optimizer state in {!r} does not fit: {} The optimizer starts from scratch"


# ---- writing


def write(
    model: Any, group: Any, include_optimizer: bool = True, written: Format = FORMATS["3"]
) -> None:
    """Write a model into an open, empty HDF5 file or group.

    Args:
        model: a Functional or Sequential model.
        group: the file or group.
        include_optimizer: whether to write compile arguments and optimizer state.
        written: the format of a Keras generation.

    Raises:
        NotImplementedError: for any other model.
        TypeError: if part of it cannot be serialized.
    """
    if not configs.is_described_by_layers(model):
        raise NotImplementedError(SUBCLASSED.format(model.name, type(model).__name__))
    if lost := assets.names(model):
        warnings.warn(NO_ASSETS.format(lost), stacklevel=4)
    group.attrs["keras_version"] = written.version
    if written.backend:
        group.attrs["backend"] = written.backend
    group.attrs["model_config"] = json.dumps(configs_then.model_then(model, written))
    by_layer.write(model, group.create_group(by_layer.WEIGHTS), written)
    training = compiled.training_then(model, written) if include_optimizer else None
    if training is None:
        return
    group.attrs["training_config"] = json.dumps(training)
    named = compiled.state_then(model.optimizer, written)
    if named:
        by_layer.write_some(group.create_group(OPTIMIZER), named)


# ---- reading


def read(
    source: Any, shown: str, custom_objects: dict[str, Any] | None = None, compile: bool = True
) -> Any:
    """Read a model; see `saving.load_model`.

    Args:
        source: a path, a file object, or an open h5py file or group.
        shown: its name in messages.
        custom_objects: classes and functions by name.
        compile: whether to compile it as it was saved.
    """
    with guard.opened(source, shown) as file:
        config = guard.json_of(file, "model_config", shown)
        training = guard.json_of(file, "training_config", shown)
        written = format_of(guard.text(file, "keras_version"))
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileError(
            f"{shown!r} has no model in it (no 'model_config'). If it has weights only, create the "
            "model and call model.load_weights(...)"
        )
    with custom_object_scope(custom_objects or {}):
        with described("model_config", shown):
            config = configs.model_today(config, written)
        model = deserialize(config, family="models")
        if not isinstance(model, Module):
            raise FileError(f"{shown!r} describes no model but {type(model).__name__}")
        with guard.opened(source, shown) as file:
            by_layer.read(model, file, shown)
        if compile:
            _compile(model, training, source, shown, written)
    return model


@contextmanager
def described(what: str, shown: str) -> Iterator[None]:
    """Turn errors from malformed data into a `FileError`."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise FileError(
            f"{what!r} in {shown!r} is damaged: it is not what Keras writes "
            f"({type(error).__name__}: {error})"
        ) from None


def _compile(model: Any, training: Any, source: Any, shown: str, written: Format) -> None:
    if training is None:
        warnings.warn(NOT_COMPILED.format(shown), stacklevel=4)
        return
    with described("training_config", shown):
        training = compiled.training_today(training, model, written)
    model.compile_from_config(training)
    with guard.opened(source, shown) as file:
        if OPTIMIZER not in file.keys():  # noqa: SIM118 - `in file` would follow links
            return
        group = guard.at(file, OPTIMIZER)
        names = guard.names(group, "weight_names")
        values = [guard.array_at(group, name) for name in names]
    problem = compiled.load_state(model.optimizer, names, values, written)
    if problem:
        warnings.warn(OTHER_STATE.format(shown, problem), stacklevel=4)
