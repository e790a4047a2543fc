"""What `compile` settles, and the programs that have been compiled since."""

from typing import Any

from hornbook.core.variable import Variable
from hornbook.training.loop import Program
from hornbook.training.objective import Objective
from hornbook.training.step import Variables


class Compiled:
    """What `compile` settles, and the programs compiled since.

    Not a module: what it holds does not belong to the model's own variables.
    """

    def __init__(self, optimizer, objective, frozen, run_eagerly=False, steps_per_execution=1):
        self.optimizer = optimizer
        self.objective = objective
        self.frozen = frozen
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self._forget()

    def _forget(self):
        self.by_mode: dict[str, Program] = {}
        self.version = -1
        self.outputs: Any = None
        self.warned = self.shown = False

    def __getstate__(self):
        names = ("optimizer", "objective", "frozen", "run_eagerly", "steps_per_execution")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._forget()


class Forward:
    """A compiled forward pass, the variables it reads, and when they were last looked up."""

    def __init__(self, run: Any, variables: Variables):
        self.run = run
        self.variables = variables
        self.version = -1

    def __deepcopy__(self, memo):
        return None

    def __reduce__(self):
        return type(None), ()


def same_variables(old: Variables, paths: dict, trained: list, mode: str) -> bool:
    """Whether a program's variables are still the model's."""
    if list(old.by_path.values()) != list(paths.values()):
        return False
    return mode != "train" or set(old.trainable.values()) == set(trained)


def metric_paths(objective: Objective) -> dict[str, Variable]:
    """The variables of losses' trackers and metrics, by path."""
    metrics = {**{f"tracker_{k}": m for k, m in objective.trackers.items()}}
    metrics |= {f"{i}_{key}": m for i, (_, m, key, _) in enumerate(objective.reported)}
    return {f"{k}/{p}": v for k, m in metrics.items() for p, v in m.variable_paths().items()}
