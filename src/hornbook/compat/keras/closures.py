"""Losses and layers that read tensors of the model other than their arguments.

Old programs wrote `def loss(y_true, y_pred): ... K.mean(z_mean)`, where `z_mean` is a symbolic
tensor of the model's graph. Such a loss is computed from the model's inputs. A layer whose `call`
reads such tensors takes them as additional inputs.
"""

import dis
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
    """The symbolic tensors that a function captures.

    Args:
        function: a loss, or the `call` of a layer.
    """
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    known = function.__globals__
    outside = [known[name] for name in _names_read(code) if name in known]
    return symbolic_leaves([one for one in _cells(function) + outside if _may_hold(one)])


def _cells(function: Any) -> list:
    """The closure variables of a function."""
    return [cell.cell_contents for cell in function.__closure__ or () if cell != type(cell)()]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of the functions nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@functools.lru_cache(4096)
def _names_read(code: CodeType) -> tuple[str, ...]:
    """The global names that a function reads, not those of attributes."""
    steps = chain.from_iterable(map(dis.get_instructions, _codes(code)))
    return tuple(dict.fromkeys(one.argval for one in steps if one.opname == "LOAD_GLOBAL"))


def _may_hold(value: Any) -> bool:
    return isinstance(value, SymbolicTensor | list | tuple)


def derives(function: Any, seen: frozenset = frozenset()) -> bool:
    """Whether a function calls `gradients`, directly or through a function of its module.

    Args:
        function: the `call` of a layer.
        seen: functions already examined.
    """
    code = getattr(function, "__code__", None)
    if code is None or function in seen:
        return False
    names = {name for one in _codes(code) for name in one.co_names}
    called = [function.__globals__[name] for name in names if name in function.__globals__]
    seen |= {function}
    return "gradients" in names or any(derives(one, seen) for one in called + _cells(function))


def through(outputs: Any, inputs: Any) -> tuple[Graph, list[SymbolicTensor]]:
    """The graph from a function's inputs to its outputs, and the other tensors that it reads.

    Args:
        outputs: symbolic tensors.
        inputs: the symbolic tensors the function was called with.
    """
    given = symbolic_leaves(inputs)
    others = sources(outputs, given)
    return Graph([*given, *others], outputs), others


def run_through(inputs: Any, graph: Graph, reads: list, **flags: Any) -> Any:
    """Run the graph recorded from a layer's function on actual inputs.

    Args:
        inputs: in the structure that the function takes.
        graph: see `through`.
        reads: values of the other tensors that it reads.
        **flags: `mask` and `training`; the layers in the graph have their own.
    """
    made = graph.run([*tree.flatten(inputs), *reads])
    return made[0] if isinstance(made, list) and len(made) == 1 else made


def read_by_layer(layer: Any) -> list[SymbolicTensor]:
    """The symbolic tensors that a custom layer, or the function of a `Lambda`, captures.

    Args:
        layer: a layer of an old class or of a subclass of one.
    """
    own = takewhile(lambda kind: "_row" not in vars(kind), type(layer).__mro__)
    functions = [value for kind in own for value in vars(kind).values()]
    functions.append(getattr(layer, "function", None))
    return list(dict.fromkeys(chain.from_iterable(map(symbols_read, functions))))


def reading(layer: Any, symbols: list[SymbolicTensor]) -> Callable:
    """The `call` of a layer, with the values of captured tensors passed as `reads`.

    Args:
        layer: the layer.
        symbols: the tensors that it captures.
    """
    formula = type(layer).call

    def call(*args: Any, reads: list, **kwargs: Any) -> Any:
        with standing(dict(zip(symbols, reads, strict=True))):
            return formula(layer, *args, **kwargs)

    return call


@functools.cache
def with_inputs(kind: Any) -> Any:
    """A model class whose loss is also computed from the inputs.

    Args:
        kind: the model class.
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
