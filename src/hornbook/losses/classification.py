"""Classification losses: one value per sample.

Predictions are probabilities, clipped by `epsilon()` before the logarithm, or with `from_logits`
logits. If the model ends with a softmax or sigmoid, its logits are used anyway, because a clipped
loss has no gradient.
"""

import warnings
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core import settings
from hornbook.core.doors import also
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import op
from hornbook.losses.base import FunctionLoss, LossFunctionWrapper
from hornbook.losses.shapes import aligned, class_numbers
from hornbook.ops import nn, rows
from hornbook.ops.activation import carried
from hornbook.ops.ctc import ctc_loss

YES_OR_NO = (-0.5, 1.5)  # accepted range of binary targets, which may have noise added
ONE_CLASS = (
    "{}: y_pred has only one class (shape {}), so this loss is always 0. "
    "For two classes with one output use 'binary_crossentropy'."
)


def _warn_of_one_class(name, y_pred, axis):
    if y_pred.shape[axis] == 1:
        warnings.warn(ONE_CLASS.format(name, y_pred.shape), SyntaxWarning, stacklevel=4)


def _check_axis(name, axis):
    if isinstance(axis, bool):
        raise ValueError(f"{name}: axis is an integer, not {axis}")


def _smoothed(y_true, label_smoothing, classes):
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


def _yes_or_no(y_true):
    """Binary targets, with NaN for those out of range; some noise is tolerated."""
    return jnp.where((y_true > YES_OR_NO[0]) & (y_true < YES_OR_NO[1]), y_true, jnp.nan)


@op
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """The crossentropy of one-hot targets: `-sum(y_true * log(y_pred), axis)`.

    Args:
        y_true: one-hot (or probability) targets, shape `(N, ..., K)`.
        y_pred: predictions, same shape.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        label_smoothing: fraction of each target, 0 to 1, spread over all classes.
        axis: the axis of classes.

    Raises:
        ValueError: for class indices instead of one-hot targets, or other shape mismatches.

    Example:
        >>> loss = categorical_crossentropy([[0, 1, 0]], [[0.05, 0.95, 0.0]])
        >>> round(float(loss[0]), 4)
        0.0513
    """
    _check_axis("categorical_crossentropy", axis)
    y_true, y_pred = aligned("categorical_crossentropy", y_true, y_pred)
    _warn_of_one_class("categorical_crossentropy", y_pred, axis)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, y_true.shape[axis])
    return nn.categorical_crossentropy(y_true, y_pred, from_logits, axis)


@op
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Crossentropy that downweights easy samples.

    `-sum(alpha * (1 - p)**gamma * y_true * log(p), axis)`, p the probabilities.
    After Lin et al. 2017, Focal Loss for Dense Object Detection (arXiv:1708.02002).

    Args:
        y_true: one-hot targets, shape `(N, ..., K)`.
        y_pred: predictions, same shape.
        alpha: weight of the loss, a scalar or one per class.
        gamma: focusing exponent; 0 gives plain crossentropy.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        label_smoothing: fraction of each target, 0 to 1, spread over all classes.
        axis: the axis of classes.

    Raises:
        ValueError: for class indices instead of one-hot targets, or other shape mismatches.

    Example:
        >>> easy, hard = categorical_focal_crossentropy([[0, 1], [0, 1]], [[0.1, 0.9], [0.9, 0.1]])
        >>> bool(easy < hard / 1000)
        True
    """
    _check_axis("categorical_focal_crossentropy", axis)
    y_true, y_pred = aligned("categorical_focal_crossentropy", y_true, y_pred)
    _warn_of_one_class("categorical_focal_crossentropy", y_pred, axis)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, y_true.shape[axis])
    if from_logits:
        y_pred = jax.nn.softmax(y_pred, axis=axis)
    p = y_pred / jnp.sum(y_pred, axis=axis, keepdims=True)
    p = jnp.clip(p, settings.epsilon(), 1.0 - settings.epsilon())
    alpha = rows.operand(alpha)
    return -jnp.sum(alpha * jnp.power(1.0 - p, gamma) * y_true * jnp.log(p), axis=axis)


@op
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> jax.Array:
    """The crossentropy of class indices: `-log(y_pred[y_true])`.

    Args:
        y_true: class indices, shape `(N, ...)` or `(N, ..., 1)`.
        y_pred: predictions, shape `(N, ..., K)`.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        ignore_class: a class index (such as -1 or 255) whose samples get loss 0 and are masked, so
            that means exclude them.
        axis: the axis of classes in `y_pred`.

    Raises:
        ValueError: for one-hot targets instead of class indices, or other shape mismatches.

    Example:
        >>> loss = sparse_categorical_crossentropy([1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
        >>> [round(v, 4) for v in loss.tolist()]
        [0.0513, 2.3026]
    """
    y_pred = rows.floating(y_pred)
    labels = class_numbers("sparse_categorical_crossentropy", y_true, y_pred, axis)
    _warn_of_one_class("sparse_categorical_crossentropy", y_pred, axis)
    if ignore_class is not None:
        valid = labels != ignore_class
        labels = jnp.where(valid, labels, 0)
        here = jnp.expand_dims(valid, axis)
        y_pred = carried(y_pred, lambda y: jnp.where(here, y, 1))
    axis %= y_pred.ndim
    if axis != y_pred.ndim - 1:
        order = [*range(axis), *range(axis + 1, y_pred.ndim), axis]
        y_pred = carried(y_pred, lambda y: jnp.transpose(y, order), axis=order.index)
    loss = nn.sparse_categorical_crossentropy(labels, y_pred, from_logits)
    if ignore_class is not None:
        loss = jnp.where(valid, loss, 0)
        set_mask(loss, valid)
    return loss


@op
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float = 0.5) -> jax.Array:
    """A loss robust to label noise: `(1 - p**q) / q`, p the probability of the true class.

    It approaches crossentropy for small q and absolute error for q near 1 (Zhang and Sabuncu 2018,
    arXiv:1805.07836).

    Args:
        y_true: class indices, shape `(N, ...)` or `(N, ..., 1)`.
        y_pred: probabilities, shape `(N, ..., K)`.
        q: between 0 and 1.

    Raises:
        ValueError: for one-hot targets instead of class indices, or other shape mismatches.

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
        [1.0]
    """
    y_pred = rows.floating(y_pred)
    labels = class_numbers("categorical_generalized_cross_entropy", y_true, y_pred)
    hot = jax.nn.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
    loss = (1 - jnp.power(jnp.sum(y_pred * hot, axis=-1), q)) / q
    return jnp.where((labels >= 0) & (labels < y_pred.shape[-1]), loss, jnp.nan)


@also("bce BCE")
@op
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """The crossentropy of binary targets: `-mean(y * log(p) + (1 - y) * log(1 - p), axis)`.

    Args:
        y_true: targets from 0 to 1, shape `(N, ..., D)`.
        y_pred: predictions, same shape.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        label_smoothing: how far targets are moved towards 0.5, 0 to 1.
        axis: the axis of the mean.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> loss = binary_crossentropy([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])
        >>> [round(v, 3) for v in loss.tolist()]
        [0.916, 0.714]
    """
    y_true, y_pred = aligned("binary_crossentropy", y_true, y_pred)
    y_true = _yes_or_no(y_true)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, 2)
    return jnp.mean(nn.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


@op
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Binary crossentropy that downweights easy samples: `mean((1 - p_true)**gamma * bce, axis)`.

    After Lin et al. 2017, Focal Loss for Dense Object Detection (arXiv:1708.02002).

    Args:
        y_true: targets from 0 to 1, shape `(N, ..., D)`.
        y_pred: predictions, same shape.
        apply_class_balancing: whether to weight class 1 by `alpha` and class 0 by `1 - alpha`.
        alpha: weight of class 1.
        gamma: focusing exponent; 0 gives plain crossentropy.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        label_smoothing: how far targets are moved towards 0.5, 0 to 1.
        axis: the axis of the mean.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> loss = binary_focal_crossentropy([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])
        >>> [round(v, 3) for v in loss.tolist()]
        [0.33, 0.206]
    """
    y_true, y_pred = aligned("binary_focal_crossentropy", y_true, y_pred)
    y_true = _yes_or_no(y_true)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = jax.nn.sigmoid(y_pred)
    p_true = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    loss = jnp.power(1.0 - p_true, gamma) * nn.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return jnp.mean(loss, axis=axis)


@also("kld KLD kullback_leibler_divergence")
@op
def kl_divergence(y_true: Any, y_pred: Any) -> jax.Array:
    """The Kullback-Leibler divergence: `sum(y_true * log(y_true / y_pred), axis=-1)`.

    Args:
        y_true: probabilities, shape `(N, ..., K)`.
        y_pred: predicted probabilities, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
        [0.0]
    """
    pair = aligned("kl_divergence", y_true, y_pred)
    y_true, y_pred = (jnp.clip(y, settings.epsilon(), 1.0) for y in pair)
    return jnp.sum(y_true * jnp.log(y_true / y_pred), axis=-1)


@op
def hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """The hinge loss: `mean(max(1 - y_true * y_pred, 0), axis=-1)`.

    Args:
        y_true: targets -1 or 1, shape `(N, ..., D)`; targets 0 and 1 are mapped to -1 and 1.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> hinge([[-1, 1]], [[-2.0, 0.5]]).tolist()
        [0.25]
    """
    return jnp.mean(_margin("hinge", y_true, y_pred), axis=-1)


@op
def squared_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """The squared hinge loss: `mean(max(1 - y_true * y_pred, 0)**2, axis=-1)`.

    Args:
        y_true: targets -1 or 1, shape `(N, ..., D)`; targets 0 and 1 are mapped to -1 and 1.
        y_pred: predictions, same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of size 1.

    Example:
        >>> squared_hinge([[-1, 1]], [[-2.0, 0.5]]).tolist()
        [0.125]
    """
    return jnp.mean(jnp.square(_margin("squared_hinge", y_true, y_pred)), axis=-1)


def _margin(name, y_true, y_pred):
    y_true, y_pred = aligned(name, y_true, y_pred)
    is_binary = jnp.all((y_true == 0) | (y_true == 1))
    y_true = jnp.where(is_binary, 2.0 * y_true - 1.0, y_true)
    return jnp.maximum(1.0 - y_true * y_pred, 0.0)


@op
def categorical_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """The multiclass hinge loss: `max(0, 1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred))`.

    Args:
        y_true: one-hot targets, shape `(N, ..., K)`.
        y_pred: predicted scores, same shape.

    Raises:
        ValueError: for class indices instead of one-hot targets, or other shape mismatches.

    Example:
        >>> categorical_hinge([[0, 1]], [[0.5, 1.0]]).tolist()
        [0.5]
    """
    y_true, y_pred = aligned("categorical_hinge", y_true, y_pred)
    right = jnp.sum(y_true * y_pred, axis=-1)
    wrong = jnp.max((1.0 - y_true) * y_pred, axis=-1)
    return jnp.maximum(wrong - right + 1.0, 0.0)


@op
def ctc(y_true: Any, y_pred: Any) -> jax.Array:
    """Connectionist temporal classification: `-log P(y_true | y_pred)`, over all alignments.

    Graves et al. 2006, Connectionist Temporal Classification.

    Args:
        y_true: class indices from 1, shape `(N, L)`, padded at the end with 0, the blank.
        y_pred: logits, shape `(N, T, K)`; masked steps must be at the end.

    Raises:
        ValueError: for other shapes.

    Example:
        >>> round(float(ctc([[1, 0]], np.zeros((1, 1, 2)))[0]), 4)
        0.6931
    """
    mask = get_mask(y_pred)
    labels, y_pred = rows.array(y_true).astype("int32"), rows.floating(y_pred)
    if labels.ndim != 2 or y_pred.ndim != 3 or labels.shape[0] != y_pred.shape[0]:
        raise ValueError(
            "ctc expects class indices of shape (N, L) and logits of shape (N, T, K); "
            f"they have shapes {labels.shape} and {y_pred.shape}"
        )
    label_length = jnp.sum(labels != 0, axis=-1)
    steps = jnp.full(y_pred.shape[:1], y_pred.shape[1])
    if mask is not None:
        steps = jnp.sum(mask != 0, axis=-1)
    return ctc_loss(labels, y_pred, label_length, steps)


ctc.uses_mask = True  # type: ignore[attr-defined]

# ---- as classes

_CROSSENTROPY = "from_logits label_smoothing axis reduction name dtype"


class KLDivergence(FunctionLoss, fn=kl_divergence): ...


class Hinge(FunctionLoss, fn=hinge): ...


class SquaredHinge(FunctionLoss, fn=squared_hinge): ...


class CategoricalHinge(FunctionLoss, fn=categorical_hinge): ...


class BinaryCrossentropy(FunctionLoss, fn=binary_crossentropy, order=_CROSSENTROPY): ...


class BinaryFocalCrossentropy(
    FunctionLoss,
    fn=binary_focal_crossentropy,
    order=f"apply_class_balancing alpha gamma {_CROSSENTROPY}",
): ...


class CategoricalCrossentropy(FunctionLoss, fn=categorical_crossentropy, order=_CROSSENTROPY): ...


class CategoricalFocalCrossentropy(
    FunctionLoss, fn=categorical_focal_crossentropy, order=f"alpha gamma {_CROSSENTROPY}"
): ...


class SparseCategoricalCrossentropy(
    FunctionLoss,
    fn=sparse_categorical_crossentropy,
    order="from_logits ignore_class reduction axis name dtype",
): ...


class CTC(FunctionLoss, fn=ctc): ...


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """A loss robust to label noise: `(1 - p**q) / q`, p the probability of the true class.

    Made from the function `categorical_generalized_cross_entropy`.

    Args:
        q: between 0 and 1, exclusive.
        reduction: how the values of a batch are reduced to a scalar; see `Loss`.
        name: name of the object.
        dtype: dtype of the computation; default `floatx()`.

    Raises:
        ValueError: if q is not between 0 and 1.

    Example:
        >>> float(CategoricalGeneralizedCrossEntropy(q=0.5)([1], [[0.75, 0.25]]))
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ):
        if not 0 < q < 1:
            raise ValueError(f"{name}: q must lie between 0 and 1, not {q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
        self.q = q
