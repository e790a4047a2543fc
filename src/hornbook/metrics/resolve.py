"""Resolves the name `"accuracy"` for a model from its loss, last activation and labels."""

from typing import Any

from hornbook import losses
from hornbook.losses.base import LossFunctionWrapper
from hornbook.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    sign_accuracy,
)
from hornbook.metrics.base import Metric
from hornbook.metrics.mean import MeanMetricWrapper

# The kind of targets that each loss implies; other losses imply nothing.
TARGETS = {
    "sparse_categorical_crossentropy": "sparse",
    "categorical_generalized_cross_entropy": "sparse",
    "categorical_crossentropy": "categorical",
    "categorical_focal_crossentropy": "categorical",
    "categorical_hinge": "categorical",
    "binary_crossentropy": "binary",
    "binary_focal_crossentropy": "binary",
    "hinge": "sign",
    "squared_hinge": "sign",
}


def resolve_accuracy(
    loss: Any,
    y_true_shape: tuple,
    y_true_dtype_is_integer: bool,
    y_pred_shape: tuple,
    last_activation: Any = None,
    name: str = "accuracy",
) -> tuple[Metric, str]:
    """The metric that the name `"accuracy"` stands for, and why.

    Args:
        loss: the loss of this output: a name, function, object or `None`.
        y_true_shape: shape of a batch of targets.
        y_true_dtype_is_integer: whether the targets are integers or bools.
        y_pred_shape: shape of a batch of predictions.
        last_activation: the last layer's activation, a name or function; `None` if unknown.
        name: name of the metric.

    Returns:
        The metric and the reason, in one sentence.

    Example:
        >>> metric, reason = resolve_accuracy("mse", (32,), True, (32, 10), "softmax")
        >>> reason
        'sparse categorical accuracy: class numbers of shape (32,) for 10 predictions a sample'
    """
    loss_name, from_logits = describe_loss(loss)
    activation = getattr(last_activation, "__name__", last_activation)
    said = TARGETS.get(loss_name)
    true, pred = tuple(y_true_shape), tuple(y_pred_shape)
    classes = pred[-1] if len(pred) > 1 else 1
    shaped_sparse = classes != 1 and (len(true) < len(pred) or true[-1] == 1)
    if said == "sign" or (classes == 1 and activation == "tanh" and said is None):
        why = f"loss {loss_name}" if said else "one tanh output"
        metric = MeanMetricWrapper(sign_accuracy, name=name)
        return metric, f"binary accuracy: {why}; a prediction counts as 1 above 0"
    if said == "binary" and not shaped_sparse and activation != "softmax":
        threshold = 0.0 if from_logits else 0.5
        logits = " of logits" if from_logits else ""
        why = f"loss {loss_name}{logits}; a prediction counts as 1 above {threshold:g}"
        return BinaryAccuracy(name=name, threshold=threshold), f"binary accuracy: {why}"
    if said == "sparse" or (said != "categorical" and shaped_sparse):
        numbers = f"class numbers of shape {true} for {classes} predictions a sample"
        why = f"loss {loss_name}" if said == "sparse" else numbers
        return SparseCategoricalAccuracy(name=name), f"sparse categorical accuracy: {why}"
    if said == "categorical" or classes != 1:
        why = f"loss {loss_name}" if said == "categorical" else f"one-hot targets of shape {true}"
        return CategoricalAccuracy(name=name), f"categorical accuracy: {why}"
    why = "binary accuracy: one prediction a sample; it counts as 1 above 0.5"
    if not y_true_dtype_is_integer:
        why += " (if the targets are measured numbers, use 'mae' or 'r2_score')"
    return BinaryAccuracy(name=name), why


def describe_loss(loss: Any) -> tuple[str, bool]:
    """The name of a loss function, and whether it takes logits."""
    if isinstance(loss, str):
        loss = losses.TABLE.get(loss, loss)
        loss = loss() if isinstance(loss, type) else loss
    if isinstance(loss, LossFunctionWrapper):
        return describe_loss(loss.fn)[0], bool(loss.fn_kwargs.get("from_logits", False))
    return getattr(loss, "__name__", None) or getattr(loss, "name", None) or str(loss), False
