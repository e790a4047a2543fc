"""F scores: precision and recall combined."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.losses.shapes import aligned, divide_no_nan, fit_weights
from hornbook.metrics.base import Metric, weights_and_mask

AVERAGES = (None, "micro", "macro", "weighted")
COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall: `(1 + b**2) * p * r / (b**2 * p + r)`.

    Args:
        average: `None` for one score per class, `"micro"` (counts of all classes together),
            `"macro"` (mean of the scores) or `"weighted"` (mean weighted by frequency).
        beta: weight of recall, above 0.
        threshold: predictions above it are positive, in (0, 1]; `None`: the largest of a sample.
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for an unknown average, or values out of range.

    Example:
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> [round(v, 4) for v in metric(y_true, y_pred).tolist()]
        [0.3846, 0.9091, 0.8333]
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if average not in AVERAGES:
            raise ValueError(f"average of {self.name} must be one of {AVERAGES}, not {average!r}")
        if isinstance(beta, bool) or not isinstance(beta, int | float) or beta <= 0:
            raise ValueError(f"beta of {self.name} must be a number above 0, not {beta!r}")
        if threshold is not None and not (
            isinstance(threshold, int | float) and 0 < threshold <= 1
        ):
            raise ValueError(
                f"threshold of {self.name} must be a number above 0 and at most 1, "
                f"not {threshold!r}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.true_positives: Any = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: targets 0 or 1 (one-hot or multi-hot), shape `(N, K)`.
            y_pred: predictions, same shape.
            sample_weight: weights, shape `(N,)`.

        Raises:
            ValueError: for other shapes.
        """
        weights = weights_and_mask(y_pred, sample_weight, "float32")
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        if y_pred.ndim == 1:
            y_true, y_pred = y_true[:, None], y_pred[:, None]
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name} expects shape (N, K), not {y_pred.shape}")
        if self.true_positives is None:
            shape = () if self.average == "micro" else (y_pred.shape[1],)
            for name in COUNTS:
                setattr(self, name, self._add_sum(shape, name))
        if self.threshold is None:
            largest = jnp.max(y_pred, axis=-1, keepdims=True)
            found = (y_pred >= largest) & (jnp.abs(y_pred) > 1e-9)
        else:
            found = y_pred > self.threshold
        found = found.astype("float32")
        true = y_true.astype("float32")
        weights = jnp.ones(()) if weights is None else fit_weights(weights, found)
        axis = None if self.average == "micro" else 0
        counts = (found * true, found * (1 - true), (1 - found) * true, true)
        for name, which in zip(COUNTS, counts, strict=True):
            self._add_to(getattr(self, name), jnp.sum(which * weights, axis=axis))

    def result(self) -> jax.Array:
        """The score, or one per class."""
        if self.true_positives is None:
            return jnp.zeros((), self.dtype)
        tp, fp, fn, positives = (getattr(self, name).value for name in COUNTS)
        square = self.beta**2
        score = divide_no_nan((1 + square) * tp, (1 + square) * tp + square * fn + fp)
        if self.average == "weighted":
            score = divide_no_nan(jnp.sum(score * positives), jnp.sum(positives))
        elif self.average is not None:
            score = jnp.mean(score)
        return score.astype(self.dtype)


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `2 * p * r / (p + r)`.

    Args:
        average: `None` for one score per class, `"micro"` (counts of all classes together),
            `"macro"` (mean of the scores) or `"weighted"` (mean weighted by frequency).
        threshold: predictions above it are positive, in (0, 1]; `None`: the largest of a sample.
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for an unknown average, or values out of range.

    Example:
        >>> metric = F1Score(threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> [round(v, 4) for v in metric(y_true, y_pred).tolist()]
        [0.5, 0.8, 0.6667]
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
