"""`tf.losses`: losses that go into the collection of losses; penalties."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from hornbook.compat.tensorflow import nn as today
from hornbook.compat.tensorflow1.applying import apply, convert
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.variables import GraphKeys, get_collection


class Reduction:
    """How the losses of elements become one number."""

    NONE, SUM, MEAN = "none", "weighted_sum", "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


def _reduced(losses: Any, weights: Any, reduction: str) -> Any:
    losses = jnp.asarray(losses)
    w = jnp.asarray(weights, losses.dtype)
    if w.ndim < losses.ndim and w.ndim:
        w = jnp.reshape(w, w.shape + (1,) * (losses.ndim - w.ndim))
    elif w.ndim > losses.ndim:
        w = jnp.squeeze(w, -1)
    weighted = losses * w
    if reduction == Reduction.NONE:
        return weighted
    total = jnp.sum(weighted)
    whole = jnp.broadcast_to(w, losses.shape)
    if reduction == Reduction.MEAN:
        return total / jnp.maximum(jnp.sum(whole), 1e-30)
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        count = jnp.sum(whole != 0)
        return jnp.where(count > 0, total / jnp.maximum(count, 1), 0.0)
    return total / losses.size if reduction == Reduction.SUM_OVER_BATCH_SIZE else total


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:
    """`tf.losses.compute_weighted_loss`."""
    made = apply(_reduced, (convert(losses), convert(weights), reduction), name=scope, kind="value")
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, made)
    return made


def _loss(formula: Callable, *order: str) -> Callable:
    def loss(*args: Any, **kwargs: Any) -> Any:
        names = (*order, "weights", *_extra(formula), "scope", "loss_collection", "reduction")
        given = dict(zip(names, args, strict=False)) | kwargs
        options = {
            k: given.pop(k)
            for k in ("weights", "scope", "loss_collection", "reduction")
            if k in given
        }
        tensors = [convert(given.pop(name)) for name in order]
        made = apply(formula, tuple(tensors), given)
        return compute_weighted_loss(made, **options)

    loss.__name__ = formula.__name__
    loss.__doc__ = f"`tf.losses.{formula.__name__.strip('_')}`."
    return loss


def _extra(formula: Callable) -> tuple:
    code = formula.__code__
    return code.co_varnames[2 : code.co_argcount]


def _mean_squared_error(labels: Any, predictions: Any) -> Any:
    return jnp.square(jnp.asarray(predictions) - labels)


def _absolute_difference(labels: Any, predictions: Any) -> Any:
    return jnp.abs(jnp.asarray(predictions) - labels)


def _log_loss(labels: Any, predictions: Any, epsilon: float = 1e-7) -> Any:
    y, p = jnp.asarray(labels, jnp.asarray(predictions).dtype), jnp.asarray(predictions)
    return -y * jnp.log(p + epsilon) - (1 - y) * jnp.log(1 - p + epsilon)


def _huber_loss(labels: Any, predictions: Any, delta: float = 1.0) -> Any:
    error = jnp.abs(jnp.asarray(predictions) - labels)
    small = jnp.minimum(error, delta)
    return 0.5 * small * small + delta * (error - small)


def _hinge_loss(labels: Any, logits: Any) -> Any:
    return jnp.maximum(1 - (2 * jnp.asarray(labels, jnp.asarray(logits).dtype) - 1) * logits, 0)


def _cosine_distance(labels: Any, predictions: Any, axis: Any = None, dim: Any = None) -> Any:
    axis = dim if axis is None else axis
    return 1 - jnp.sum(jnp.asarray(predictions) * labels, axis, keepdims=True)


def _softmax_cross_entropy(onehot_labels: Any, logits: Any, label_smoothing: float = 0) -> Any:
    y = jnp.asarray(onehot_labels, jnp.asarray(logits).dtype)
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[-1] if label_smoothing else y
    return today.softmax_cross_entropy_with_logits(y, logits)


def _sparse_softmax_cross_entropy(labels: Any, logits: Any) -> Any:
    labels = jnp.asarray(labels)
    labels = labels[..., 0] if labels.ndim == jnp.ndim(logits) else labels
    return today.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _sigmoid_cross_entropy(multi_class_labels: Any, logits: Any, label_smoothing: float = 0) -> Any:
    y = jnp.asarray(multi_class_labels, jnp.asarray(logits).dtype)
    y = y * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y
    return today.sigmoid_cross_entropy_with_logits(y, logits)


mean_squared_error = _loss(_mean_squared_error, "labels", "predictions")
absolute_difference = _loss(_absolute_difference, "labels", "predictions")
log_loss = _loss(_log_loss, "labels", "predictions")
huber_loss = _loss(_huber_loss, "labels", "predictions")
hinge_loss = _loss(_hinge_loss, "labels", "logits")
cosine_distance = _loss(_cosine_distance, "labels", "predictions")
softmax_cross_entropy = _loss(_softmax_cross_entropy, "onehot_labels", "logits")
sparse_softmax_cross_entropy = _loss(_sparse_softmax_cross_entropy, "labels", "logits")
sigmoid_cross_entropy = _loss(_sigmoid_cross_entropy, "multi_class_labels", "logits")


def add_loss(loss: Any, loss_collection: Any = GraphKeys.LOSSES) -> None:
    """`tf.losses.add_loss`."""
    get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: Any = None, loss_collection: Any = GraphKeys.LOSSES) -> list:
    """`tf.losses.get_losses`."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: Any = None) -> list:
    """`tf.losses.get_regularization_losses`."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: Any = None, name: str = "total_regularization_loss") -> Any:
    """`tf.losses.get_regularization_loss`: their sum."""
    return _sum(get_regularization_losses(scope), name)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope=None
) -> Any:
    """`tf.losses.get_total_loss`: the sum of all losses."""
    more = get_regularization_losses(scope) if add_regularization_losses else []
    return _sum([*get_losses(scope), *more], name)


def _sum(losses: list, name: str) -> Any:
    if not losses:
        return convert(0.0)
    return apply(lambda values: sum(jnp.asarray(one) for one in values), (losses,), name=name)


# ---- penalties of tf.contrib.layers


def l2_regularizer(scale: float, scope: Any = None) -> Callable:
    """`tf.contrib.layers.l2_regularizer`: `scale * sum(w^2) / 2`."""
    return lambda w: apply(
        lambda x: scale * jnp.sum(jnp.square(x)) / 2, (convert(w),), name=scope or "l2_regularizer"
    )


def l1_regularizer(scale: float, scope: Any = None) -> Callable:
    """`tf.contrib.layers.l1_regularizer`: `scale * sum(|w|)`."""
    return lambda w: apply(
        lambda x: scale * jnp.sum(jnp.abs(x)), (convert(w),), name=scope or "l1_regularizer"
    )


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: Any = None) -> Callable:
    """`tf.contrib.layers.l1_l2_regularizer`."""
    first, second = l1_regularizer(scale_l1), l2_regularizer(scale_l2)
    return lambda w: first(w) + second(w)


def apply_regularization(regularizer: Callable, weights_list: Any = None) -> Any:
    """`tf.contrib.layers.apply_regularization`: the sum of penalties."""
    chosen = get_collection(GraphKeys.WEIGHTS) if weights_list is None else weights_list
    found = _sum([regularizer(w) for w in chosen], "regularization")
    get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, found)
    return found
