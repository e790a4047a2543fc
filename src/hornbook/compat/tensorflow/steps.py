"""Steps of optimizers in custom loops: `apply_gradients` in one compiled call, and `minimize`."""

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import jax

from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.tape import GradientTape
from hornbook.core.compiler import compiler_options
from hornbook.core.taping import paused
from hornbook.core.variable import Variable, bind, thread, unwrap
from hornbook.optimizers import Optimizer
from hornbook.optimizers.schedules import LearningRateSchedule

_updates: WeakKeyDictionary[Any, dict] = WeakKeyDictionary()  # by optimizer
SETTINGS = (bool, int, float, str, type(None))


def minimize(
    self: Optimizer,
    loss: Any,
    var_list: Any,
    grad_loss: Any = None,
    name: str | None = None,
    tape: GradientTape | None = None,
) -> Any:
    """One step that reduces a loss.

    Args:
        loss: a function without arguments, or a value recorded by `tape`.
        var_list: the variables, or a function that returns them.
        grad_loss: the gradient of the loss.
        name: ignored.
        tape: the tape that recorded the loss.

    Raises:
        ValueError: for a value without a tape.
    """
    if not callable(loss) and tape is None:
        raise ValueError("`tape` is required when a `Tensor` loss is passed.")
    tape = GradientTape() if tape is None else tape
    if callable(loss):
        with tape:
            loss = loss()
    listed = var_list() if callable(var_list) else var_list
    listed = [listed] if isinstance(listed, Variable) else list(listed)
    return self.apply_gradients(zip(tape.gradient(loss, listed, grad_loss), listed, strict=True))


def _apply_gradients(
    self: Optimizer, grads_and_vars: Iterable, name: str | None = None, **ignored: Any
) -> Variable:
    """Apply one step from (gradient, variable) pairs; compiled if the values are known."""
    pairs = [(unwrap(gradient), variable) for gradient, variable in grads_and_vars]
    with paused():
        if pairs and not _compiled(self, pairs):
            self.apply(*zip(*pairs, strict=True))
    return self._iterations


def _compiled(optimizer: Any, pairs: list) -> bool:
    """Whether the step could be taken in one compiled call."""
    gradients = [gradient for gradient, _ in pairs]
    arrays = all(isinstance(g, jax.Array) and not isinstance(g, jax.core.Tracer) for g in gradients)
    rate = optimizer.__dict__.get("_rates", [None])[0]
    ours = type(optimizer).__module__.startswith("hornbook.optimizers.")
    if (
        not ours
        or not arrays
        or thread.scopes
        or not isinstance(rate, Variable | LearningRateSchedule)
    ):
        return False
    variables = [variable for _, variable in pairs]
    optimizer.build(variables)
    known = _updates.setdefault(optimizer, {})
    settings = tuple((k, v) for k, v in vars(optimizer).items() if isinstance(v, SETTINGS))
    key = (*map(id, variables), rate, settings)
    if key not in known:
        known[key] = _update(optimizer, variables)
    changed, update = known[key]
    for variable, value in zip(changed, update([v.raw for v in changed], gradients), strict=True):
        variable.assign(value)
    return True


def _update(optimizer: Any, variables: list[Variable]) -> tuple[list[Variable], Callable]:
    """The variables of a step, and the step as a compiled function of their values."""
    changed = list(dict.fromkeys([*variables, *optimizer._all_variables()]))

    def run(values: list, gradients: list) -> list:
        with bind(dict(zip(changed, values, strict=True))) as scope:
            optimizer.apply(gradients, variables)
        return [scope[variable] for variable in changed]

    return changed, jax.jit(run, compiler_options=compiler_options(wide=True))


def attributes() -> Table:
    """What optimizers get during a run."""
    return {Optimizer: {"minimize": minimize}}


def replaced() -> Table:
    """The methods of optimizers that are replaced during a run."""
    return {Optimizer: {"apply_gradients": _apply_gradients}}
