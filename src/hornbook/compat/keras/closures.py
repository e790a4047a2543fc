"""Losses and layers that read tensors of the model beside what they are given.

Old programs wrote `def loss(y_true, y_pred): ... K.mean(z_mean)`, where `z_mean` is symbolic, a
part of the model's graph. Its value follows from the inputs, so such a loss is computed from these.
A layer whose `call` reads such tensors takes them as inputs beside its own.
"""

import functools
from collections.abc import Callable, Iterator
from itertools import chain, takewhile
from types import CodeType
from typing import Any

import jax.numpy as jnp

from hornbook.compat.keras.engine import sources
from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor, standing, symbolic_leaves


def symbols_read(function: Any) -> list[SymbolicTensor]:
    """The symbolic tensors that a function reads though they are not among its arguments.

    Args:
        function: what a program gave as a loss, or as the formula of a layer.
    """
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    names = [name for one in _codes(code) for name in one.co_names]
    outside = [function.__globals__[name] for name in names if name in function.__globals__]
    return symbolic_leaves([one for one in _cells(function) + outside if _may_hold(one)])


def _cells(function: Any) -> list:
    """What a function reads of the functions around it."""
    return [cell.cell_contents for cell in function.__closure__ or () if cell != type(cell)()]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those that are written inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _may_hold(value: Any) -> bool:
    return isinstance(value, SymbolicTensor | list | tuple)


def derives(function: Any, seen: frozenset = frozenset()) -> bool:
    """Whether a function calls `gradients`, itself or in a function of its module.

    Args:
        function: the formula of a layer.
        seen: functions that are looked at already.
    """
    code = getattr(function, "__code__", None)
    if code is None or function in seen:
        return False
    names = {name for one in _codes(code) for name in one.co_names}
    called = [function.__globals__[name] for name in names if name in function.__globals__]
    seen |= {function}
    return "gradients" in names or any(derives(one, seen) for one in called + _cells(function))


def through(outputs: Any, inputs: Any) -> tuple[Graph, list[SymbolicTensor]]:
    """The graph from some tensors to what a function has made of them, and what else it needs.

    Args:
        outputs: symbolic tensors.
        inputs: those that the function was called with.
    """
    given = symbolic_leaves(inputs)
    others = sources(outputs, given)
    return Graph([*given, *others], outputs), others


def run_through(inputs: Any, graph: Graph, reads: list, **flags: Any) -> Any:
    """The formula of a layer whose function was called once, with symbolic tensors.

    Args:
        inputs: as the function took them.
        graph: see `through`.
        reads: what else it needs.
        **flags: `mask` and `training`, which each layer in the graph has by itself.
    """
    made = graph.run([*tree.flatten(inputs), *reads])
    return made[0] if isinstance(made, list) and len(made) == 1 else made


def read_by_layer(layer: Any) -> list[SymbolicTensor]:
    """The symbolic tensors that a program's own layer, or the function of a `Lambda`, reads.

    Args:
        layer: a layer with an old name, or of a class that a program made of one.
    """
    own = takewhile(lambda kind: "_row" not in vars(kind), type(layer).__mro__)
    functions = [value for kind in own for value in vars(kind).values()]
    functions.append(getattr(layer, "function", None))
    return list(dict.fromkeys(chain.from_iterable(map(symbols_read, functions))))


def reading(layer: Any, symbols: list[SymbolicTensor]) -> Callable:
    """The formula of a layer, which takes the values of what it reads as `reads`.

    Args:
        layer: the layer.
        symbols: what it reads.
    """
    formula = type(layer).call

    def call(*args: Any, reads: list, **kwargs: Any) -> Any:
        with standing(dict(zip(symbols, reads, strict=True))):
            return formula(layer, *args, **kwargs)

    return call


@functools.cache
def with_inputs(kind: Any) -> Any:
    """A class of models whose one loss is computed from the inputs too.

    Args:
        kind: the class of the model.
    """

    def compute_loss(self, x, y, y_pred, sample_weight=None):
        loss = _of_graph(self, self.loss, x, y, y_pred)
        if sample_weight is not None:
            loss = loss * jnp.reshape(sample_weight, sample_weight.shape[: jnp.ndim(loss)])
        return sum((jnp.sum(one) for one in self.losses), jnp.mean(loss))

    own = {"compute_loss": compute_loss, "__module__": kind.__module__}
    made = type(kind)(kind.__name__, (kind,), own)
    for name in ("_row", "_today", "_names", "_stated_class"):
        if name in vars(kind):
            setattr(made, name, vars(kind)[name])
    return made


def _of_graph(model: Any, loss: Callable, x: Any, y: Any, y_pred: Any) -> Any:
    given = [*tree.flatten(y), *tree.flatten(y_pred)]
    symbols = [SymbolicTensor((None, *one.shape[1:]), one.dtype) for one in given]
    count = len(tree.flatten(y))
    made = loss(_one(symbols[:count]), _one(symbols[count:]))
    graph = Graph([*model.inputs, *symbols], made)
    return graph.run([*model._match(x), *given])


def _one(values: list) -> Any:
    return values[0] if len(values) == 1 else values
