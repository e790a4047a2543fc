"""Losses: what training makes small. Functions give a value for each sample, objects one number."""

from typing import Any

from hornbook.core import config as registry
from hornbook.losses.base import Loss, LossFunctionWrapper
from hornbook.losses.classes import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
from hornbook.losses.classification import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    ctc,
    hinge,
    kl_divergence,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from hornbook.losses.overlap import circle, dice, tversky
from hornbook.losses.regression import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)

FUNCTIONS = (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
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
    tversky,
)
CLASSES = (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
bce = BCE = binary_crossentropy
logcosh = log_cosh
ALIASES = {
    "mse MSE": mean_squared_error,
    "mae MAE": mean_absolute_error,
    "mape MAPE": mean_absolute_percentage_error,
    "msle MSLE": mean_squared_logarithmic_error,
    "kld KLD kullback_leibler_divergence": kl_divergence,
    "bce BCE": binary_crossentropy,
    "logcosh": log_cosh,
    "huber_loss": huber,
    "cosine_proximity": cosine_similarity,
}
registry.register_functions("losses", {fn.__name__: fn for fn in FUNCTIONS})
TABLE: dict[str, Any] = {
    **{fn.__name__: fn for fn in FUNCTIONS},
    **{cls.__name__: cls for cls in CLASSES},
    **{alias: fn for aliases, fn in ALIASES.items() for alias in aliases.split()},
}


def get(identifier: Any) -> Any:
    """A loss from its name, config or itself.

    Args:
        identifier: a name (`"mse"` gives the function, `"MeanSquaredError"` an object), a function,
            a class, an object, a config dict or `None`.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

    Example:
        >>> get("mse") is mean_squared_error
        True
        >>> get({"class_name": "Huber", "config": {"delta": 2.0}}).delta
        2.0
    """
    return registry.lookup("losses", identifier, TABLE, "a loss")


def serialize(loss: Any) -> Any:
    """The name of a loss function, or the config of a loss object.

    Args:
        loss: a loss.

    Example:
        >>> serialize(mean_squared_error)
        'mean_squared_error'
        >>> serialize(Huber(delta=2.0))["config"]["delta"]
        2.0
    """
    return registry.serialize(loss)


def deserialize(name: Any, custom_objects: dict | None = None) -> Any:
    """The loss that `serialize` described.

    Args:
        name: a name or a config dict.
        custom_objects: from name to function or class, for this call.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

    Example:
        >>> deserialize("mean_squared_error") is mean_squared_error
        True
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(name)


def resolve_crossentropy(y_true_shape: tuple, y_pred_shape: tuple) -> Any:
    """The loss that the name `"crossentropy"` stands for: binary, sparse or categorical.

    Args:
        y_true_shape: shape of the targets.
        y_pred_shape: shape of the predictions.

    Example:
        >>> resolve_crossentropy((32,), (32, 10)).__name__
        'sparse_categorical_crossentropy'
    """
    if y_pred_shape[-1] == 1:
        return binary_crossentropy
    sparse = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return sparse_categorical_crossentropy if sparse else categorical_crossentropy


__all__ = [
    "Loss",
    "LossFunctionWrapper",
    "deserialize",
    "get",
    "serialize",
    *(cls.__name__ for cls in CLASSES),
    *(fn.__name__ for fn in FUNCTIONS),
]
__dir__ = __all__.copy
