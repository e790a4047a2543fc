"""Losses for images and embeddings: overlap of regions, distances between labelled embeddings."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import settings
from hornbook.core.mask import set_mask
from hornbook.core.symbolic import op
from hornbook.losses.base import FunctionLoss
from hornbook.losses.shapes import aligned
from hornbook.ops import rows

Axis = int | tuple[int, ...] | list[int] | None


@op
def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> jax.Array:
    """One minus the Dice coefficient: `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.

    Args:
        y_true: targets from 0 to 1, any shape.
        y_pred: predictions from 0 to 1, same shape.
        axis: axes to sum over; `None` sums over all, giving one value.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """
    y_true, y_pred = aligned("dice", y_true, y_pred)
    axis = rows.axes(axis)
    total = jnp.sum(y_true, axis=axis) + jnp.sum(y_pred, axis=axis) + settings.epsilon()
    return 1 - 2.0 * jnp.sum(y_true * y_pred, axis=axis) / total


@op
def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> jax.Array:
    """One minus the Tversky index: `1 - both / (both + alpha * only_true + beta * only_pred)`.

    With alpha = beta = 0.5 it equals the Dice loss (Salehi et al. 2017, arXiv:1706.05721).

    Args:
        y_true: targets from 0 to 1, any shape.
        y_pred: predictions from 0 to 1, same shape.
        alpha: weight of false negatives, positive in the targets only.
        beta: weight of false positives, positive in the predictions only.
        axis: axes to sum over; `None` sums over all, giving one value.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> round(float(tversky([[1.0, 0.0]], [[1.0, 1.0]], beta=1.0)), 4)
        0.5
    """
    y_true, y_pred = aligned("tversky", y_true, y_pred)
    axis = rows.axes(axis)
    both = jnp.sum(y_true * y_pred, axis=axis)
    only_true = jnp.sum(y_true * (1 - y_pred), axis=axis)
    only_pred = jnp.sum((1 - y_true) * y_pred, axis=axis)
    return 1 - both / (both + alpha * only_true + beta * only_pred + settings.epsilon())


@op
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> jax.Array:
    """Circle loss: pulls embeddings of a class together (Sun et al. 2020, arXiv:2002.10857).

    `softplus(logsumexp(positives) + logsumexp(negatives))`, each distance weighted by how far it
    is from its optimum.

    Args:
        y_true: class indices, shape `(N,)` or `(N, 1)`.
        y_pred: unit-length embeddings, shape `(N, D)`.
        ref_labels: class indices to compare with, shape `(M,)`; default `y_true`.
        ref_embeddings: embeddings to compare with, shape `(M, D)`; default `y_pred`.
        remove_diagonal: whether to exclude the comparison of sample i with reference i.
        gamma: scale of the weighted distances.
        margin: relaxation margin of the distances.

    Example:
        >>> loss = circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> loss.shape
        (3,)
    """
    y_pred = rows.floating(y_pred)
    labels = rows.array(y_true).astype("int32").reshape(-1, 1)
    references = y_pred if ref_embeddings is None else rows.floating(ref_embeddings)
    others = labels if ref_labels is None else rows.array(ref_labels).astype("int32")
    distance = jnp.maximum(1 - y_pred @ references.T, 0.0)
    same = labels == others.reshape(1, -1)
    different = ~same
    if remove_diagonal:
        same &= ~jnp.eye(same.shape[0], same.shape[1], dtype=bool)
    positive = -gamma * (margin + distance) * (margin - distance)
    negative = gamma * jnp.maximum(1 + margin - distance, 0.0) * (1 - margin - distance)
    pull = jax.nn.logsumexp(positive, axis=1, where=same)
    push = jax.nn.logsumexp(negative, axis=1, where=different)
    loss = jax.nn.softplus(pull + push)
    set_mask(loss, loss > 0)
    return loss


# ---- as classes


class Dice(FunctionLoss, fn=dice, order="reduction name axis dtype"): ...


class Tversky(FunctionLoss, fn=tversky, order="alpha beta reduction name axis dtype"): ...


class Circle(
    FunctionLoss, fn=circle, order="gamma margin remove_diagonal reduction name dtype"
): ...
