"""Rescaling, and the scale layers used by networks of `applications`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.settings import image_data_format
from hornbook.initializers import Constant
from hornbook.layers.base import Layer
from hornbook.layers.one_picture import OnePicture


class Rescaling(OnePicture, Layer):
    """`x * scale + offset`, for example to map bytes to [0, 1].

    Args:
        scale: a number, or one per channel.
        offset: a number, or one per channel.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Rescaling(1 / 127.5, offset=-1)(np.array([0, 255])).tolist()
        [-1.0, 1.0]
    """

    ignores_masked_steps = True
    _transforms = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        module: Any = np if isinstance(inputs, np.ndarray) else jnp
        scale = module.asarray(self.scale, self.compute_dtype)
        offset = module.asarray(self.offset, self.compute_dtype)
        if scale.ndim == 1 and image_data_format() == "channels_first":
            scale = scale.reshape(-1, 1, 1)
            offset = offset.reshape(-1, 1, 1) if offset.ndim else offset
        return inputs.astype(self.compute_dtype) * scale + offset


class LayerScale(Layer):
    """Multiplies each channel by a learned factor.

    Args:
        init_values: initial value of the factors.
        projection_dim: number of channels.

    Source: Touvron et al. 2021, arXiv:2103.17239.

    Example:
        >>> LayerScale(0.5, 2)(np.ones((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    _stated_class = {
        "module": "keras.src.applications.convnext",
        "registered_name": "LayerScale",
    }

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: tuple) -> None:
        initial = Constant(self.init_values)
        self.gamma = self.add_weight((self.projection_dim,), initial, name="gamma")

    def call(self, inputs: Array) -> Array:
        return inputs * self.gamma.value


class CustomScaleLayer(Layer):
    """The first input plus the second times a factor.

    Args:
        scale: the factor.

    Source: Szegedy, Ioffe, Vanhoucke, Alemi 2016, arXiv:1602.07261.

    Example:
        >>> CustomScaleLayer(0.5)([np.ones(2), np.ones(2)]).tolist()
        [1.5, 1.5]
    """

    _stated_class = {
        "module": "keras.src.applications.inception_resnet_v2",
        "registered_name": "CustomScaleLayer",
    }

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: list[Array]) -> Array:
        return inputs[0] + inputs[1] * self.scale
