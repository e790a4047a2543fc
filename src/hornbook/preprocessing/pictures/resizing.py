"""`Resizing`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook import ops
from hornbook.core.dtype import is_float
from hornbook.layers.one_picture import OnePicture, kept
from hornbook.ops import image_resize
from hornbook.ops.image_basic import RESIZE_METHODS
from hornbook.preprocessing.pictures import boxes
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class Resizing(OnePicture, BaseImagePreprocessingLayer):
    """Resizes pictures. Integers stay integers, rounded.

    Args:
        height, width: size of the result.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        crop_to_aspect_ratio: crop the sides first, so that shapes are kept.
        pad_to_aspect_ratio: pad the sides first, so that shapes are kept.
        fill_mode: `"constant"`.
        fill_value: value of the padding.
        antialias: whether to low-pass filter when downsampling.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for any other interpolation or fill mode, or if asked to both crop and pad.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Resizing(1, 2)(np.array([[[0], [10], [20], [50]]], "uint8")).ravel()
        Array([ 5, 35], dtype=uint8)
    """

    _USE_BASE_FACTOR = False

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self._check_size(height=height, width=width)
        if interpolation not in RESIZE_METHODS or fill_mode != "constant":
            raise ValueError(
                f"Resizing: interpolation is one of {', '.join(RESIZE_METHODS)}, and fill_mode is "
                f"constant; got {interpolation!r} and {fill_mode!r}"
            )
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: choose crop_to_aspect_ratio or pad_to_aspect_ratio")
        self.height = height
        self.width = width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Nothing is drawn: height and width of the images."""
        return self._sizes(self._shape(data))

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        how: dict[str, Any] = {
            "size": (self.height, self.width),
            "interpolation": interpolation,
            "antialias": self.antialias,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_value": self.fill_value,
            "data_format": self.data_format,
        }
        if isinstance(images, np.ndarray):
            return image_resize.on_host(images[0], **how)[None]
        return ops.image.resize(images, **how)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Resize a batch, whether training or not."""
        images = kept(images)
        images = images.astype(self.compute_dtype) if is_float(images.dtype) else images
        return self._transform_images(images, transformation, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Resize masks to the nearest pixel, whether training or not."""
        return self._transform_images(kept(segmentation_masks), transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Resize boxes; those of only 0 or only -1 are padding, and become 0."""
        form, (height, width) = self.bounding_box_format, transformation
        given = bounding_boxes["boxes"]
        padding = jnp.all(given == -1, -1) | jnp.all(given == 0, -1)
        x, y = self.width / width, self.height / height
        if self.pad_to_aspect_ratio:
            x = y = min(x, y)
        elif self.crop_to_aspect_ratio:
            x = y = max(x, y)
        left, top = (self.width - width * x) // 2, (self.height - height * y) // 2
        if self.crop_to_aspect_ratio:  # the margins are negative
            left, top = -((width * x - self.width) // 2), -((height * y - self.height) // 2)
        found = boxes.convert_format(bounding_boxes, form, "xyxy", height, width)
        moved = found["boxes"] * jnp.array([x, y, x, y]) + jnp.array([left, top, left, top])
        clipped = boxes.clip_to_image_size({**found, "boxes": moved}, self.height, self.width)
        clipped["boxes"] = jnp.where(padding[..., None], 0, clipped["boxes"])
        return boxes.convert_format(clipped, "xyxy", form, self.height, self.width)
