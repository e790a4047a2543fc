"""Finds where a non-finite loss or gradient comes from.

The step has left the weights as they were before the batch, so it can be rerun layer by layer.
"""

import warnings
from typing import Any

import jax
import numpy as np

from hornbook.core import tree
from hornbook.core.errors import users_stacklevel
from hornbook.core.module import all_modules, owned_variables
from hornbook.core.placement import fetched
from hornbook.core.variable import Variable, bind
from hornbook.layers.base import Layer, watch_calls
from hornbook.layers.calling import overrides
from hornbook.training.step import run_batch
from hornbook.training.variables import Variables

LOSS = "the loss is not finite"
GRADIENT = "the loss is finite, but not all its gradients are"
OWN = "the loss, or a weight after the step, is not finite"


def report(model: Any, variables: Variables, slab: Any, index: int, number: int) -> None:
    """Warn, once per `fit`, which batch it was and where the first NaN or infinity appeared.

    Args:
        model: the model.
        variables: the run's.
        slab, index: the batch.
        number: the batch's number in messages.
    """
    if model._training_state.reported:
        return
    model._training_state.reported = True
    batch = slab.take(index)
    try:
        what, where = find(model, variables, batch)
    except ValueError as error:  # eager code may raise where a trace cannot
        what, where = LOSS, str(error)
    warnings.warn(
        f"batch {number}: {what}; {where}. The weights were left as they were before this batch.",
        RuntimeWarning,
        stacklevel=users_stacklevel(),
    )


def find(model: Any, variables: Variables, batch: tuple) -> tuple[str, str]:
    """What is not finite and where it first appears: in the data, layers, loss or gradients."""
    own = overrides(type(model), "train_step", "make_train_function")
    training = bool(variables.trainable)
    mutable, fixed = variables.read()

    def loss_of(weights: dict) -> Any:
        values = {**fixed, **mutable, **weights}
        return run_batch(model, variables, values, batch, training)[0]

    weights = {path: mutable[path] for path in variables.trainable}
    loss = np.nan if own else loss_of(weights)
    if not np.isfinite(loss):
        return OWN if own else LOSS, _first(model, variables, batch, own)
    gradients = jax.grad(loss_of)(weights)
    for path in reversed(gradients):  # backward order
        if not_finite(gradients[path]):
            layer = _owner(model, variables.trainable[path])
            of = f"layer {layer.name!r} ({type(layer).__name__})" if layer else f"{model.name!r}"
            return GRADIENT, (
                f"that of the weight {path!r} of {of} is not, while those of later weights are: an "
                "operation after it has no finite derivative here, like a square root at 0"
            )
    return "the loss or one of its gradients was not finite", (
        "recomputed with other random numbers, they are"
    )


def _first(model: Any, variables: Variables, batch: tuple, own: bool) -> str:
    for what, values in zip("xy", batch[:2], strict=True):
        bad = [name for name, leaf in tree.named_leaves(values) if not_finite(leaf)]
        if bad:
            return (
                f"the batch's {what}{f'[{bad[0]}]' if bad[0] else ''} already has NaN or infinity"
            )
    for path, variable in variables.by_path.items():
        if variable.kind in ("weight", "state") and not_finite(variable.raw):
            return f"the weight {path!r} has NaN or infinity: an earlier update was too large"
    guilty: list[str] = []

    def look(layer, inputs, outputs):
        if not guilty and any(map(not_finite, tree.flatten(outputs))):
            guilty.append(f"{layer.name!r} ({type(layer).__name__})")

    with watch_calls(look), bind({}):
        model(batch[0], training=True)
    if guilty:
        return f"layer {guilty[0]} was the first to give NaN or infinity"
    what = "train_step" if own else "the loss function"
    return f"every layer's output is finite, so {what} itself produced it"


def _owner(model: Any, variable: Variable) -> Layer | None:
    for module in all_modules(model):
        if isinstance(module, Layer) and any(v is variable for v in owned_variables(module)):
            return module
    return None


def not_finite(leaf: Any) -> bool:
    """Whether an array contains NaN or infinity."""
    if leaf is None or not np.issubdtype((found := fetched(leaf)).dtype, np.inexact):
        return False
    return not bool(np.isfinite(found.astype("float32")).all())
