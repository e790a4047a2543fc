"""What training stores on a model: the settings of `compile`, and the compiled programs."""

from typing import Any

from hornbook.core import placement
from hornbook.core.module import Module, Structure, all_modules, new_structure, owned_variables
from hornbook.core.undisturbed import turn
from hornbook.core.variable import Part, Variable
from hornbook.layers.base import Layer

SAID: set[tuple[str, str]] = set()  # resolutions of 'accuracy' already printed
OPTIONS = ("run_eagerly", "steps_per_execution", "jit_compile")
MOST_SHAPES = 64  # that a model keeps programs for in memory, 1 MB or more each
KEPT = ("optimizer", "objective", "frozen", "loss", *OPTIONS)


class TrainingState:
    """The settings of `compile`, and the programs compiled since.

    Not a module: its contents are not among the model's own variables.

    Attributes:
        optimizer, objective: `None` before `compile`.
        loss: as given to `compile`.
        frozen: the layers and weights that were not trainable at `compile`.
        outside: variables that a custom step uses and the model does not own.
        assigned: variables that a custom step assigns.
        run: the `loop.Epochs` of the `fit` in progress.
        forward, padding: made by `predict`; kept by another `compile`.
    """

    optimizer: Any = None
    objective: Any = None
    loss: Any = None
    frozen: tuple[Module | Variable, ...] = ()
    run_eagerly = False
    steps_per_execution = 1
    jit_compile = True
    forward: Any = None
    padding: Any = None
    run: Any = None

    def __init__(self):
        self._forget()

    def _forget(self):
        self.by_mode: dict[str, Any] = {}  # programs
        self.structures: dict[str, Structure] = {}  # the model's, at the last lookup
        self.structure: Structure | None = None  # the model's, when data last arrived
        self.trained: set[Variable] = set()  # weights that any step was made for
        self.turns = Turns()
        self.stacks: dict[tuple[Variable, ...], list[Part]] = {}  # see stacks.py
        self.outputs: Any = None
        self.sampled: dict[int, Any] = {}  # by number of samples; see sampling.py
        self.ranges: Any = None  # valid ranges of data; see labels.py
        self.outside: list[Variable] = []
        self.assigned: list[Variable] = []
        self.warned = False  # that trainable flags have changed
        self.reported = False  # a non-finite loss, in this fit

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.objective is not None

    def settle(self, optimizer: Any, objective: Any, frozen: tuple, **options: Any) -> None:
        """Store the arguments of `compile`, and drop the earlier programs."""
        vars(self).update(options, optimizer=optimizer, objective=objective, frozen=frozen)
        self.loss = objective.given[0]
        self._forget()

    def show_choices(self) -> None:
        """Print what 'accuracy' resolved to, once per answer."""
        for asked, reason in self.objective.choices.items():
            if (asked, reason) not in SAID and placement.is_first():
                print(f"{asked} -> {reason}")
                SAID.add((asked, reason))

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name in KEPT}

    def __setstate__(self, state):
        vars(self).update(state)
        self._forget()


class Turns:
    """Keeps the metrics of interleaved epochs apart.

    Another epoch may run in the middle of one: in another thread, or from a callback.
    """

    def __init__(self):
        self.latest: Any = None  # a `loop.Epochs`

    def take(self, who: Any, state: dict, variables: Any) -> dict:
        """The state with `who`'s metrics restored; the metrics of the one before are put aside."""
        if self.latest is who:
            return state
        if self.latest is not None:
            metrics = {p: a for p, a in state.items() if variables.at(p).kind == "metric"}
            self.latest.aside = placement.copied(metrics)
        self.latest = who
        if who is not None:
            state, who.aside = state | who.aside, {}
        return state

    def end(self, who: Any) -> None:
        """End the epoch of `who`."""
        with turn:
            who.aside = {}
            if self.latest is who:
                self.latest = None


class Settled:
    """An attribute set by `compile`. Before that, a program may store anything in it."""

    def __init__(self, default: Any, doc: str):
        self.default, self.__doc__ = default, doc

    def __set_name__(self, cls: type, name: str):
        self.name = name

    def __get__(self, model: Any, cls: type | None = None) -> Any:
        if model is None:
            return self
        if model._training_state.compiled:
            settled = getattr(model._training_state, self.name)
            return vars(model).get(self.name) if settled is None else settled
        found = vars(model).get(self.name, self.default)
        if found is AttributeError:
            raise AttributeError(f"{model.name!r} has no {self.name} before compile() is called")
        return found

    def __set__(self, model: Any, value: Any) -> None:
        vars(model)[self.name] = value
        new_structure()
        if model._training_state.compiled and self.name != "compiled":
            setattr(model._training_state, self.name, value)


def frozen_now(model: Any) -> tuple[Module | Variable, ...]:
    """The layers and weights that are currently not trainable."""
    modules = all_modules(model)
    layers = [module for module in modules if isinstance(module, Layer) and not module.trainable]
    weights = [v for module in modules for v in owned_variables(module) if not v.trainable]
    return (*layers, *weights)
