"""Masking: marks steps filled with one value as padding."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.layers.base import Layer


class Masking(Layer):
    """Masks the steps whose features all equal `mask_value`; later layers skip them.

    Args:
        mask_value: the padding value.

    Input and output `(batch, steps, ..., features)`; masked steps become 0.

    Example:
        >>> import hornbook as keras
        >>> x = np.array([[[1.0, 2.0], [0.0, 0.0]]])
        >>> keras.layers.Masking().compute_mask(x).tolist()
        [[True, False]]
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        return jnp.where(self.compute_mask(inputs)[..., None], inputs, 0)

    def compute_mask(self, inputs: Array, mask: Any = None) -> Any:
        return jnp.any(jnp.not_equal(inputs, self.mask_value), axis=-1)
