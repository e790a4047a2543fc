"""Blocks of layers that repeat, trained as one: each of their variables lies in a stack of all.

XLA compiles each layer of a step, and its passes take a time that grows with the square of the
arrays that a loop carries. For 200 equal blocks of layers a run of steps reads and writes a stack
for each variable of a block instead, and the model runs a `scan` over them: that is compiled in the
time of one block. While the stacks are in use, a variable's value is a `Part` of one; it is cut
when the variable is read, and stacked again after it was assigned, so users see no difference.
"""

import copy
from functools import partial
from operator import attrgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook import optimizers
from hornbook.core import placement, tree
from hornbook.core.graph import Node, instead, run_nodes
from hornbook.core.mask import get_mask
from hornbook.core.variable import Part, Variable, bind, thread
from hornbook.kernels import wants_plain
from hornbook.training.repeats import Repeat, repeats
from hornbook.training.small import WORK
from hornbook.training.variables import LARGE, State, Variables

LEAST = 64  # blocks; with fewer small ones a step is slower
MOST_BYTES = 64 * 2**20  # of all stacks: reading the variables makes a copy
ELEMENTWISE = {  # optimizers whose formula takes each element by itself
    *(optimizers.Adadelta, optimizers.Adagrad, optimizers.Adam, optimizers.Adamax),
    *(optimizers.AdamW, optimizers.Ftrl, optimizers.Lion, optimizers.Nadam, optimizers.RMSprop),
    optimizers.SGD,
}
Column = tuple[Variable, ...]  # variables of one shape, at the same place of repeated blocks
_held_of = attrgetter("_held")


class NotAlone(Exception):
    """Raised where a block does more than to compute its result from what it takes."""


class Stacked(Variables):
    """The variables of a run, with stacks in place of columns.

    Args:
        each: the run's variables.
        mode: `"train"` or `"test"`.
        parts: by column, of one stack, which has the path of the first variable.
        scans: what to run in place of the calls of repeated blocks.
    """

    def __init__(
        self, each: Variables, mode: str, parts: dict[Column, list[Part]], scans: dict[Node, Any]
    ):
        replaced = {variable for column in parts for variable in column[1:]}
        of_first = {column[0]: found[0].stack for column, found in parts.items()}
        by_path = {
            path: of_first.get(variable, variable)
            for path, variable in each.by_path.items()
            if variable not in replaced
        }
        trained = {by_path[path] for path in each.trainable if path in by_path}
        mutable = {by_path[path] for path in each.mutable if path in by_path}
        super().__init__(by_path, mode, trained, mutable)
        paths = {variable: path for path, variable in by_path.items()}
        self._each = each
        self.scans = scans
        self.columns = {
            paths[of_first[column[0]]]: (column, found) for column, found in parts.items()
        }

    @property
    def each(self) -> Variables:
        return self._each

    def are(self, *args: Any) -> bool:
        return self._each.are(*args)

    def updater(self, optimizer: Any) -> Any:
        trained, parts = set(self._each.trainable.values()), dict(self.columns.values())
        columns = [column for column in parts if column[0] in trained]
        return optimizer.with_stacks(columns, lambda column: parts[column][0].stack)

    def values(self) -> tuple[Array, ...]:
        self._stack()
        return super().values()

    def shared(self) -> State:
        self._stack()
        return super().shared()

    def _stack(self) -> None:
        """Bring the stacks up to date, where a variable has another value than its part."""
        for column, parts in self.columns.values():
            if tree.same(map(_held_of, column), parts):
                continue
            stack = parts[0].stack
            whole = np.stack([np.asarray(variable._value) for variable in column])
            stack._value = stack._private = jax.device_put(whole, may_alias=False)
            for variable, part in zip(column, parts, strict=True):
                variable._value, variable._private = part, None

    def state(self, scope: dict[Variable, Any]) -> State:
        found = super().state(scope)
        for path, (column, _) in self.columns.items():
            new = {i: scope[variable] for i, variable in enumerate(column) if variable in scope}
            if new:
                whole = found[path] if path in found else self.at(path).raw
                found[path] = whole.at[np.array([*new])].set(jnp.stack([*new.values()]))
        return found


def stacked(model: Any, variables: Variables, mode: str) -> Variables:
    """The variables of a run, those of blocks that repeat often in stacks.

    Args:
        model: compiled, its optimizer built.
        variables: the run's.
        mode: `"train"` or `"test"`.
    """
    optimizer, graph = model._training_state.optimizer, getattr(model, "_call_graph", None)
    elementwise = type(optimizer) in ELEMENTWISE and optimizer.takes_stacks()
    if graph is None or not elementwise or wants_plain() or placement.current() is not None:
        return variables
    if jax.default_backend() != "cpu":
        return variables
    known = model._training_state.stacks
    parts: dict[Column, list[Part]] = {}
    scans: dict[Node, Any] = {}

    def stack_of(column: Column) -> Variable:
        if column not in known:
            known[column] = _parts_of(column)
        parts[column] = known[column]
        return parts[column][0].stack

    trained = set(variables.trainable.values())
    for repeat in repeats(graph, LEAST):
        small = all(column[0]._value.nbytes < LARGE for column in repeat.columns)
        if not small or not _agree(repeat, variables):
            continue
        run = partial(_scan, repeat, list(map(stack_of, repeat.columns)))
        scans |= dict.fromkeys(node for block in repeat.blocks for node in block)
        scans[repeat.blocks[0][0]] = run
    if mode == "train":
        optimizer.with_stacks([column for column in parts if column[0] in trained], stack_of)
    size = sum(len(column) * column[0]._value.nbytes for column in parts)
    return Stacked(variables, mode, parts, scans) if 4 * WORK < size <= MOST_BYTES else variables


def _agree(repeat: Repeat, variables: Variables) -> bool:
    """Whether a run changes all variables of each column, or none."""
    known, mutable = set(variables.by_path.values()), set(variables.mutable.values())
    trained = set(variables.trainable.values())
    return all(
        len({(v in mutable, v in trained) for v in column}) == 1 and known.issuperset(column)
        for column in repeat.columns
    )


def _parts_of(column: Column) -> list[Part]:
    """The parts of a stack that is still to be filled."""
    stack = copy.copy(column[0])
    stack.shape = (len(column), *stack.shape)
    stack._value, stack._private = np.broadcast_to(np.zeros((), stack.dtype), stack.shape), None
    return [Part(stack, index) for index in range(len(column))]


def _scan(repeat: Repeat, stacks: list[Variable], known: dict) -> dict:
    """Run repeated blocks by a `scan` over their stacks; what is known after them."""
    variables = [column[0] for column in repeat.columns]
    first, last = repeat.outputs
    losses = thread.calls[-1].losses
    before = len(losses)
    changed: list[int] = []

    def body(value: Array, values: list[Array]) -> tuple[Array, list[Array]]:
        with instead({}), bind(dict(zip(variables, values, strict=True))) as scope:
            result = run_nodes(repeat.blocks[0], {repeat.input: value})[first]
        if len(scope) > len(variables) or len(losses) > before or get_mask(result) is not None:
            raise NotAlone
        changed[:] = [i for i, old in enumerate(values) if scope[variables[i]] is not old]
        return result, [scope[variables[i]] for i in changed]

    value = known[repeat.input]
    try:
        if get_mask(value) is not None:
            raise NotAlone
        result, new = lax.scan(body, value, [stack.raw for stack in stacks])
    except (NotAlone, TypeError):  # a result has another dtype than what the block took
        del losses[before:]
        with instead({}):
            return run_nodes([node for block in repeat.blocks for node in block], known)
    for index, values in zip(changed, new, strict=True):
        stacks[index].assign(values)
    return {last: result}
