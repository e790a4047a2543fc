"""Image augmentation as in Keras 1, and image functions with their old arguments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.data import affine, image
from hornbook.data.augment import ImageDataGenerator as Today
from hornbook.data.directory import DirectoryIterator
from hornbook.data.pictures import NumpyArrayIterator

SAVE_FORMAT = 9  # its position after the folder in `flow_from_directory`


class ImageDataGenerator(Today):
    """Today's generator with Keras 1's behaviour.

    Pixels are sampled by nearest neighbour and shears are in radians; each channel has its own
    shift; a flip that is off draws no random number; samplewise mean and deviation are over the
    channels of each pixel; `fit` does not rescale.
    """

    _tiny = 1e-7
    _fits_rescaled = False

    def flow(
        self,
        X: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "jpeg",
    ) -> NumpyArrayIterator:
        """An endless iterator of batches from arrays."""
        saving = save_to_dir, save_prefix, save_format
        return super().flow(X, y, batch_size, shuffle, None, seed, *saving)

    def flow_from_directory(self, directory: Any, *args: Any, **kwargs: Any) -> DirectoryIterator:
        """An endless iterator of batches from the images in a folder's subfolders."""
        if len(args) <= SAVE_FORMAT:
            kwargs.setdefault("save_format", "jpeg")
        return super().flow_from_directory(directory, *args, **kwargs)

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict:
        """Random transform parameters, drawn in Keras 1's order."""
        if seed is not None:
            np.random.seed(seed)
        drawn = self._moves(img_shape)
        drawn["shear"] = np.rad2deg(drawn["shear"])
        shift, channels = self.channel_shift_range, img_shape[self.channel_axis - 1]
        drawn["channel_shift_intensity"] = (
            [np.random.uniform(-shift, shift) for _ in range(channels)] if shift else None
        )
        drawn["flip_horizontal"] = self.horizontal_flip and np.random.random() < 0.5
        drawn["flip_vertical"] = self.vertical_flip and np.random.random() < 0.5
        return drawn

    def _over(self, batch: bool) -> Any:
        return self.channel_axis - (not batch)


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
) -> Any:
    """Load an image; see `hornbook.data.load_img`.

    Args:
        path: a path or an open file.
        grayscale: today `color_mode="grayscale"`.
        color_mode, target_size, interpolation: as today.
    """
    mode = "grayscale" if grayscale else color_mode
    return image.load_img(path, mode, target_size or None, interpolation)


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True) -> Any:
    """Convert an array to an image; scaling keeps a positive minimum, as in Keras 1.

    Args:
        x: an image with three axes.
        data_format: as today.
        scale: whether to scale the maximum to 255.
    """
    x = np.asarray(x, "float32")
    if scale:
        x = x + max(-np.min(x), 0)
        x = x / (np.max(x) or 1) * 255
    return image.array_to_img(x, data_format, scale=False)


def random_shear(x: Any, intensity: float, **kwargs: Any) -> np.ndarray:
    """Shear an image by a random angle in `[-intensity, intensity]` radians.

    Args:
        x: an image with three axes.
        intensity: radians.
        kwargs: as today.
    """
    return affine.random_shear(x, np.rad2deg(intensity), **kwargs)


def random_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Add a different random number to each channel of an image.

    Args:
        x: an image.
        intensity: the maximum shift.
        channel_axis: the axis of channels.
    """
    count = np.shape(x)[channel_axis]
    shifts = [np.random.uniform(-intensity, intensity) for _ in range(count)]
    return affine.apply_channel_shift(x, shifts, channel_axis)


def apply_transform(
    x: Any,
    transform_matrix: np.ndarray,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval=0.0,
) -> np.ndarray:
    """Apply an affine transform to an image.

    Args:
        x: an image with three axes.
        transform_matrix: `(3, 3)`, from `transform_matrix_offset_center`.
        channel_axis: the axis of channels.
        fill_mode, cval: how to fill points outside the image.
    """
    picture = np.moveaxis(np.asarray(x), channel_axis, 2)
    moved = affine.resampled(
        picture[None], np.asarray(transform_matrix)[None, :2], fill_mode, cval, 0
    )[0]
    return np.moveaxis(moved, 2, channel_axis)
