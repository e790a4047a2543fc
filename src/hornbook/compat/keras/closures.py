"""Losses that read tensors of the model beside what they are given.

Old programs wrote `def loss(y_true, y_pred): ... K.mean(z_mean)`, where `z_mean` is symbolic, a
part of the model's graph. Its value follows from the inputs, so such a loss is computed from these.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor, symbolic_leaves


def reads_symbols(loss: Any) -> bool:
    """Whether a function reads symbolic tensors that are not among its arguments.

    Args:
        loss: what a program gave as a loss.
    """
    code = getattr(loss, "__code__", None)
    if code is None:
        return False
    cells = [cell.cell_contents for cell in loss.__closure__ or () if cell != type(cell)()]
    outside = [loss.__globals__[name] for name in code.co_names if name in loss.__globals__]
    return bool(symbolic_leaves([one for one in cells + outside if _may_hold(one)]))


def _may_hold(value: Any) -> bool:
    return isinstance(value, SymbolicTensor | list | tuple)


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
