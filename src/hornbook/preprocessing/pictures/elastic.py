"""`RandomElasticTransform`."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.ops.image_sampling import FILL_MODES, displaced
from hornbook.preprocessing.pictures.affine import INTERPOLATIONS
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class RandomElasticTransform(BaseImagePreprocessingLayer):
    """Distorts pictures by smooth random shifts of their pixels. Nothing if `training=False`.

    Masks are distorted like their pictures. (In Keras they are distorted otherwise, and pixels move
    along one diagonal only.)

    Args:
        factor: probability that a picture is changed; two numbers: it is drawn between them. One
            number is `(0, factor)`.
        scale: strength of the distortion, drawn like `factor`, 0 to 1.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: beyond the edges: `"reflect"`, `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`.
        fill_value: value of `"constant"`.
        value_range: minimum and maximum of the result.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if `factor` or `scale` is not from 0 to 1.
        NotImplementedError: for an unknown fill mode or interpolation.

    Source: Simard et al. 2003.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.RandomElasticTransform(scale=0.5)(np.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    _FACTOR_BOUNDS = (0, 1)
    _settled = ("factor", "scale")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, data_format=data_format, **kwargs)
        least, most = self._range("scale", scale, 0, 1)
        self.scale = max(least, 0), most
        self.interpolation = self._one_of("interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = self._one_of("fill_mode", fill_mode, tuple(FILL_MODES))
        self.fill_value = fill_value
        self.value_range = value_range
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw which pictures are changed, how much, and a key for the shifts."""
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        count = self._count(self._shape(data))
        first, second, third = self._keys(seed, 3)
        return {
            "apply_transform": self._chosen(first, count),
            "distortion_factor": jax.random.uniform(second, (count,), "float32", *self.scale),
            "seed": third,
        }

    def _transform_images(self, images: Array, transformation: Any, interpolation: str) -> Array:
        if transformation is None:
            return images
        x = jnp.moveaxis(images, self.channel_axis, -1)
        count, height, width, _ = x.shape
        strength = jnp.broadcast_to(transformation["distortion_factor"], (count,))
        alpha, sigma = 0.1 * max(height, width) * strength, 0.05 * min(height, width) * strength
        noise = jax.random.normal(transformation["seed"], (count, height, width, 2), "float32")
        reach = 0.05 * min(height, width) * self.scale[1]
        smooth = jnp.einsum("bij,bjkc->bikc", _blur(height, sigma, reach), noise)
        smooth = jnp.einsum("bij,bkjc->bkic", _blur(width, sigma, reach), smooth)
        moved = (alpha * sigma)[:, None, None, None] * smooth
        x = displaced(x, moved, interpolation, self.fill_mode, self.fill_value)
        chosen = transformation["apply_transform"].reshape(-1, 1, 1, 1)
        return jnp.where(chosen, jnp.moveaxis(x, -1, self.channel_axis), images)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Array:
        """Distort a batch, and clip it to `value_range`."""
        images = super().transform_images(images, transformation, training)
        if not training or transformation is None:
            return images
        return jnp.clip(images, *self.value_range)


def _blur(size: int, sigma: Array, reach: float) -> Array:
    """Gaussian blurs of an axis as matrices, `(batch, size, size)`; zeros beyond the edges.

    Args:
        size: of the axis.
        sigma: standard deviations, `(batch,)`.
        reach: the largest possible one.
    """
    sigma = jnp.maximum(sigma, 1e-6)[:, None, None]
    radius = jnp.floor(6 * sigma) // 2

    def bell(distance: Array) -> Array:
        return jnp.where(jnp.abs(distance) <= radius, jnp.exp(-0.5 * (distance / sigma) ** 2), 0)

    half = math.ceil(3 * reach) + 1
    place = jnp.arange(size, dtype="float32")
    return bell(place[:, None] - place) / bell(jnp.arange(-half, half + 1.0)).sum(2, keepdims=True)
