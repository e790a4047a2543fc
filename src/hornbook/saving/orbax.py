"""Orbax checkpoints in Keras's form: a folder with the arrays of a model, and its config."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hornbook.core.config import custom_object_scope, deserialize, sharing
from hornbook.saving import assets
from hornbook.saving.archive import joined, without_compile
from hornbook.saving.policy import FileError, parse_json

NO_ORBAX = "Orbax checkpoints need orbax-checkpoint: pip install 'hornbook[orbax]'"
NO_CONFIG = """{!r} has weights without a model (save_weights_only=True): build the model, and \
call model.load_weights(...)"""
WEIGHTS = ("trainable_variables", "non_trainable_variables")
MARKS = ("orbax.checkpoint", "pytree.orbax-checkpoint", "checkpoint_metadata", "pytree")


def package() -> Any:
    """The module `orbax.checkpoint.v1`.

    Raises:
        ImportError: if it is not installed, with the command to install it.
    """
    try:
        from orbax.checkpoint import v1
    except ImportError as error:
        raise ImportError(NO_ORBAX) from error
    return v1


def is_checkpoint(path: Any) -> bool:
    """Whether a path is a folder of checkpoints, or a single one."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    return any(name in MARKS for name in os.listdir(path)) or bool(_steps(path))


def _steps(path: Any) -> list[int]:
    """The numbers of the checkpoints in a folder."""
    return sorted(int(p.name) for p in Path(path).iterdir() if p.name.isdigit() and p.is_dir())


def _latest(path: Any) -> str:
    steps = _steps(path)
    return os.path.abspath(os.path.join(path, str(steps[-1])) if steps else path)


def _read(path: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Some of the parts of a checkpoint; those it does not have are left out."""
    orbax = package()
    found = orbax.checkpointables_metadata(path).metadata
    wanted = {name: None for name in names if name in found}
    if "pytree" in wanted:  # on one device, whatever devices it was saved from
        here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        wanted["pytree"] = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here),
            orbax.pytree_metadata(path, checkpointable_name="pytree").metadata,
        )
    return orbax.load_checkpointables(path, wanted)


def read_model(path: Any, custom_objects: dict[str, Any] | None, compile: bool) -> Any:
    """Read the model of the latest checkpoint in a folder.

    Raises:
        FileError: if the checkpoint has no config.
    """
    latest = _latest(path)
    parts = _read(latest, ("model_config", "pytree", "assets"))
    if "model_config" not in parts:
        raise FileError(NO_CONFIG.format(str(path)))
    config = parse_json(parts["model_config"]["config"], f"'model_config' in {latest!r}")
    with custom_object_scope(custom_objects or {}), sharing():
        model = deserialize(joined(config if compile else without_compile(config)))
    _assign(model, parts["pytree"])
    if parts.get("assets"):
        put_assets(model, parts["assets"], latest)
    return model


def read_weights(model: Any, path: Any) -> None:
    """Read the weights of the latest checkpoint in a folder, and the optimizer's state."""
    _assign(model, _read(_latest(path), ("pytree",))["pytree"])


def _assign(model: Any, tree: dict[str, Any]) -> None:
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        tree = {name: tree[name] for name in WEIGHTS if name in tree}
    elif tree.get("optimizer_variables") and not optimizer.built:
        optimizer.build(model.trainable_variables)
    model.set_state_tree(tree)


def assets_of(model: Any) -> dict[str, Any]:
    """The files of a model's layers, as bytes in nested dictionaries by folder."""
    tree: dict[str, Any] = {}
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        assets.write(model, archive)
        for name in archive.namelist():
            _, *folders, file = name.split("/")
            inner = tree
            for folder in folders:
                inner = inner.setdefault(folder, {})
            inner[file] = np.frombuffer(archive.read(name), "uint8")
    return tree


def put_assets(model: Any, tree: dict[str, Any], shown: str) -> None:
    """The inverse of `assets_of`."""
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        waiting = [(assets.FOLDER, tree)]
        for place, inner in waiting:
            for name, value in inner.items():
                if isinstance(value, dict):
                    waiting.append((f"{place}/{name}", value))
                else:
                    archive.writestr(f"{place}/{name}", np.asarray(value, "uint8").tobytes())
        assets.read(model, archive, shown)
