"""`train_step(self, data)` and `test_step(self, data)` of tf.keras, with a tape inside.

They read and assign variables, where a step of today is a function of a state. `fit` runs them in
its compiled loop all the same, with other values bound to the variables. A step that needs the
values of tensors, for instance to print them, runs in Python.
"""

import warnings
from collections.abc import Callable
from typing import Any

import jax

from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.function import Touched
from hornbook.compat.tensorflow.tape import GradientTape
from hornbook.compat.tensorflow.valued import try_functions
from hornbook.core.tape import NEEDS_VALUES
from hornbook.core.taping import paused
from hornbook.core.variable import bind, thread
from hornbook.layers.base import collect_losses
from hornbook.layers.calling import overrides
from hornbook.training import custom, sources
from hornbook.training.compiling import Compiling
from hornbook.training.custom import Steps
from hornbook.training.data import given, unpack_x_y_sample_weight
from hornbook.training.overrides import compute_loss, compute_metrics
from hornbook.training.programs import all_paths, matched
from hornbook.training.variables import Variables

EAGER = (
    "{} of {} needs the values of tensors, so that it cannot be compiled: its steps run in Python"
)


# ---- the steps of models that define none


def train_step(self: Any, *args: Any) -> Any:
    """One step on a batch, `train_step(data)`; or the pure function of a state and a batch."""
    if len(args) != 1:
        return PURE["train_step"](self, *args)
    x, y, weight = unpack_x_y_sample_weight(*args)
    with GradientTape() as tape:
        y_pred = self(x, training=True)
        loss = compute_loss(self, x, y, y_pred, weight, True)
    self._training_state.optimizer.minimize(loss, self.trainable_variables, tape=tape)
    return _counted(self, loss, x, y, y_pred, weight)


def test_step(self: Any, *args: Any) -> Any:
    """One step of an evaluation, `test_step(data)`; or the pure function of a state and a batch."""
    if len(args) != 1:
        return PURE["test_step"](self, *args)
    x, y, weight = unpack_x_y_sample_weight(*args)
    y_pred = self(x, training=False)
    loss = compute_loss(self, x, y, y_pred, weight, False)
    return _counted(self, loss, x, y, y_pred, weight)


def predict_step(self: Any, *args: Any) -> Any:
    """The outputs for a batch, `predict_step(data)`; or the function of a state and a batch."""
    if len(args) != 1:
        return PURE["predict_step"](self, *args)
    x, _, _ = unpack_x_y_sample_weight(*args)
    return self(x, training=False)


PURE: dict[str, Callable] = {
    name: getattr(Steps, name) for name in ("train_step", "test_step", "predict_step")
}


def _counted(model: Any, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any) -> Any:
    with paused():
        model._training_state.objective.track_total(loss, y_pred)
        return compute_metrics(model, x, y, y_pred, weight)


# ---- as the loop runs them


def _own_step(model: Any, variables: Variables, mode: str) -> Callable:
    """A step of the program as `step(state, fixed, batch) -> (logs, state)`."""
    if not _assigns(model, mode):
        return _of_state(model, variables, mode)

    def step(state: Any, fixed: Any, batch: tuple) -> tuple:
        with bind(variables.bound({**fixed, **state})) as scope, collect_losses():
            logs = getattr(model, f"{mode}_step")(_as_data(batch))
        return logs, variables.state(scope)

    return step


_of_state = custom.own_step
_prepare = sources.prepare


def _assigns(model: Any, mode: str) -> bool:
    """Whether a model has a step that takes the data alone."""
    method = f"{mode}_step"
    own = overrides(type(model), method)
    return own and not custom.takes_state(getattr(type(model), method), model)


def _as_data(batch: tuple) -> Any:
    """A batch as TensorFlow's steps get it: `x` alone is no tuple."""
    parts = given(batch)
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], list | tuple) else parts


def _prepared(model: Any, data: tuple) -> None:
    """Build the model, and find the variables that its steps use."""
    _prepare(model, data)
    settled = model._training_state
    mode = "train" if _assigns(model, "train") else "test"
    if not _assigns(model, mode):
        try_functions(model, data)
    if not _assigns(model, mode) or vars(settled).get("_tried") is settled.objective:
        return
    settled._tried = settled.objective
    trained = model.trainable_variables
    if trained:  # some models build their layers in the step
        settled.optimizer._extend(trained, settled.trained)
        settled.trained |= set(trained)
    touched = Touched()
    before = thread.scopes
    specs = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), data)
    try:
        thread.scopes = (*before, touched)
        with collect_losses():
            jax.eval_shape(lambda *batch: _tried(model, mode, batch), *specs)
    except NEEDS_VALUES:
        warnings.warn(EAGER.format(f"{mode}_step", type(model).__name__), stacklevel=2)
        settled.run_eagerly = True
    finally:
        thread.scopes = before
    owned = set(all_paths(model, "train").values())
    settled.outside = [v for v in touched.read if v not in owned and v.kind != "seed"]
    settled.assigned = [v for v in touched if v not in set(model.trainable_variables)]


def _tried(model: Any, mode: str, batch: tuple) -> Any:
    logs = getattr(model, f"{mode}_step")(_as_data(batch))
    return [leaf for leaf in jax.tree.leaves(logs) if isinstance(leaf, jax.Array)]


# ---- `compiled_loss` and `compiled_metrics`


class CompiledLoss:
    """`model.compiled_loss`: the losses given to `compile`."""

    def __init__(self, model: Any):
        self.model = model

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        regularization_losses: Any = None,
    ) -> Any:
        """The total loss, which is counted in the metric `loss`."""
        objective = matched(self.model, y_true, y_pred)
        loss = objective.loss(y_true, y_pred, sample_weight)
        loss = sum(regularization_losses or [], loss)
        with paused():
            objective.track_total(loss, y_pred)
        return loss

    @property
    def metrics(self) -> list:
        """The means of the losses."""
        return [*self.model._training_state.objective.trackers.values()]

    def reset_state(self) -> None:
        """Reset the means."""
        for metric in self.metrics:
            metric.reset_state()


class CompiledMetrics:
    """`model.compiled_metrics`: the metrics given to `compile`."""

    def __init__(self, model: Any):
        self.model = model

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Update the metrics with a batch."""
        with paused():
            objective = matched(self.model, y_true, y_pred)
            objective.compiled.update_state(y_true, y_pred, sample_weight)

    @property
    def metrics(self) -> list:
        """The metrics."""
        return [report.metric for report in self.model._training_state.objective.reported]

    def reset_state(self) -> None:
        """Reset the metrics."""
        for metric in self.metrics:
            metric.reset_state()


def attributes() -> Table:
    """What models get during a run."""
    return {
        Compiling: {
            "compiled_loss": property(CompiledLoss),
            "compiled_metrics": property(CompiledMetrics),
        }
    }


def replaced() -> Table:
    """What is replaced during a run."""
    steps = {"train_step": train_step, "test_step": test_step, "predict_step": predict_step}
    return {Steps: steps, custom: {"own_step": _own_step}, sources: {"prepare": _prepared}}
