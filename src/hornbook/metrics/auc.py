"""AUC: the area under the ROC or precision-recall curve."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import settings
from hornbook.losses.shapes import divide_no_nan, one_shape
from hornbook.metrics.base import Metric, weights_and_mask
from hornbook.metrics.confusion import COUNTS, Counting, count, parse_thresholds
from hornbook.ops import nn, rows

CURVES = ("ROC", "PR", "PRGAIN")
HEIGHTS: dict[str, Callable] = {
    "interpolation": lambda a, b: (a + b) / 2,
    "minoring": jnp.minimum,
    "majoring": jnp.maximum,
}


class AUC(Counting):
    """The area under the ROC or precision-recall curve, as a Riemann sum over thresholds.

    The precision-recall curve is interpolated as in Davis and Goadrich 2006; precision-recall-gain
    follows Flach and Kull 2015.

    Args:
        num_thresholds: number of thresholds, evenly spaced from 0 to 1.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"`.
        summation_method: height of each strip: `"interpolation"`, `"minoring"` or `"majoring"`.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.
        thresholds: numbers between 0 and 1, instead of `num_thresholds`; 0 and 1 are added.
        multi_label: whether to compute one area per label; the result is their mean.
        num_labels: number of labels, if known.
        label_weights: weights of the labels.
        from_logits: whether predictions are logits instead of probabilities.

    Raises:
        ValueError: for an unknown curve or method, or values out of range.

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        Metric.__init__(self, name=name, dtype=dtype)
        self.curve = _one_of(self.name, "curve", str(curve).upper(), CURVES)
        self.summation_method = _one_of(
            self.name, "summation_method", str(summation_method).lower(), tuple(HEIGHTS)
        )
        if thresholds is not None:
            inner = sorted(parse_thresholds(self.name, thresholds))
        elif num_thresholds <= 1:
            raise ValueError(f"num_thresholds of {self.name} must be above 1, not {num_thresholds}")
        else:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        # just outside [0, 1], so that predictions of exactly 0 and 1 are inside
        self.thresholds = [-settings.epsilon(), *inner, 1 + settings.epsilon()]
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.label_weights = None if label_weights is None else rows.floating(label_weights)
        self.from_logits = from_logits
        self.true_positives = None
        if num_labels and not multi_label:
            raise ValueError(f"{self.name}: num_labels needs multi_label=True")
        if not multi_label:
            self._make((self.num_thresholds,))
        elif num_labels:
            self._make((self.num_thresholds, num_labels))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: targets 0 or 1, any shape; for `multi_label` `(N, L)`.
            y_pred: predictions from 0 to 1, or logits, same shape.
            sample_weight: weights, shape `(N,)` or the leading axes of `y_pred`.

        Raises:
            ValueError: if the shapes differ.
        """
        weights = weights_and_mask(y_pred, sample_weight, "float32")
        y_pred = nn.sigmoid(y_pred) if self.from_logits else rows.floating(y_pred)
        y_true, y_pred = one_shape(self.name, rows.array(y_true), y_pred)
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(
                f"{self.name} with multi_label needs y_pred of shape (N, L), not {y_pred.shape}"
            )
        if self.true_positives is None:
            self._make((self.num_thresholds, y_pred.shape[1]))
        counts = count(
            self.name,
            y_true,
            jnp.clip(y_pred, 0, 1),
            np.asarray(self.thresholds),
            weights,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )
        self._add(counts)

    def result(self) -> jax.Array:
        """The area; for several labels their (weighted) mean."""
        if self.true_positives is None:
            return jnp.zeros((), self.dtype)
        counts = [getattr(self, name).value for name in COUNTS]
        if self.curve == "PR" and self.summation_method == "interpolation":
            strips = _interpolated_pr(*counts)
        else:
            x, y = CURVE_POINTS[self.curve](*counts)
            strips = (x[:-1] - x[1:]) * HEIGHTS[self.summation_method](y[:-1], y[1:])
        area = jnp.sum(strips, axis=0)
        if self.multi_label and self.label_weights is not None:
            area = divide_no_nan(jnp.sum(area * self.label_weights), jnp.sum(self.label_weights))
        return jnp.mean(area).astype(self.dtype)


def _one_of(metric, what, value, known):
    if value not in known:
        raise ValueError(f"{what} of {metric} must be one of {known}, not {value!r}")
    return value


def _roc(tp, fp, tn, fn):
    return divide_no_nan(fp, fp + tn), divide_no_nan(tp, tp + fn)


def _pr(tp, fp, tn, fn):
    return divide_no_nan(tp, tp + fn), divide_no_nan(tp, tp + fp)


def _gain(tp, fp, tn, fn):
    odds = divide_no_nan(tp + fn, tn + fp)
    recall = jnp.where(tp == 0, 0.0, 1.0 - odds * divide_no_nan(fn, tp))
    precision = jnp.where(tp == 0, 1.0, 1.0 - odds * divide_no_nan(fp, tp))
    return jnp.maximum(recall, 0.0), precision


CURVE_POINTS = {"ROC": _roc, "PR": _pr, "PRGAIN": _gain}


def _interpolated_pr(tp, fp, tn, fn):
    """Strip areas under precision-recall; precision is interpolated via counts, not linearly."""
    positive = tp + fp
    more_tp, more = tp[:-1] - tp[1:], positive[:-1] - positive[1:]
    slope = divide_no_nan(more_tp, jnp.maximum(more, 0))
    intercept = tp[1:] - slope * positive[1:]
    both = (positive[:-1] > 0) & (positive[1:] > 0)
    ratio = jnp.where(both, divide_no_nan(positive[:-1], positive[1:]), 1.0)
    area = slope * (more_tp + intercept * jnp.log(ratio))
    return divide_no_nan(area, tp[1:] + fn[1:])
