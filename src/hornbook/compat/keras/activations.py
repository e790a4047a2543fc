"""Activations whose formula has changed under their name."""

from hornbook import ops
from hornbook.core.config import register_keras_serializable
from hornbook.core.symbolic import Tensor


@register_keras_serializable(package="hornbook.compat")
def hard_sigmoid(x: Tensor) -> Tensor:
    """`clip(0.2 x + 0.5, 0, 1)`, as it was until Keras 2 (today: `clip(x / 6 + 0.5, 0, 1)`).

    Args:
        x: an array.

    Example:
        >>> hard_sigmoid(np.array([-3.0, 0.0, 1.0])).tolist()
        [0.0, 0.5, 0.699999988079071]
    """
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)
