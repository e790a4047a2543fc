"""Metrics of a whole data set: functions of all targets and all predictions."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hornbook.core import tree
from hornbook.training.data import is_one_hot
from hornbook.training.programs import forward

PROBABILITIES = ("log_loss", "d2_log_loss_score")  # in spite of their parameter's name
NOT_FUNCTIONS = """epoch_metrics maps names to functions of (y_true, y_pred), not {!r}.
One output:       {{"f1": sklearn.metrics.f1_score}}
Several outputs:  {{"digit": {{"f1": sklearn.metrics.f1_score}}}}, by output; here {}"""


class Watched:
    """A feed that also keeps the targets of what it yields, and a model's outputs for it.

    A classification function of scikit-learn whose second parameter is `y_pred`, such as
    `f1_score`, gets class labels: the largest of several outputs, or whether a single one is above
    0.5 (0 if the loss has `from_logits`). Any other function gets the outputs; those of a single
    unit have shape (N,), like its targets.

    Args:
        feed: yields slabs.
        model: what predicts.
        functions: `epoch_metrics` of `fit`.

    Raises:
        ValueError: for something other than functions by name.
    """

    def __init__(self, feed: Any, model: Any, functions: dict[str, Any]):
        self.feed, self.model, self.functions = feed, model, functions
        self.steps = feed.steps
        self.found: list[tuple] = []  # (targets, outputs) of each batch
        parts = [functions]
        if isinstance(functions, dict) and all(isinstance(f, dict) for f in functions.values()):
            parts = [*functions.values()]
        if not all(isinstance(part, dict) and all(map(callable, part.values())) for part in parts):
            raise ValueError(NOT_FUNCTIONS.format(functions, self._outputs()))

    def _outputs(self) -> list[str]:
        return self.model._known_outputs().names or []

    def epoch(self, *more: Any) -> Iterator[Any]:
        """The feed's slabs of one epoch."""
        self.found = []
        for slab in self.feed.epoch(*more):
            for index in range(slab.steps):
                x, y, *_ = slab.take_on_host(index)
                outputs = forward(self.model, x)
                self.found.append(tree.map_structure(np.asarray, (y, outputs)))
            yield slab

    def results(self) -> dict[str, Any]:
        """The functions' values by name, after an epoch."""
        y_true, y_pred = tree.map_structure(lambda *parts: np.concatenate(parts), *self.found)
        if not tree.is_nested(y_pred):
            return _values(self.functions, y_true, y_pred, self.model)
        names = self._outputs()
        if not set(self.functions) <= set(names):
            raise ValueError(NOT_FUNCTIONS.format(self.functions, names))
        true, pred = _by_name(names, y_true), _by_name(names, y_pred)
        return {
            f"{output}_{name}": value
            for output, one in self.functions.items()
            for name, value in _values(one, true[output], pred[output], self.model).items()
        }


def _by_name(names: list[str], values: Any) -> dict[str, Any]:
    return values if isinstance(values, dict) else dict(zip(names, values, strict=True))


def _values(functions: dict[str, Callable], y_true: Any, y_pred: Any, model: Any) -> dict[str, Any]:
    plain = _single(y_true), _single(y_pred)
    logits = getattr(model._training_state.loss, "from_logits", False)
    labels = _labels(*plain, threshold=0.0 if logits else 0.5)
    return {
        name: function(*(labels if takes_labels(function) else plain))
        for name, function in functions.items()
    }


def takes_labels(function: Callable) -> bool:
    """Whether a function of scikit-learn compares class labels.

    Example:
        >>> from sklearn.metrics import f1_score, roc_auc_score
        >>> takes_labels(f1_score), takes_labels(roc_auc_score)
        (True, False)
    """
    while isinstance(function, functools.partial):
        function = function.func
    if getattr(function, "__module__", None) != "sklearn.metrics._classification":
        return False
    named = function.__name__ not in PROBABILITIES
    return named and "y_pred" in inspect.signature(function).parameters


def _single(values: np.ndarray) -> np.ndarray:
    """Values of one unit without their last axis."""
    return values[..., 0] if values.ndim > 1 and values.shape[-1] == 1 else values


def _labels(y_true: np.ndarray, y_pred: np.ndarray, threshold: float) -> tuple:
    """Targets and outputs as class labels."""
    if y_pred.ndim == y_true.ndim:
        if y_pred.ndim > 1 and is_one_hot(y_true):
            return y_true.argmax(-1), y_pred.argmax(-1)
        return (y_true > 0.5).astype(int), (y_pred > threshold).astype(int)
    return y_true, y_pred.argmax(-1)
