"""Rescaling: another unit and another zero."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import image_data_format
from hornbook.layers.base import Layer


class Rescaling(Layer):
    """`x * scale + offset`, as from bytes to numbers below 1.

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Rescaling(1 / 127.5, offset=-1)(np.array([0, 255])).tolist()
        [-1.0, 1.0]
    """

    ignores_masked_steps = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        scale = jnp.asarray(self.scale, self.compute_dtype)
        offset = jnp.asarray(self.offset, self.compute_dtype)
        if scale.ndim == 1 and image_data_format() == "channels_first":
            scale = scale.reshape(-1, 1, 1)
            offset = offset.reshape(-1, 1, 1) if offset.ndim else offset
        return inputs.astype(self.compute_dtype) * scale + offset
