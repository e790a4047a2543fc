"""Regression losses: one value per sample, the mean over the last axis."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import settings
from hornbook.core.doors import also
from hornbook.core.symbolic import op
from hornbook.losses.base import FunctionLoss
from hornbook.losses.shapes import aligned


@also("mse MSE")
@op
def mean_squared_error(y_true: Any, y_pred: Any) -> jax.Array:
    """The mean squared error: `mean((y_true - y_pred)**2, axis=-1)`.

    Args:
        y_true: targets, shape `(N, ..., D)`.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [2.5]
    """
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


@also("mae MAE")
@op
def mean_absolute_error(y_true: Any, y_pred: Any) -> jax.Array:
    """The mean absolute error: `mean(|y_true - y_pred|, axis=-1)`.

    Args:
        y_true: targets, shape `(N, ..., D)`.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


@also("mape MAPE")
@op
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> jax.Array:
    """The mean absolute percentage error: `100 * mean(|(y_true - y_pred) / y_true|, axis=-1)`.

    Args:
        y_true: targets, shape `(N, ..., D)`; magnitudes are at least `epsilon()`.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).tolist()
        [25.0]
    """
    y_true, y_pred = aligned("mean_absolute_percentage_error", y_true, y_pred)
    size = jnp.maximum(jnp.abs(y_true), settings.epsilon())
    return 100.0 * jnp.mean(jnp.abs((y_true - y_pred) / size), axis=-1)


@also("msle MSLE")
@op
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> jax.Array:
    """The mean squared error of logarithms.

    `mean((log(y_true + 1) - log(y_pred + 1))**2, axis=-1)`

    Args:
        y_true: targets, shape `(N, ..., D)`, clipped to at least `epsilon()`.
        y_pred: predictions, same shape, likewise.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 1.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = aligned("mean_squared_logarithmic_error", y_true, y_pred)
    logs = [jnp.log(jnp.maximum(y, settings.epsilon()) + 1.0) for y in (y_true, y_pred)]
    return jnp.mean(jnp.square(logs[1] - logs[0]), axis=-1)


@also("cosine_proximity")
@op
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """The negative cosine similarity of two vectors: `-sum(unit(y_true) * unit(y_pred))`.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, same shape.
        axis: the axis of the vectors.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
        [-1.0]
    """
    y_true, y_pred = aligned("cosine_similarity", y_true, y_pred)
    return -cosine(y_true, y_pred, axis)


def cosine(y_true: jax.Array, y_pred: jax.Array, axis: int) -> jax.Array:
    """The cosine similarity of vectors; 0 if one of them is zero."""
    return jnp.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x, axis):
    square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
    zero = square == 0
    inverse = jnp.where(zero, 0, jax.lax.rsqrt(jnp.where(zero, 1, square)))
    return x * jnp.minimum(inverse, 1 / settings.epsilon())


@also("huber_loss")
@op
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> jax.Array:
    """The Huber loss: quadratic for small errors, linear for large ones.

    `mean(e**2 / 2 where |e| <= delta else delta * |e| - delta**2 / 2, axis=-1)`, e the error
    (Huber 1964, Robust Estimation of a Location Parameter).

    Args:
        y_true: targets, shape `(N, ..., D)`.
        y_pred: predictions, same shape.
        delta: the error at which the loss becomes linear.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = aligned("huber", y_true, y_pred)
    delta = jnp.asarray(delta, y_pred.dtype)
    error = y_pred - y_true
    size = jnp.abs(error)
    small, large = 0.5 * jnp.square(error), delta * size - 0.5 * jnp.square(delta)
    return jnp.mean(jnp.where(size <= delta, small, large), axis=-1)


@also("logcosh")
@op
def log_cosh(y_true: Any, y_pred: Any) -> jax.Array:
    """The logarithm of the hyperbolic cosine of the error: `mean(log(cosh(error)), axis=-1)`.

    About `e**2 / 2` for small errors and `|e| - log(2)` for large ones.

    Args:
        y_true: targets, shape `(N, ..., D)`.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> log_cosh([[0.0, 0.0]], [[0.0, 0.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = aligned("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    return jnp.mean(error + jax.nn.softplus(-2.0 * error) - jnp.log(2.0).astype(error.dtype), -1)


@op
def poisson(y_true: Any, y_pred: Any) -> jax.Array:
    """The negative log-likelihood of counts: `mean(y_pred - y_true * log(y_pred), axis=-1)`.

    Args:
        y_true: counts, shape `(N, ..., D)`.
        y_pred: predicted rates, positive, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> [round(v, 3) for v in poisson([[1.0, 2.0]], [[1.0, 1.0]]).tolist()]
        [1.0]
    """
    y_true, y_pred = aligned("poisson", y_true, y_pred)
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + settings.epsilon()), axis=-1)


# ---- as classes


class MeanSquaredError(FunctionLoss, fn=mean_squared_error): ...


class MeanAbsoluteError(FunctionLoss, fn=mean_absolute_error): ...


class MeanAbsolutePercentageError(FunctionLoss, fn=mean_absolute_percentage_error): ...


class MeanSquaredLogarithmicError(FunctionLoss, fn=mean_squared_logarithmic_error): ...


class CosineSimilarity(FunctionLoss, fn=cosine_similarity, order="axis reduction name dtype"): ...


class Huber(FunctionLoss, fn=huber, order="delta reduction name dtype", name="huber_loss"): ...


class LogCosh(FunctionLoss, fn=log_cosh): ...


class Poisson(FunctionLoss, fn=poisson): ...
