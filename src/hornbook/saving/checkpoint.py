"""Weights of models in TensorFlow's checkpoints, which name each by the attributes that lead to it.

`layer_with_weights-0/kernel`, `encoder/layers/1/bias`: a name is followed from the model on.
"""

import re
import warnings
from contextlib import suppress
from typing import Any

from hornbook.core.module import Module
from hornbook.core.variable import Variable
from hornbook.saving import layout
from hornbook.saving.bundle import GRAPH, VALUE, Bundle
from hornbook.saving.hdf5 import Problem, report
from hornbook.saving.policy import FileError

NUMBERED = re.compile(r"(layer|layer_with_weights)-(\d{1,6})")
LISTS = {"variables": "weights", "_layers": "layers"}  # TensorFlow's name -> today's
# Parts of names of what is no weight: states of optimizers, metrics, seeds, and counters.
OTHERS = {
    *"optimizer keras_api save_counter compiled_metrics metrics _metrics loss_tracker".split(),
    *"_loss_tracker _random_generator _state_var seed_generator signatures".split(),
}


def read(model: Module, prefix: str, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Compare a checkpoint with a model, then load its weights; see `saving.load_weights`.

    The optimizer's state is left in the file.

    Raises:
        FileError: if it does not fit; then nothing is loaded.
    """
    if by_name:
        raise FileError(f"{prefix!r} is a checkpoint of TensorFlow's: leave by_name=False")
    bundle = Bundle(prefix)
    weights = {id(v) for v in model.weights}  # type: ignore[attr-defined]
    found, problems = targets(model, bundle)
    loads = {name: variable for name, variable in found.items() if id(variable) in weights}
    for name, variable in loads.items():
        if (shape := bundle.entries[name].shape) != variable.shape:
            message = f"{name!r} expects shape {variable.shape}; the file has shape {shape}"
            problems.append(Problem(name, message))
    filled = {id(variable) for variable in loads.values()}
    for variable in model.weights:  # type: ignore[attr-defined]
        if id(variable) not in filled:
            problems.append(Problem(variable.path, f"the file has no {variable.path!r}"))
    if problems and not skip_mismatch:
        raise FileError(report(prefix, model, problems))
    bad = {problem.path for problem in problems}
    values = {name: bundle.read(name) for name in loads if name not in bad}
    for name, value in values.items():
        loads[name].assign(value)
    if problems:
        warnings.warn(report(prefix, model, problems), stacklevel=4)


def targets(root: Any, bundle: Bundle) -> tuple[dict[str, Variable], list[Problem]]:
    """The variables of an object that names in a checkpoint lead to, and names that lead nowhere.

    Args:
        root: the object, or a dictionary of objects.
        bundle: the checkpoint.
    """
    found: dict[str, Variable] = {}
    problems: list[Problem] = []
    weighted: dict[int, list] = {}
    for name in bundle.entries:
        if name == GRAPH:
            continue
        path = name.removesuffix(VALUE).split("/")
        variable = _at(root, path, weighted)
        if variable is not None:
            found[name] = variable
        elif not OTHERS & set(path):
            message = f"{name!r} in the file is no weight of the model"
            problems.append(Problem(name, message))
    return found, problems


def _at(value: Any, path: list[str], weighted: dict[int, list]) -> Variable | None:
    """The variable at a path; only lists, dictionaries and modules are entered.

    Args:
        value: the object where the path starts.
        path: names, as in the file.
        weighted: by `id`, the layers with weights of models seen before.
    """
    for step in path:
        value = _child(value, step.replace(".S", "/").replace("..", "."), weighted)
    return value if isinstance(value, Variable) else None


def _child(value: Any, name: str, weighted: dict[int, list]) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list | tuple):
        inside = re.fullmatch(r"\d{1,6}", name) and int(name) < len(value)
        return value[int(name)] if inside else None
    if not isinstance(value, Module):
        return None
    if match := NUMBERED.fullmatch(name):
        layers = getattr(value, "layers", [])
        if match[1] != "layer":
            if id(value) not in weighted:
                weighted[id(value)] = [layer for layer in layers if layer.weights]
            layers = weighted[id(value)]
        return layers[int(match[2])] if int(match[2]) < len(layers) else None
    if name in LISTS:
        return getattr(value, LISTS[name], None)
    known = vars(value).keys() | layout._properties(type(value)).keys()  # type: ignore[arg-type]
    for one in (name, name.lstrip("_"), f"_{name}"):
        if one in known:
            with suppress(Exception):  # a property without a value yet
                return getattr(value, one)
    return next((v for v in value._owned_variables() if v.name == name.lstrip("_")), None)
