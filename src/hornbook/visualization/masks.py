"""`draw_segmentation_masks`: the classes of pixels as colors on images."""

from typing import Any

import numpy as np

from hornbook.core.settings import standardize_data_format
from hornbook.visualization.drawing import as_bytes, batch, color_of

# Class `i` has the color `i * STEPS % 255` if none is given; the same ones as in Keras.
STEPS = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: dict | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Color the pixels of each class in a batch of images.

    Args:
        images: `(batch, height, width, channels)`; floating-point images without a value above 1
            are taken as fractions.
        segmentation_masks: classes, `(batch, height, width)` or with one channel. Class 0 is the
            background, which is left as it is, and so are classes above `num_classes`.
        num_classes: the largest class; default that in the masks.
        color_mapping: the colors of classes 1 to `num_classes`, as red, green and blue.
        alpha: opacity of the colors, 0 to 1.
        blend: if false, the colors are opaque.
        ignore_index: a class that is left as it is.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        The colored images `(batch, height, width, channels)` as bytes.

    Raises:
        TypeError: if the masks are not integers.
        ValueError: if the shapes of images and masks differ, a class has no color, or `alpha` is
            not between 0 and 1.

    Example:
        >>> images, masks = np.zeros((1, 1, 3, 3), "uint8"), np.array([[[0, 1, 2]]])
        >>> colors = {1: (255, 0, 0), 2: (0, 0, 100)}
        >>> keras.visualization.draw_segmentation_masks(images, masks, 2, colors).tolist()
        [[[[0, 0, 0], [204, 0, 0], [0, 0, 80]]]]
    """
    images = as_bytes(batch(images, data_format))
    masks = classes_of(segmentation_masks, data_format)
    if masks.shape != images.shape[:3]:
        raise ValueError(
            f"segmentation_masks must be (batch, height, width) = {images.shape[:3]} (or with one "
            f"channel), not of shape {np.shape(segmentation_masks)}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha!r}")
    last = int(masks.max(initial=0)) if num_classes is None else num_classes
    if color_mapping is None:
        color_mapping = {i: i * STEPS % 255 for i in range(1, last + 1)}
    # Keras draws the classes from 0 to num_classes - 1, against its own description: it darkens
    # the background and leaves the last class out.
    shown = [int(i) for i in np.unique(masks) if 1 <= i <= last and i != ignore_index]
    without = [i for i in shown if i not in color_mapping]
    if without:
        raise ValueError(f"color_mapping has no color for the classes {without}")
    colors = images.astype("float32")
    for i in shown:
        colors[masks == i] = color_of(color_mapping[i], images.shape[-1])
    opacity = alpha if blend else 1
    return np.round(images * (1 - opacity) + colors * opacity).astype("uint8")


def classes_of(masks: Any, data_format: str | None) -> np.ndarray:
    """Masks as `(batch, height, width)`.

    Raises:
        TypeError: if they are not integers.
    """
    masks = np.asarray(masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(
            f"segmentation_masks must be integers, not {masks.dtype}; "
            "cast them with keras.ops.cast(masks, 'int32')"
        )
    if masks.ndim == 4:
        axis = -1 if standardize_data_format(data_format) == "channels_last" else 1
        masks = masks.squeeze(axis) if masks.shape[axis] == 1 else masks
    return masks
