"""Compile arguments and optimizer state in HDF5 files of any Keras."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hornbook import losses, metrics
from hornbook.core.config import get_registered_object
from hornbook.core.variable import Variable
from hornbook.dialects.files import INHERITED, REDUCTIONS, Format
from hornbook.saving.configs import function_named, object_today
from hornbook.saving.configs_then import object_then

PASSED = ("loss_weights", "run_eagerly", "steps_per_execution")
WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper")  # wrap a function, named in their config


# ---- compile arguments


def training_today(training: Any, model: Any, written: Format) -> dict:
    """The compile arguments in a file, as `compile_from_config` takes them.

    Args:
        training: the `training_config` of the file.
        model: the model, with known outputs.
        written: the format of the file.
    """
    found = {key: training[key] for key in PASSED if training.get(key) is not None}
    found["optimizer"] = _optimizer_today(training["optimizer_config"], written)
    found["loss"] = _each(training.get("loss"), lambda one: _loss_today(one, written))
    names = list(getattr(model, "output_names", ()))
    for key in ("metrics", "weighted_metrics"):
        given = _each(training.get(key), lambda one: _metric_today(one, names, written))
        several = isinstance(given, list) and any(isinstance(one, list) for one in given)
        if several and len(names) == 1:
            given = [m for one in given for m in (one if isinstance(one, list) else [one])]
        found[key] = given
    return found


def _each(given: Any, fn: Callable) -> Any:
    """Map `fn` over a structure of descriptions."""
    if isinstance(given, dict) and "class_name" not in given:
        return {key: _each(one, fn) for key, one in given.items()}
    if isinstance(given, list):
        return [_each(one, fn) for one in given]
    return None if given is None else fn(given)


def _optimizer_today(described: dict, written: Format) -> dict:
    config = {k: v for k, v in described["config"].items() if k not in INHERITED}
    if written.rows is None:
        return {**_of("optimizers", described), "config": config}
    decay = config.pop("decay", None)
    made = object_today({**described, "config": config}, "optimizers", written)
    if decay:
        rate = made["config"]["learning_rate"]
        schedule = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        made["config"]["learning_rate"] = {"class_name": "InverseTimeDecay", "config": schedule}
    return made


def _of(family: str, described: dict) -> dict:
    """A description with the module of the family it is listed under, unless it has one."""
    return {"module": f"keras.{family}", **described}


def _loss_today(given: Any, written: Format) -> Any:
    if isinstance(given, str):
        return _named(given, "loss", losses.TABLE, written)
    if given["class_name"] in WRAPPERS:
        return _named(str(given["config"]["fn"]), "loss", losses.TABLE, written)
    return _described(given, "losses", written)


def _metric_today(given: Any, outputs: list[str], written: Format) -> Any:
    if isinstance(given, str):
        return _named(given, "metrics", metrics.TABLE, written)
    config = given["config"]
    name = config.get("name")
    if name and len(outputs) > 1 and written.rows is not None:  # "out_mae" of the output "out"
        head = next((one for one in outputs if name.startswith(f"{one}_")), "")
        name = name[len(head) + 1 :] if head else name
    if given["class_name"] in WRAPPERS:
        known = name in metrics.TABLE or name in ACCURACIES
        return _named(name if known else str(config["fn"]), "metrics", metrics.TABLE, written)
    return _described({**given, "config": {**config, "name": name}}, "metrics", written)


ACCURACIES = ("accuracy", "acc", "crossentropy", "ce")  # resolved by the output


def _named(name: str, key: str, table: dict, written: Format) -> Any:
    """A name as `compile` takes it, or a user-defined function."""
    rows: Any = written.rows
    if get_registered_object(name) is not None or not (
        name in table or name in ACCURACIES or rows is not None and name in rows.VALUES[key]
    ):
        return function_named(name)
    return rows.VALUES["loss"].get(name, name) if rows is not None else name


def _described(given: dict, family: str, written: Format) -> dict:
    config = {k: v for k, v in given["config"].items() if k not in INHERITED}
    if config.get("reduction") in REDUCTIONS:
        config["reduction"] = REDUCTIONS[config["reduction"]]
    if written.rows is None:
        return {**_of(family, given), "config": config}
    return object_today({**given, "config": config}, family, written)


def training_then(model: Any, written: Format) -> dict | None:
    """The compile arguments of a model in a generation's format; `None` if it has none."""
    given = model.get_compile_config()
    if not given or given.get("optimizer") is None:
        return None
    families = {"loss": "losses", "metrics": "metrics", "weighted_metrics": "metrics"}
    made: dict[str, Any] = {
        key: _each(given.get(key), partial(_object_then, family=family, written=written))
        for key, family in families.items()
    }
    made["loss_weights"] = given.get("loss_weights")
    if written.rows is not None:
        made["sample_weight_mode"] = None
    optimizer = object_then(
        given["optimizer"] if written.rows is None else _decaying(given["optimizer"]),
        "optimizers",
        written,
    )
    return {**made, "optimizer_config": optimizer}


def _decaying(optimizer: dict) -> dict:
    """An optimizer with inverse time decay, written as the old argument `decay`."""
    rate = optimizer["config"].get("learning_rate")
    if not isinstance(rate, dict) or rate["class_name"] != "InverseTimeDecay":
        return optimizer
    schedule = rate["config"]
    if schedule["decay_steps"] != 1 or schedule.get("staircase"):
        return optimizer
    given = {"learning_rate": schedule["initial_learning_rate"], "decay": schedule["decay_rate"]}
    return {**optimizer, "config": {**optimizer["config"], **given}}


def _object_then(one: Any, family: str, written: Format) -> Any:
    if family == "losses" and isinstance(one, str):  # Keras 3 reads the long names only
        return written.then("loss", getattr(losses.TABLE.get(one), "__name__", one))
    return object_then(one, family, written)


# ---- the state of the optimizer


def state_then(optimizer: Any, written: Format) -> list[tuple[str, np.ndarray]]:
    """Names and arrays of an optimizer's state in a generation's format."""
    if not optimizer.built or written.listed:
        return []
    variables = optimizer.variables if written.rows is None else _grouped(optimizer)
    return [(f"{v.path}{written.suffix}", v.numpy()) for v in variables]


def _grouped(optimizer: Any) -> list[Variable]:
    """The state in the order of Keras 1 and 2: the step count, then slot by slot."""
    slots = [slot for group in optimizer.slots for slot in group]
    found = [of[slot] for slot in slots for of in optimizer._slots.values() if slot in of]
    return [optimizer.variables[0], *found]


def load_state(optimizer: Any, names: list[str], values: list, written: Format) -> str | None:
    """Assign the state of an optimizer; if it does not fit, assign nothing and return why.

    Args:
        optimizer: the optimizer, built.
        names: the names in the file.
        values: the arrays.
        written: the format of the file.
    """
    if written.listed:
        return "Keras 1 stored it by weight names, in an order that is not known here."
    variables = optimizer.variables
    if written.rows is not None:
        kept = [pair for pair in zip(names, values, strict=True) if not _is_rate(pair[0])]
        names, values = [name for name, _ in kept], [value for _, value in kept]
        rate = isinstance(optimizer._rates[0], Variable)
        by_variable = names[:1] == ["iteration:0"]  # since TensorFlow 2.11
        variables = [variables[0], *variables[1 + rate :]] if by_variable else _grouped(optimizer)
        if values and values[0].shape != ():  # not every optimizer of Keras counted steps
            variables = variables[1:]
        if len(values) > len(variables) and _fits(variables, values[: len(variables)]):
            values = values[: len(variables)]  # unused moments at the end
    if not _fits(variables, values):
        found = [value.shape for value in values]
        wanted = [variable.shape for variable in variables]
        return (
            f"it has {len(found)} arrays, {found[:4]}...; expected {len(wanted)}, {wanted[:4]}..."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return None


def _is_rate(name: str) -> bool:
    return name.rpartition("/")[2].partition(":")[0] == "learning_rate"


def _fits(variables: list[Variable], values: list) -> bool:
    return [v.shape for v in variables] == [value.shape for value in values]
