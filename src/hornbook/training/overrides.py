"""Calls methods that a subclass may have overridden, with the arguments that they take."""

import inspect
from collections.abc import Callable
from typing import Any

from hornbook.layers.calling import arguments_of, overrides

PURE = ("compute_loss_and_updates", "stateless_compute_loss")  # called by pure steps
OWN_STEPS = (
    *("train_step", "test_step", "compute_loss", "compute_metrics"),
    *("make_train_function", "make_test_function", *PURE),
)


def fitting(function: Callable, values: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """The arguments for an override, which may omit some parameters.

    Args:
        function: a method, with `self` in front.
        values: all arguments by Keras's names, in order.

    Example:
        >>> fitting(lambda self, y, y_pred: 0, {"x": 1, "y": 2, "y_pred": 3, "training": True})
        ((), {'y': 2, 'y_pred': 3})
        >>> fitting(lambda self, inputs, labels: 0, {"x": 1, "y": 2, "y_pred": 3})
        ((1, 2), {})
    """
    parameters = [*arguments_of(function).values()]
    kinds = {p.kind for p in parameters}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return tuple(values.values()), {}
    named = [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    if set(named) <= set(values):
        takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        return (), {k: v for k, v in values.items() if takes_any or k in named}
    return tuple(values.values())[: len(named)], {}


def compute_loss(model: Any, x: Any, y: Any, y_pred: Any, weight: Any, training: bool) -> Any:
    """`model.compute_loss`, with the arguments that it takes."""
    values = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": weight, "training": training}
    args, kwargs = fitting(type(model).compute_loss, values)
    return model.compute_loss(*args, **kwargs)


def compute_metrics(model: Any, x: Any, y: Any, y_pred: Any, weight: Any) -> Any:
    """`model.compute_metrics`, with the arguments that it takes."""
    values = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": weight}
    args, kwargs = fitting(type(model).compute_metrics, values)
    return model.compute_metrics(*args, **kwargs)


def has_own_steps(model: Any) -> bool:
    """Whether a subclass overrides a step, the loss or the metrics."""
    return overrides(type(model), *OWN_STEPS)
