"""Sums and means over all samples seen."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import config as registry
from hornbook.core.mask import get_mask
from hornbook.core.symbolic import op
from hornbook.losses.base import MEANS, Loss, OfFunction, in_dtype
from hornbook.losses.shapes import divide_no_nan, fit_weights, multiply_weights, weigh
from hornbook.metrics.base import Metric, weights_and_mask
from hornbook.ops import rows


def wide(dtype: str) -> str:
    """The dtype in which values of a dtype are summed: at least float32."""
    return jnp.promote_types(dtype, "float32").name


def samplewise(
    values: Any, sample_weight: Any, reduce: Callable, dtype: str
) -> tuple[jax.Array, jax.Array | None]:
    """One weighted value and one weight per sample.

    Args:
        values: shape `(N, ...)`; an attached mask (`ignore_class`) weights them too.
        sample_weight: shape `(N,)` or the leading axes of `values`.
        reduce: `jnp.mean` or `jnp.sum`, over all axes but the first.
        dtype: dtype of the results.

    Raises:
        ValueError: if the shape of the weights does not match the values.
    """
    mask = get_mask(values)
    values = rows.array(values).astype(dtype)
    weights = None if sample_weight is None else rows.array(sample_weight).astype(dtype)
    if mask is not None:
        mask = mask.astype(dtype)
        weights = mask if weights is None else multiply_weights(weights, mask)
    if weights is None:
        return reduce(values, axis=tuple(range(1, values.ndim))), None
    if values.ndim == 0:
        values = jnp.broadcast_to(values, weights.shape)
    rank = max(weights.ndim, 1)
    weights = fit_weights(weights, values)
    if weights.ndim > rank:  # weights of the leading axes: reduce the others first
        values = reduce(values, axis=tuple(range(rank, values.ndim)))
        weights = weights.reshape(weights.shape[:rank])
    weights = jnp.broadcast_to(weights, values.shape)
    rest = tuple(range(1, values.ndim))
    return reduce(weigh(values, weights), axis=rest), reduce(weights, axis=rest)


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> total = Sum()
        >>> total.update_state([1.0, 3.0]); total.update_state([5.0])
        >>> float(total.result())
        9.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self._add_sum((), "total", wide(self.dtype))

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: array-like.
            sample_weight: weights, shape `(N,)` or the leading axes of `values`.
        """
        values, _ = samplewise(values, sample_weight, jnp.sum, self.total.dtype)
        self._add_to(self.total, jnp.sum(values))

    def result(self) -> jax.Array:
        """The sum."""
        return self.total.value.astype(self.dtype)


class Mean(Metric):
    """The weighted mean of all values.

    Args:
        name: name of the metric.
        dtype: dtype of the result; default `floatx()`.

    Example:
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0]); mean.update_state([5.0], sample_weight=[2.0])
        >>> float(mean.result())
        3.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        kept = wide(self.dtype)
        self.total = self._add_sum((), "total", kept)
        self.count = self._add_sum((), "count", kept)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values; each sample counts as the mean of its values.

        Args:
            values: array-like, shape `(N, ...)`.
            sample_weight: weights, shape `(N,)` or the leading axes of `values`.
        """
        values, weights = samplewise(values, sample_weight, jnp.mean, self.total.dtype)
        count = values.size if weights is None else jnp.sum(weights)
        self._add_to(self.total, jnp.sum(values))
        self._add_to(self.count, jnp.asarray(count))

    def result(self) -> jax.Array:
        """The mean; 0 before the first update."""
        return divide_no_nan(self.total.value, self.count.value).astype(self.dtype)


class MeanMetricWrapper(Mean):
    """The mean of a function `(y_true, y_pred, **kwargs) -> one value per sample`.

    Steps masked in `y_pred` are excluded.

    Args:
        fn: the function, or a loss.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the result; default `floatx()`.
        **kwargs: passed to the function.

    Example:
        >>> metric = MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred))
        >>> float(metric(jnp.array([0.0, 1.0]), jnp.array([1.0, 1.0])))
        0.5
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype)
        self.fn = fn
        self.fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add a batch.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: weights, shape `(N,)` or the leading axes of the values.
        """
        weights = weights_and_mask(y_pred, sample_weight, self.total.dtype)
        if getattr(y_pred, "dtype", None) in ("float16", "bfloat16"):
            y_pred = in_dtype(y_pred, self.total.dtype)
        samples = isinstance(self.fn, Loss) and self.fn.reduction in MEANS
        fn = op(self.fn.call) if samples else self.fn
        super().update_state(fn(y_true, y_pred, **self.fn_kwargs), sample_weight=weights)

    @classmethod
    def from_config(cls, config: dict) -> "MeanMetricWrapper":
        """Create the metric that a config describes; function names refer to built-in metrics."""
        values = {k: registry.deserialize(v, family="metrics") for k, v in config.items()}
        if isinstance(values.get("fn"), str):
            described = {"class_name": "function", "config": values["fn"]}
            values["fn"] = registry.resolve(described, "metrics")
        return cls(**values)


class FunctionMetric(OfFunction, MeanMetricWrapper):
    """Base of metrics derived from a function: its mean."""

    order = "name dtype"
