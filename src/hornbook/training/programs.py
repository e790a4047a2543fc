"""The compiled programs of a model: one per mode, remade when the variables change."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from hornbook.core import placement, tree
from hornbook.core.compiler import compiler_options, uncollected
from hornbook.core.forked import uses_engine
from hornbook.core.module import (
    Module,
    Structure,
    all_modules,
    child_modules,
    owned_variables,
    variable_paths,
)
from hornbook.core.undisturbed import turn, undisturbed
from hornbook.core.variable import Variable, bind, contained
from hornbook.layers.base import Layer, collect_losses
from hornbook.layers.calling import overrides
from hornbook.training import custom
from hornbook.training import step as steps
from hornbook.training.apart import padded_size, rows_are_apart
from hornbook.training.data import with_rows
from hornbook.training.in_python import StepInPython, runs_in_python
from hornbook.training.labels import Ids, check_ids, ids_of
from hornbook.training.loop import FEW_SHAPES, Program
from hornbook.training.objective import Objective
from hornbook.training.overrides import PURE
from hornbook.training.stacks import stacked
from hornbook.training.state import MOST_SHAPES, frozen_now
from hornbook.training.variables import Variables

PREDICT_KINDS = ("weight", "state", "seed", "carry")


class Forward:
    """A compiled forward pass, and the variables that it reads.

    Args:
        run: `run(values, x)`.
        variables: those it reads.
        eager: whether the model runs eagerly.
        apart: returns whether rows are computed apart. If they are, new batch sizes are padded to
            the next power of two once there are `FEW_SHAPES`.
    """

    def __init__(
        self,
        run: Any,
        variables: Variables,
        eager: bool,
        apart: Callable[[], bool] = lambda: False,
    ):
        self.run = run
        self.variables = variables
        self.apart = apart
        self.eager = eager  # whether the model ran eagerly
        self.where = placement.current()
        undisturbed(variables.place)
        self.compiled = hasattr(run, "lower")
        self.structure: Structure | None = None  # the model's, at the last lookup
        self.known: set[tuple] = set()  # compiled shapes and dtypes
        self.ids: Ids = []  # the inputs' valid ranges, if any are known

    def holds(self) -> bool:
        """Whether the model and the distribution are still those it was made for."""
        in_place = self.where is placement.current()
        return in_place and self.structure is not None and self.structure.holds()

    def __call__(self, x: Any) -> tuple[Any, dict]:
        """Outputs for a batch, and the changed part of the state."""
        if self.where is None:
            return self._run(x)
        x = tree.map_structure(lambda a: self.where.batches(placement.fetched(a), 0), x)
        outputs, changed = self._run(x)
        return tree.map_structure(self.where.own_part, outputs), changed

    def _run(self, x: Any) -> tuple[Any, dict]:
        if not self.compiled or jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            return self.run(self.variables.values(), x)
        one = hasattr(x, "shape")
        key = (x.shape, x.dtype) if one else tuple((a.shape, a.dtype) for a in tree.flatten(x))
        if key not in self.known:  # compile outside the lock
            rows = len(x if one else tree.flatten(x)[0])
            more = padded_size(rows) if rows else 0
            if len(self.known) >= FEW_SHAPES and more != rows and self.apart():
                outputs, changed = self._run(with_rows(x, more))
                return tree.map_structure(lambda a: np.asarray(a)[:rows], outputs), changed
            if len(self.known) >= MOST_SHAPES:
                self.known.clear()
                self.run.clear_cache()
            with uncollected():
                lowered = self.run.lower(self.variables.values(), x)
            lowered.compile()
            self.known.add(key)
        with turn:
            return self.run(self.variables.values(), x)


def trained_weights(model: Any) -> list[Variable]:
    """The weights that were trainable at `compile`."""
    frozen = {id(one) for one in model._training_state.frozen}
    found: dict[Variable, None] = {}
    stack: list[Module] = [model]
    done = set(frozen)
    while stack:
        module = stack.pop()
        if id(module) not in done:
            done.add(id(module))
            own = (v for v in owned_variables(module) if v.kind == "weight")
            found |= dict.fromkeys(v for v in own if id(v) not in frozen)
            stack.extend(reversed(child_modules(module)))
    changed = {*map(id, frozen_now(model))} != frozen
    if (
        changed
        and set(found) != set(model.trainable_variables)
        and not model._training_state.warned
    ):
        model._training_state.warned = True
        warnings.warn(
            f"the layers of {model.name!r} that are trainable have changed since compile(). "
            "Call compile() again for the change to take effect.",
            stacklevel=4,
        )
    return list(found)


def program_of(model: Any, mode: str) -> Program:
    """The compiled run for a mode; remade if the variables have changed."""
    settled = model._training_state
    found = settled.by_mode.get(mode)
    if found is not None and found.where is not placement.current():
        found = None
    if found is not None and settled.structures[mode].holds():
        return found
    trained = trained_weights(model)
    if mode == "train":
        settled.optimizer._extend(trained, settled.trained)
        settled.trained |= set(trained)
    variables = all_paths(model, mode)
    structure = settled.structure
    if structure is None or not structure.holds():
        structure = Structure(model)
    program = found if found is not None and settled.structures[mode].same(structure) else None
    if program is not None and program.eager != settled.run_eagerly:
        program = None
    trained = trained if mode == "train" else []
    if program is None or not program.variables.are(variables, trained):
        bound = Variables(variables, mode, trained, state_of_ones_own(model))
        if not _has_own_step(model, mode):
            bound = stacked(model, bound, mode)
        program = Program(_compile_step(model, mode, bound), bound, settled.turns)
        program.eager = settled.run_eagerly
        if settled.steps_per_execution > 1:
            program.pace.steps = settled.steps_per_execution
        settled.by_mode[mode] = program
    settled.structures[mode] = structure
    return program


def _has_own_step(model: Any, mode: str) -> bool:
    """Whether a user's code runs the model in a step, or a step runs in Python."""
    own = overrides(type(model), f"make_{mode}_function", f"{mode}_step", *PURE)
    return own or model._training_state.run_eagerly


def _compile_step(model: Any, mode: str, bound: Variables) -> Any:
    kind = type(model)
    if overrides(kind, f"make_{mode}_function"):
        return runs_in_python(custom.custom_function(model, bound, mode), model, bound)
    if overrides(kind, f"{mode}_step", *PURE):
        step = custom.custom_step(model, bound, mode)
        if model._training_state.run_eagerly:
            return runs_in_python(step, model, bound)
        return steps.many(step, model, bound, mode, says=True)
    if model._training_state.run_eagerly:
        make = StepInPython if mode == "train" else steps.test_step
        return runs_in_python(make(model, bound), model, bound)
    make = steps.TrainStep if mode == "train" else steps.test_step
    says = overrides(kind, "compute_metrics")
    return steps.many(make(model, bound), model, bound, mode, says)


def all_paths(model: Any, mode: str) -> dict[str, Variable]:
    """The variables of model, metrics and optimizer that a run may read, each once."""
    state = model._training_state
    paths = variable_paths(model)
    if state.compiled:  # `metrics` may list some that are no attributes
        listed = {id(metric): metric for metric in (*state.objective.metrics, *model.metrics)}
        for i, metric in enumerate(listed.values()):
            paths |= {f"metrics/{i}/{p}": v for p, v in variable_paths(metric).items()}
    if mode == "train":
        paths |= {f"optimizer/{p}": v for p, v in variable_paths(state.optimizer).items()}
    paths |= {f"outside/{i}": v for i, v in enumerate(state.outside)}
    unique = {variable: path for path, variable in reversed(paths.items())}
    return {path: variable for variable, path in reversed(unique.items())}


def state_of_ones_own(model: Any) -> list[Variable]:
    """The state of user-defined layers: any call may change it; in ours only training does."""
    return model._training_state.assigned + [
        variable
        for module in all_modules(model)
        if not type(module).__module__.startswith("hornbook.")
        for variable in owned_variables(module)
        if variable.kind == "state"
    ]


def prepare(model: Any, data: tuple) -> None:
    """Build the model and the objective from the first batch."""
    x, y, *_ = data
    settled = model._training_state
    if settled.structure is None or not settled.structure.holds():
        structure = Structure(model)
        if model.built and _grew(settled.structure, structure):
            _trace(model, x)
            structure = Structure(model)
        settled.structure = structure
    try:
        outputs = _output_specs(model, x)
    except NotImplementedError:
        if not overrides(type(model), "train_step", "test_step"):
            raise
        outputs = _without_call(y)
    matched(model, y, outputs)


def matched(model: Any, y: Any, outputs: Any) -> Objective:
    """The objective of a compiled model, with losses and metrics matched to outputs."""
    objective = model._training_state.objective
    if not objective.built and outputs is not None:
        names = _names_of(model, outputs)
        known = model._known_outputs()
        named = isinstance(outputs, dict) or known.names is not None
        objective.build(names, y, outputs, known.activations, named)
    return objective


def _without_call(y: Any) -> Any:
    """Assumed output specs of a model with custom steps and no `call`: those of `y`."""
    if y is None:
        return jax.ShapeDtypeStruct((1,), "float32")
    return tree.map_structure(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), y)


def _output_specs(model: Any, x: Any) -> Any:
    """Shapes and dtypes of the outputs; builds the model if needed."""
    known = model._known_outputs().specs
    if known is None and model.built:
        known = model._training_state.outputs
    return _trace(model, x) if known is None else known


def _grew(before: Structure | None, now: Structure) -> bool:
    """Whether there are new layers that are not built yet."""
    known = {id(module) for module in before.modules} if before else set()
    return any(
        isinstance(module, Layer) and not module.built and id(module) not in known
        for module in now.modules
    )


def _trace(model: Any, x: Any) -> Any:
    """Shapes and dtypes of the outputs, by a trace that builds unbuilt layers."""

    def outputs_of(x):
        with bind({}), collect_losses():
            return model(x, training=True)

    specs = tree.map_structure(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), x)
    outputs = model._training_state.outputs = jax.eval_shape(outputs_of, specs)
    return outputs


def _names_of(model: Any, outputs: Any) -> list[str]:
    names = model._known_outputs().names
    if names is not None:
        return names
    if isinstance(outputs, dict) and not any(map(tree.is_nested, outputs.values())):
        return sorted(outputs)
    leaves = tree.flatten(outputs)
    return ["output"] if len(leaves) == 1 else [f"output_{i + 1}" for i in range(len(leaves))]


@contained
@uses_engine
def forward(model: Any, x: Any) -> Any:
    """The compiled forward pass on one batch."""
    found = model._training_state.forward
    if found is None or not found.holds() or not model.built:
        found = _new_forward(model, x)
    if found.ids and not (isinstance(x, np.ndarray) and len(x) == 1):
        check_ids(model, found.ids, x)  # for one row this is 20% of the time
    outputs, changed = found(x)
    if changed:
        undisturbed(lambda: found.variables.write(changed))
    return outputs


def _new_forward(model: Any, x: Any) -> Forward:
    if not model.built:
        _output_specs(model, tree.map_structure(jax.device_put, x))
    found = model._training_state.forward
    structure = Structure(model)
    if found is not None and _grew(found.structure, structure):
        _trace(model, tree.map_structure(jax.device_put, x))
        structure = Structure(model)
    paths = {p: v for p, v in all_paths(model, "predict").items() if v.kind in PREDICT_KINDS}
    eager = model._training_state.run_eagerly
    other = found is not None and (found.eager, found.where) != (eager, placement.current())
    if found is not None and (other or not found.structure.same(structure)):
        found = None
    if found is None or not found.variables.are(paths):
        variables = Variables(paths, "predict", also=state_of_ones_own(model))
        run = _compile_forward(model, variables)
        apart = partial(rows_are_apart, model)
        model._training_state.forward = found = Forward(run, variables, eager, apart)
    found.structure = structure
    inputs = ids_of(model)
    found.ids = inputs if any(allowed for _, allowed in inputs) else []
    return found


def _compile_forward(model: Any, variables: Variables) -> Any:
    if overrides(type(model), "make_predict_function"):
        return steps.forward(custom.own_function(model, variables, "predict"), variables)
    own = overrides(type(model), "predict_step")
    make_step = partial(custom.own_step, mode="predict") if own else steps.predict_step
    run = steps.forward(make_step(model, variables), variables)
    return (
        run
        if model._training_state.run_eagerly
        else jax.jit(run, compiler_options=compiler_options())
    )
