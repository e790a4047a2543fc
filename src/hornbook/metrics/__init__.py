"""Metrics: how well a model does, accumulated over batches."""

from typing import Any

from hornbook import losses as _losses
from hornbook.core import config as registry
from hornbook.core import doors
from hornbook.losses import binary_crossentropy as binary_crossentropy
from hornbook.losses import binary_focal_crossentropy as binary_focal_crossentropy
from hornbook.losses import categorical_crossentropy as categorical_crossentropy
from hornbook.losses import categorical_focal_crossentropy as categorical_focal_crossentropy
from hornbook.losses import categorical_hinge as categorical_hinge
from hornbook.losses import hinge as hinge
from hornbook.losses import huber as huber
from hornbook.losses import kl_divergence as kl_divergence
from hornbook.losses import log_cosh as log_cosh
from hornbook.losses import mean_absolute_error as mean_absolute_error
from hornbook.losses import mean_absolute_percentage_error as mean_absolute_percentage_error
from hornbook.losses import mean_squared_error as mean_squared_error
from hornbook.losses import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from hornbook.losses import poisson as poisson
from hornbook.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from hornbook.losses import squared_hinge as squared_hinge
from hornbook.metrics.accuracy import Accuracy as Accuracy
from hornbook.metrics.accuracy import BinaryAccuracy as BinaryAccuracy
from hornbook.metrics.accuracy import CategoricalAccuracy as CategoricalAccuracy
from hornbook.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from hornbook.metrics.accuracy import SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy
from hornbook.metrics.accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from hornbook.metrics.accuracy import accuracy as accuracy
from hornbook.metrics.accuracy import binary_accuracy as binary_accuracy
from hornbook.metrics.accuracy import categorical_accuracy as categorical_accuracy
from hornbook.metrics.accuracy import sign_accuracy as sign_accuracy
from hornbook.metrics.accuracy import sparse_categorical_accuracy as sparse_categorical_accuracy
from hornbook.metrics.accuracy import (
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
)
from hornbook.metrics.accuracy import top_k_categorical_accuracy as top_k_categorical_accuracy
from hornbook.metrics.auc import AUC as AUC
from hornbook.metrics.base import Metric as Metric
from hornbook.metrics.base import make_variables as make_variables
from hornbook.metrics.confusion import FalseNegatives as FalseNegatives
from hornbook.metrics.confusion import FalsePositives as FalsePositives
from hornbook.metrics.confusion import Precision as Precision
from hornbook.metrics.confusion import PrecisionAtRecall as PrecisionAtRecall
from hornbook.metrics.confusion import Recall as Recall
from hornbook.metrics.confusion import RecallAtPrecision as RecallAtPrecision
from hornbook.metrics.confusion import SensitivityAtSpecificity as SensitivityAtSpecificity
from hornbook.metrics.confusion import SpecificityAtSensitivity as SpecificityAtSensitivity
from hornbook.metrics.confusion import TrueNegatives as TrueNegatives
from hornbook.metrics.confusion import TruePositives as TruePositives
from hornbook.metrics.fscore import F1Score as F1Score
from hornbook.metrics.fscore import FBetaScore as FBetaScore
from hornbook.metrics.iou import BinaryIoU as BinaryIoU
from hornbook.metrics.iou import IoU as IoU
from hornbook.metrics.iou import MeanIoU as MeanIoU
from hornbook.metrics.iou import OneHotIoU as OneHotIoU
from hornbook.metrics.iou import OneHotMeanIoU as OneHotMeanIoU
from hornbook.metrics.mean import Mean as Mean
from hornbook.metrics.mean import MeanMetricWrapper as MeanMetricWrapper
from hornbook.metrics.mean import Sum as Sum
from hornbook.metrics.regression import BinaryCrossentropy as BinaryCrossentropy
from hornbook.metrics.regression import CategoricalCrossentropy as CategoricalCrossentropy
from hornbook.metrics.regression import CategoricalHinge as CategoricalHinge
from hornbook.metrics.regression import ConcordanceCorrelation as ConcordanceCorrelation
from hornbook.metrics.regression import CosineSimilarity as CosineSimilarity
from hornbook.metrics.regression import Hinge as Hinge
from hornbook.metrics.regression import KLDivergence as KLDivergence
from hornbook.metrics.regression import LogCoshError as LogCoshError
from hornbook.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from hornbook.metrics.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from hornbook.metrics.regression import MeanSquaredError as MeanSquaredError
from hornbook.metrics.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from hornbook.metrics.regression import PearsonCorrelation as PearsonCorrelation
from hornbook.metrics.regression import Poisson as Poisson
from hornbook.metrics.regression import R2Score as R2Score
from hornbook.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
from hornbook.metrics.regression import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from hornbook.metrics.regression import SquaredHinge as SquaredHinge
from hornbook.metrics.regression import concordance_correlation as concordance_correlation
from hornbook.metrics.regression import cosine_similarity as cosine_similarity
from hornbook.metrics.regression import pearson_correlation as pearson_correlation
from hornbook.metrics.resolve import resolve_accuracy as resolve_accuracy

_OF_LOSSES = {name: loss for name, loss in _losses.TABLE.items() if not isinstance(loss, type)}
TABLE = _OF_LOSSES | doors.table("metrics", globals(), bases=(Metric,))


def get(identifier: Any) -> Any:
    """The metric that an identifier stands for.

    Args:
        identifier: a name (`"mae"`, `"MeanAbsoluteError"`), a class, an object, a function, a
            config dict or `None`. `resolve_accuracy` resolves `"accuracy"` for a model.

    Raises:
        ValueError: for an unknown name; the message suggests similar names.

    Example:
        >>> get("mae")
        MeanAbsoluteError()
        >>> get({"class_name": "Recall", "config": {"top_k": 2}}).top_k
        2
    """
    return registry.lookup("metrics", identifier, TABLE, "a metric")


def serialize(metric: Any) -> Any:
    """The config of a metric, or the name of a function.

    Args:
        metric: a metric.

    Example:
        >>> serialize(Recall(top_k=2))["config"]["top_k"]
        2
    """
    return registry.serialize(metric)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """Recreate a metric from what `serialize` returned.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to functions or classes, for this call.

    Raises:
        ValueError: for an unknown name; the message suggests similar names.

    Example:
        >>> deserialize(serialize(Recall(top_k=2))).top_k
        2
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


doors.publish(globals())
