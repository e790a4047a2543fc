"""Models whose rows are computed apart, so that batches may be padded with rows or cut in pieces.

Each number of rows is a new shape, and each shape is compiled. In a graph of hornbook's own layers
a row of the outputs depends on the same row of the inputs alone, unless an axis, a fixed batch size
or user code says otherwise; then a batch keeps its size.
"""

from types import FunctionType
from typing import Any

import numpy as np

from hornbook import losses, metrics
from hornbook.core import tree
from hornbook.core.module import all_modules, owned_variables
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.base import Layer
from hornbook.layers.calling import overrides
from hornbook.layers.jax_layer import JaxLayer
from hornbook.layers.lambda_ import Lambda
from hornbook.training.overrides import has_own_steps
from hornbook.training.padding import STEPWISE
from hornbook.training.protocol import Trainable

OURS = "hornbook."
OPEN = (Lambda, JaxLayer)  # layers that run a user's function
# Operations on elements, as a graph records them.
ELEMENTWISE = {"add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"}
OWN_PREDICTION = ("predict_step", "make_predict_function")


def rows_are_apart(model: Any) -> bool:
    """Whether each row of a prediction depends on that row of the inputs alone.

    Example:
        >>> import hornbook as keras
        >>> inputs = keras.Input((3,))
        >>> outputs = keras.layers.Dense(2)(inputs)
        >>> rows_are_apart(keras.Model(inputs, outputs))
        True
        >>> rows_are_apart(keras.Model(inputs, outputs - keras.ops.mean(outputs, axis=0)))
        False
    """
    graph = model._known_graph()
    if graph is None or overrides(type(model), *OWN_PREDICTION):
        return False
    tensors = [*graph.input_list, *(t for node in graph.nodes for t in node.output_list)]
    return all(t.shape and t.shape[0] is None for t in tensors) and all(map(_apart, graph.nodes))


def _apart(node: Any) -> bool:
    """Whether a call in a graph keeps rows apart."""
    if isinstance(node.op, Trainable):
        return not node.kwargs.get("training") and rows_are_apart(node.op)
    if isinstance(node.op, FunctionType):
        same = len({t.ndim for t in node.inputs}) == 1
        numbers = all(
            np.ndim(a) == 0 for a in tree.flatten(node.args) if not isinstance(a, SymbolicTensor)
        )
        return node.op.__name__ in ELEMENTWISE and same and numbers and not node.kwargs
    simple = isinstance(node.op, Layer) and not node.kwargs.get("training")
    return simple and all(map(_is_known, all_modules(node.op)))


def _is_known(module: Any) -> bool:
    """Whether a layer, or a part of one, is hornbook's and runs hornbook's functions alone."""
    if not type(module).__module__.startswith(OURS) or isinstance(module, OPEN):
        return False
    if any(variable.kind == "carry" for variable in owned_variables(module)):
        return False
    settings = vars(module)
    axes = [settings.get("axis"), settings.get("axes")]
    # Counted from the end, an axis may be that of rows, as -2 of matrices is.
    if any(axis == 0 or axis < -1 for axis in tree.flatten(axes) if isinstance(axis, int)):
        return False
    functions = [value for value in settings.values() if callable(value)]
    return all(str(getattr(f, "__module__", "")).startswith(OURS) for f in functions)


def results_add_up(model: Any) -> bool:
    """Whether an evaluation of a batch in pieces gives the results of the whole.

    It does if rows are apart, the loss is a mean over rows, and metrics add up over batches.
    """
    objective = model._training_state.objective
    if has_own_steps(model) or not rows_are_apart(model):
        return False
    masked = any(tensor.mask is not None for tensor in model._known_graph().output_list)
    told = any(getattr(m, "activity_regularizer", None) for m in all_modules(model))
    told = told or any(getattr(m, "_loss_functions", None) for m in all_modules(model))
    terms = [term.loss for terms in objective.losses.values() for term in terms]
    reported = [report.metric for report in objective.reported]
    known = all(map(_is_mean, terms)) and all(map(_adds_up, reported))
    return known and not masked and not told and len(model.metrics) == len(objective.metrics)


def _is_mean(loss: Any) -> bool:
    plain = type(loss).__module__.startswith(OURS) and isinstance(loss, losses.LossFunctionWrapper)
    return plain and loss.reduction in ("mean", "sum_over_batch_size") and loss.fn in STEPWISE


def _adds_up(metric: Any) -> bool:
    if isinstance(metric, metrics.MeanMetricWrapper) and metric.fn not in STEPWISE:
        return False
    return type(metric).__module__.startswith(OURS)


def padded_size(rows: int) -> int:
    """The next power of two.

    Example:
        >>> [padded_size(n) for n in (1, 2, 3, 17, 32)]
        [1, 2, 4, 32, 32]
    """
    return 1 << (rows - 1).bit_length()


def with_rows(x: Any, rows: int) -> Any:
    """Inputs, padded with their last row."""

    def padded(array: Any) -> np.ndarray:
        array = np.asarray(array)
        return np.concatenate([array, np.repeat(array[-1:], rows - len(array), axis=0)])

    return tree.map_structure(padded, x)


def pieces(rows: int) -> list[int]:
    """Powers of two that add up to a number of rows, the largest first.

    Example:
        >>> pieces(13)
        [8, 4, 1]
    """
    return [1 << bit for bit in reversed(range(rows.bit_length())) if rows >> bit & 1]
