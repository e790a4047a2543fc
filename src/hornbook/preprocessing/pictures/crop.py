"""`CenterCrop` and `RandomCrop`: a window of fixed size."""

import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook import ops
from hornbook.layers.one_picture import OnePicture, kept
from hornbook.ops import image_resize
from hornbook.preprocessing.pictures import boxes
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class _Crop(OnePicture, BaseImagePreprocessingLayer):
    """A window of fixed size; of a smaller picture, the largest window of its shape, resized."""

    _USE_BASE_FACTOR = False

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self._check_size(height=height, width=width)
        self.height = height
        self.width = width

    def _window(self, images: Array, top: Any, left: Any) -> Array:
        """The pixels of a window that begins at a row and a column."""
        if isinstance(images, np.ndarray):
            top, left = int(top), int(left)
            window: list[Any] = [slice(None)] * 4
            window[self.height_axis] = slice(top, top + self.height)
            window[self.width_axis] = slice(left, left + self.width)
            return np.ascontiguousarray(images[tuple(window)])
        for axis, start, size in (
            (self.height_axis, top, self.height),
            (self.width_axis, left, self.width),
        ):
            images = jax.lax.dynamic_slice_in_dim(images, start, size, axis % images.ndim)
        return images

    def _floats(self, images: Any) -> Any:
        return kept(images).astype(self.compute_dtype)

    def _fitted(self, images: Array) -> Array:
        """The largest window of the target's shape, resized."""
        size = (self.height, self.width)
        if isinstance(images, np.ndarray):
            how = {"crop_to_aspect_ratio": True, "data_format": self.data_format}
            return image_resize.on_host(images[0], size, **how)[None]
        return ops.image.resize(
            images, size, crop_to_aspect_ratio=True, data_format=self.data_format
        )

    def _largest(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of the window that `_fitted` resizes."""
        h = max(min(height, int(width * self.height / self.width)), 1)
        w = max(min(width, int(height * self.width / self.height)), 1)
        return (height - h) // 2, (width - w) // 2, h, w

    def _boxes_in(self, found: dict, window: tuple, form: str, shape: tuple) -> dict:
        """Boxes relative to a window (top, left, height, width) that becomes the whole result."""
        top, left, height, width = window
        corners = self._converted(found, form, "xyxy", shape)
        corners["boxes"] = boxes.crop(corners["boxes"], top, left, height, width)
        if (height, width) != (self.height, self.width):
            scale = jnp.array([self.width / width, self.height / height] * 2)
            corners["boxes"] = corners["boxes"] * scale
        clipped = boxes.clip_to_image_size(corners, self.height, self.width)
        return boxes.convert_format(clipped, "xyxy", form, self.height, self.width)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Crop masks like images; they become floats, as in Keras."""
        return self.transform_images(segmentation_masks, transformation, training)


class CenterCrop(_Crop):
    """The middle of a picture; of a smaller one, its largest window of that shape, resized.

    Args:
        height, width: size of the result.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if a size is not a positive integer.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.CenterCrop(1, 2)(np.arange(12.0).reshape(3, 4, 1)).ravel().tolist()
        [5.0, 6.0]
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Nothing is drawn: the shape of the images."""
        return {"input_shape": self._shape(data)}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Crop a batch, whether training or not."""
        images = self._floats(images)
        height, width = self._sizes(images.shape)
        if height < self.height or width < self.width:
            return self._fitted(images)
        return self._window(images, (height - self.height) // 2, (width - self.width) // 2)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Crop boxes; those outside of the window get the label -1."""
        shape = transformation["input_shape"]
        height, width = self._sizes(shape)
        window: tuple = self._largest(height, width)
        if height >= self.height and width >= self.width:
            top, left = (height - self.height) // 2, (width - self.width) // 2
            window = (top, left, self.height, self.width)
        return self._boxes_in(bounding_boxes, window, self.bounding_box_format, shape)


_drawing = threading.Lock()  # no two threads draw the same random numbers


class _Corner(tuple):
    """The first row and column of a window, and the shape of the images that it is in."""

    shape: tuple[int, ...]


class RandomCrop(_Crop):
    """A window at a random place, the same for all pictures of a batch.

    If `training=False`, or if a picture is smaller, it is the largest window of that shape in the
    middle, resized. (Keras 3 returns the whole picture if `training=False`, unlike its
    documentation and Keras 2, so that the shape differs from that in training.)

    Args:
        height, width: size of the result.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        name: default `"random_crop"`, numbered.

    Raises:
        ValueError: if a size is not a positive integer.

    Example:
        >>> import hornbook as keras
        >>> crop = keras.layers.RandomCrop(1, 2, seed=1)
        >>> row = crop(np.arange(5.0).reshape(1, 5, 1), training=True).ravel()
        >>> float(row[1] - row[0])
        1.0
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, data_format, name=name, **kwargs)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw the first row and column of the window."""
        shape = self._shape(data)
        height, width = self._sizes(shape)
        if training and self._holds(shape):
            ends = jnp.array([height - self.height + 1, width - self.width + 1])
            with _drawing:
                key = self._key(seed)
            corner = _Corner(jax.random.randint(key, (2,), 0, ends))
        else:
            corner = _Corner(self._largest(height, width)[:2])
        corner.shape = shape
        return corner

    def _holds(self, shape: tuple) -> bool:
        height, width = self._sizes(shape)
        return height >= self.height and width >= self.width

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Array:
        """Crop a batch."""
        images = self._floats(images)
        if not training or not self._holds(images.shape):
            return self._fitted(images)
        return self._window(images, *transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Crop boxes; those outside of the window get the label -1."""
        # Keras subtracts the row from x and the column from y.
        shape = transformation.shape
        window: tuple = self._largest(*self._sizes(shape))
        if training and self._holds(shape):
            window = (*transformation, self.height, self.width)
        return self._boxes_in(bounding_boxes, window, self.bounding_box_format, shape)
