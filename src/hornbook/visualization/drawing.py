"""What all drawing functions share: images as bytes."""

from types import ModuleType
from typing import Any

import numpy as np

from hornbook.core.settings import standardize_data_format

NOT_INSTALLED = "{} needs {}: pip install 'hornbook[plot]'"


def batch(images: Any, data_format: str | None = None) -> np.ndarray:
    """Images as `(batch, height, width, channels)`.

    Raises:
        ValueError: unless they have four axes.
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(
            f"images must be a batch with four axes, not of shape {images.shape}; "
            "a single image is made a batch by image[None]"
        )
    first = standardize_data_format(data_format) == "channels_first"
    return np.moveaxis(images, 1, -1) if first else images


def as_bytes(images: np.ndarray, value_range: Any = None) -> np.ndarray:
    """A copy of images as bytes.

    Args:
        images: array.
        value_range: range of the values; by default 0 to 255, but 0 to 1 for floating-point images
            without a value above 1.
    """
    if value_range is None:
        fractions = images.dtype.kind == "f" and images.size and images.max() <= 1
        value_range = (0, 1) if fractions else (0, 255)
    low, high = value_range
    if not low < high:
        raise ValueError(f"value_range must be (lowest, highest) value, not {value_range!r}")
    if (low, high) != (0, 255):
        images = (images - low) / (high - low) * 255
    return np.clip(images, 0, 255).astype("uint8")


def color_of(color: Any, channels: int) -> np.ndarray:
    """A color for images with so many channels; an alpha channel is opaque."""
    color = (*np.ravel(color).tolist(), *(255,) * channels)
    return np.array(color[:channels], "float32")


def pyplot(user: str) -> ModuleType:
    """matplotlib's pyplot.

    Raises:
        ImportError: without matplotlib.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(NOT_INSTALLED.format(user, "matplotlib")) from error
    return pyplot
