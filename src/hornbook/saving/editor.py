"""`KerasFileEditor`: look at the weights in a file, change them, and save them as another file."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.core.messages import tell
from hornbook.core.module import Module
from hornbook.saving import archive, guard, hdf5, layout
from hornbook.saving.files import replacing, to_read, to_write
from hornbook.saving.policy import CONFIG, METADATA, read_json

SUFFIXES = (".keras", ".weights.h5")


class KerasFileEditor:
    """The weights in a `.keras` or `.weights.h5` file, to look at, change and save.

    For weights that should go into a model that has changed since they were saved. Objects are
    named by their paths, such as `"layers/dense_2"`, or by the last part if no other object has it.

    Args:
        filepath: the file. It is read, checked like every file, and not changed.

    Attributes:
        weights_dict: arrays by name, in dictionaries for the objects they belong to.
        object_metadata: attributes of objects in the file, by path: `{"name": "dense"}`.
        config: the model's config in a `.keras` file, as plain data; else `None`.
        metadata: its version and date; else `None`.

    Raises:
        ValueError: if it is no such file, or is damaged.
        FileNotFoundError: if there is no file.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.save_weights("m.weights.h5")
        >>> editor = keras.saving.KerasFileEditor("m.weights.h5")
        Keras model file 'm.weights.h5'
        >>> editor.summary()
        Weights structure
        └─ layers
           └─ dense ('dense...')
              ├─ 0: shape=(3, 2), dtype=float32
              └─ 1: shape=(2,), dtype=float32
        >>> editor.rename_object("dense", "hidden")
        >>> editor.save("edited.weights.h5")
    """

    def __init__(self, filepath: Any):
        self.filepath = to_read(filepath, SUFFIXES)
        if not self.filepath.endswith(SUFFIXES):
            raise ValueError(f"the file must end in .keras or .weights.h5; got {self.filepath!r}")
        self.config: Any = None
        self.metadata: Any = None
        self.model: Any = None  # as in Keras, which never sets it
        self.weights_dict: dict[str, Any] = {}
        self.object_metadata: dict[str, dict[str, Any]] = {}
        if self.filepath.endswith(".keras"):
            with archive.opened(self.filepath, self.filepath) as file:
                self.config = read_json(file, CONFIG, self.filepath)
                self.metadata = read_json(file, METADATA, self.filepath)
                with archive.weights_of(file, self.filepath) as weights:
                    self._read(weights)
        else:
            self._read(self.filepath)
        tell(f"Keras model file {self.filepath!r}")
        if isinstance(self.metadata, dict):
            version, saved = self.metadata.get("keras_version"), self.metadata.get("date_saved")
            tell(f"Saved with Keras {version} - date: {saved}")

    # ---- looking

    def summary(self) -> None:
        """Print the objects and their weights as a tree."""
        tell("Weights structure")
        for line in self._lines(self.weights_dict, "", ""):
            tell(line)

    def _lines(self, objects: dict, path: str, indent: str) -> Iterator[str]:
        for name, value in objects.items():
            last = name == [*objects][-1]
            start = f"{indent}{'└' if last else '├'}─ {name}"
            if isinstance(value, dict):
                inner = f"{path}/{name}"
                called = self.object_metadata.get(inner, {}).get("name")
                yield f"{start} ({called!r})" if called else start
                yield from self._lines(value, inner, indent + ("   " if last else "│  "))
            else:
                yield f"{start}: shape={value.shape}, dtype={value.dtype}"

    def compare(self, reference_model: Module) -> dict[str, Any]:
        """Print where the file differs from a model: objects, weights and shapes.

        Args:
            reference_model: a built model.

        Returns:
            `status` (`"success"` or `"error"`), `error_count`, and `match_count`, the number of
            weights with the same place and shape.
        """
        wanted: dict[str, Any] = {}
        for entry in layout.entries(reference_model):
            values = {k: np.asarray(v) for k, v in hdf5.own_values(entry).items()}
            if values:
                _inner(wanted, entry.path, make=True).update(values)
        tell("Running comparison")
        matches, errors = [0], 0
        for error in _differences(wanted, self.weights_dict, "", matches):
            tell(f"...{error}")
            errors += 1
        if errors:
            tell(f"Found {errors} error{'s' * (errors > 1)}: the file does not fit the model")
        else:
            tell(f"The file fits the model: {matches[0]} weights match")
        status = "error" if errors else "success"
        return {"status": status, "error_count": errors, "match_count": matches[0]}

    # ---- changing

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object, such as a layer, another name in the file.

        Args:
            object_name: its path, or its name if no other object has it.
            new_name: the new last part of its path.

        Raises:
            ValueError: if there is no such object, or the new name is taken or not a single name.
        """
        parent, name = self._find(object_name)
        _check_free(parent, new_name)
        parent[new_name] = parent.pop(name)

    def delete_object(self, object_name: str) -> None:
        """Remove an object and its weights.

        Args:
            object_name: its path, or its name if no other object has it.

        Raises:
            ValueError: if there is no such object.
        """
        parent, name = self._find(object_name)
        del parent[name]

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Add an object, such as a layer.

        Args:
            object_path: its whole path: `"layers/dense_2"`.
            weights: arrays by name: `{"0": kernel, "1": bias}`.

        Raises:
            ValueError: if there is no object to hold it, or its name is taken.
        """
        path, _, name = object_path.rpartition("/")
        parent = _inner(self.weights_dict, path)
        if parent is None:
            raise ValueError(f"there is no {path!r} in {self.filepath!r} to add {name!r} to")
        _check_free(parent, name)
        parent[name] = _arrays(weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Remove a weight of an object.

        Args:
            object_name: the object's path, or its name if no other object has it.
            weight_name: such as `"0"`.

        Raises:
            ValueError: if there is no such object or weight.
        """
        parent, name = self._find(object_name)
        if weight_name not in parent[name]:
            raise ValueError(f"{object_name!r} has no {weight_name!r}; it has {[*parent[name]]}")
        del parent[name][weight_name]

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Add weights to an object; those of the same names are replaced.

        Args:
            object_name: its path, or its name if no other object has it.
            weights: arrays by name: `{"0": kernel, "1": bias}`.

        Raises:
            ValueError: if there is no such object.
        """
        parent, name = self._find(object_name)
        parent[name].update(_arrays(weights))

    def save(self, filepath: Any) -> None:
        """Write the weights to a file.

        Args:
            filepath: a path that ends in `.weights.h5`.

        Raises:
            ValueError: for another suffix.
        """
        import h5py

        path = to_write(filepath, SUFFIXES[1:], overwrite=True)
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            self._write(file, self.weights_dict, "")

    def resave_weights(self, filepath: Any) -> None:
        """The same as `save`."""
        self.save(filepath)

    # ---- files

    def _read(self, source: Any) -> None:
        with guard.opened(source, self.filepath) as file:
            self._read_group(file, self.weights_dict, "")

    def _read_group(self, group: Any, found: dict[str, Any], path: str) -> None:
        """Read a group: its own weights are in the member `vars`, other members are objects."""
        if attributes := {key: guard.text(group, key) for key in group.attrs if key == "name"}:
            self.object_metadata[path.removesuffix("/vars")] = attributes
        for name in group:
            one = guard.child(group, name)
            if hasattr(one, "shape"):
                found[name] = guard.array(guard.dataset(group, name))
            elif name == "vars":
                self._read_group(one, found, f"{path}/vars")
            else:
                inner: dict[str, Any] = {}
                self._read_group(one, inner, f"{path}/{name}")
                if inner:
                    found[name] = inner

    def _write(self, group: Any, objects: dict[str, Any], path: str) -> None:
        for name, value in objects.items():
            if isinstance(value, dict):
                if value:
                    self._write(group.create_group(name), value, f"{path}/{name}")
                continue
            own = group.require_group("vars")
            own.attrs.update(self.object_metadata.get(path, {}))
            written = own.create_dataset(name, data=value)
            if value.dtype == jnp.bfloat16:
                written.attrs["dtype"] = "bfloat16"

    def _find(self, name: str) -> tuple[dict, str]:
        """The dictionary that holds an object, and the object's key in it."""
        path, _, last = name.rpartition("/")
        places = [_inner(self.weights_dict, path)] if path else [*_dicts(self.weights_dict)]
        holding = [d for d in places if d is not None and isinstance(d.get(last), dict)]
        if len(holding) > 1:
            raise ValueError(f"{len(holding)} objects are named {name!r}: pass the whole path")
        if not holding:
            raise ValueError(f"there is no {name!r} in {self.filepath!r}; summary() shows what is")
        return holding[0], last


def _inner(objects: dict, path: str, make: bool = False) -> Any:
    """The dictionary at a path; `None` if there is none (`make`: a new one)."""
    for name in filter(None, path.split("/")):
        if make:
            objects.setdefault(name, {})
        objects = objects.get(name)
        if not isinstance(objects, dict):
            return None
    return objects


def _dicts(objects: dict) -> Iterator[dict]:
    yield objects
    for value in objects.values():
        if isinstance(value, dict):
            yield from _dicts(value)


def _check_free(parent: dict, name: str) -> None:
    if not name or "/" in name or name in (".", "vars"):
        raise ValueError(f"{name!r} cannot be the name of an object: pass one name without '/'")
    if name in parent:
        raise ValueError(f"there is a {name!r} beside it already: delete or rename that first")


def _arrays(weights: Any) -> dict[str, np.ndarray]:
    if not isinstance(weights, dict):
        raise ValueError(f"weights must be a dictionary of arrays by name, not {weights!r}")
    found = {name: np.asarray(value) for name, value in weights.items()}
    for name, value in found.items():
        if value.dtype.kind not in "fiubcV":
            raise ValueError(f"the weight {name!r} must be an array of numbers, not {value.dtype}")
    return found


def _differences(wanted: dict, found: dict, path: str, matches: list[int]) -> Iterator[str]:
    """Messages about what differs between a model and a file; counts weights that match."""
    for name in dict.fromkeys([*wanted, *found]):
        here = f"{path}/{name}"
        one, two = wanted.get(name), found.get(name)
        if one is None or two is None:
            kind = "Object" if isinstance(two if one is None else one, dict) else "Weight"
            there, missing = ("model", "file") if two is None else ("file", "model")
            yield f"{kind} {here} is in the {there}, but not in the {missing}"
        elif isinstance(one, dict) and isinstance(two, dict):
            yield from _differences(one, two, here, matches)
        elif isinstance(one, dict) or isinstance(two, dict):
            yield f"{here} is a weight on one side and an object on the other"
        elif one.shape != two.shape:
            yield f"Weight {here} has shape {one.shape} in the model and {two.shape} in the file"
        else:
            matches[0] += 1
