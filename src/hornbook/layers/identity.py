"""Identity: returns its input."""

from typing import Any

from hornbook.layers.base import Layer


class Identity(Layer):
    """Returns its input unchanged.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Identity()(np.array([1.0])).tolist()
        [1.0]
    """

    ignores_masked_steps = True

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs
