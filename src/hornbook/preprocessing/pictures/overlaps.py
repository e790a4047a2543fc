"""Overlaps of bounding boxes: IoU, and complete IoU."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import epsilon
from hornbook.preprocessing.pictures.boxes import area, convert_format


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """The intersection over union of each box of one set with each of another.

    Args:
        boxes1: `(n, 4)` or `(batch, n, 4)`.
        boxes2: `(m, 4)` or `(batch, m, 4)`.
        bounding_box_format: see `convert_format`.
        use_masking: whether pairs with a box of negative numbers get `mask_val`.
        mask_val: value of masked pairs.
        image_shape: `(height, width, channels)`, for relative formats.

    Returns:
        `(n, m)` or `(batch, n, m)`.

    Raises:
        ValueError: for other numbers of axes, or if `image_shape` is missing.

    Example:
        >>> import hornbook as keras
        >>> one, two = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])
        >>> keras.utils.bounding_boxes.compute_iou(one, two, "xyxy").round(4)
        Array([[0.3333]], dtype=float32)
    """
    one, two = (
        _corners_for("compute_iou", boxes, bounding_box_format, image_shape)
        for boxes in (boxes1, boxes2)
    )
    if one.ndim not in (2, 3) or two.ndim not in (2, 3):
        raise ValueError(
            "compute_iou: boxes must have shape (boxes, 4) or (batch, boxes, 4), not "
            f"{one.shape} and {two.shape}"
        )
    a, b = one[..., :, None, :], two[..., None, :, :]
    shared = _shared(a, b)
    overlap = shared / (area(a) + area(b) - shared + epsilon())
    if not use_masking:
        return overlap
    masked = (a.max(-1) < 0) | (b.max(-1) < 0)
    return jnp.where(masked, jnp.asarray(mask_val, overlap.dtype), overlap)


def compute_ciou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Sequence[int] | None = None
) -> Array:
    """The complete IoU of pairs of boxes: overlap, less distance of centers and aspect ratios.

    Args:
        boxes1, boxes2: `(..., 4)`, of the same shape.
        bounding_box_format: see `convert_format`.
        image_shape: `(height, width, channels)`, for relative formats.

    Raises:
        ValueError: if `image_shape` is missing.

    Source: Zheng et al. 2020, arXiv:1911.08287.

    Example:
        >>> import hornbook as keras
        >>> one, two = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])
        >>> keras.utils.bounding_boxes.compute_ciou(one, two, "xyxy").round(4)
        Array([0.2564], dtype=float32)
    """
    # Keras refuses relative formats even if image_shape is given, and asks for it.
    a, b = (
        _corners_for("compute_ciou", boxes, bounding_box_format, image_shape)
        for boxes in (boxes1, boxes2)
    )
    tiny = epsilon()
    (width_a, height_a), (width_b, height_b) = (
        (box[..., 2] - box[..., 0], box[..., 3] - box[..., 1] + tiny) for box in (a, b)
    )
    shared = _shared(a, b)
    overlap = shared / (width_a * height_a + width_b * height_b - shared + 2 * tiny)
    around = jnp.maximum(a[..., 2:], b[..., 2:]) - jnp.minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2
    distance = (apart**2).sum(-1) / ((around**2).sum(-1) + tiny)
    angle = jnp.arctan(width_b / height_b) - jnp.arctan(width_a / height_a)
    aspect = 4 / math.pi**2 * angle**2
    weight = aspect / (aspect - overlap + (1 + tiny))
    return overlap - (distance + aspect * weight)


def _corners_for(function: str, boxes: Any, given: str, image_shape: Any) -> Array:
    if "rel" in given and image_shape is None:
        raise ValueError(f"{function} needs image_shape for the relative format {given!r}")
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return convert_format(boxes, given, "xyxy", height, width)


def _shared(a: Array, b: Array) -> Array:
    """The area of the intersection."""
    low, high = jnp.maximum(a[..., :2], b[..., :2]), jnp.minimum(a[..., 2:], b[..., 2:])
    return jnp.maximum(high - low, 0).prod(-1)
