"""Metrics of Keras 1, which are one number per batch."""

import functools
from collections.abc import Callable
from typing import Any

from hornbook import losses, metrics, ops
from hornbook.core.settings import epsilon

MEANS = (
    "mean_squared_error mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_logarithmic_error hinge squared_hinge categorical_crossentropy "
    "sparse_categorical_crossentropy binary_crossentropy kl_divergence poisson "
    "binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy"
).split()


def _mean(name: str) -> Callable:
    per_sample = getattr(metrics if name.endswith("accuracy") else losses, name)

    @functools.wraps(per_sample)
    def metric(y_true: Any, y_pred: Any, **more: Any) -> Any:
        return ops.mean(per_sample(y_true, y_pred, **more))

    return metric


globals().update({name: _mean(name) for name in MEANS})


def cosine_proximity(y_true: Any, y_pred: Any) -> Any:
    """Minus the mean product of both, L2-normalized along the last axis.

    Args:
        y_true: targets.
        y_pred: predictions.
    """
    return -ops.mean(ops.normalize(y_true, -1) * ops.normalize(y_pred, -1))


def _positive(y: Any) -> Any:
    return ops.round(ops.clip(y, 0, 1))


def precision(y_true: Any, y_pred: Any) -> Any:
    """The fraction of positive predictions that are correct.

    Args:
        y_true: ones and zeros.
        y_pred: probabilities.

    Example:
        >>> float(precision(np.array([1.0, 0.0]), np.array([0.9, 0.8]))).__round__(4)
        0.5
    """
    return ops.sum(_positive(y_true * y_pred)) / (ops.sum(_positive(y_pred)) + epsilon())


def recall(y_true: Any, y_pred: Any) -> Any:
    """The fraction of positive labels that are predicted.

    Args:
        y_true: ones and zeros.
        y_pred: probabilities.
    """
    return ops.sum(_positive(y_true * y_pred)) / (ops.sum(_positive(y_true)) + epsilon())


def fbeta_score(y_true: Any, y_pred: Any, beta: float = 1) -> Any:
    """The weighted harmonic mean of precision and recall; 0 without positive labels.

    Args:
        y_true: ones and zeros.
        y_pred: probabilities.
        beta: weight of the recall relative to the precision.

    Raises:
        ValueError: for a negative weight.
    """
    if beta < 0:
        raise ValueError(f"beta of fbeta_score is 0 or more, not {beta!r}")
    p, r = precision(y_true, y_pred), recall(y_true, y_pred)
    score = (1 + beta**2) * p * r / (beta**2 * p + r + epsilon())
    return ops.where(ops.sum(_positive(y_true)) == 0, 0.0, score)


def fmeasure(y_true: Any, y_pred: Any) -> Any:
    """The harmonic mean of precision and recall.

    Args:
        y_true: ones and zeros.
        y_pred: probabilities.
    """
    return fbeta_score(y_true, y_pred)


def matthews_correlation(y_true: Any, y_pred: Any) -> Any:
    """The correlation of labels and predictions, between -1 and 1.

    Args:
        y_true: ones and zeros.
        y_pred: probabilities.
    """
    true, said = _positive(y_true), _positive(y_pred)
    tp, tn = ops.sum(true * said), ops.sum((1 - true) * (1 - said))
    fp, fn = ops.sum((1 - true) * said), ops.sum(true * (1 - said))
    size = ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / (size + epsilon())
