"""Metrics: how good a model is, gathered over batches."""

from typing import Any

from hornbook.core import config as registry
from hornbook.core.module import to_snake_case
from hornbook.losses import (
    ALIASES,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from hornbook.losses import FUNCTIONS as LOSSES
from hornbook.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sign_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from hornbook.metrics.auc import AUC
from hornbook.metrics.base import Metric, make_variables
from hornbook.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from hornbook.metrics.fscore import F1Score, FBetaScore
from hornbook.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from hornbook.metrics.mean import Mean, MeanMetricWrapper, Sum
from hornbook.metrics.regression import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
)
from hornbook.metrics.resolve import resolve_accuracy

CLASSES = (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    BinaryIoU,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    F1Score,
    FBetaScore,
    FalseNegatives,
    FalsePositives,
    Hinge,
    IoU,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanIoU,
    MeanMetricWrapper,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    OneHotIoU,
    OneHotMeanIoU,
    PearsonCorrelation,
    Poisson,
    Precision,
    PrecisionAtRecall,
    R2Score,
    Recall,
    RecallAtPrecision,
    RootMeanSquaredError,
    SensitivityAtSpecificity,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SpecificityAtSensitivity,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
OWN_FUNCTIONS = (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
    sign_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
bce = BCE = binary_crossentropy
logcosh = log_cosh
NAMES = {
    "acc": Accuracy,
    "bce BCE": BinaryCrossentropy,
    "mse MSE": MeanSquaredError,
    "mae MAE": MeanAbsoluteError,
    "mape MAPE": MeanAbsolutePercentageError,
    "msle MSLE": MeanSquaredLogarithmicError,
    "rmse RMSE": RootMeanSquaredError,
    "kld KLD kullback_leibler_divergence": KLDivergence,
    "log_cosh logcosh": LogCoshError,
    "cosine_proximity": CosineSimilarity,
    "mean_iou": MeanIoU,
}
registry.register_functions("metrics", {fn.__name__: fn for fn in OWN_FUNCTIONS})
TABLE: dict[str, Any] = {
    **{fn.__name__: fn for fn in LOSSES},
    **{alias: fn for aliases, fn in ALIASES.items() for alias in aliases.split()},
    **{fn.__name__: fn for fn in OWN_FUNCTIONS},
    **{to_snake_case(cls.__name__): cls for cls in CLASSES},
    **{cls.__name__: cls for cls in CLASSES},
    **{name: cls for names, cls in NAMES.items() for name in names.split()},
}


def get(identifier: Any) -> Any:
    """A metric from its name, config or itself.

    Args:
        identifier: a name (`"mae"`, `"MeanAbsoluteError"`), a class, an object, a function, a
            config dict or `None`. What `"accuracy"` means for a model, `resolve_accuracy` says.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

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
    """The metric that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: from name to function or class, for this call.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

    Example:
        >>> deserialize(serialize(Recall(top_k=2))).top_k
        2
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


__all__ = [
    "Metric",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "make_variables",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "resolve_accuracy",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    *(cls.__name__ for cls in CLASSES),
    *(fn.__name__ for fn in OWN_FUNCTIONS),
]
__dir__ = __all__.copy
