"""Training steps run eagerly in Python, so that layers and losses can be debugged.

An update by one of our own optimizers stays a single compiled call.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import tree
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.variable import bind
from hornbook.layers.base import collect_losses
from hornbook.training.slab import Outcome, Slab, Span
from hornbook.training.step import (
    TrainStep,
    are_finite,
    count,
    forget,
    keep_if,
    run_forward,
    what_to_report,
    with_seed,
)
from hornbook.training.variables import State, Variables


class StepInPython(TrainStep):
    """`TrainStep`, `(state, fixed, batch) -> (state, finite)`, in Python."""

    def __init__(self, model: Any, variables: Variables):
        super().__init__(model, variables)
        if type(model._training_state.optimizer).__module__.startswith("hornbook."):
            self.descend = jax.jit(self.descend)  # type: ignore[method-assign]

    def __call__(  # type: ignore[override]
        self, state: State, fixed: State, batch: tuple
    ) -> tuple:
        model, variables = self.model, self.variables

        def loss_of(weights):
            with bind(variables.bound({**fixed, **state, **weights})) as scope, collect_losses():
                loss, y_pred = run_forward(model, batch, training=True)
                # an override may read what the model has stored, which is invalid outside
                logs = count(model, batch, loss, y_pred) if self.own_logs else None
                masks = [get_mask(leaf) for leaf in tree.flatten(y_pred)]
                after = variables.state(scope)
            return model._training_state.optimizer.scale_loss(loss), (
                loss,
                after,
                y_pred,
                masks,
                logs,
            )

        weights = {path: state[path] for path in variables.trainable}
        gradients, (loss, after, y_pred, masks, logs) = jax.grad(loss_of, has_aux=True)(weights)
        if logs is None:
            with bind(variables.bound({**fixed, **after})) as scope:
                for leaf, mask in zip(tree.flatten(y_pred), masks, strict=True):
                    set_mask(leaf, mask)
                count(model, batch, loss, y_pred)
                after = variables.state(scope)
        finite = bool(jnp.isfinite(loss) & are_finite(gradients, model._training_state.optimizer))
        if finite:
            after = self.descend(after, fixed, gradients, finite)
        else:
            after = keep_if(finite, after, state, variables)
        return after, finite, *([logs] if self.own_logs else [])


def runs_in_python(step: Callable, model: Any, variables: Variables) -> Callable:
    """A function that runs the steps of a span from Python, like `step.many`."""

    def run(state: State, fixed: State, slab: Slab, span: Span) -> Outcome:
        state, fixed = with_seed(state, fixed)
        if span.fresh:
            state = forget(model, variables, state, fixed)
        index, end, finite = int(span.start), int(span.stop) + bool(span.rest), bool(span.go)
        said: list[dict] = []
        while index < end and finite:
            state, finite, *said = step(state, fixed, slab.take(index))
            index += 1
        logs = what_to_report(model, variables, state, fixed, dict(*said))
        return Outcome(state, logs, index, finite)

    return run
