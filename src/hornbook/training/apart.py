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
from hornbook.layers.calling import arguments_of, overrides
from hornbook.layers.jax_layer import JaxLayer
from hornbook.layers.lambda_ import Lambda
from hornbook.training.overrides import has_own_steps
from hornbook.training.padding import STEPWISE
from hornbook.training.protocol import Trainable

OURS = "hornbook."
OPEN = (Lambda, JaxLayer)  # layers that run a user's function
# Operations on elements, as a graph records them.
ELEMENTWISE = {"add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"}
LEAST = 8  # rows of a padded batch; fewer hardly save time
OWN_PREDICTION = ("predict_step", "make_predict_function")


def rows_are_apart(model: Any, training: bool = False) -> bool:
    """Whether each row of the outputs depends on that row of the inputs alone.

    Args:
        model: the model.
        training: whether this must hold in training too, and no layer draw random numbers.

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
    known = all(t.shape and t.shape[0] is None for t in tensors)
    return known and all(_apart(node, training) for node in graph.nodes)


def _apart(node: Any, training: bool) -> bool:
    """Whether a call in a graph keeps rows apart."""
    if isinstance(node.op, Trainable):
        return not node.kwargs.get("training") and rows_are_apart(node.op, training)
    if isinstance(node.op, FunctionType):
        same = len({t.ndim for t in node.inputs}) == 1
        numbers = all(
            np.ndim(a) == 0 for a in tree.flatten(node.args) if not isinstance(a, SymbolicTensor)
        )
        return node.op.__name__ in ELEMENTWISE and same and numbers and not node.kwargs
    simple = isinstance(node.op, Layer) and not node.kwargs.get("training")
    return simple and all(
        _is_known(module) and (not training or _is_same_in_training(module))
        for module in all_modules(node.op)
    )


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


def _is_same_in_training(module: Any) -> bool:
    """Whether a part of a layer has no state of training, such as moving averages or a seed."""
    chooses = isinstance(module, Layer) and "training" in arguments_of(type(module).call)
    allowed = {"weight"} if chooses else {"weight", "state"}
    return {variable.kind for variable in owned_variables(module)} <= allowed


def rows_can_be_added(model: Any) -> bool:
    """Whether a training step with rows that are masked in the outputs equals one without them."""
    objective = model._training_state.objective
    if not results_add_up(model, training=True) or len(objective.trackers) > 1:
        return False
    means = all(isinstance(one.metric, metrics.MeanMetricWrapper) for one in objective.reported)
    # A loss of outputs without a second axis is a mean over the rows themselves.
    return means and all(tensor.ndim > 1 for tensor in model._known_graph().output_list)


def results_add_up(model: Any, training: bool = False) -> bool:
    """Whether the results of a batch are those of its pieces, added up.

    They are if rows are apart, the loss is a mean over rows, and metrics add up over batches.

    Args:
        model: compiled.
        training: whether in training, else in an evaluation.
    """
    objective = model._training_state.objective
    if has_own_steps(model) or not rows_are_apart(model, training):
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
    return plain and loss.reduction in ("mean", "sum_over_batch_size") and _is_by_row(loss)


def _adds_up(metric: Any) -> bool:
    if isinstance(metric, metrics.MeanMetricWrapper) and not _is_by_row(metric):
        return False
    return type(metric).__module__.startswith(OURS)


def _is_by_row(one: Any) -> bool:
    return one.fn in STEPWISE and one.fn_kwargs.get("axis", -1) == -1


def padded_size(rows: int) -> int:
    """The next power of two.

    Example:
        >>> [padded_size(n) for n in (1, 2, 3, 17, 32)]
        [1, 2, 4, 32, 32]
    """
    return 1 << (rows - 1).bit_length()


def filled_size(rows: int, batch: int) -> int:
    """The size that a smaller last batch is padded to: at least 8, at most a whole batch.

    Example:
        >>> [filled_size(n, 48) for n in (1, 9, 31, 33)]
        [8, 16, 32, 48]
    """
    return min(max(padded_size(rows), LEAST), batch)


def pieces(rows: int) -> list[int]:
    """Powers of two that add up to a number of rows, the largest first.

    Example:
        >>> pieces(13)
        [8, 4, 1]
    """
    return [1 << bit for bit in reversed(range(rows.bit_length())) if rows >> bit & 1]
