"""One training step as a pure function, and many of them in one compiled call.

`step(state, batch) -> state`: state is a dictionary of arrays by path. `many` runs steps of a slab
in a `while` loop with a traced trip count, so that one compilation serves any number of steps.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import placement, tree
from hornbook.core.compiler import as_one, compiler_options
from hornbook.core.graph import instead
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.variable import bind
from hornbook.kernels import one_function
from hornbook.kernels.finite import sizes
from hornbook.layers.base import collect_losses
from hornbook.layers.calling import overrides
from hornbook.optimizers import Optimizer
from hornbook.training.apart import filled_size, pieces, results_add_up, rows_can_be_added
from hornbook.training.overrides import compute_loss, compute_metrics
from hornbook.training.slab import Outcome
from hornbook.training.small import Runs
from hornbook.training.tables import Tables
from hornbook.training.variables import SEED, State, Variables

Array = Any


def with_seed(state: State, fixed: State) -> tuple[State, State]:
    """The result of `Variables.read` with the seed moved to the mutable part."""
    rest = {path: value for path, value in fixed.items() if path != SEED}
    return {**state, SEED: fixed[SEED]}, rest


def run_batch(
    model: Any, variables: Variables, values: State, batch: tuple, training: bool
) -> tuple[Array, State, dict]:
    """Forward pass with values by path: loss, new state with metrics, logs of `compute_metrics`."""
    bound = bind(variables.bound(values))
    with instead(variables.scans), bound as scope, collect_losses():
        loss, y_pred = run_forward(model, batch, training)
        logs = count(model, batch, loss, y_pred)
        return loss, variables.state(scope), logs


def run_forward(model: Any, batch: tuple, training: bool) -> tuple[Array, Any]:
    """The loss and the outputs of a batch."""
    x, y, sample_weight, *padding = batch
    y_pred = model(x, training=training)
    if has_added_rows(*padding):
        for leaf in tree.flatten(y_pred):
            set_mask(leaf, padding[0])
    return compute_loss(model, x, y, y_pred, sample_weight, training), y_pred


def count(model: Any, batch: tuple, loss: Array, y_pred: Any) -> dict:
    """Update the metrics with a batch; returns what `compute_metrics` returns."""
    x, y, sample_weight, *padding = batch
    added = has_added_rows(*padding)
    rows = jnp.sum(padding[0], dtype="float32") if added else None
    model._training_state.objective.track_total(loss, y_pred, rows)
    count_given_timesteps(y_pred, *([] if added else padding))
    return compute_metrics(model, x, y, y_pred, sample_weight)


class TrainStep:
    """The pure step of a compiled model: forward, backward, update, metrics.

    `state` is a pair here: the values by path, and the step up to which each row of a lazily
    updated table is current (see `tables.py`). `begin` and `end` bracket a run.

    Args:
        model: compiled, its optimizer built.
        variables: the run's.
    """

    def __init__(self, model: Any, variables: Variables):
        self.model = model
        self.variables = variables
        self.tables = Tables(model, variables)
        self.own_logs = overrides(type(model), "compute_metrics")

    def begin(self, state: State, fixed: State, batch: Any) -> tuple:
        return state, self.tables.begin(self.forward, {**fixed, **state}, batch)

    def end(self, states: tuple) -> State:
        return self.tables.end(*states)

    def forward(self, values: State, batch: tuple) -> tuple[Array, State, dict]:
        return run_batch(self.model, self.variables, values, batch, training=True)

    def __call__(self, states: tuple, fixed: State, batch: tuple) -> tuple:
        """Returns `(states, finite)`, and the logs if the model overrides `compute_metrics`.

        A batch with a non-finite loss or gradient changes only the metrics.
        """
        state, last = states
        tables, optimizer = self.tables, self.model._training_state.optimizer
        looked_up = tables.look_up({**fixed, **state}, last, batch)

        def loss_of(weights, taps):
            places = tables.place(looked_up, taps)
            loss, after, logs = self.forward({**fixed, **state, **weights, **places}, batch)
            return optimizer.scale_loss(loss), (loss, tables.without(after), logs)

        trained = {p: v for p, v in self.variables.trainable.items() if p not in last}
        weights = {path: state[path] for path in trained}
        gradient = jax.grad(loss_of, (0, 1), has_aux=True)
        gradients, (loss, after, logs) = gradient(weights, tables.zeros())
        finite = jnp.isfinite(loss) & are_finite(gradients[0], optimizer)
        rows, last, finite = tables.update(finite, state, looked_up, gradients[1])
        after = keep_if(finite, after, state, self.variables)

        def update(after):
            return tables.without(self.descend(after, fixed, gradients[0], finite))

        after = do_if(finite, update, after) if trained else update(after)
        return (after | rows, last), finite, *([logs] if self.own_logs else [])

    def descend(self, state: State, fixed: State, gradients: State, finite: Any) -> State:
        """The state after the optimizer's step."""
        variables = self.variables
        optimizer = variables.updater(self.model._training_state.optimizer)
        trained = {path: v for path, v in variables.trainable.items() if path in gradients}
        with bind(variables.bound({**fixed, **state})) as scope:
            if trained:
                optimizer.apply([gradients[path] for path in trained], trained.values())
            else:
                optimizer.iterations.assign_add(finite)
            return variables.state(scope)


def are_finite(gradients: Any, optimizer: Any) -> Array | bool:
    """Whether an optimizer can use these gradients; one with its own `apply` checks for itself."""
    if type(optimizer).apply is not Optimizer.apply:
        return True
    found = sizes(gradients)
    return ~jnp.isnan(found) if optimizer.clipvalue else jnp.isfinite(found)


def keep_if(finite: Any, after: State, before: State, variables: Variables) -> State:
    """The new state if the loss was finite, else the old one; metrics are always the new ones."""
    metrics = {p: value for p, value in after.items() if variables.at(p).kind == "metric"}
    return select(finite, after, before | metrics)


def select(condition: Any, new: State, old: State) -> State:
    """The new state or the old one; arrays that are the same in both are passed through."""
    return {
        path: value if value is old[path] else jnp.where(condition, value, old[path])
        for path, value in new.items()
    }


def do_if(finite: Any, update: Callable[[State], State], state: State) -> State:
    """`update(state)` if the loss was finite, else `state`.

    On a CPU this is a branch: updates are then in-place, where an elementwise select would copy
    first. Elsewhere a branch would wait for the device.
    """
    if jax.default_backend() == "cpu":
        return state | jax.lax.cond(finite, update, dict, state)
    return select(finite, update(state), state)


def test_step(model: Any, variables: Variables) -> Callable[[State, State, tuple], tuple]:
    """The pure step of an evaluation: forward, loss, metrics."""
    own_logs = overrides(type(model), "compute_metrics")

    def step(state, fixed, batch):
        _, after, logs = run_batch(model, variables, {**fixed, **state}, batch, training=False)
        return after, jnp.bool_(True), *([logs] if own_logs else [])

    return step


def has_added_rows(padding: Any = None) -> bool:
    """Whether a padded batch says which of its rows were given, rather than how many timesteps."""
    return padding is not None and padding.ndim == 1


def count_given_timesteps(y_pred: Any, timesteps: Any = None) -> None:
    """Exclude the timesteps that padding added from means over timesteps.

    A metric adds up, for each sample, the mean of the masked values and the mean of the mask. Both
    run over the timesteps of the padded batch; scaling the mask rescales them to the original
    length.
    """
    for number, leaf in enumerate(tree.flatten(y_pred) if timesteps is not None else ()):
        mask = get_mask(leaf)
        if mask is not None:
            given = timesteps[0, number].astype("float32")
            set_mask(leaf, mask * jnp.where(given == 0, 1, mask.shape[1] / given))


def many(step: Callable, model: Any, variables: Variables, mode: str, says: bool = False) -> Runs:
    """Compile a step into a call that runs any number of them.

    Args:
        step: `(state, fixed, batch) -> (state, finite)`.
        model, variables, mode: what the step was made for.
        says: whether the step also returns logs.

    Returns:
        `run(state, fixed, slab, span) -> Outcome`: the steps of a span, up to the first non-finite
            loss. `state` is donated.
    """
    begin = getattr(step, "begin", lambda state, fixed, batch: state)
    end = getattr(step, "end", lambda state: state)

    def run(whole, state, fixed, slab, span):
        state, fixed = with_seed(state, fixed)

        def steps(size):
            batch_at = partial(slab.take, size=size)

            def one(state, index):
                state, finite, *logs = step(state, fixed, batch_at(index))
                return state, finite, dict(*logs)

            def body(carry):
                index, _, state, _ = carry
                state, finite, said = one(state, index)
                return index + 1, finite, state, said

            def ready(state):
                return begin(state, fixed, jax.eval_shape(batch_at, span.start))

            return ready, one, body

        def go_on(carry):
            return (carry[0] < span.stop) & carry[1]

        def the_last(carry):
            ready, _, body = steps(slab.rest)
            index, finite, state, said = body((*carry[:2], ready(carry[2]), carry[3]))
            return index, finite, end(state), said

        def all_of_them(carry):
            index, finite, state, said = jax.lax.while_loop(go_on, body, carry)
            carry = index, finite, end(state), said
            if not slab.rest:
                return carry
            return jax.lax.cond(span.rest & finite, the_last, lambda carry: carry, carry)

        with one_function() if whole else nullcontext():
            ready, one, body = steps(slab.batch)
            anew = forget(model, variables, state, fixed)
            state = ready(select(span.fresh & span.go, anew, state))
            said = jax.eval_shape(one, state, span.start)[2] if says else {}
            said = jax.tree.map(jnp.zeros_like, said)
            carry = span.start, jnp.asarray(span.go), state, said
            carry, needed = as_one(all_of_them, carry) if whole else (all_of_them(carry), None)
        index, finite, state, said = carry
        logs = what_to_report(model, variables, state, fixed, said)
        return Outcome(laid_out(state, variables), *whole_everywhere((logs, index, finite)), needed)

    def compiled(whole):
        function = partial(run, whole)
        function.__name__ = f"{model.name}_{mode}_step"
        options = compiler_options(variables.large, whole, carried=len(variables.mutable))
        return jax.jit(function, donate_argnums=0, compiler_options=options)

    def one_step(state, fixed, batch):
        state, fixed = with_seed(state, fixed)
        return step(begin(state, fixed, batch), fixed, batch)

    @functools.cache
    def independent():
        return {"train": rows_can_be_added, "test": results_add_up}[mode](model)

    def sizes(rows, batch):
        if not independent():
            return [rows]
        return pieces(rows) if mode == "test" else [filled_size(rows, batch)]

    return Runs(one_step, compiled, sizes)


def laid_out(state: State, variables: Variables) -> State:
    """A state whose arrays lie as those of the variables: each device keeps its part."""
    where = placement.current()
    if where is None:
        return state
    lay = jax.lax.with_sharding_constraint
    return {path: lay(a, where.sharding_of(variables.at(path))) for path, a in state.items()}


def whole_everywhere(results: Any) -> Any:
    """Results of a run, whole on each device and in each process."""
    where = placement.current()
    return results if where is None else jax.lax.with_sharding_constraint(results, where.whole)


def forget(model: Any, variables: Variables, state: State, fixed: State) -> State:
    """The state with its metrics reset."""
    with bind(variables.bound({**fixed, **state})) as scope:
        model.reset_metrics()
    return variables.state(scope)


def what_to_report(
    model: Any, variables: Variables, state: State, fixed: State, said: dict
) -> OrderedDict:
    """The logs that the steps returned, else the results of the metrics, in order."""
    with bind(variables.bound({**fixed, **state})):
        return OrderedDict(said or model.get_metrics_result())


def predict_step(model: Any, variables: Variables) -> Callable:
    """The pure forward pass: `step(state, fixed, x) -> (outputs, state)`."""

    def step(state, fixed, batch):
        with bind(variables.bound({**fixed, **state})) as scope, collect_losses():
            outputs = model(*batch, training=False)
        return outputs, variables.state(scope)

    return step


def forward(step: Callable, variables: Variables) -> Callable:
    """A forward pass: `run(values, x) -> (outputs, the changed part of the state)`."""

    def run(values, x):
        state, fixed = with_seed(*variables.apart(values))
        outputs, after = step(state, fixed, (x,))
        changed = {path: v for path, v in after.items() if v is not state[path]}
        return whole_everywhere(outputs), laid_out(changed, variables)

    return run
