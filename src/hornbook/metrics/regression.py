"""Means of losses as metrics, and correlations of targets and predictions."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook import losses
from hornbook.core import settings
from hornbook.core.doors import also
from hornbook.core.symbolic import op
from hornbook.losses import regression
from hornbook.losses.shapes import aligned, divide_no_nan, fit_weights
from hornbook.metrics.base import Metric, weights_and_mask
from hornbook.metrics.mean import FunctionMetric, Mean


@also("cosine_proximity")
@op
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """The cosine similarity of two vectors: `sum(unit(y_true) * unit(y_pred))`.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, same shape.
        axis: the axis of the vectors.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
        [1.0]
    """
    return regression.cosine(*aligned("cosine_similarity", y_true, y_pred), axis)


@op
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """The Pearson correlation: `mean(standard(y_true) * standard(y_pred), axis)`.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, same shape.
        axis: the axis to correlate along.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> round(float(pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])[0]), 4)
        1.0
    """
    pair = aligned("pearson_correlation", y_true, y_pred)
    centred = [y - jnp.mean(y, axis=axis, keepdims=True) for y in pair]
    y_true, y_pred = (y / jnp.std(y, axis=axis, keepdims=True) for y in centred)
    return jnp.mean(y_true * y_pred, axis=axis)


@op
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """Lin's concordance correlation: how close predictions are to the line `y_pred = y_true`.

    `2 * covariance / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))**2)` (Lin 1989).

    Args:
        y_true: targets, any shape.
        y_pred: predictions, same shape.
        axis: the axis to correlate along.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> round(float(concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = aligned("concordance_correlation", y_true, y_pred)
    means = [jnp.mean(y, axis=axis) for y in (y_true, y_pred)]
    centred = [
        y - jnp.expand_dims(mean, axis) for y, mean in zip((y_true, y_pred), means, strict=True)
    ]
    spread = [jnp.mean(jnp.square(y), axis=axis) for y in centred]
    covariance = jnp.mean(centred[0] * centred[1], axis=axis)
    norm = sum(spread) + jnp.square(means[0] - means[1])
    return 2 * covariance / (norm + settings.epsilon())


class MeanSquaredError(FunctionMetric, fn=losses.mean_squared_error): ...


class MeanAbsoluteError(FunctionMetric, fn=losses.mean_absolute_error): ...


class MeanAbsolutePercentageError(FunctionMetric, fn=losses.mean_absolute_percentage_error): ...


class MeanSquaredLogarithmicError(FunctionMetric, fn=losses.mean_squared_logarithmic_error): ...


class LogCoshError(FunctionMetric, fn=losses.log_cosh, name="logcosh"): ...


class Poisson(FunctionMetric, fn=losses.poisson): ...


class KLDivergence(FunctionMetric, fn=losses.kl_divergence): ...


class Hinge(FunctionMetric, fn=losses.hinge): ...


class SquaredHinge(FunctionMetric, fn=losses.squared_hinge): ...


class CategoricalHinge(FunctionMetric, fn=losses.categorical_hinge): ...


class BinaryCrossentropy(
    FunctionMetric, fn=losses.binary_crossentropy, order="name dtype from_logits label_smoothing"
): ...


class CategoricalCrossentropy(
    FunctionMetric,
    fn=losses.categorical_crossentropy,
    order="name dtype from_logits label_smoothing axis",
): ...


class SparseCategoricalCrossentropy(
    FunctionMetric,
    fn=losses.sparse_categorical_crossentropy,
    order="name dtype from_logits ignore_class axis",
): ...


class CosineSimilarity(FunctionMetric, fn=cosine_similarity, order="name dtype axis"): ...


class PearsonCorrelation(FunctionMetric, fn=pearson_correlation, order="name dtype axis"): ...


class ConcordanceCorrelation(
    FunctionMetric, fn=concordance_correlation, order="name dtype axis"
): ...


@also("rmse RMSE")
class RootMeanSquaredError(Mean):
    """The root mean squared error over all samples: `sqrt(mean((y_true - y_pred)**2))`.

    Args:
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
        3.0
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add a batch.

        Args:
            y_true: targets, any shape.
            y_pred: predictions, same shape.
            sample_weight: weights, shape `(N,)` or the leading axes of `y_pred`.
        """
        weights = weights_and_mask(y_pred, sample_weight, self.total.dtype)
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        super().update_state(jnp.square(y_pred - y_true), sample_weight=weights)

    def result(self) -> jax.Array:
        """The square root of the mean."""
        return jnp.sqrt(super().result())


AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """The fraction of the targets' variance that predictions explain: `1 - residual / variance`.

    The variance is accumulated around a running mean (Chan et al. 1979), so that targets far from 0
    lose no precision.

    Args:
        class_aggregation: how several outputs are averaged: `"uniform_average"`,
            `"variance_weighted_average"`, or `None` for one result per output.
        num_regressors: number of independent regressors, for the adjusted score; 0 for the plain
            score, which is also used if there are too few samples to adjust.
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: for an unknown aggregation or a negative number of regressors.

    Example:
        >>> float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]))
        1.0
    """

    num_samples: Any
    mean: Any
    variation: Any
    residual: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"class_aggregation of R2Score must be one of {AGGREGATIONS}, "
                f"not {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors of R2Score must be 0 or more, not {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.count: Any = None

    def _build(self, outputs):
        self.num_samples = self._add_sum((), "num_samples")
        for name in ("count", "mean", "variation", "residual"):
            setattr(self, name, self._add_sum((outputs,), name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, shape `(N, D)`.
            y_pred: predictions, same shape.
            sample_weight: weights, shape `(N,)` or `(N, D)`.

        Raises:
            ValueError: for other shapes.
        """
        mask_of = y_pred
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        if y_pred.ndim == 1:
            y_true, y_pred = y_true[:, None], y_pred[:, None]
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name} expects shape (N, D), not {y_pred.shape}")
        if self.count is None:
            self._build(y_pred.shape[1])
        weights = weights_and_mask(mask_of, sample_weight, self.count.dtype)
        weights = jnp.ones(()) if weights is None else weights
        weights = jnp.broadcast_to(fit_weights(weights, y_true), y_true.shape)
        count = jnp.sum(weights, axis=0)
        mean = divide_no_nan(jnp.sum(y_true * weights, axis=0), count)
        variation = jnp.sum(jnp.square(y_true - mean) * weights, axis=0)
        step = mean - self.mean.raw
        part = divide_no_nan(count, self.count.raw + count)
        self._add_to(self.variation, variation + jnp.square(step) * part * self.count.raw)
        self._add_to(self.mean, step * part)
        self._add_to(self.count, count)
        self._add_to(self.residual, jnp.sum(jnp.square(y_true - y_pred) * weights, axis=0))
        self._add_to(self.num_samples, jnp.asarray(y_true.shape[0]))

    def result(self) -> jax.Array:
        """The score; NaN before the first sample, 0 for constant targets with nonzero error."""
        if self.count is None:
            return jnp.asarray(jnp.nan, self.dtype)
        variation, residual = self.variation.raw, self.residual.raw
        constant = jnp.where(residual == 0, 1.0, 0.0)
        scores = jnp.where(variation == 0, constant, 1 - divide_no_nan(residual, variation))
        scores = jnp.where(self.count.raw == 0, jnp.nan, scores)
        if self.class_aggregation == "uniform_average":
            scores = jnp.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = jnp.sum(variation * scores) / jnp.sum(variation)
        if self.num_regressors:
            n = self.num_samples.raw
            free = n - self.num_regressors - 1
            adjusted = 1 - (1 - scores) * (n - 1) / jnp.where(free > 0, free, 1)
            scores = jnp.where(free > 0, adjusted, scores)
        return scores.astype(self.dtype)
