"""`RandomFlip`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import formulas
from hornbook.preprocessing.pictures import boxes
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer

MODES = {
    "horizontal": (True, False),
    "vertical": (False, True),
    "horizontal_and_vertical": (True, True),
}


class RandomFlip(BaseImagePreprocessingLayer):
    """Flips half of the pictures, each at random. Does nothing if `training=False`.

    Args:
        mode: `"horizontal"` (left to right), `"vertical"` (top to bottom), or
            `"horizontal_and_vertical"`: each direction by a draw of its own, so that a quarter of
            the pictures are unchanged. Keras 3 draws once for both, which never flips only one.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for an unknown mode.

    Example:
        >>> import hornbook as keras
        >>> x = np.arange(3.0).reshape(1, 3, 1)
        >>> flip = keras.layers.RandomFlip("horizontal", seed=0)
        >>> sorted({tuple(flip(x, training=True).ravel().tolist()) for _ in range(20)})
        [(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)]
    """

    _USE_BASE_FACTOR = False

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        if mode not in MODES:
            raise ValueError(f"RandomFlip: mode is one of {', '.join(MODES)}, not {mode!r}")
        self.mode = mode
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which pictures are flipped: `"flips"`, and `"vertical_flips"` if drawn separately."""
        if not training:
            return None
        shape = self._shape(data)
        flips = jax.random.bernoulli(self._key(seed), 0.5, (2, self._count(shape), 1, 1, 1))
        drawn = {"flips": flips[0], "input_shape": shape}
        return drawn | ({"vertical_flips": flips[1]} if all(MODES[self.mode]) else {})

    def _flips(self, transformation: dict) -> tuple[Any, Any]:
        """Which pictures are flipped left to right, and top to bottom; `None` for none."""
        across = transformation["flips"]
        down = transformation.get("vertical_flips", across)
        wanted = MODES[self.mode]
        return across if wanted[0] else None, down if wanted[1] else None

    def _transform_images(self, images: Any, transformation: dict, interpolation: str) -> Any:
        across, down = self._flips(transformation)
        return formulas.flipped(images, across, down, self.data_format)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Flip masks; they become floats, as in Keras."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Flip boxes; those outside of the image get the label -1."""
        if not training:
            return bounding_boxes
        form, shape = self.bounding_box_format, transformation["input_shape"]
        found = self._converted(bounding_boxes, form, "rel_xyxy", shape)
        corners = found["boxes"]
        for flips, swapped in zip(self._flips(transformation), ([2, 1, 0, 3], [0, 3, 2, 1])):
            if flips is not None:
                moved = np.array(swapped) != np.arange(4)
                mirrored = jnp.where(moved, 1 - corners[..., np.array(swapped)], corners)
                corners = jnp.where(jnp.squeeze(flips, -1), mirrored, corners)
        # Keras clips these fractions to the size in pixels.
        found = boxes.clip_to_image_size({**found, "boxes": corners}, None, None, "rel_xyxy")
        return self._converted(found, "rel_xyxy", form, shape)
