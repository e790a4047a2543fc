"""Losses: what training minimizes. Functions return one value per sample, objects a scalar."""

from types import FunctionType
from typing import Any

from hornbook.core import config as registry
from hornbook.core import doors
from hornbook.losses.base import Loss as Loss
from hornbook.losses.base import LossFunctionWrapper as LossFunctionWrapper
from hornbook.losses.classification import CTC as CTC
from hornbook.losses.classification import BinaryCrossentropy as BinaryCrossentropy
from hornbook.losses.classification import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from hornbook.losses.classification import CategoricalCrossentropy as CategoricalCrossentropy
from hornbook.losses.classification import (
    CategoricalFocalCrossentropy as CategoricalFocalCrossentropy,
)
from hornbook.losses.classification import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from hornbook.losses.classification import CategoricalHinge as CategoricalHinge
from hornbook.losses.classification import Hinge as Hinge
from hornbook.losses.classification import KLDivergence as KLDivergence
from hornbook.losses.classification import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from hornbook.losses.classification import SquaredHinge as SquaredHinge
from hornbook.losses.classification import binary_crossentropy as binary_crossentropy
from hornbook.losses.classification import binary_focal_crossentropy as binary_focal_crossentropy
from hornbook.losses.classification import categorical_crossentropy as categorical_crossentropy
from hornbook.losses.classification import (
    categorical_focal_crossentropy as categorical_focal_crossentropy,
)
from hornbook.losses.classification import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from hornbook.losses.classification import categorical_hinge as categorical_hinge
from hornbook.losses.classification import ctc as ctc
from hornbook.losses.classification import hinge as hinge
from hornbook.losses.classification import kl_divergence as kl_divergence
from hornbook.losses.classification import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from hornbook.losses.classification import squared_hinge as squared_hinge
from hornbook.losses.overlap import Circle as Circle
from hornbook.losses.overlap import Dice as Dice
from hornbook.losses.overlap import Tversky as Tversky
from hornbook.losses.overlap import circle as circle
from hornbook.losses.overlap import dice as dice
from hornbook.losses.overlap import tversky as tversky
from hornbook.losses.regression import CosineSimilarity as CosineSimilarity
from hornbook.losses.regression import Huber as Huber
from hornbook.losses.regression import LogCosh as LogCosh
from hornbook.losses.regression import MeanAbsoluteError as MeanAbsoluteError
from hornbook.losses.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from hornbook.losses.regression import MeanSquaredError as MeanSquaredError
from hornbook.losses.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from hornbook.losses.regression import Poisson as Poisson
from hornbook.losses.regression import cosine_similarity as cosine_similarity
from hornbook.losses.regression import huber as huber
from hornbook.losses.regression import log_cosh as log_cosh
from hornbook.losses.regression import mean_absolute_error as mean_absolute_error
from hornbook.losses.regression import (
    mean_absolute_percentage_error as mean_absolute_percentage_error,
)
from hornbook.losses.regression import mean_squared_error as mean_squared_error
from hornbook.losses.regression import (
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
)
from hornbook.losses.regression import poisson as poisson

TABLE = doors.table("losses", globals(), bases=(Loss, LossFunctionWrapper), first=FunctionType)


def get(identifier: Any) -> Any:
    """The loss that an identifier stands for.

    Args:
        identifier: a name (`"mse"` gives the function, `"MeanSquaredError"` an object), a function,
            a class, an object, a config dict or `None`.

    Raises:
        ValueError: for an unknown name; the message suggests similar names.

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
    """Recreate a loss from what `serialize` returned.

    Args:
        name: a name or a config dict.
        custom_objects: maps names to functions or classes, for this call.

    Raises:
        ValueError: for an unknown name; the message suggests similar names.

    Example:
        >>> deserialize("mean_squared_error") is mean_squared_error
        True
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(name)


doors.publish(globals())
