"""`tf.metrics`: a value over all batches, and the operation that adds one, by today's metrics."""

import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import metrics
from hornbook.compat.tensorflow1.applying import apply, convert, is_traced
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.variables import GraphKeys, Variable, assign
from hornbook.core.variable import bind, unwrap
from hornbook.metrics import Metric

BY_BATCH = (
    "tf.metrics.{} is called where a model of Keras is compiled: each batch is counted by itself, "
    "and Keras averages the batches"
)


def streamed(metric: Metric, given: tuple, weights: Any, name: str) -> tuple[Any, Any]:
    """The value of a metric over all batches, and the update, which is the value after it.

    Args:
        metric: a new one.
        given: what it is updated with.
        weights: of the elements, or `None`.
        name: of the scope of its operations and local variables.
    """
    variables = metric.variables

    def updated(values: list, given: list, weights: Any) -> list:
        with bind(dict(zip(variables, values, strict=True))) as scope:
            metric.update_state(*map(jnp.asarray, given), sample_weight=weights)
        return [scope[variable] for variable in variables]

    def result(values: list) -> Any:
        with bind(dict(zip(variables, values, strict=True))):
            return metric.result()

    if is_traced(given):
        warnings.warn(BY_BATCH.format(name), stacklevel=3)
        found = result(updated([unwrap(v) for v in variables], list(given), weights))
        return found, found
    with get_default_graph().name_scope(name):
        kept = [
            Variable(np.asarray(v), False, [GraphKeys.LOCAL_VARIABLES], name=v.name)
            for v in variables
        ]
        value = apply(result, (kept,), name="value")
        tensors = [convert(one) for one in given], None if weights is None else convert(weights)
        new = apply(updated, (kept, *tensors))
        after = [assign(one, changed) for one, changed in zip(kept, new, strict=True)]
        return value, apply(result, (after,), name="update_op")


def mean(
    values: Any, weights: Any = None, metrics_collections=None, updates_collections=None, name=None
) -> tuple[Any, Any]:
    """`tf.metrics.mean`: the mean over all batches, and the update."""
    return streamed(metrics.Mean(), (values,), weights, name or "mean")


def accuracy(
    labels: Any, predictions: Any, weights: Any = None, *args: Any, name=None, **ignored: Any
) -> tuple[Any, Any]:
    """`tf.metrics.accuracy`: the share of equal labels over all batches, and the update."""
    hits = apply(_equal, (convert(labels), convert(predictions)))
    return mean(hits, weights, name=name or "accuracy")


def _equal(a: Any, b: Any) -> Any:
    return jnp.ravel(jnp.asarray(a) == jnp.asarray(b)).astype("float32")


def _of_labels(make: Callable, kind: str) -> Callable:
    """A metric of labels and predictions."""

    def metric(
        labels: Any,
        predictions: Any,
        weights: Any = None,
        metrics_collections: Any = None,
        updates_collections: Any = None,
        name: str | None = None,
    ) -> tuple[Any, Any]:
        return streamed(make(), (labels, predictions), weights, name or kind)

    metric.__doc__ = f"`tf.metrics.{kind}`: the value over all batches, and the update."
    return metric


mean_squared_error = _of_labels(metrics.MeanSquaredError, "mean_squared_error")
mean_absolute_error = _of_labels(metrics.MeanAbsoluteError, "mean_absolute_error")
root_mean_squared_error = _of_labels(metrics.RootMeanSquaredError, "root_mean_squared_error")


def _of_truths(make: Callable, kind: str) -> Callable:
    """A metric of labels and predictions that are true or false."""
    metric = _of_labels(make, kind)

    def call(labels: Any, predictions: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        truths = [apply(_truth, (convert(one),)) for one in (labels, predictions)]
        return metric(*truths, *args, **kwargs)

    call.__doc__ = metric.__doc__
    return call


def _truth(x: Any) -> Any:
    return jnp.asarray(x).astype(bool).astype("float32")


precision = _of_truths(metrics.Precision, "precision")
recall = _of_truths(metrics.Recall, "recall")
true_positives = _of_truths(metrics.TruePositives, "true_positives")
true_negatives = _of_truths(metrics.TrueNegatives, "true_negatives")
false_positives = _of_truths(metrics.FalsePositives, "false_positives")
false_negatives = _of_truths(metrics.FalseNegatives, "false_negatives")


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Any = None,
) -> tuple[Any, Any]:
    """`tf.metrics.auc`: the area under a curve over all batches, and the update.

    Raises:
        ValueError: for a method of summation other than the default for `"ROC"`, and
            `"careful_interpolation"` for `"PR"`.
    """
    known = {"ROC": ("trapezoidal", "careful_interpolation"), "PR": ("careful_interpolation",)}
    if summation_method not in known.get(curve, ()):
        raise ValueError(
            f"tf.metrics.auc: curve={curve!r} with summation_method={summation_method!r} is not "
            f"known here, only {known}"
        )
    made = metrics.AUC(num_thresholds, curve=curve, thresholds=thresholds)
    return streamed(made, (labels, predictions), weights, name or "auc")


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """`tf.metrics.mean_iou`: the mean overlap of classes over all batches, and the update.

    As today, the update is the mean; in TensorFlow it is the matrix of counts.
    """
    made = metrics.MeanIoU(num_classes)
    return streamed(made, (labels, predictions), weights, name or "mean_iou")
