"""Parts of the graph of variables: their dependencies, subgraphs, and copies with replacements.

A gradient or a loop is one node that runs a part of the graph: the calls between its starts and its
ends. Other inputs of the part are computed outside, once.
"""

import copy
import linecache
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from hornbook.compat.theano.integers import NotKnownError
from hornbook.compat.theano.shared import SharedVariable
from hornbook.compat.theano.variable import (
    Apply,
    TensorConstant,
    TensorVariable,
    is_constant,
    methods,
)
from hornbook.core.graph import Graph as CoreGraph
from hornbook.core.symbolic import SHAPES_DIFFER, Node, substitute

TOLD = "Apply node that caused the error"


class MissingInputError(ValueError):
    """The outputs of a function depend on a variable that is not among its inputs."""


class Graph(CoreGraph):
    """The calls from some variables and any constants to others.

    Args:
        inputs: the input variables.
        outputs: variables computed from them.

    Raises:
        MissingInputError: if an output depends on any other variable.
    """

    def __init__(self, inputs: list[TensorVariable], outputs: list[TensorVariable]):
        self.constants = [v for v in sources(outputs, set(inputs)) if is_constant(v)]
        self.wanted = list(inputs)
        super().__init__([*inputs, *self.constants], outputs)

    def _check_connected(self) -> None:
        for node in self.nodes:
            if node.op is None:
                variable = node.outputs
                given = [v for v in self.wanted if not isinstance(v, SharedVariable)]
                raise MissingInputError(
                    f"the outputs depend on the variable {variable}, which is not among the "
                    f"inputs {given}. Pass it to function, or give it a value with givens. "
                    + made_at(variable)
                )

    def run(self, values: list, call: Callable | None = None) -> Any:
        """Compute the outputs for values of the inputs.

        Args:
            values: one for each input.
            call: see the core's `Graph`; by default errors are reported with the program's line.
        """
        known = [*values, *(c.data for c in self.constants)]
        return super().run(known, call or self._call)

    def _call(self, op: Any, args: tuple, kwargs: dict) -> Any:
        try:
            return op(*args, **kwargs)
        except NotKnownError as error:
            if error.variable is None:
                error.variable = self._variable(op, args, error.array)
            raise
        except Exception as error:
            told = _told(error, op, args)
            if told is error:
                raise
            raise told from None

    def _variable(self, op: Any, args: tuple, array: Any) -> Any:
        """The argument variable of a call that has a given value."""
        node = next(node for node in self.nodes if node.op is op)
        values = jax.tree.leaves(args)
        pairs = zip(node.inputs, values, strict=True) if len(values) == len(node.inputs) else ()
        return next((variable for variable, value in pairs if value is array), None)


def _told(error: Exception, op: Any, args: tuple) -> Exception:
    """Add the call and the program's line to an error, once."""
    if any(TOLD in note for note in getattr(error, "__notes__", ())):
        return error
    shapes = ", ".join(str(np.shape(a)) for a in jax.tree.leaves(args))
    misfit = isinstance(error, TypeError) and SHAPES_DIFFER.search(str(error))
    told = ValueError(*error.args).with_traceback(error.__traceback__) if misfit else error
    file, line = op.made
    text = linecache.getline(file, line).strip()
    told.add_note(f'{TOLD}: {op.name} of shapes {shapes}\n  File "{file}", line {line}\n    {text}')
    return told


def made_at(variable: Any) -> str:
    """Text saying where the program created a variable."""
    file, line = variable.where
    text = linecache.getline(file, line).strip()
    return f"It was made in {file}, line {line}" + (f": {text}" if text else ".")


def needed(ends: Iterable[Any], stop: set | frozenset = frozenset()) -> list[Node]:
    """The nodes that variables depend on, in topological order.

    Args:
        ends: the variables.
        stop: variables at which to stop.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(v.node, False) for v in reversed(list(ends)) if v not in stop]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((v.node, False) for v in reversed(node.inputs) if v not in stop)
    return order


def sources(ends: Iterable[Any], stop: set | frozenset = frozenset()) -> list[TensorVariable]:
    """The leaf variables that variables depend on: inputs, shared variables, constants.

    Args:
        ends: the variables.
        stop: variables at which to stop.
    """
    return [node.outputs for node in needed(ends, stop) if node.op is None]


def downstream(nodes: list[Node], starts: set) -> set:
    """The variables that depend on some others, which are included.

    Args:
        nodes: in the order of `needed`.
        starts: the variables to start from.
    """
    found = set(starts)
    for node in nodes:
        if any(v in found for v in node.inputs):
            found.update(node.output_list)
    return found


class Part:
    """The subgraph from some variables to others, and its other inputs.

    Args:
        starts: its start variables.
        ends: its end variables.
        stop: variables treated as inputs, even if they depend on `starts`.

    Attributes:
        outside: its other inputs, computed outside.
        variables, nodes: all that it computes, and the calls that do so.
    """

    def __init__(self, starts: list, ends: list, stop: Iterable = ()):
        self.starts, self.ends, self.stop = starts, ends, list(stop)
        cut = {*starts, *stop}
        nodes = needed(ends, cut)
        self.variables = downstream(nodes, set(starts)) - cut
        inner = [node for node in nodes if any(v in self.variables for v in node.output_list)]
        self.nodes = set(inner)
        used = [v for node in inner for v in node.inputs] + list(ends)
        outside = (v for v in used if v not in self.variables and v not in set(starts))
        self.outside = [v for v in dict.fromkeys(outside) if not is_constant(v)]

    def graph(self, also: Iterable = ()) -> Graph:
        """The graph from `starts` and `outside` to `ends` and the variables in `also`."""
        return Graph([*self.starts, *self.outside], [*self.ends, *also])


def rebuilt(ends: list, replace: dict) -> list:
    """Recompute variables with replacements.

    Args:
        ends: the variables.
        replace: maps variables to their replacements, which are not rebuilt themselves.

    Returns:
        New variables, or the same ones if nothing they depend on is replaced.
    """
    known = dict(replace)
    for node in needed(ends, set(replace)):
        part = getattr(node.op, "part", None)
        if part is not None and not part.variables.isdisjoint(replace):
            results = _with_other_part(node, replace, known)
        elif any(known.get(v, v) is not v for v in node.inputs):
            results = again(node, copy.copy(node.op), substitute(node.args, _known(node, known)))
        else:
            continue
        for old, new in zip(node.output_list, results, strict=True):
            known.setdefault(old, new)
    return [known.get(v, v) for v in ends]


def _known(node: Node, known: dict) -> dict:
    return {v: known.get(v, v) for v in node.inputs}


def _with_other_part(node: Node, replace: dict, known: dict) -> list:
    """The results of a call that runs a part, after replacements in that part."""
    old, pairs = (
        node.op.part,
        {v: new for v, new in replace.items() if v not in node.op.part.starts},
    )
    number = len(old.ends)
    ends = rebuilt([*old.ends, *node.op.also], pairs)
    part = Part(old.starts, ends[:number], [known.get(v, v) for v in old.stop])
    starts, _, vectors = substitute(node.args, _known(node, known))
    op = node.op.with_part(part, ends[number:])
    return again(node, op, (starts, part.outside, vectors))


def again(node: Node, op: Any, args: tuple) -> list:
    """Repeat a call with another op and other arguments."""
    again = Apply(op, args, node.kwargs)
    results = [TensorVariable(v.type, v.name, node=again) for v in node.output_list]
    several = isinstance(node.outputs, list)
    again.outputs = results if several else results[0]
    return results


def clone(output: Any, replace: Any = None, strict: bool = True, share_inputs: bool = True) -> Any:
    """`theano.clone`: copy variables with replacements.

    Args:
        output: a variable, or a list of them.
        replace: a dictionary or pairs from variable to its replacement.
        strict: whether types must be equal.
        share_inputs: `False` creates new inputs too.

    Raises:
        TypeError: if the type of a replacement differs.
    """
    outputs = list(output) if isinstance(output, list | tuple) else [output]
    pairs = dict(replace or {})
    for old, new in pairs.items():
        if strict and (old.ndim != new.ndim or old.dtype != new.dtype):
            raise TypeError(f"clone replaces {old} ({old.type}) by {new} ({new.type})")
    if not share_inputs:
        for source in sources(outputs, set(pairs)):
            if not isinstance(source, TensorConstant):
                pairs[source] = source.clone()
    made = rebuilt(outputs, pairs)
    return made if isinstance(output, list | tuple) else made[0]


def _deepcopied(variable: TensorVariable, memo: dict) -> TensorVariable:
    """Deep copy: shared variables are copied, inputs are not."""
    if id(variable) not in memo:
        shared = [v for v in sources([variable]) if isinstance(v, SharedVariable)]
        if variable in shared:
            made: Any = variable.clone()
            memo[id(variable)] = made
            if made.default_update is not None:
                made.default_update = copy.deepcopy(made.default_update, memo)
        else:
            pairs = {v: copy.deepcopy(v, memo) for v in shared}
            memo[id(variable)] = rebuilt([variable], pairs)[0]
    return memo[id(variable)]


methods(__deepcopy__=_deepcopied)
