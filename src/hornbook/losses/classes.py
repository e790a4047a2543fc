"""The table of losses as objects: a row names the class, its function and its arguments' order."""

from typing import Any

from hornbook.losses import classification as c
from hornbook.losses import overlap as o
from hornbook.losses import regression as r
from hornbook.losses.base import LossFunctionWrapper, class_of_function

LAST = "reduction name dtype"


def _row(class_name: str, fn: Any, parameters: str = LAST, **defaults: Any) -> Any:
    defaults = {
        "reduction": "sum_over_batch_size",
        "name": fn.__name__,
        "dtype": None,
        **defaults,
    }
    return class_of_function(LossFunctionWrapper, class_name, fn, parameters, __name__, **defaults)


_CROSSENTROPY = f"from_logits label_smoothing axis {LAST}"
_SPARSE = "from_logits ignore_class reduction axis name dtype"
_BINARY_FOCAL = f"apply_class_balancing alpha gamma {_CROSSENTROPY}"

MeanSquaredError = _row("MeanSquaredError", r.mean_squared_error)
MeanAbsoluteError = _row("MeanAbsoluteError", r.mean_absolute_error)
MeanAbsolutePercentageError = _row("MeanAbsolutePercentageError", r.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _row("MeanSquaredLogarithmicError", r.mean_squared_logarithmic_error)
CosineSimilarity = _row("CosineSimilarity", r.cosine_similarity, f"axis {LAST}")
Huber = _row("Huber", r.huber, f"delta {LAST}", name="huber_loss")
LogCosh = _row("LogCosh", r.log_cosh)
Poisson = _row("Poisson", r.poisson)
KLDivergence = _row("KLDivergence", c.kl_divergence)
Hinge = _row("Hinge", c.hinge)
SquaredHinge = _row("SquaredHinge", c.squared_hinge)
CategoricalHinge = _row("CategoricalHinge", c.categorical_hinge)
BinaryCrossentropy = _row("BinaryCrossentropy", c.binary_crossentropy, _CROSSENTROPY)
BinaryFocalCrossentropy = _row(
    "BinaryFocalCrossentropy", c.binary_focal_crossentropy, _BINARY_FOCAL
)
CategoricalCrossentropy = _row("CategoricalCrossentropy", c.categorical_crossentropy, _CROSSENTROPY)
CategoricalFocalCrossentropy = _row(
    "CategoricalFocalCrossentropy",
    c.categorical_focal_crossentropy,
    f"alpha gamma {_CROSSENTROPY}",
)
SparseCategoricalCrossentropy = _row(
    "SparseCategoricalCrossentropy", c.sparse_categorical_crossentropy, _SPARSE
)
CTC = _row("CTC", c.ctc)
Dice = _row("Dice", o.dice, "reduction name axis dtype")
Tversky = _row("Tversky", o.tversky, "alpha beta reduction name axis dtype")
Circle = _row("Circle", o.circle, f"gamma margin remove_diagonal {LAST}")


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """A loss that stands wrong labels: `(1 - p**q) / q`, p the probability of the true class.

    Made from the function `categorical_generalized_cross_entropy`.

    Args:
        q: between 0 and 1, both excluded.
        reduction: how the values of a batch become one number; see `Loss`.
        name: name of the object.
        dtype: in which dtype it is computed; default `floatx()`.

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
        super().__init__(c.categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
        self.q = q
