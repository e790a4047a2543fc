"""Losses, metrics and layers that need the values of tensors: their models' steps run in Python.

`tf.boolean_mask(y_true, mask)` has as many elements as the mask says, and `if K.sum(x) > 0:` asks
for a number. Neither can be compiled. A model with functions or classes of a user is traced before
its first step; if that fails for want of values, its steps run in Python, as with `run_eagerly`.
"""

import warnings
from typing import Any

import jax

from hornbook.compat.attributes import Table
from hornbook.core.module import all_modules
from hornbook.core.tape import NEEDS_VALUES
from hornbook.core.variable import bind
from hornbook.layers.base import collect_losses
from hornbook.training import sources
from hornbook.training.apart import OPEN, OURS
from hornbook.training.step import count, run_forward

EAGER = (
    "a loss, metric or layer of {!r} needs the values of tensors, so that it cannot be compiled: "
    "the model's steps run in Python"
)
_prepare = sources.prepare


def prepared(model: Any, data: tuple) -> None:
    """Build the model, and find out whether its functions need values."""
    _prepare(model, data)
    try_functions(model, data)


def try_functions(model: Any, data: tuple) -> None:
    """Trace forward pass, loss and metrics, if a user wrote any part of them."""
    settled = model._training_state
    objective = settled.objective
    if settled.run_eagerly or vars(settled).get("_valued") is objective or not objective.built:
        return
    settled._valued = objective
    if not _has_own_functions(model):
        return
    specs = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), data)

    def step(*batch: Any) -> Any:
        with bind({}), collect_losses():
            loss, outputs = run_forward(model, batch, training=True)
            count(model, batch, loss, outputs)
        return loss

    try:
        jax.eval_shape(step, *specs)
    except NEEDS_VALUES:
        warnings.warn(EAGER.format(model.name), stacklevel=2)
        settled.run_eagerly = True
    except Exception:
        return  # the step itself says more about it


def _has_own_functions(model: Any) -> bool:
    """Whether a loss, metric or layer is a user's, or runs a user's function."""
    objective = model._training_state.objective
    terms = [term.loss for terms in objective.losses.values() for term in terms]
    parts = [*all_modules(model), *terms, *(report.metric for report in objective.reported)]
    return any(isinstance(one, OPEN) or not _is_ours(one) for one in parts)


def _is_ours(one: Any) -> bool:
    function = getattr(one, "fn", one)
    return all(
        str(getattr(part, "__module__", "")).startswith(OURS) for part in (type(one), function)
    )


def attributes() -> Table:
    """Nothing."""
    return {}


def replaced() -> Table:
    """What is replaced during a run."""
    return {sources: {"prepare": prepared}}
