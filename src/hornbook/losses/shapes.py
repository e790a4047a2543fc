"""Matches the shapes of targets, predictions and weights, with errors where they do not match.

A mismatch does not broadcast: with targets (N, 1) and predictions (N, K), numpy's rules would give
a meaningless number. In programs for Keras 1 and 2 other shapes do.
"""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core.settings import broadcast_targets
from hornbook.ops import rows
from hornbook.ops.activation import carried

MISMATCH = (
    "{loss} compares y_true and y_pred element by element; they have shapes {true} and {pred}. "
    "{fix}"
)
ONE_TARGET = (
    "One target but {size} predictions per sample: end the model with one unit (Dense(1)), or pass "
    "targets of shape {pred}. If the targets are class indices, use "
    "'sparse_categorical_crossentropy'."
)
ONE_PREDICTION = (
    "{size} targets but one prediction per sample: end the model with {size} units "
    "(Dense({size})), or pass targets of shape {pred}."
)
OTHER = "Give both the same shape."
CLASS_NUMBERS = (
    "{loss} expects one-hot targets of the shape of y_pred, {pred}; y_true has shape {true}, like "
    "class indices. Use '{sparse}', or targets from utils.to_categorical(y, {size})."
)
ONE_HOT = (
    "{loss} expects class indices of shape {wanted}; y_true has the shape of y_pred, {true}, like "
    "one-hot targets. Use '{dense}', or targets from ops.argmax(y, axis={axis})."
)
NOT_LABELS = (
    "{loss} expects class indices of shape {wanted} for predictions {pred}; y_true has shape "
    "{true}.{fix}"
)
ONE_A_SAMPLE = (
    " For one prediction per sample, add Flatten() or GlobalAveragePooling before the last layer."
)
WEIGHTS = (
    "{what} has shape {weights}, but the weighted values have shape {values}. Pass one weight per "
    "sample (shape ({first},)) or one per value."
)
SPARSE_NAMES = {
    "categorical_crossentropy": "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy": "sparse_categorical_crossentropy",
    "categorical_hinge": "sparse_categorical_crossentropy",
    "categorical_accuracy": "sparse_categorical_accuracy",
    "top_k_categorical_accuracy": "sparse_top_k_categorical_accuracy",
}
DENSE_NAMES = {sparse: dense for dense, sparse in reversed(SPARSE_NAMES.items())}


def same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Add or drop a last axis of size 1 where the ranks differ by one: (N,) fits (N, 1)."""
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        if y_pred.ndim == 1:
            return y_true, y_pred[:, None]
        return y_true[..., 0], y_pred
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        if y_true.ndim == 1:
            return y_true[:, None], y_pred
        return y_true, carried(y_pred, lambda y: y[..., 0])
    return y_true, y_pred


def aligned(loss: str, y_true: Any, y_pred: Any) -> tuple[jax.Array, jax.Array]:
    """Targets and predictions as floating-point arrays of the same shape, in y_pred's dtype.

    Args:
        loss: the loss's name, for messages; some losses expect one-hot targets.
        y_true, y_pred: array-like, any shape; a scalar matches any shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.
    """
    y_pred = rows.floating(y_pred)
    return one_shape(loss, rows.array(y_true).astype(y_pred.dtype), y_pred)


def one_shape(loss: str, y_true: Any, y_pred: Any) -> tuple[jax.Array, jax.Array]:
    """As `aligned`, for arrays, without changing their dtypes."""
    y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape and y_true.ndim and y_pred.ndim:
        message = _mismatch(loss, y_true.shape, y_pred.shape)
        if not (broadcast_targets() and message.endswith(OTHER) and _broadcast(y_true, y_pred)):
            raise ValueError(message)
    return y_true, y_pred


def _broadcast(y_true: Any, y_pred: Any) -> bool:
    sizes = zip(reversed(y_true.shape), reversed(y_pred.shape), strict=False)
    return all(1 in (a, b) or a == b for a, b in sizes)


def _mismatch(loss: str, true: tuple, pred: tuple) -> str:
    samples, size = pred[:-1], pred[-1]
    said = {"loss": loss, "true": true, "pred": pred, "size": size}
    numbers = size > 1 and true in (samples, (*samples, 1))
    if loss in SPARSE_NAMES and numbers:
        return CLASS_NUMBERS.format(sparse=SPARSE_NAMES[loss], **said)
    if numbers:
        fix = ONE_TARGET.format(**said)
    elif size == 1 and true[:-1] == samples:
        fix = ONE_PREDICTION.format(**(said | {"size": true[-1]}))
    else:
        fix = OTHER
    return MISMATCH.format(fix=fix, **said)


def class_numbers(name: str, y_true: Any, y_pred: jax.Array, axis: int = -1) -> jax.Array:
    """Targets as int32 class indices, of y_pred's shape without its class axis.

    Raises:
        ValueError: if the shape differs; the message names one-hot targets as such.
    """
    labels = rows.array(y_true)
    wanted = tuple(size for i, size in enumerate(y_pred.shape) if i != axis % y_pred.ndim)
    if labels.ndim == y_pred.ndim and labels.shape[axis] == 1:
        labels = jnp.squeeze(labels, axis)
    if labels.shape != wanted:
        said = {"loss": name, "wanted": wanted, "true": labels.shape, "pred": y_pred.shape}
        if labels.shape == y_pred.shape:
            dense = DENSE_NAMES.get(name, "categorical_crossentropy")
            raise ValueError(ONE_HOT.format(dense=dense, axis=axis, **said))
        fix = ONE_A_SAMPLE if labels.size == len(labels) < y_pred[..., 0].size else ""
        raise ValueError(NOT_LABELS.format(fix=fix, **said))
    if jnp.issubdtype(labels.dtype, jnp.floating):
        labels = jnp.where(jnp.isfinite(labels), labels, -1)  # no class; NaN would cast to class 0
    return labels.astype("int32")


def fit_weights(weights: jax.Array, values: jax.Array, what: str = "sample_weight") -> jax.Array:
    """Add or drop trailing axes of size 1 so that weights broadcast over values.

    Leading axes are matched, not trailing ones: weights (N,) weight the N samples of values (N, T).

    Raises:
        ValueError: if the shapes do not match.
    """
    if values.ndim == 0:
        return weights
    shape = weights.shape
    if weights.ndim == values.ndim + 1 and shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim < values.ndim:
        weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    fits = weights.ndim == values.ndim and all(
        a in (1, b) for a, b in zip(weights.shape, values.shape, strict=True)
    )
    if not fits:
        first = values.shape[0]
        raise ValueError(WEIGHTS.format(what=what, weights=shape, values=values.shape, first=first))
    return weights


def weigh(values: jax.Array, weights: jax.Array) -> jax.Array:
    """The weighted values; values of weight 0 count as 0, even NaN."""
    return jnp.where(weights == 0, 0, values * weights)


def multiply_weights(weights: jax.Array, mask: jax.Array) -> jax.Array:
    """The product of weights and a mask; either may have fewer axes or axes of size 1.

    Raises:
        ValueError: if the shapes do not match.
    """
    if weights.ndim == mask.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    rank = max(weights.ndim, mask.ndim)
    shapes = [a.shape + (1,) * (rank - a.ndim) for a in (weights, mask)]
    if any(1 not in pair and len(set(pair)) > 1 for pair in zip(*shapes, strict=True)):
        raise ValueError(
            f"sample_weight has shape {weights.shape}, the mask of y_pred {mask.shape}; their "
            "leading axes must be the same"
        )
    return weights.reshape(shapes[0]) * mask.reshape(shapes[1])


def divide_no_nan(x: Any, y: Any) -> jax.Array:
    """`x / y`, and 0 where y is 0, with a finite gradient there too."""
    zero = y == 0
    return jnp.where(zero, 0, x / jnp.where(zero, 1, y))
