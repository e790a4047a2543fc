"""Models in TensorFlow's SavedModel folders: the config that Keras 2 put there, and the weights.

The graph in `saved_model.pb` is not read: the layers are made anew from their configs.
"""

import os
from typing import Any

from hornbook.core.config import custom_object_scope, deserialize
from hornbook.core.module import Module
from hornbook.core.variable import room
from hornbook.dialects.files import format_of
from hornbook.saving import bundle, checkpoint, compiled, configs
from hornbook.saving.policy import LARGEST_JSON, SMALL, FileError, parse_json
from hornbook.saving.whole import described
from hornbook.saving.wire import fields

GRAPH, METADATA = "saved_model.pb", "keras_metadata.pb"
VARIABLES = os.path.join("variables", "variables")
WRITTEN = format_of("2")
NO_CONFIG = (
    "{!r} has no config of a model, only TensorFlow's graph, which is not run. Build it, and "
    "call model.load_weights({!r}); or load it in TensorFlow, and save it there as 'model.h5'"
)
NODES, PATH, JSON = 1, 3, 5  # numbers of fields


def is_saved_model(path: Any) -> bool:
    """Whether a path is the folder of a SavedModel."""
    return isinstance(path, str | os.PathLike) and os.path.isfile(os.path.join(path, GRAPH))


def read_model(folder: Any, custom_objects: dict[str, Any] | None, compile: bool) -> Any:
    """Read a model, compiled as it was saved; its optimizer starts from scratch.

    Raises:
        FileError: if the folder has no config, or is damaged.
    """
    shown = os.fspath(folder)
    found = _metadata(shown)
    if not isinstance(found.get("config"), dict) or "class_name" not in found:
        raise FileError(NO_CONFIG.format(shown, shown))
    prefix = os.path.join(shown, VARIABLES)
    size = sum(entry.size for entry in bundle.Bundle(prefix).entries.values())
    config = {"class_name": found["class_name"], "config": found["config"]}
    with custom_object_scope(custom_objects or {}), room(SMALL + 2 * size):
        with described("config", shown):
            config = configs.model_today(config, WRITTEN)
        model = deserialize(config, family="models")
        if not isinstance(model, Module):
            raise FileError(f"{shown!r} describes no model but {type(model).__name__}")
        checkpoint.read(model, prefix)
        training = found.get("training_config")
        if compile and training:
            with described("training_config", shown):
                training = compiled.training_today(training, model, WRITTEN)
            model.compile_from_config(training)  # type: ignore[attr-defined]
    return model


def _metadata(folder: str) -> dict[str, Any]:
    """What Keras said about the model itself; empty if nothing."""
    path = os.path.join(folder, METADATA)
    if not os.path.isfile(path):
        return {}
    if (size := os.path.getsize(path)) > LARGEST_JSON:
        raise FileError(f"refused: {path!r} takes {size} bytes")
    with open(path, "rb") as file:
        data = file.read(LARGEST_JSON)
    for number, _, node in fields(data):
        if number != NODES or isinstance(node, int):
            continue
        parts = {n: part for n, _, part in fields(node) if not isinstance(part, int)}
        if bytes(parts.get(PATH, b"")) == b"root":
            found = _plain(parse_json(bytes(parts.get(JSON, b"{}")), f"the config in {path!r}"))
            return found if isinstance(found, dict) else {}
    return {}


def _plain(value: Any) -> Any:
    """JSON in which tuples are lists."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return _plain(value["items"])
    return {key: _plain(one) for key, one in value.items()}
