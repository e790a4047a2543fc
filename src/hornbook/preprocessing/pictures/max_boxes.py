"""`MaxNumBoundingBoxes`."""

from typing import Any

import jax.numpy as jnp

from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer


class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """The same number of bounding boxes for each picture: the first ones, padded.

    Args:
        max_number: number of boxes.
        fill_value: value of the padding, in boxes and labels.

    Raises:
        ValueError: if `max_number` is negative.

    Example:
        >>> import hornbook as keras
        >>> boxes = {"boxes": np.ones((1, 1, 4)), "labels": np.array([[5]])}
        >>> data = {"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes}
        >>> out = keras.layers.MaxNumBoundingBoxes(3)(data)
        >>> out["bounding_boxes"]["labels"].tolist()
        [[5, -1, -1]]
    """

    _USE_BASE_FACTOR = False
    _needs_format = False  # Keras asks for bounding_box_format, but does not use it

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number = int(max_number)
        self.fill_value = int(fill_value)
        if self.max_number < 0:
            raise ValueError(
                f"MaxNumBoundingBoxes: max_number must not be negative, not {max_number!r}"
            )

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, unchanged."""
        return images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks, unchanged."""
        return segmentation_masks

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """The first boxes and labels of each picture, padded."""
        parts = {key: bounding_boxes[key][:, : self.max_number] for key in ("boxes", "labels")}
        for key, value in parts.items():
            rest = [(0, 0), (0, self.max_number - value.shape[1])] + [(0, 0)] * (value.ndim - 2)
            parts[key] = jnp.pad(value, rest, constant_values=self.fill_value)
        return {**bounding_boxes, **parts}
