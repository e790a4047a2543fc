"""What is compiled for a model: a program for each mode, made anew when the variables change."""

import warnings
from functools import partial
from typing import Any

import jax
import numpy as np

from hornbook.core import tree
from hornbook.core.compiler import compiler_options
from hornbook.core.forked import uses_engine
from hornbook.core.module import Module, Structure, new_structure
from hornbook.core.undisturbed import turn, undisturbed
from hornbook.core.variable import Variable, bind, contained
from hornbook.layers.base import Layer, collect_losses
from hornbook.layers.calling import overrides
from hornbook.training import custom
from hornbook.training import step as steps
from hornbook.training.in_python import StepInPython, runs_in_python
from hornbook.training.labels import Ids, check_ids, ids_of
from hornbook.training.loop import Program, Turns
from hornbook.training.objective import Objective
from hornbook.training.step import Variables

SAID: set[tuple[str, str]] = set()  # what 'accuracy' was taken for, that was said already
PREDICT_KINDS = ("weight", "state", "seed", "carry")


class Compiled:
    """What `compile` settles, and the programs compiled since.

    Not a module: what it holds does not belong to the model's own variables.
    """

    compiled = True
    kept = "optimizer objective frozen loss run_eagerly steps_per_execution jit_compile".split()

    def __init__(
        self,
        optimizer,
        objective,
        frozen,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile=True,
    ):
        self.optimizer = optimizer
        self.objective = objective
        self.frozen = frozen
        self.loss = objective.given[0]
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.jit_compile = jit_compile
        self._forget()

    def _forget(self):
        self.by_mode: dict[str, Program] = {}
        self.structures: dict[str, Structure] = {}  # of the model, when each was last looked up
        self.structure: Structure | None = None  # when data last came
        self.trained: set[Variable] = set()  # weights that some step has been made for
        self.turns = Turns()
        self.outputs: Any = None
        self.ranges: Any = None  # of numbers in data; see labels.py
        self.warned = False

    def show_choices(self) -> None:
        """Say what 'accuracy' was taken for, once for each answer."""
        for asked, reason in self.objective.choices.items():
            if (asked, reason) not in SAID:
                print(f"{asked} -> {reason}")
                SAID.add((asked, reason))

    def __getstate__(self):
        return {name: self.__dict__[name] for name in self.kept}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._forget()


class Settled:
    """An attribute that `compile` settles. Until then, a program may keep in it what it likes."""

    def __init__(self, default: Any, doc: str):
        self.default, self.__doc__ = default, doc

    def __set_name__(self, cls: type, name: str):
        self.name = name

    def __get__(self, model: Any, cls: type | None = None) -> Any:
        if model is None:
            return self
        if model._compiled is not None:
            return getattr(model._compiled, self.name)
        found = vars(model).get(self.name, self.default)
        if found is AttributeError:
            raise AttributeError(f"{model.name!r} has no {self.name} before compile() is called")
        return found

    def __set__(self, model: Any, value: Any) -> None:
        vars(model)[self.name] = value
        new_structure()
        if model._compiled is not None and self.name != "compiled":
            setattr(model._compiled, self.name, value)


class Forward:
    """A compiled forward pass, the variables it reads, and when they were last looked up."""

    def __init__(self, run: Any, variables: Variables, eager: bool):
        self.run = run
        self.variables = variables
        self.eager = eager  # whether the model was to run in Python
        self.compiled = hasattr(run, "lower")
        self.structure: Structure | None = None  # of the model, when it was last looked up
        self.known: set[tuple] = set()  # shapes and dtypes for which it is compiled
        self.ids: Ids = []  # the inputs' ranges, if any of them are known

    def __call__(self, x: Any) -> tuple[Any, dict]:
        """Outputs for a batch, and what changed of the state."""
        if not self.compiled or jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            return self.run(self.variables.values(), x)
        one = hasattr(x, "shape")
        key = (x.shape, x.dtype) if one else tuple((a.shape, a.dtype) for a in tree.flatten(x))
        if key not in self.known:  # others need not wait for the compiler
            self.run.lower(self.variables.values(), x).compile()
            self.known.add(key)
        with turn:
            return self.run(self.variables.values(), x)

    def __deepcopy__(self, memo):
        return None

    def __reduce__(self):
        return type(None), ()


def same_variables(old: Variables, paths: dict, trained: list, mode: str) -> bool:
    """Whether a program's variables are still the model's."""
    if not tree.same(old.by_path.values(), paths.values()):
        return False
    return mode != "train" or set(old.trainable.values()) == set(trained)


def metric_paths(objective: Objective) -> dict[str, Variable]:
    """The variables of losses' trackers and metrics, by path."""
    metrics = {**{f"tracker_{k}": m for k, m in objective.trackers.items()}}
    metrics |= {f"{i}_{key}": m for i, (_, m, key, _) in enumerate(objective.reported)}
    return {f"{k}/{p}": v for k, m in metrics.items() for p, v in m._variable_paths().items()}


def frozen_now(model: Any) -> tuple[set[int], set[int]]:
    """The layers and weights that are not trainable now."""
    modules = model._all_modules()
    layers = {id(m) for m in modules if isinstance(m, Layer) and not m.trainable}
    weights = {id(v) for m in modules for v in m._owned_variables() if not v.trainable}
    return layers, weights


def trained_weights(model: Any) -> list[Variable]:
    """The weights that were trainable at `compile`."""
    frozen_layers, frozen_weights = model._settled.frozen
    found: dict[Variable, None] = {}
    stack: list[Module] = [model]
    visited: set[int] = set()
    while stack:
        module = stack.pop()
        if id(module) in visited or id(module) in frozen_layers:
            continue
        visited.add(id(module))
        for variable in module._owned_variables():
            if variable.kind == "weight" and id(variable) not in frozen_weights:
                found[variable] = None
        stack.extend(reversed(module._child_modules()))
    if frozen_now(model) != model._settled.frozen and set(found) != set(model.trainable_weights):
        _warn_trainable(model)
    return list(found)


def _warn_trainable(model: Any) -> None:
    if not model._settled.warned:
        model._settled.warned = True
        warnings.warn(
            f"the layers of {model.name!r} that are trainable have changed since compile(), "
            "which settled them. Call compile() again for the change to take effect.",
            stacklevel=5,
        )


def program_of(model: Any, mode: str) -> Program:
    """The compiled run for a mode; made again when the variables have changed."""
    found = model._settled.by_mode.get(mode)
    if found is not None and model._settled.structures[mode].holds():
        return found
    trained = trained_weights(model)
    settled = model._settled
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
    if program is None or not same_variables(program.variables, variables, trained, mode):
        trained = trained if mode == "train" else []
        bound = Variables(variables, mode, trained, state_of_ones_own(model))
        program = Program(*_compile_step(model, mode, bound), bound, settled.turns)
        program.eager = settled.run_eagerly
        if settled.steps_per_execution > 1:
            program.pace.steps = settled.steps_per_execution
        model._settled.by_mode[mode] = program
    settled.structures[mode] = structure
    return program


def _compile_step(model: Any, mode: str, bound: Variables) -> tuple[Any, list[str]]:
    kind = type(model)
    if overrides(kind, f"make_{mode}_function"):
        return custom.own_function(model, bound, mode)
    if overrides(kind, f"{mode}_step", *custom.PURE):
        step = custom.custom_step(model, bound, mode)
        if model._settled.run_eagerly:
            return runs_in_python(step, model, bound)
        return steps.many(step, model, bound, mode, says=True)
    if model._settled.run_eagerly:
        make = StepInPython if mode == "train" else steps.test_step
        return runs_in_python(make(model, bound), model, bound)
    make = steps.TrainStep if mode == "train" else steps.test_step
    says = overrides(kind, "compute_metrics")
    return steps.many(make(model, bound), model, bound, mode, says)


def all_paths(model: Any, mode: str) -> dict[str, Variable]:
    """All that a run may read, each once: the model's variables, the objective's and the
    optimizer's."""
    paths = dict(model._variable_paths())
    if model._compiled is not None:
        objective = metric_paths(model._compiled.objective)
        paths |= {f"objective/{p}": v for p, v in objective.items()}
        paths |= {  # a model may list some that none of its attributes holds
            f"metrics/{i}/{p}": v
            for i, metric in enumerate(model.metrics)
            for p, v in metric._variable_paths().items()
        }
    if mode == "train":
        paths |= {
            f"optimizer/{p}": v for p, v in model._settled.optimizer._variable_paths().items()
        }
    unique = {variable: path for path, variable in reversed(paths.items())}
    return {path: variable for variable, path in reversed(unique.items())}


def state_of_ones_own(model: Any) -> list[Variable]:
    """The state of layers that are not this library's, which may change in any call. Ours change
    theirs in training alone."""
    return [
        variable
        for module in model._all_modules()
        if not type(module).__module__.startswith("hornbook.")
        for variable in module._owned_variables()
        if variable.kind == "state"
    ]


def prepare(model: Any, data: tuple) -> None:
    """Build what the first batch lets one build: the model, the objective."""
    x, y, *_ = data
    settled = model._settled
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
    """The objective of a compiled model, its losses and metrics matched with the outputs."""
    objective = model._settled.objective
    if not objective.built and outputs is not None:
        names = _names_of(model, outputs)
        named = isinstance(outputs, dict) or model._output_names() is not None
        objective.build(names, y, outputs, model._last_activations(), named)
    return objective


def _without_call(y: Any) -> Any:
    """What stands for the outputs of a model that has steps and no `call`: they look like `y`."""
    if y is None:
        return jax.ShapeDtypeStruct((1,), "float32")
    return tree.map_structure(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), y)


def _output_specs(model: Any, x: Any) -> Any:
    """Shapes and dtypes of the outputs; builds the model where it is not built."""
    known = model._known_outputs()
    if known is not None:
        return known
    if model.built and model._compiled and model._compiled.outputs is not None:
        return model._compiled.outputs
    return _trace(model, x)


def _grew(before: Structure | None, now: Structure) -> bool:
    """Whether there are layers that are new, and not built yet."""
    known = {id(module) for module in before.modules} if before else set()
    return any(
        isinstance(module, Layer) and not module.built and id(module) not in known
        for module in now.modules
    )


def _trace(model: Any, x: Any) -> Any:
    """Shapes and dtypes of the outputs; layers that are not built are built by this."""

    def outputs_of(x):
        with bind({}), collect_losses():
            return model(x, training=True)

    specs = tree.map_structure(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), x)
    outputs = jax.eval_shape(outputs_of, specs)
    if model._compiled:
        model._compiled.outputs = outputs
    return outputs


def _names_of(model: Any, outputs: Any) -> list[str]:
    names = model._output_names()
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
    found = model._forward_program
    if found is None or not found.structure.holds() or not model.built:
        found = _new_forward(model, x)
    if found.ids and not (isinstance(x, np.ndarray) and len(x) == 1):
        check_ids(model, found.ids, x)  # of a row alone it would take a fifth of the time
    outputs, changed = found(x)
    if changed:
        undisturbed(lambda: found.variables.write(changed))
    return outputs


def _new_forward(model: Any, x: Any) -> Forward:
    if not model.built:
        _output_specs(model, tree.map_structure(jax.device_put, x))
    found = model._forward_program
    structure = Structure(model)
    if found is not None and _grew(found.structure, structure):
        _trace(model, tree.map_structure(jax.device_put, x))
        structure = Structure(model)
    paths = {p: v for p, v in all_paths(model, "predict").items() if v.kind in PREDICT_KINDS}
    eager = _in_python(model)
    if found is not None and (found.eager != eager or not found.structure.same(structure)):
        found = None
    if found is None or not tree.same(found.variables.by_path.values(), paths.values()):
        variables = Variables(paths, "predict", also=state_of_ones_own(model))
        run = _compile_forward(model, variables)
        model._forward_program = found = Forward(run, variables, eager)
    found.structure = structure
    inputs = ids_of(model)
    found.ids = inputs if any(allowed for _, allowed in inputs) else []
    return found


def _compile_forward(model: Any, variables: Variables) -> Any:
    if overrides(type(model), "make_predict_function"):
        return custom.own_predict_function(model, variables)
    own = overrides(type(model), "predict_step")
    make_step = partial(custom.own_step, mode="predict") if own else steps.predict_step
    run = steps.forward(make_step(model, variables), variables)
    return run if _in_python(model) else jax.jit(run, compiler_options=compiler_options())


def _in_python(model: Any) -> bool:
    return model._compiled is not None and model._settled.run_eagerly
