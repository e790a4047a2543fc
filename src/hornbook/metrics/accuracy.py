"""Accuracies: how often predictions are correct."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import settings
from hornbook.core.doors import also
from hornbook.core.symbolic import op
from hornbook.losses.shapes import aligned, class_numbers, one_shape
from hornbook.metrics.mean import FunctionMetric
from hornbook.ops import rows

ONE_CLASS = "{}: y_pred has only one class (shape {}), which is always right; use binary_accuracy."


def _hits(matches: jax.Array) -> jax.Array:
    return matches.astype(settings.floatx())


def _warn_of_one_class(name, y_pred):
    if y_pred.shape[-1] == 1:
        warnings.warn(ONE_CLASS.format(name, y_pred.shape), SyntaxWarning, stacklevel=4)


@op
def accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where a prediction equals its target, else 0.

    Args:
        y_true: targets, any shape.
        y_pred: predicted classes (not probabilities), same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> accuracy([1, 2, 3], [1, 2, 0]).tolist()
        [1.0, 1.0, 0.0]
    """
    y_true, y_pred = one_shape("accuracy", rows.array(y_true), rows.array(y_pred))
    return _hits(y_true == y_pred)


@op
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> jax.Array:
    """1 where a prediction is on its target's side of the threshold, else 0.

    Args:
        y_true: targets 0 or 1, any shape.
        y_pred: predictions, same shape.
        threshold: predictions above it count as 1; 0 for logits.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> binary_accuracy([1, 1, 0], [0.9, 0.2, 0.3]).tolist()
        [1.0, 0.0, 1.0]
    """
    y_true, y_pred = one_shape("binary_accuracy", rows.array(y_true), rows.array(y_pred))
    return _hits(y_true == (y_pred > threshold).astype(y_true.dtype))


@op
def sign_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where prediction and target agree in being positive, else 0; for targets -1/1 or 0/1.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> sign_accuracy([-1, 1, 1], [-0.9, 0.2, -0.3]).tolist()
        [1.0, 1.0, 0.0]
    """
    y_true, y_pred = one_shape("sign_accuracy", rows.array(y_true), rows.array(y_pred))
    return _hits((y_true > 0) == (y_pred > 0))


@op
def categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where the target's class has the largest prediction, else 0.

    Args:
        y_true: one-hot targets, shape `(N, ..., K)`.
        y_pred: predictions, same shape.

    Raises:
        ValueError: for class indices instead of one-hot targets, or other shape mismatches.

    Example:
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = aligned("categorical_accuracy", y_true, y_pred)
    _warn_of_one_class("categorical_accuracy", y_pred)
    return _hits(jnp.argmax(y_true, axis=-1) == jnp.argmax(y_pred, axis=-1))


@op
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where the target's class index has the largest prediction, else 0.

    Args:
        y_true: class indices, shape `(N, ...)` or `(N, ..., 1)`.
        y_pred: predictions, shape `(N, ..., K)`.

    Raises:
        ValueError: for one-hot targets instead of class indices, or other shape mismatches.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).tolist()
        [1.0, 0.0]
    """
    y_pred = rows.floating(y_pred)
    labels = class_numbers("sparse_categorical_accuracy", y_true, y_pred)
    _warn_of_one_class("sparse_categorical_accuracy", y_pred)
    return _hits(labels == jnp.argmax(y_pred, axis=-1))


def _in_top_k(labels, y_pred, k):
    at_label = jnp.take_along_axis(y_pred, labels[..., None], axis=-1)
    at_label = jnp.where(jnp.isnan(at_label), -jnp.inf, at_label)
    return _hits(jnp.sum(y_pred > at_label, axis=-1) < k)


@op
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> jax.Array:
    """1 where the target's class is among the k largest predictions, else 0.

    Args:
        y_true: one-hot targets, shape `(N, ..., K)`.
        y_pred: predictions, same shape.
        k: number of predictions considered.

    Raises:
        ValueError: for class indices instead of one-hot targets, or other shape mismatches.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.5, 0.4]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = aligned("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(jnp.argmax(y_true, axis=-1), y_pred, k)


@op
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> jax.Array:
    """1 where the target's class index is among the k largest predictions, else 0.

    Args:
        y_true: class indices, shape `(N, ...)` or `(N, ..., 1)`.
        y_pred: predictions, shape `(N, ..., K)`; with `from_sorted_ids` class indices, best first.
        k: number of predictions considered.
        from_sorted_ids: whether `y_pred` holds class indices.

    Raises:
        ValueError: for one-hot targets instead of class indices, or other shape mismatches.

    Example:
        >>> sparse_top_k_categorical_accuracy([2], [[0.1, 0.5, 0.4]], k=2).tolist()
        [1.0]
    """
    y_pred = rows.array(y_pred)
    labels = class_numbers("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        return _hits(jnp.any(labels[..., None] == y_pred[..., :k], axis=-1))
    return _in_top_k(labels, y_pred, k)


# ---- as classes


@also("acc")
class Accuracy(FunctionMetric, fn=accuracy): ...


class BinaryAccuracy(FunctionMetric, fn=binary_accuracy, order="name dtype threshold"): ...


class CategoricalAccuracy(FunctionMetric, fn=categorical_accuracy): ...


class SparseCategoricalAccuracy(FunctionMetric, fn=sparse_categorical_accuracy): ...


class TopKCategoricalAccuracy(
    FunctionMetric, fn=top_k_categorical_accuracy, order="k name dtype"
): ...


class SparseTopKCategoricalAccuracy(
    FunctionMetric, fn=sparse_top_k_categorical_accuracy, order="k name dtype from_sorted_ids"
): ...
