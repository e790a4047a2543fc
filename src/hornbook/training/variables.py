"""The variables of a run of steps by path, and which of them a step may change."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import jax

from hornbook.core import placement, tree
from hornbook.core.random import global_generator
from hornbook.core.undisturbed import undisturbed
from hornbook.core.variable import Variable

Array = Any
State = dict[str, Any]
LARGE = 256 * 1024  # bytes
SEED = "/seed"  # path of the seed of the thread that starts a run or its trace
_value_of = attrgetter("_value")
MUTABLE = {  # variable kinds that a step may change, by mode
    "train": ("weight", "state", "metric", "optimizer", "seed", "carry"),
    "test": ("metric", "seed", "carry"),
    "predict": ("seed", "carry"),
}


class Variables:
    """The variables of a run by path, split into those a step may change and the rest.

    The thread's seed is at `SEED`. It belongs to no model, so a run changes it without donating its
    buffer: `read` returns it among the rest.

    Args:
        variables: by path.
        mode: `"train"`, `"test"` or `"predict"`.
        trainable: in training, the weights that the optimizer changes.
        also: further variables that a step may change.

    Attributes:
        large: whether the mutable variables take at least `LARGE` bytes.
    """

    def __init__(
        self,
        variables: dict[str, Variable],
        mode: str,
        trainable: Iterable[Variable] = (),
        also: Iterable[Variable] = (),
    ):
        chosen, more = set(trainable), set(also)
        self.by_path = variables
        self.trainable = {p: v for p, v in variables.items() if v in chosen}
        self.mutable = {
            p: v
            for p, v in variables.items()
            if v in chosen or v in more or (v.kind in MUTABLE[mode] and v.kind != "weight")
        }
        self.fixed = {p: v for p, v in variables.items() if p not in self.mutable}
        self.large = sum(v._value.nbytes for v in self.mutable.values()) >= LARGE

    scans: Mapping[Any, Any] = MappingProxyType({})  # run in place of calls, see `graph.instead`

    @property
    def each(self) -> "Variables":
        """The same, without stacks."""
        return self

    def updater(self, optimizer: Any) -> Any:
        """The optimizer for these variables."""
        return optimizer

    def are(self, by_path: dict[str, Variable], trainable: Iterable[Variable] = ()) -> bool:
        """Whether the variables, and those that the optimizer changes, are the same as these."""
        same = tree.same(self.by_path.values(), by_path.values())
        return same and set(self.trainable.values()) == set(trainable)

    def at(self, path: str) -> Variable:
        """The variable at a path."""
        return global_generator().state if path == SEED else self.by_path[path]

    def values(self) -> tuple[Array, ...]:
        """The current values, the seed last; a tuple is faster to pass than dictionaries."""
        return (*map(_value_of, self.by_path.values()), global_generator().state._value)

    def apart(self, values: Iterable[Array]) -> tuple[State, State]:
        """Values in the order of `values()`, by path: `(mutable, fixed)`."""
        by_path = dict(zip((*self.by_path, SEED), values, strict=True))
        mutable = {path: by_path.pop(path) for path in self.mutable}
        return mutable, by_path

    def read(self) -> tuple[State, State]:
        """The current values by path: `(mutable, fixed)`."""
        return self.apart(self.values())

    def write(self, state: State, private: bool = False) -> None:
        """Assign a state, or part of one, to the variables.

        Args:
            state: by path.
            private: whether nothing else refers to the arrays, as to those of a compiled call.
        """
        for path, variable in self.mutable.items():
            if path in state:
                variable._value = state[path]
                variable._private = variable._value if private else None
        if SEED in state:
            self.at(SEED)._value = state[SEED]

    def place(self) -> None:
        """Move each variable to the devices where it belongs now."""
        for path in (*self.by_path, SEED):
            self.at(path).place()

    def own(self) -> None:
        """Give each variable its own array, which a compiled call may then donate.

        Arrays that a user may hold are copied, the large ones one after the other.
        """

        def separate() -> None:
            self.place()
            shared = self.shared()
            large = [path for path, array in shared.items() if array.nbytes >= LARGE]
            for one in large:
                copy = placement.copied({one: shared.pop(one)})
                self.write(jax.block_until_ready(copy), private=True)
            if shared:
                self.write(placement.copied(shared), private=True)

        undisturbed(separate)

    def shared(self) -> State:
        """The mutable values that something else may refer to."""
        return {
            path: variable._value
            for path, variable in self.mutable.items()
            if variable._private is not variable._value
        }

    def bound(self, state: State) -> dict[Variable, Any]:
        """A state keyed by variable, for `bind`."""
        return {self.at(path): value for path, value in state.items()}

    def state(self, scope: dict[Variable, Any]) -> State:
        """The mutable values in a scope, by path: the inverse of `bound`."""
        variables = {**self.mutable, SEED: self.at(SEED)}
        return {path: scope[v] for path, v in variables.items() if v in scope}
