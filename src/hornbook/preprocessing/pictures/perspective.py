"""`RandomPerspective`."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import ops
from hornbook.ops.image_sampling import homography
from hornbook.preprocessing.pictures import boxes
from hornbook.preprocessing.pictures.affine import INTERPOLATIONS
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class RandomPerspective(BaseImagePreprocessingLayer):
    """Shows pictures from another side: random shifts of corners. Nothing if `training=False`.

    Args:
        factor: probability that a picture is changed; two numbers: it is drawn between them. One
            number is `(0, factor)`.
        scale: the largest shift is half of it, as a fraction of the corner's coordinate, 0 to 1.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: value beyond the edges.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if `factor` or `scale` is not from 0 to 1.
        NotImplementedError: for an unknown interpolation.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.RandomPerspective(scale=0.5)(np.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, data_format=data_format, **kwargs)
        self.scale = self._range("scale", scale, 0, 1) and scale
        self.interpolation = self._one_of("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = fill_value
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw which pictures are changed, and where their corners go."""
        if not training:
            return None
        shape = self._shape(data)
        count, (height, width) = self._count(shape), self._sizes(shape)
        first, second = self._keys(seed, 2)
        half = 0.5 * self.scale
        shifts = jax.random.uniform(second, (count, 4, 2), "float32", -half, half)
        right, bottom = width - 1.0, height - 1.0
        start = jnp.array([[[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]]])
        start = jnp.repeat(start, count, 0)
        return {
            "apply_perspective": self._chosen(first, count),
            "start_points": start,
            "end_points": start + start * shifts,
            "input_shape": shape,
        }

    def _transform_images(self, images: Array, transformation: Any, interpolation: str) -> Array:
        if transformation is None:
            return images
        start, end = transformation["start_points"], transformation["end_points"]
        moved = ops.image.perspective_transform(
            images, start, end, interpolation, self.fill_value, self.data_format
        )
        return jnp.where(transformation["apply_perspective"][:, None, None, None], moved, images)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """The smallest boxes around moved ones; those outside get the label -1."""
        if not training or transformation is None:
            return bounding_boxes
        form, shape = self.bounding_box_format, transformation["input_shape"]
        found = self._converted(bounding_boxes, form, "xyxy", shape)
        maps = homography(transformation["end_points"], transformation["start_points"])
        a, b, c, d, e, f, g, h = jnp.moveaxis(maps[..., None].astype("float32"), 1, 0)
        left, top, right, bottom = jnp.moveaxis(found["boxes"], -1, 0)
        x, y = jnp.stack([left, right, left, right]), jnp.stack([top, bottom, bottom, top])
        depth = g * x + h * y + 1
        x, y = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
        moved = jnp.stack([x.min(0), y.min(0), x.max(0), y.max(0)], -1)
        chosen = transformation["apply_perspective"][:, None, None]
        moved = jnp.where(chosen, moved, found["boxes"])
        clipped = boxes.clip_to_image_size({**found, "boxes": moved}, *self._sizes(shape))
        # Keras leaves them as xyxy, whatever the format.
        return self._converted(clipped, "xyxy", form, shape)
