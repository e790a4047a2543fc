"""Weights files: HDF5 in Keras 3's layout, treated as untrusted input.

Names, counts, shapes and dtypes are compared with the model before any values are read. External
and soft links, external storage and virtual data sets are refused.
"""

import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hornbook import optimizers
from hornbook.core.module import Module
from hornbook.layers.low_rank import Adaptable
from hornbook.layers.weighted import Weighted
from hornbook.saving.guard import array, child, dataset, opened
from hornbook.saving.layout import Entry, entries, is_optimizer
from hornbook.saving.policy import FileError

OLD_LAYERS = "_layer_checkpoint_dependencies"  # TensorFlow 2.13's name for "layers"
NOT_WEIGHTS = {"optimizer", "seed_generator", "metrics", "_metrics", "_loss_tracker"}

NOT_BUILT = """{!r} is not built: it has no weights to {}.
Wrong:  model = Sequential([Dense(2)]); model.{}(...)
Right:  model.build((None, 3)), or start the model with an Input, or call it on data first"""

NOT_TRAINED = """{} has not been built, so it has no variables for the {} in the file.
To continue training: call optimizer.build(model.trainable_variables) before load_weights, or
save the whole model with model.save("model.keras") and use load_model("model.keras").
Otherwise ignore this: the weights are loaded"""

HOW_TO_FIT = (
    "Build the model as it was when it was saved, or pass skip_mismatch=True to load the rest"
)


def check_built(model: Module, what: str) -> None:
    """Raise a `ValueError` for a model without weights; `what` is `"save"` or `"load"`."""
    if not getattr(model, "built", True):
        raise ValueError(NOT_BUILT.format(_name(model), what, f"{what}_weights"))


def _name(model: Any) -> str:
    return getattr(model, "name", type(model).__name__)


# ---- writing


def write(model: Module, target: Any, **_: Any) -> None:
    """Write every saved variable of a model.

    Args:
        model: an object with variables.
        target: a path, or a file object open for reading and writing.
    """
    import h5py

    with h5py.File(target, "w") as file:
        for entry in entries(model):
            if is_optimizer(entry.owner) and not entry.owner.built:  # type: ignore[attr-defined]
                continue
            group = file.create_group(f"{entry.path}/vars" if entry.path else "vars")
            group.attrs["name"] = getattr(entry.owner, "name", "")
            for key, value in own_values(entry).items():
                array = np.asarray(value)
                dataset = group.create_dataset(key, data=array)
                if array.dtype == jnp.bfloat16:
                    dataset.attrs["dtype"] = "bfloat16"


def own_values(entry: Entry) -> dict[str, Any]:
    """The values to write: variables by number, or those from a custom `save_own_variables`."""
    store: dict[str, Any] = {}
    if _does_itself(entry.owner, "save_own_variables"):
        entry.owner.save_own_variables(store)  # type: ignore[attr-defined]
        return store
    return {str(number): variable.numpy() for number, variable in enumerate(entry.variables)}


def _does_itself(owner: Any, method: str) -> bool:
    """Whether an object has its own way to save or load: user classes, and layers with LoRA."""
    found = getattr(type(owner), method, None)
    if found is getattr(Adaptable, method):
        return owner.lora_enabled
    return found is not None and found is not getattr(Weighted, method)


# ---- reading


class Problem(NamedTuple):
    """A mismatch between a file and the model."""

    path: str
    message: str


def read(
    model: Module,
    source: Any,
    shown: str,
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Compare a file with the model, then load what fits; see `saving.load_weights`.

    Args:
        model: an object with variables.
        source: a path or a file object.
        shown: the file's name in messages.
        skip_mismatch, by_name: see `saving.load_weights`.
    """
    with opened(source, shown) as file:
        places = _by_name(model, file) if by_name else [(e.path, e) for e in entries(model)]
        problems: list[Problem] = []
        loads = [load for place in places for load in _compared(file, *place, problems)]
        if not by_name:
            problems += _left_over(file, {path for path, _ in places})
        if problems and not skip_mismatch:
            raise FileError(report(shown, model, problems))
        values = [_values(group, load) for group, load in loads]
    for (_, load), value in zip(loads, values, strict=True):
        if isinstance(load, Entry):
            load.owner.load_own_variables(value)  # type: ignore[attr-defined]
        else:
            load[1].assign(value)
    if problems:
        warnings.warn(report(shown, model, problems), stacklevel=3)


def _compared(file: Any, path: str, entry: Entry, problems: list[Problem]) -> Iterator[tuple]:
    """Pairs of a group and what to load from it, if the file fits the model."""
    group = find(file, path)
    names = [] if group is None else sorted(group, key=_number)
    if _does_itself(entry.owner, "load_own_variables"):
        if group is not None:
            yield group, entry
        elif entry.variables:
            problems.append(_missing(entry, path))
        return
    if not names and (entry.optional or not entry.variables):
        return
    if group is None:
        problems.append(_missing(entry, path))
        return
    reason = _unfit_state(entry, group, names) if is_optimizer(entry.owner) else None
    if reason:
        warnings.warn(f"the optimizer's state was not loaded: {reason}", stacklevel=5)
        return
    wanted = [str(number) for number in range(len(entry.variables))]
    if names != wanted:
        message = (
            f"{_label(entry)} has {len(wanted)} variables ({_shown(entry)}); "
            f"the file has {len(names)} for it"
        )
        if not entry.optional:
            problems.append(Problem(path, message))
        return
    for name, variable in zip(names, entry.variables, strict=True):
        shape = dataset(group, name).shape
        if shape == variable.shape:
            yield group, (name, variable)
        else:
            message = (
                f"{_label(entry)}: variable {variable.name!r} expects shape {variable.shape}; "
                f"the file has shape {shape}"
            )
            problems.append(Problem(path, message))


def _unfit_state(entry: Entry, group: Any, names: list[str]) -> str | None:
    """Why the optimizer state in a file does not fit the model's optimizer; `None` if it does.

    The weights are loaded anyway, for programs that continue with another optimizer.
    """
    owner: Any = entry.owner
    saved = str(group.attrs.get("name", ""))
    kind = _optimizer_class(saved)
    if kind and not (isinstance(owner, kind) or issubclass(kind, type(owner))):
        return (
            f"the file has the state of {kind.__name__} {saved!r}, the model has the optimizer "
            f"{type(owner).__name__} {_name(owner)!r}. Compile with {kind.__name__} to load it"
        )
    if len(names) == len(entry.variables):
        shapes = [dataset(group, name).shape for name in names]
        if shapes == [variable.shape for variable in entry.variables]:
            return None
    elif not owner.built:
        return NOT_TRAINED.format(_label(entry), len(names))
    return (
        f"{_label(entry)} has {len(entry.variables)} variables ({_shown(entry)}); the file has "
        f"{len(names)} for it, of other weights. The layers that are trainable differ"
    )


def _optimizer_class(name: str) -> type | None:
    """The optimizer class for an automatic name such as `"adam"` or `"adam_1"`."""
    bare = re.sub(r"_\d+$", "", name).replace("_", "").lower()
    classes = [getattr(optimizers, one) for one in dir(optimizers) if one.lower() == bare]
    return classes[0] if classes else None


def _missing(entry: Entry, path: str) -> Problem:
    message = f"{_label(entry)} expects {_shown(entry)}; the file has nothing for it"
    return Problem(path, message)


def _shown(entry: Entry) -> str:
    return ", ".join(f"{v.name}: {v.shape}" for v in entry.variables) or "none"


def _label(entry: Entry) -> str:
    what = "optimizer" if is_optimizer(entry.owner) else "layer"
    return f"{what} {_name(entry.owner)!r} (at {entry.path or 'the top'})"


def _values(group: Any, load: Any) -> Any:
    names = list(group) if isinstance(load, Entry) else [load[0]]
    found = {name: array(dataset(group, name)) for name in names}
    return found if isinstance(load, Entry) else found[load[0]]


def report(shown: str, model: Module, problems: list[Problem]) -> str:
    lines = [f"  {problem.message}" for problem in problems[:10]]
    if len(problems) > 10:
        lines.append(f"  and {len(problems) - 10} more")
    return "\n".join(
        [f"{shown!r} does not fit {_name(model)!r} in {len(problems)} places:", *lines, HOW_TO_FIT]
    )


def _left_over(file: Any, known: set[str]) -> list[Problem]:
    """Weights in the file for layers that are not in the model."""
    found = []
    for path, count in _groups(file, ""):
        path = path.replace(OLD_LAYERS, "layers")
        ours = path in known or NOT_WEIGHTS & set(path.split("/"))
        if count and not ours and not _is_state(find(file, path)):
            where = path or "the top"
            message = f"the file has {count} variables at {where}; the model has no such layer"
            found.append(Problem(path, message))
    return found


def _is_state(group: Any) -> bool:
    """Whether variables belong to an optimizer: the first is an integer scalar, the step count."""
    if group is None or "0" not in group.keys():  # noqa: SIM118 - `in group` would follow links
        return False
    first = child(group, "0")
    return getattr(first, "shape", None) == () and first.dtype.kind == "i"


def _groups(group: Any, path: str) -> Iterator[tuple[str, int]]:
    """(path, number of variables) of every group of variables; links are not followed."""
    for name in group:
        inner = child(group, name)
        if name == "vars":
            yield path, len(inner)
        elif not hasattr(inner, "shape"):
            yield from _groups(inner, f"{path}/{name}" if path else name)


def _by_name(model: Module, file: Any) -> list[tuple[str, Entry]]:
    """(path in the file, entry) for everything in layers whose names are in the file."""
    at: dict[str, str] = {}
    for path, _ in _groups(file, ""):
        group = find(file, path)
        name = None if group is None else group.attrs.get("name")
        if isinstance(name, str):
            at.setdefault(name, path)
    found: list[tuple[str, Entry]] = []
    inside, place = "", ""
    for entry in entries(model):
        if not entry.path or entry.optional:
            continue
        if inside and entry.path.startswith(f"{inside}/"):
            found.append((place + entry.path[len(inside) :], entry))
            continue
        inside = ""
        if _name(entry.owner) in at and not _is_model(entry.owner):
            inside, place = entry.path, at[_name(entry.owner)]
            found.append((place, entry))
    return found


def _is_model(owner: Any) -> bool:
    return hasattr(owner, "_training_state")


def find(file: Any, path: str) -> Any:
    """The group of the variables at a path, or `None`. Links are not followed."""
    group = file
    for name in [*path.split("/"), "vars"] if path else ["vars"]:
        if name == "layers" and name not in group and OLD_LAYERS in group:
            name = OLD_LAYERS
        if name not in group.keys():  # noqa: SIM118 - `in group` would follow links
            return None
        group = child(group, name)
        if hasattr(group, "shape"):
            raise FileError(f"not a weights file: {group.name} should be a group, not an array")
    return group


def _number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() and len(name) < 9 else (1 << 30, name)
