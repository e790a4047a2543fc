"""Bases of layers that change the values of pixels, not their places."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.ops import image_common
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class PixelLayer(BaseImagePreprocessingLayer):
    """Changes the values of pixels; labels, boxes and masks stay as they are.

    A subclass defines `_changed`, a formula for batches with the channels last.
    """

    _USE_BASE_FACTOR = False
    _settled: tuple[str, ...] = ("factor", "value_range")
    _keeps_integers = False  # else all pictures become floats of the compute dtype
    _in_training_only = False
    factor: Any
    value_range: Any

    def _set_range(self, value_range: Any) -> None:
        pair = isinstance(value_range, list | tuple) and len(value_range) == 2
        if not pair or value_range[0] == value_range[1]:
            raise ValueError(
                f"{type(self).__name__}: value_range must be two different numbers, such as "
                f"(0, 255) or (0, 1); got {value_range!r}"
            )
        self.value_range = sorted(value_range)

    def _between(self, name: str, value: Any, low: float, high: float) -> tuple[Any, Any]:
        """Least and largest value of an argument: two numbers, or the largest."""
        least, most = self._range(name, value, low, high)
        return max(least, low), most

    def _changed(self, x: Array, transformation: Any) -> Array:
        """The formula: pictures `(batch, height, width, channels)` changed."""
        raise NotImplementedError

    def _laid_out(self, x: Array) -> Array:
        """Pictures with the channels last, in the layer's layout."""
        return jnp.moveaxis(x, -1, 1) if self.data_format == "channels_first" else x

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Change a batch of pictures.

        Args:
            images: `(batch, height, width, channels)`, or channels first.
            transformation: what `get_random_transformation` returned; drawn if not given.
            training: the layer's flag.
        """
        images = jnp.asarray(images)
        if not (self._keeps_integers and jnp.issubdtype(images.dtype, jnp.integer)):
            images = images.astype(self.compute_dtype)
        if self._in_training_only and not training:
            return images
        if transformation is None:
            transformation = self.get_random_transformation(images)
        x, back = image_common.batch_of(images, self.data_format)
        return back(self._changed(x, transformation).astype(images.dtype))

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """The boxes, unchanged."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The masks, unchanged."""
        return segmentation_masks


class RandomPixelLayer(PixelLayer):
    """Changes the values of pixels in training, with numbers drawn for each picture.

    A subclass defines `_drawn`, and `_changed`, which gets the result.

    Args:
        factor: a number, for draws between 0 and it, or least and largest number.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.
    """

    _USE_BASE_FACTOR = True
    _FACTOR_BOUNDS = (0, 1)
    _in_training_only = True

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, data_format=data_format, **kwargs)
        self._set_range(value_range)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The numbers drawn for a batch, in Keras's form; `None` if not training."""
        if not training:
            return None
        shape = self._shape(data)
        last = (self._count(shape), *self._sizes(shape), shape[self.channel_axis])
        return self._drawn(last, self._key(seed))

    def _drawn(self, shape: tuple, key: Array) -> Any:
        """Draw for pictures of a shape `(batch, height, width, channels)`."""
        return {"factor": self._uniform(key, shape[0])}

    def _uniform(self, key: Array, count: int, factor: Any = None) -> Array:
        """A number between the ends of a factor for each picture."""
        low, high = self.factor if factor is None else factor
        return jax.random.uniform(key, (count,), minval=low, maxval=high)

    def _chosen(self, key: Array, count: int) -> Array:
        """Whether each picture is changed, with a probability between the ends of the factor."""
        key, of_chance = jax.random.split(key)
        return jax.random.uniform(key, (count,)) < self._uniform(of_chance, count)


def by_picture(values: Array) -> Array:
    """`(batch,)` -> `(batch, 1, 1, 1)`."""
    return values[:, None, None, None]
