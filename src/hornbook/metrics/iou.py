"""Intersection over union of predicted and true regions, class by class."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core.doors import also
from hornbook.core.dtype import is_float
from hornbook.losses.shapes import divide_no_nan
from hornbook.metrics.base import Metric, weights_and_mask
from hornbook.metrics.sums import TURN, count_by
from hornbook.ops import rows

WHOLE_WEIGHTS = (
    "{} counts in {}, which drops the fraction of its weights. Make it with dtype='float32', or "
    "pass integer weights."
)


class IoU(Metric):
    """The mean over classes of `tp / (tp + fp + fn)`, the overlap of predicted and true regions.

    Args:
        num_classes: number of classes K.
        target_class_ids: the classes to average over.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the counts; default `"int"`; use `"float32"` for fractional weights.
        ignore_class: a class index in the targets that is not counted, such as 255.
        sparse_y_true: whether targets are class indices; else one-hot.
        sparse_y_pred: whether predictions are class indices; else one score per class.
        axis: the axis of classes, where there is one.

    Raises:
        ValueError: if a target class is out of range.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(name=name, dtype=dtype or "int")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        wrong = [i for i in self.target_class_ids if not 0 <= i < num_classes]
        if wrong:
            raise ValueError(
                f"target_class_ids of {self.name} must lie from 0 to {num_classes - 1}, not {wrong}"
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self._add_sum(
            (num_classes, num_classes), "total_confusion_matrix", self.dtype
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: class indices or one-hot targets.
            y_pred: class indices or one score per class.
            sample_weight: weights over the leading axes. Class indices out of range are not
                counted.

        Raises:
            ValueError: if targets and predictions differ in number.
        """
        self._count(y_true, y_pred, self._weights(y_pred, sample_weight))

    def _weights(self, y_pred, sample_weight):
        given = sample_weight is not None and is_float(rows.array(sample_weight).dtype)
        if given and not is_float(self.dtype):
            warnings.warn(WHOLE_WEIGHTS.format(self.name, self.dtype), stacklevel=3)
        return weights_and_mask(y_pred, sample_weight, "float32")

    def _count(self, y_true, y_pred, weights):
        y_true, y_pred = rows.array(y_true), rows.array(y_pred)
        true = y_true if self.sparse_y_true else jnp.argmax(y_true, axis=self.axis)
        pred = y_pred if self.sparse_y_pred else jnp.argmax(y_pred, axis=self.axis)
        if true.size != pred.size:
            raise ValueError(
                f"{self.name}: targets {y_true.shape} and predictions {y_pred.shape} differ in "
                f"number ({true.size} and {pred.size}). One-hot classes need "
                "sparse_y_true=False or sparse_y_pred=False."
            )
        if weights is not None:
            missing = max(true.ndim - weights.ndim, 0)
            weights = weights.reshape(weights.shape + (1,) * missing)
            weights = jnp.broadcast_to(weights, true.shape).reshape(-1)
        true, pred = (y.reshape(-1).astype("int32") for y in (true, pred))
        inside = (true >= 0) & (true < self.num_classes) & (pred >= 0) & (pred < self.num_classes)
        if self.ignore_class is not None:
            inside &= true != self.ignore_class
        cells = self.num_classes**2
        bins = jnp.where(inside, true * self.num_classes + pred, cells)
        if weights is not None and not is_float(self.total_cm.dtype):
            weights = weights.astype(self.total_cm.dtype)
        counts = count_by(bins, cells + 1, weights)[:cells]
        self._add_to(self.total_cm, counts.reshape(self.total_cm.shape))

    def result(self) -> jax.Array:
        """The mean over the target classes that occur."""
        matrix = self.total_cm.raw.astype("float32")
        if not is_float(self.total_cm.dtype):
            matrix += TURN * self._rests[self.total_cm.name].raw.astype("float32")
        hits = jnp.diag(matrix)
        union = jnp.sum(matrix, axis=0) + jnp.sum(matrix, axis=1) - hits
        chosen = jnp.asarray(self.target_class_ids)
        hits, union = hits[chosen], union[chosen]
        return divide_no_nan(jnp.sum(divide_no_nan(hits, union)), jnp.sum(union > 0))


class BinaryIoU(IoU):
    """Intersection over union of two classes, separated by a threshold.

    Args:
        target_class_ids: the classes to average over: of 0 and 1.
        threshold: predictions at or above it are class 1.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the counts; default `"int"`.

    Example:
        >>> metric = BinaryIoU(target_class_ids=[0, 1], threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Any = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch; see `IoU.update_state`."""
        weights = self._weights(y_pred, sample_weight)
        self._count(y_true, rows.floating(y_pred) >= self.threshold, weights)


@also("mean_iou")
class MeanIoU(IoU):
    """The mean intersection over union of all classes.

    Args:
        num_classes: number of classes K.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the counts; default `"int"`.
        ignore_class: a class index in the targets that is not counted, such as 255.
        sparse_y_true: whether targets are class indices; else one-hot.
        sparse_y_pred: whether predictions are class indices; else one score per class.
        axis: the axis of classes, where there is one.

    Example:
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        every = range(num_classes)
        super().__init__(
            num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        )


class OneHotIoU(IoU):
    """Intersection over union for one-hot targets.

    Args:
        num_classes: number of classes K.
        target_class_ids: the classes to average over.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the counts; default `"int"`.
        ignore_class: a class index in the targets that is not counted.
        sparse_y_pred: whether predictions are class indices; else one score per class.
        axis: the axis of classes.

    Example:
        >>> metric = OneHotIoU(num_classes=2, target_class_ids=[1])
        >>> float(metric([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes, for one-hot targets.

    Args:
        num_classes: number of classes K.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the counts; default `"int"`.
        ignore_class: a class index in the targets that is not counted.
        sparse_y_pred: whether predictions are class indices; else one score per class.
        axis: the axis of classes.

    Example:
        >>> metric = OneHotMeanIoU(num_classes=2)
        >>> float(metric([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.25
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
