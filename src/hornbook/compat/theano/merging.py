"""Merge gradients with their cost, so that the forward pass runs once.

A gradient runs the part of the graph between its variables and the cost. Other outputs of that part
(the cost itself, an error rate, the states of a loop) are returned from the same run, and all
gradients of a cost are computed in one run.
"""

from typing import Any

from hornbook.compat.theano.gradient import Derivative
from hornbook.compat.theano.graph import Part, needed, rebuilt
from hornbook.compat.theano.types import is_float
from hornbook.compat.theano.variable import record
from hornbook.core.symbolic import Node


def merged(ends: list) -> list:
    """Equivalent variables that share computation.

    Args:
        ends: the variables.
    """
    done: set[Any] = set()
    while True:
        groups: dict[Any, list[Node]] = {}
        for node in needed(ends):
            if isinstance(node.op, Derivative) and node.op.name == "grad":
                groups.setdefault(_cost(node), []).append(node)
        group = next((found for key, found in groups.items() if key not in done), None)
        if group is None:
            return ends
        done.add(_cost(group[0]))
        ends = _joined(ends, group)


def _cost(node: Node) -> Any:
    """The cost of a gradient node."""
    part = node.op.part
    return tuple(part.ends), tuple(node.args[2]), frozenset(part.stop)


def _joined(ends: list, group: list[Node]) -> list:
    """The variables, with a group of calls replaced by one."""
    first = group[0]
    values: dict[Any, Any] = {}
    for node in group:
        values.update(zip(node.op.part.starts, node.args[0], strict=True))
    starts = list(values)
    part = Part(starts, first.op.part.ends, first.op.part.stop)
    if any(v in part.variables for v in starts) or _depend(starts):
        return ends  # one depends on another
    args = (list(values.values()), part.outside, first.args[2])
    before = {v for node in needed(_flat(args)) for v in node.output_list}
    used = [v for node in needed(ends) if node not in part.nodes for v in node.inputs]
    also = [
        v
        for v in dict.fromkeys([*ends, *used])
        if v in part.variables and v not in before and is_float(v.dtype)
    ]
    if len(group) == 1 and not also:
        return ends
    op = first.op.with_part(part, also, [v.type for v in starts])
    results = record(op, args, {}, several=True)
    replace = dict(zip(also, results[len(starts) :], strict=True))
    by_start = dict(zip(starts, results, strict=False))
    for node in group:
        replace.update(
            (old, by_start[v]) for old, v in zip(node.output_list, node.op.part.starts, strict=True)
        )
    return rebuilt(ends, replace)


def _depend(starts: list) -> bool:
    """Whether one of the variables depends on another."""
    known = set(starts)
    return any(v in known for start in starts for node in needed([start]) for v in node.inputs)


def _flat(args: tuple) -> list:
    return [v for part in args for v in part if v is not None]
