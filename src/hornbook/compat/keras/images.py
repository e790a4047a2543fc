"""Pictures as Keras 1 changed them, and what old functions on pictures took."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.data import affine, image
from hornbook.data.augment import ImageDataGenerator as Today
from hornbook.data.directory import DirectoryIterator
from hornbook.data.pictures import NumpyArrayIterator

SAVE_FORMAT = 9  # its place among what follows the folder in `flow_from_directory`


class ImageDataGenerator(Today):
    """Today's, with what Keras 1 did in its way.

    Pixels are the nearest ones and shears are in radians; each channel has a shift of its own; a
    flip that is not asked for draws no number; a sample's mean and deviation are those of a pixel's
    channels; `fit` does not rescale.
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
        """Batches of arrays, endlessly."""
        saving = save_to_dir, save_prefix, save_format
        return super().flow(X, y, batch_size, shuffle, None, seed, *saving)

    def flow_from_directory(self, directory: Any, *args: Any, **kwargs: Any) -> DirectoryIterator:
        """Batches of the pictures in a folder's subfolders, endlessly."""
        if len(args) <= SAVE_FORMAT:
            kwargs.setdefault("save_format", "jpeg")
        return super().flow_from_directory(directory, *args, **kwargs)

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict:
        """What a picture is changed by, drawn in Keras 1's order."""
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
    """A picture from a file; see `hornbook.data.load_img`.

    Args:
        path: a path or an open file.
        grayscale: what `color_mode="grayscale"` is today.
        color_mode, target_size, interpolation: as today.
    """
    mode = "grayscale" if grayscale else color_mode
    return image.load_img(path, mode, target_size or None, interpolation)


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True) -> Any:
    """An array as a picture: what Keras 1 scaled began at 0, where all numbers were above.

    Args:
        x: a picture of three axes.
        data_format: as today.
        scale: whether the largest number becomes 255.
    """
    x = np.asarray(x, "float32")
    if scale:
        x = x + max(-np.min(x), 0)
        x = x / (np.max(x) or 1) * 255
    return image.array_to_img(x, data_format, scale=False)


def random_shear(x: Any, intensity: float, **kwargs: Any) -> np.ndarray:
    """A picture sheared by an angle from `-intensity` to `intensity` radians.

    Args:
        x: a picture of three axes.
        intensity: radians.
        kwargs: as today.
    """
    return affine.random_shear(x, np.rad2deg(intensity), **kwargs)


def random_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """A picture with a random number added to each channel, another for each.

    Args:
        x: a picture.
        intensity: the most that is added.
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
    """A picture whose pixels come from where a matrix says.

    Args:
        x: a picture of three axes.
        transform_matrix: `(3, 3)`, from `transform_matrix_offset_center`.
        channel_axis: the axis of channels.
        fill_mode, cval: what lies beyond the edges.
    """
    picture = np.moveaxis(np.asarray(x), channel_axis, 2)
    moved = affine.resampled(
        picture[None], np.asarray(transform_matrix)[None, :2], fill_mode, cval, 0
    )[0]
    return np.moveaxis(moved, 2, channel_axis)
