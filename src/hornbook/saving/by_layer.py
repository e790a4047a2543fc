"""Weights by layer in HDF5: the format of all versions of Keras before `.weights.h5`.

There is one group per layer, under the layer's name. `layer_names` and each layer's `weight_names`
give the order. A nested model is one layer with all of its weights, trainable ones first.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hornbook.core.module import Module
from hornbook.core.variable import Variable
from hornbook.dialects.files import Format, format_of
from hornbook.saving import guard
from hornbook.saving.conversions import as_today, as_written
from hornbook.saving.hdf5 import Problem, report
from hornbook.saving.policy import FileError

WEIGHTS = "model_weights"  # group of the weights in a whole-model file
TOP = "top_level_model_weights"  # the model's own weights, in no layer
COUNTED = "nb_layers"  # Keras 0 numbered layers and weights

BY_NAME = "{!r} numbers its layers (Keras 0); it cannot be read by_name=True"


class Origin(NamedTuple):
    """The format and backend of a file."""

    written: Format
    backend: str | None


class Saved(NamedTuple):
    """A layer in a file."""

    name: str
    group: Any
    weights: list[str]


def weights_of(layer: Any) -> list[Variable]:
    """The weights of a layer in file order: trainable ones first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def own_weights(model: Any) -> list[Variable]:
    """The weights of a model that are in none of its layers."""
    below = {id(v) for layer in model.layers for v in layer.weights}
    return [v for v in weights_of(model) if id(v) not in below]


def is_by_layer(file: Any) -> bool:
    """Whether an open HDF5 file has weights by layer."""
    return any(key in file.attrs for key in ("layer_names", "layer_names0", COUNTED)) or (
        "model_config" in file.attrs
    )


# ---- writing


def write(model: Any, group: Any, written: Format) -> None:
    """Write the weights of a model into an open, empty h5py group.

    Args:
        model: a built model.
        group: a file or group.
        written: the format.
    """
    layers = layers_of(model, Origin(written, None))
    guard.put_names(group, "layer_names", [layer.name for layer in layers])
    if written.backend:
        group.attrs["backend"] = written.backend
        group.attrs["keras_version"] = written.version
    for layer in sorted(layers, key=lambda layer: layer.name):
        write_some(group.create_group(layer.name), as_written(layer, written))
    own = own_weights(model)
    if own or written.top:
        named = [(f"{variable.path}{written.suffix}", variable.numpy()) for variable in own]
        write_some(group.create_group(TOP), named)


def write_some(group: Any, named: list[tuple[str, np.ndarray]]) -> None:
    names = distinct([name for name, _ in named])
    guard.put_names(group, "weight_names", names)
    for name, (_, value) in zip(names, named, strict=True):
        group.create_dataset(name, data=value)


def distinct(names: list[str]) -> list[str]:
    """Make names unique by numbering repeated ones."""
    counts: Counter[str] = Counter()
    made = []
    for name in names:
        counts[name] += 1
        made.append(name if counts[name] == 1 else f"{name}_{counts[name] - 1}")
    return made


# ---- reading


def read(
    model: Module, source: Any, shown: str, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Compare a file with a model, then load what fits; see `saving.load_weights`.

    Raises:
        FileError: if it does not fit; then nothing is loaded.
    """
    with guard.opened(source, shown) as file:
        loads, problems = _loads(model, file, shown, by_name)
    if problems and not skip_mismatch:
        raise FileError(report(shown, model, problems))
    for variable, value in loads:
        variable.assign(value)
    if problems:
        warnings.warn(report(shown, model, problems), stacklevel=4)


def _loads(model: Module, file: Any, shown: str, by_name: bool) -> tuple[list, list[Problem]]:
    """Pairs of a variable and its value in an open file, and the mismatches."""
    if "layer_names" not in file.attrs and WEIGHTS in file.keys():  # noqa: SIM118
        file = guard.at(file, WEIGHTS)
    saved = list(_saved(file))
    origin = Origin(format_of(guard.text(file, "keras_version")), guard.text(file, "backend"))
    if by_name and COUNTED in file.attrs:
        raise FileError(BY_NAME.format(shown))
    pairs, problems = (_by_name if by_name else _by_place)(model, saved, origin)
    loads = [load for pair in pairs for load in _compared(*pair, origin, problems)]
    loads += _top(model, file, origin, problems)
    return loads, problems


def _saved(file: Any) -> Iterator[Saved]:
    """The layers of a file, in order."""
    if COUNTED in file.attrs:
        for number in range(int(file.attrs[COUNTED])):
            group = guard.at(file, f"layer_{number}")
            count = int(group.attrs.get("nb_params", 0))
            yield Saved(group.name, group, [f"param_{n}" for n in range(count)])
        return
    for name in guard.names(file, "layer_names"):
        group = guard.at(file, name)
        yield Saved(name, group, guard.names(group, "weight_names"))


def layers_of(model: Any, origin: Origin) -> list[Any]:
    """The layers of a model as a file of this generation lists them."""
    found: dict[Any, None] = {}
    for number, layer in enumerate(model.layers):
        # The branches at the start of a Keras 1 Sequential are listed layer by layer.
        flat = origin.written.joined and not number and len(getattr(layer, "input_names", ())) > 1
        found |= dict.fromkeys(_flat(layer) if flat else [layer])
    return list(found)


def _flat(model: Any) -> list[Any]:
    return [
        one for layer in model.layers for one in (_flat(layer) if _is_model(layer) else [layer])
    ]


def _is_model(layer: Any) -> bool:
    return hasattr(layer, "_training_state")


def _by_place(
    model: Any, saved: list[Saved], origin: Origin
) -> tuple[list[tuple[Any, Saved]], list[Problem]]:
    """Pairs of a layer and its saved weights, matched by position; only those with weights."""
    layers = [layer for layer in layers_of(model, origin) if layer.weights]
    saved = [one for one in saved if one.weights]
    if len(layers) == len(saved):
        return list(zip(layers, saved, strict=True)), []
    names = ", ".join(layer.name for layer in layers) or "none"
    message = (
        f"the model has {len(layers)} layers with weights ({names}); the file has {len(saved)} "
        f"({', '.join(one.name for one in saved) or 'none'}). Pass by_name=True to load "
        "those with the same name"
    )
    return list(zip(layers, saved, strict=False)), [Problem("", message)]


def _by_name(
    model: Any, saved: list[Saved], origin: Origin
) -> tuple[list[tuple[Any, Saved]], list[Problem]]:
    """Pairs of a layer and its saved weights, matched by name."""
    known = {one.name: one for one in saved}
    layers = [layer for layer in layers_of(model, origin) if layer.name in known]
    return [(layer, known[layer.name]) for layer in layers], []


def _compared(
    layer: Any, saved: Saved, origin: Origin, problems: list[Problem]
) -> list[tuple[Variable, Any]]:
    """Pairs of a weight and its value, if the saved layer fits the model's."""
    where = f"layer {layer.name!r} ({saved.name!r} in the file)"
    values = [guard.array_at(saved.group, name) for name in saved.weights]
    try:
        values = as_today(layer, values, *origin)
    except ValueError as error:
        problems.append(Problem(saved.name, f"{where}: {error}"))
        return []
    return _fitting(where, weights_of(layer), values, problems)


def _fitting(
    where: str, variables: list[Variable], values: list, problems: list[Problem]
) -> list[tuple[Variable, Any]]:
    if len(variables) != len(values):
        shown = ", ".join(f"{v.name}: {v.shape}" for v in variables) or "none"
        found = ", ".join(str(value.shape) for value in values) or "none"
        message = f"{where} expects {len(variables)} weights ({shown}); the file has {found}"
        problems.append(Problem(where, message))
        return []
    loads = []
    for variable, value in zip(variables, values, strict=True):
        if np.iscomplexobj(value) and not np.issubdtype(variable.dtype, np.complexfloating):
            what = f"{where}: weight {variable.name!r} expects real numbers; the file has complex"
            problems.append(Problem(where, what))
            continue
        if variable.shape == value.shape:
            loads.append((variable, value))
            continue
        message = (
            f"{where}: weight {variable.name!r} expects shape {variable.shape}; the file has shape "
            f"{value.shape}"
        )
        problems.append(Problem(where, message))
    return loads


def _top(
    model: Any, file: Any, origin: Origin, problems: list[Problem]
) -> list[tuple[Variable, Any]]:
    if TOP not in file.keys():  # noqa: SIM118
        return []
    group = guard.at(file, TOP)
    values = [guard.array_at(group, name) for name in guard.names(group, "weight_names")]
    return _fitting("the model's own weights", own_weights(model), values, problems)
