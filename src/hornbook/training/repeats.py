"""Blocks of layers that repeat in a graph, such as the 200 equal layers of a deep model."""

from collections.abc import Iterator
from types import FunctionType
from typing import Any, NamedTuple

from hornbook.core.graph import Graph, Node, SymbolicTensor
from hornbook.core.module import Module, all_modules, owned_variables
from hornbook.core.random import SeedGenerator
from hornbook.core.variable import Variable
from hornbook.layers.base import Layer
from hornbook.layers.remembered import IGNORED, OURS, Unlike, frozen
from hornbook.training.protocol import Trainable

LONGEST = 64  # calls in a block


class Repeat(NamedTuple):
    """Equal blocks of calls, each of which takes the result of the one before and nothing else.

    Attributes:
        blocks: the calls of each block, in order.
        columns: variables at the same place of all blocks.
    """

    blocks: list[list[Node]]
    columns: list[tuple[Variable, ...]]

    @property
    def input(self) -> SymbolicTensor:
        """What the first block takes."""
        inside = {tensor for node in self.blocks[0] for tensor in node.output_list}
        return next(t for node in self.blocks[0] for t in node.inputs if t not in inside)

    @property
    def outputs(self) -> tuple[SymbolicTensor, SymbolicTensor]:
        """The results of the first block and of the last."""
        first, last = (block[-1].outputs for block in (self.blocks[0], self.blocks[-1]))
        return first, last


def repeats(graph: Graph, least: int) -> Iterator[Repeat]:
    """The repeated blocks of a graph, none of which overlap.

    Args:
        graph: of layers and ops.
        least: minimum number of blocks.
    """
    nodes = graph.nodes
    if len(nodes) < least:
        return
    places = _places(graph)
    numbers: dict[Any, int] = {}
    forms = []
    for index, node in enumerate(nodes):
        form, uses = _form_of(node, index, places)
        forms.append(form and (numbers.setdefault(form, len(numbers)), uses))
    last_use = _last_uses(graph, places)
    start = 0
    while start < len(nodes):
        found = _at(start, forms, last_use, least)
        if found is None:
            start += 1
            continue
        period, count = found
        stop = start + period * count
        blocks = [nodes[i : i + period] for i in range(start, stop, period)]
        columns = _columns(blocks)
        if columns is not None:
            yield Repeat(blocks, columns)
        start = stop


def _places(graph: Graph) -> dict[SymbolicTensor, tuple[int, int]]:
    """The index of the call that makes each tensor, and which of its results it is."""
    before = -len(graph.input_list)
    places = {tensor: (before + i, 0) for i, tensor in enumerate(graph.input_list)}
    for index, node in enumerate(graph.nodes):
        places |= {tensor: (index, i) for i, tensor in enumerate(node.output_list)}
    return places


def _last_uses(graph: Graph, places: dict) -> list[int]:
    """For each call, the index of the last one that takes a result of it."""
    last = [0] * (len(graph.nodes) + len(graph.input_list))  # inputs have negative indices
    for index, node in enumerate(graph.nodes):
        for tensor in node.inputs:
            last[places[tensor][0]] = index
    for tensor in graph.output_list:
        last[places[tensor][0]] = len(graph.nodes)
    return last


def _at(start: int, forms: list, last_use: list[int], least: int) -> tuple[int, int] | None:
    """The shortest block that is repeated from a call on: its length, and how often."""
    for period in range(1, min(LONGEST, (len(forms) - start) // least) + 1):
        stop = start
        while stop + period < len(forms) and forms[stop] and forms[stop] == forms[stop + period]:
            stop += 1
        count = (stop - start) // period + 1
        kept = _kept(start, period, count, last_use) if count >= least else 0
        if kept >= least and _takes_one(forms[start : start + period]):
            return period, kept
    return None


def _kept(start: int, period: int, count: int, last_use: list[int]) -> int:
    """How many blocks there are before a result of one is used by another than the next."""
    for done in range(count):
        end = start + period * (done + 1)
        if any(use >= end for use in last_use[end - period : end - 1]):
            return done
        if last_use[end - 1] >= end + period:
            return done + 1
    return count


def _takes_one(forms: list) -> bool:
    """Whether a block takes from outside the result of the call before it, and nothing else."""
    uses = ((place, back) for place, (_, backs) in enumerate(forms) for back in backs)
    return all(back <= place + 1 for place, back in uses)


def _form_of(node: Node, index: int, places: dict) -> tuple[Any, tuple[int, ...]]:
    """A hashable form that is equal for calls that do the same, `None` if that is not known.

    With it, how many calls back each argument was made.
    """
    made = [places[tensor] for tensor in node.inputs]
    uses = tuple(index - place for place, _ in made)
    if not isinstance(node.outputs, SymbolicTensor):
        return None, uses
    results = [result for _, result in made]
    try:
        given = frozen((node.args, node.kwargs)), frozen(node.outputs)
        return (_frozen_op(node.op), given, uses, *results), uses
    except Unlike:
        return None, uses


def _frozen_op(op: Any) -> Any:
    if isinstance(op, FunctionType) and op.__module__.startswith(OURS):
        return op
    if not isinstance(op, Layer) or isinstance(op, Trainable):
        raise Unlike
    return _frozen_module(op)


def _frozen_module(module: Module) -> tuple:
    """A form of a module of this library, with the settings of all below it."""
    kind = type(module)
    if not kind.__module__.startswith(OURS[0]):
        raise Unlike
    if kind is SeedGenerator:
        return (kind,)
    attributes = {k: v for k, v in vars(module).items() if k not in IGNORED and k != "_name"}
    trainable = vars(module).get("_trainable")
    return kind, trainable, *((k, frozen(v, _frozen_module)) for k, v in attributes.items())


def _columns(blocks: list[list[Node]]) -> list[tuple[Variable, ...]] | None:
    """The variables at the same place of all blocks; `None` if some are shared or differ."""
    rows = [_variables(block) for block in blocks]
    unique = {variable for row in rows for variable in row}
    if len({len(row) for row in rows}) > 1 or len(unique) < sum(map(len, rows)):
        return None
    columns = list(zip(*rows, strict=True))
    alike = all(len({_spec(variable) for variable in column}) == 1 for column in columns)
    simple = all(v.regularizer is v.constraint is None and v.size for v in unique)
    return columns if alike and simple and columns else None


def _variables(block: list[Node]) -> list[Variable]:
    layers = [node.op for node in block if isinstance(node.op, Module)]
    return [v for layer in layers for m in all_modules(layer) for v in owned_variables(m)]


def _spec(variable: Variable) -> tuple:
    return variable.shape, variable.dtype, variable.kind, variable.trainable, variable.autocast
