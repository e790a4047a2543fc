"""Counts of true and false positives and negatives at thresholds, and metrics based on them."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.losses.shapes import divide_no_nan, fit_weights, one_shape
from hornbook.metrics.base import Metric, weights_and_mask
from hornbook.metrics.sums import count_by
from hornbook.ops import rows

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def count(
    name: str,
    y_true: Any,
    y_pred: Any,
    thresholds: Any,
    weights: jax.Array | None = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Weighted counts of a batch at each threshold, by the names of `COUNTS`.

    A prediction is positive where it is above the threshold. Each prediction falls into a bin
    between two thresholds; cumulative sums of the bins' weights give the counts.

    Args:
        name: the metric's name, for messages.
        y_true: targets, zero or nonzero, any shape.
        y_pred: predictions, same shape.
        thresholds: numbers, shape `(T,)`.
        weights: weights over the leading axes of `y_pred`.
        top_k: only the k largest values of the last axis can be positive.
        class_id: count only this index of the last axis.
        multi_label: whether to keep the last of two axes.
        label_weights: weights over the last axis, shape `(L,)`.

    Returns:
        Arrays of shape `(T,)`, or `(T, L)` for `multi_label`.
    """
    y_pred = rows.floating(y_pred).astype("float32")
    positive = rows.array(y_true) != 0
    positive, y_pred = one_shape(name, positive, y_pred)
    weighted = weights is not None or label_weights is not None
    weights = jnp.ones(()) if weights is None else fit_weights(weights, y_pred)
    weights = jnp.broadcast_to(weights, y_pred.shape)
    if top_k is not None:
        y_pred = jnp.where(_is_top(y_pred, top_k), y_pred, -jnp.inf)
    if class_id is not None:
        if y_pred.ndim < 2:
            raise ValueError(f"{name}: class_id needs y_pred of shape (N, K), not {y_pred.shape}")
        y_pred, positive, weights = (a[..., class_id] for a in (y_pred, positive, weights))
    if label_weights is not None:
        weights = weights * label_weights
    weights = weights.astype("float32")
    labels = y_pred.shape[-1] if multi_label else 1
    y_pred, positive, weights = (a.reshape(-1, labels) for a in (y_pred, positive, weights))

    thresholds = np.asarray(thresholds, "float32")
    order = np.argsort(thresholds, kind="stable")
    # how many thresholds each prediction exceeds; NaN exceeds none
    passed = jnp.searchsorted(jnp.asarray(thresholds[order]), y_pred, side="left")
    passed = jnp.where(jnp.isnan(y_pred), 0, passed)
    shape = (2, len(thresholds) + 1, labels)
    bins = (positive * shape[1] + passed) * labels + jnp.arange(labels)
    there = count_by(bins.ravel(), math.prod(shape), weights.ravel() if weighted else None)

    def above_and_below(there):
        above = jnp.cumsum(there[::-1], axis=0)[::-1]
        ranked = np.argsort(order)  # back to the original order of thresholds
        both = above[1:][ranked], (above[0] - above[1:])[ranked]
        return both if multi_label else tuple(a[:, 0] for a in both)

    negative, positive = there.reshape(shape)
    true_positives, false_negatives = above_and_below(positive)
    false_positives, true_negatives = above_and_below(negative)
    listed = (true_positives, false_positives, true_negatives, false_negatives)
    return dict(zip(COUNTS, listed, strict=True))


def _is_top(y_pred, k):
    _, index = jax.lax.top_k(y_pred, k)
    return jnp.any(jax.nn.one_hot(index, y_pred.shape[-1], dtype=bool), axis=-2)


def parse_thresholds(name: str, thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list, checked to lie in [0, 1].

    Raises:
        ValueError: if one does not.
    """
    if thresholds is None:
        return [default]
    listed = list(thresholds) if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    wrong = [t for t in listed if t is None or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"thresholds of {name} must lie from 0 to 1, not {wrong}")
    return [float(t) for t in listed]


class Counting(Metric):
    """Base of metrics computed from the counts named in `KEPT`."""

    KEPT: tuple[str, ...] = COUNTS

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any

    def _make(self, shape):
        for name in self.KEPT:
            setattr(self, name, self._add_sum(shape, name))

    def _add(self, counts):
        for name in self.KEPT:
            self._add_to(getattr(self, name), counts[name])


class ThresholdCount(Counting):
    """Base of the count metrics: the weighted number of samples of one kind, at each threshold."""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.thresholds = parse_thresholds(self.name, thresholds)
        self._make((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: targets 0 or 1, any shape.
            y_pred: predictions from 0 to 1, same shape.
            sample_weight: weights, shape `(N,)` or the leading axes of `y_pred`.
        """
        weights = weights_and_mask(y_pred, sample_weight, "float32")
        self._add(count(self.name, y_true, y_pred, self.thresholds, weights))

    def result(self) -> jax.Array:
        """The count; an array if there are several thresholds."""
        value = getattr(self, self.KEPT[0]).value.astype(self.dtype)
        return value[0] if len(self.thresholds) == 1 else value


class TruePositives(ThresholdCount):
    """The weighted number of positives predicted positive.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(TruePositives()([1, 1, 0], [0.9, 0.2, 0.8]))
        1.0
    """

    KEPT = ("true_positives",)


class FalsePositives(ThresholdCount):
    """The weighted number of negatives predicted positive.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(FalsePositives()([1, 1, 0], [0.9, 0.2, 0.8]))
        1.0
    """

    KEPT = ("false_positives",)


class TrueNegatives(ThresholdCount):
    """The weighted number of negatives predicted negative.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(TrueNegatives()([1, 1, 0], [0.9, 0.2, 0.8]))
        0.0
    """

    KEPT = ("true_negatives",)


class FalseNegatives(ThresholdCount):
    """The weighted number of positives predicted negative.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(FalseNegatives()([1, 1, 0], [0.9, 0.2, 0.8]))
        1.0
    """

    KEPT = ("false_negatives",)


class HitRate(Counting):
    """Base of precision and recall: true positives over true positives plus the other count."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        default = 0.5 if top_k is None else float("-inf")
        self.thresholds = parse_thresholds(self.name, thresholds, default)
        self.top_k = top_k
        self.class_id = class_id
        self._make((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: targets 0 or 1, any shape.
            y_pred: predictions from 0 to 1, same shape.
            sample_weight: weights, shape `(N,)` or the leading axes of `y_pred`.
        """
        weights = weights_and_mask(y_pred, sample_weight, "float32")
        counts = count(
            self.name, y_true, y_pred, self.thresholds, weights, self.top_k, self.class_id
        )
        self._add(counts)

    def result(self) -> jax.Array:
        """The ratio, 0 if the denominator is 0; an array if there are several thresholds."""
        hits, others = (getattr(self, name).value for name in self.KEPT)
        share = divide_no_nan(hits, hits + others).astype(self.dtype)
        return share[0] if len(self.thresholds) == 1 else share


class Precision(HitRate):
    """The fraction of predicted positives that are positive: `tp / (tp + fp)`.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5,
            or with `top_k` none.
        top_k: only the k highest-scored classes of a sample can be positive.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0]))
        0.5
    """

    KEPT = ("true_positives", "false_positives")


class Recall(HitRate):
    """The fraction of positives that are predicted positive: `tp / (tp + fn)`.

    Args:
        thresholds: predictions above it are positive; one or a list, in [0, 1]; default 0.5,
            or with `top_k` none.
        top_k: only the k highest-scored classes of a sample can be positive.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0])), 4)
        0.3333
    """

    KEPT = ("true_positives", "false_negatives")


def even_thresholds(number: int) -> list[float]:
    """Evenly spaced numbers from 0 to 1; a single one is 0.5."""
    return [0.5] if number == 1 else [i / (number - 1) for i in range(number)]


class BestUnder(Counting):
    """Base of metrics "best X where Y is at least v"; `best_of` and `where` name the two rates."""

    best_of = where = ""

    def _prepare(self, what, value, num_thresholds, class_id, name, dtype):
        Metric.__init__(self, name=name, dtype=dtype)
        if not 0 <= value <= 1:
            raise ValueError(f"{what} of {self.name} must lie from 0 to 1, not {value}")
        if num_thresholds <= 0:
            raise ValueError(f"num_thresholds of {self.name} must be positive")
        setattr(self, what, value)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = even_thresholds(num_thresholds)
        self._make((num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: targets 0 or 1, any shape.
            y_pred: predictions from 0 to 1, same shape.
            sample_weight: weights, shape `(N,)` or the leading axes of `y_pred`.
        """
        weights = weights_and_mask(y_pred, sample_weight, "float32")
        self._add(
            count(self.name, y_true, y_pred, self.thresholds, weights, class_id=self.class_id)
        )

    def _rate(self, name):
        tp, fp, tn, fn = (getattr(self, count).value for count in COUNTS)
        hits, all_ = {
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "precision": (tp, tp + fp),
        }[name]
        return divide_no_nan(hits, all_)

    def result(self) -> jax.Array:
        """The best rate; 0 if no threshold meets the condition."""
        allowed = self._rate(self.where) >= self.value
        return jnp.max(jnp.where(allowed, self._rate(self.best_of), 0)).astype(self.dtype)


class SensitivityAtSpecificity(BestUnder):
    """The best sensitivity `tp / (tp + fn)` at a minimum specificity `tn / (tn + fp)`.

    Args:
        specificity: the minimum specificity, from 0 to 1.
        num_thresholds: number of evenly spaced thresholds from 0 to 1.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    best_of, where = "sensitivity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._prepare("specificity", specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(BestUnder):
    """The best specificity `tn / (tn + fp)` at a minimum sensitivity `tp / (tp + fn)`.

    Args:
        sensitivity: the minimum sensitivity, from 0 to 1.
        num_thresholds: number of evenly spaced thresholds from 0 to 1.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> value = SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(value), 4)
        0.6667
    """

    best_of, where = "specificity", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._prepare("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(BestUnder):
    """The best precision `tp / (tp + fp)` at a minimum recall `tp / (tp + fn)`.

    Args:
        recall: the minimum recall, from 0 to 1.
        num_thresholds: number of evenly spaced thresholds from 0 to 1.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    best_of, where = "precision", "sensitivity"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._prepare("recall", recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(BestUnder):
    """The best recall `tp / (tp + fn)` at a minimum precision `tp / (tp + fp)`.

    Args:
        precision: the minimum precision, from 0 to 1.
        num_thresholds: number of evenly spaced thresholds from 0 to 1.
        class_id: count only this class of one-hot targets.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.5
    """

    best_of, where = "sensitivity", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._prepare("precision", precision, num_thresholds, class_id, name, dtype)
