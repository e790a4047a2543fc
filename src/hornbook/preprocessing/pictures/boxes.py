"""Bounding boxes: formats, clipping and moves.

Boxes are `(boxes, 4)` or `(batch, boxes, 4)`. A dictionary of `"boxes"` and `"labels"` is never
changed; functions that take one return a new one.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.settings import epsilon

# What the numbers of a box are; with `rel_`, as fractions of the width and height.
FORMATS = (
    "xyxy",  # left, top, right, bottom
    "yxyx",  # top, left, bottom, right
    "xywh",  # left, top, width, height
    "center_xywh",  # center x, center y, width, height
    "center_yxhw",  # center y, center x, height, width
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
)
ROWS_FIRST = ("yxyx", "center_yxhw", "rel_yxyx")
NO_SIZE = "{} needs height and width for the format {!r}; got height={} and width={}"


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: str = "float32",
) -> Any:
    """Convert boxes from one format to another.

    Args:
        boxes: `(..., 4)`, or a dictionary with `"boxes"`.
        source, target: one of `xyxy`, `yxyx`, `xywh`, `center_xywh`, `center_yxhw`, `rel_xyxy`,
            `rel_yxyx`, `rel_xywh`, `rel_center_xywh`. Relative numbers are fractions of the image.
        height, width: size of the image, for relative formats: numbers, or arrays that broadcast to
            `(..., 1)`.
        dtype: dtype of the result.

    Raises:
        ValueError: for an unknown format, another last axis, or a missing size.

    Example:
        >>> import hornbook as keras
        >>> boxes = np.array([[10, 20, 30, 60]])
        >>> keras.utils.bounding_boxes.convert_format(boxes, "xyxy", "center_xywh").tolist()
        [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, dict):
        moved = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": moved}
    boxes = jnp.asarray(boxes)
    if boxes.shape[-1:] != (4,):
        raise ValueError(f"convert_format: boxes must have shape (..., 4), not {boxes.shape}")
    source, target = source.lower(), target.lower()
    for name in (source, target):
        if name not in FORMATS:
            raise ValueError(
                f"convert_format: a format is one of {', '.join(FORMATS)}, not {name!r}"
            )
        if name.startswith("rel_") and (height is None or width is None):
            raise ValueError(NO_SIZE.format("convert_format", name, height, width))
    boxes = boxes.astype(dtype)
    if source == target:
        return boxes
    if source.startswith("rel_") and target.startswith("rel_"):
        source, target = source.removeprefix("rel_"), target.removeprefix("rel_")
    return _from_corners(_to_corners(boxes, source, height, width), target, height, width)


def _to_corners(boxes: Array, source: str, height: Any, width: Any) -> Array:
    if source in ROWS_FIRST:
        boxes = boxes[..., np.array([1, 0, 3, 2])]
    if source.startswith("rel_"):
        boxes = boxes * _size(height, width, boxes.dtype)
    first, last = boxes[..., :2], boxes[..., 2:]
    if "center" in source:
        first, last = first - last / 2, first + last / 2
    elif source.endswith("wh"):
        last = first + last
    return jnp.concatenate([first, last], -1)


def _from_corners(boxes: Array, target: str, height: Any, width: Any) -> Array:
    first, last = boxes[..., :2], boxes[..., 2:]
    if "center" in target:
        first, last = first + (last - first) / 2, last - first
    elif target.endswith("wh"):
        last = last - first
    boxes = jnp.concatenate([first, last], -1)
    if target.startswith("rel_"):
        boxes = boxes / _size(height, width, boxes.dtype)
    return boxes[..., np.array([1, 0, 3, 2])] if target in ROWS_FIRST else boxes


def _size(height: Any, width: Any, dtype: Any) -> Array:
    """`(width, height, width, height)` on the last axis, for numbers and for arrays `(..., 1)`."""
    sizes = [jnp.atleast_1d(jnp.asarray(size, dtype)) for size in (width, height)]
    return jnp.concatenate([*sizes, *sizes], -1)


def clip_to_image_size(
    bounding_boxes: dict, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict:
    """Clip boxes to the image; the labels of boxes without area become -1.

    Args:
        bounding_boxes: `"boxes"`, and `"labels"` or none.
        height, width: size of the image; not needed for `"rel_xyxy"`.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Raises:
        NotImplementedError: for any other format.
        ValueError: if the size is missing.

    Example:
        >>> import hornbook as keras
        >>> boxes = {"boxes": np.array([[-5.0, 2, 20, 8]]), "labels": np.array([3])}
        >>> clipped = keras.utils.bounding_boxes.clip_to_image_size(boxes, 10, 12)
        >>> clipped["boxes"].tolist()
        [[0.0, 2.0, 12.0, 8.0]]
    """
    _corners_only("clip_to_image_size", bounding_box_format, ("xyxy", "rel_xyxy"))
    boxes = jnp.asarray(bounding_boxes["boxes"])
    if bounding_box_format == "rel_xyxy":
        limit: Any = jnp.ones((), boxes.dtype)
    elif height is None or width is None:
        raise ValueError(NO_SIZE.format("clip_to_image_size", bounding_box_format, height, width))
    else:
        limit = _size(height, width, boxes.dtype)
    boxes = jnp.clip(boxes, 0, limit)
    clipped = {**bounding_boxes, "boxes": boxes}
    if bounding_boxes.get("labels") is not None:
        labels = jnp.asarray(bounding_boxes["labels"])
        kept = area(boxes) > 0
        clipped["labels"] = jnp.where(
            kept.reshape(*kept.shape, *[1] * (labels.ndim - kept.ndim)), labels, -1
        )
    return clipped


def _corners_only(function: str, given: str, known: Sequence[str] = ("xyxy",)) -> None:
    if given not in known:
        raise NotImplementedError(
            f"{function} works on boxes as {' or '.join(known)}, not {given!r}; "
            "convert them with convert_format"
        )


def area(boxes: Array) -> Array:
    """The areas of boxes of corners, `(..., 4)`."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def crop(
    boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy"
) -> Array:
    """Boxes in a crop of the image: relative to its corner, and clipped to its size.

    Args:
        boxes: `(..., 4)`.
        top, left: corner of the crop.
        height, width: size of the crop.
        bounding_box_format: `"xyxy"`.

    Raises:
        NotImplementedError: for any other format.

    Example:
        >>> import hornbook as keras
        >>> boxes = np.array([[10.0, 20, 50, 60]])
        >>> keras.utils.bounding_boxes.crop(boxes, 10, 20, 40, 25).tolist()
        [[0.0, 10.0, 25.0, 40.0]]
    """
    _corners_only("crop", bounding_box_format)
    boxes = jnp.asarray(boxes)
    inside = boxes - jnp.asarray([left, top, left, top], boxes.dtype)
    return jnp.clip(inside, 0, jnp.asarray([width, height, width, height], boxes.dtype))


def pad(
    boxes: Any,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Boxes in an image that was padded at the top and the left.

    Args:
        boxes: `(..., 4)`.
        top, left: rows and columns that were added.
        height, width: size of the image; not used, as in Keras.
        bounding_box_format: `"xyxy"`.

    Raises:
        NotImplementedError: for any other format.

    Example:
        >>> import hornbook as keras
        >>> keras.utils.bounding_boxes.pad(np.array([[1.0, 2, 3, 4]]), 10, 20).tolist()
        [[21.0, 12.0, 23.0, 14.0]]
    """
    _corners_only("pad", bounding_box_format)
    boxes = jnp.asarray(boxes)
    return boxes + jnp.asarray([left, top, left, top], boxes.dtype)


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: float | None = None,
    center_y: float | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """The smallest boxes around rotated, scaled, sheared and shifted ones.

    Args:
        boxes: `(batch, boxes, 4)`.
        angle, shear_x, shear_y: degrees, `(batch,)`.
        translate_x, translate_y: shifts as fractions of the width and height, `(batch,)`.
        scale: `(batch,)`.
        height, width: size of the image.
        center_x, center_y: center of the transform, as fractions of the image; default 0.5.
        bounding_box_format: `"xyxy"`.

    Raises:
        NotImplementedError: for any other format.

    Example:
        >>> import hornbook as keras
        >>> boxes, one, zero = np.array([[[0.0, 0, 4, 2]]]), np.ones(1), np.zeros(1)
        >>> keras.utils.bounding_boxes.affine_transform(
        ...     boxes, 90 * one, zero, zero, one, zero, zero, 5, 5
        ... ).round(4).tolist()
        [[[0.0, 0.0, 2.0, 4.0]]]
    """
    _corners_only("affine_transform", bounding_box_format)
    turn, lean_x, lean_y = (-jnp.deg2rad(jnp.asarray(a)) for a in (angle, shear_x, shear_y))
    middle_x = (0.5 if center_x is None else center_x) * (width - 1)
    middle_y = (0.5 if center_y is None else center_y) * (height - 1)
    a = jnp.cos(turn - lean_y) / jnp.cos(lean_y)
    b = a * jnp.tan(lean_x) + jnp.sin(turn)
    c = -jnp.sin(turn - lean_y) / jnp.cos(lean_y)
    d = jnp.cos(turn) - c * jnp.tan(lean_x)
    shift = jnp.stack([jnp.asarray(translate_x) * (width - 1), translate_y * (height - 1)], -1)
    matrix = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], -2)
    matrix = matrix * jnp.asarray(scale)[:, None, None]
    middle = jnp.stack(jnp.broadcast_arrays(jnp.asarray(middle_x), jnp.asarray(middle_y)), -1)
    middle = middle.astype(matrix.dtype)
    boxes = jnp.asarray(boxes).astype(matrix.dtype)
    corners = boxes[..., np.array([[0, 1], [2, 1], [2, 3], [0, 3]])]  # (batch, boxes, 4, 2)
    moved = jnp.einsum("bnkj,bij->bnki", corners - middle + shift[:, None, None], matrix) + middle
    return jnp.concatenate([moved.min(2), moved.max(2)], -1)


# ---- boxes relative to anchors


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Boxes relative to anchors: offsets in units of the anchor's size, and logs of size ratios.

    Args:
        anchors: `(anchors, 4)`.
        boxes: `(anchors, 4)` or `(batch, anchors, 4)`.
        anchor_format, box_format: see `convert_format`.
        encoding_format: `"center_yxhw"` or `"center_xywh"`: the order of the deltas.
        variance: four numbers that the deltas are divided by.
        image_shape: `(height, width, channels)`, for relative formats.

    Raises:
        ValueError: for any other encoding, or if `variance` is not four numbers.

    Source: Ren et al. 2015, arXiv:1506.01497.

    Example:
        >>> import hornbook as keras
        >>> keras.utils.bounding_boxes.encode_box_to_deltas(
        ...     np.array([[0.0, 0, 4, 4]]), np.array([[1.0, 0, 5, 4]]), "xyxy", "xyxy"
        ... ).tolist()
        [[0.0, 0.25, 0.0, 0.0]]
    """
    variance = _checked_encoding(encoding_format, variance)
    height, width = (None, None) if image_shape is None else image_shape[:2]
    anchor = convert_format(anchors, anchor_format, encoding_format, height, width)
    box = convert_format(boxes, box_format, encoding_format, height, width)
    size = jnp.maximum(anchor[..., 2:], epsilon())
    ratio = jnp.maximum(box[..., 2:], epsilon()) / size
    deltas = jnp.concatenate([(box[..., :2] - anchor[..., :2]) / size, jnp.log(ratio)], -1)
    return deltas / variance


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """The inverse of `encode_box_to_deltas`.

    Args:
        anchors: `(anchors, 4)`, or a dictionary of them.
        boxes_delta: `(anchors, 4)` or `(batch, anchors, 4)`, or a dictionary with the same keys.
        anchor_format, box_format: see `convert_format`.
        encoded_format: `"center_yxhw"` or `"center_xywh"`: the order of the deltas.
        variance: four numbers that the deltas are multiplied by.
        image_shape: `(height, width, channels)`, for relative formats.

    Raises:
        ValueError: for any other encoding, or if `variance` is not four numbers.

    Example:
        >>> import hornbook as keras
        >>> keras.utils.bounding_boxes.decode_deltas_to_boxes(
        ...     np.array([[0.0, 0, 4, 4]]), np.array([[0, 0.25, 0, 0]]), "xyxy", "xyxy"
        ... ).tolist()
        [[1.0, 0.0, 5.0, 4.0]]
    """
    variance = _checked_encoding(encoded_format, variance)
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        more = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {
            level: decode_deltas_to_boxes(anchor, boxes_delta[level], *more)
            for level, anchor in anchors.items()
        }
    height, width = (None, None) if image_shape is None else image_shape[:2]
    anchor = convert_format(anchors, anchor_format, encoded_format, height, width)
    deltas = jnp.asarray(boxes_delta) * variance
    place, size = anchor[..., :2], anchor[..., 2:]
    box = [deltas[..., :2] * size + place, jnp.exp(deltas[..., 2:]) * size]
    return convert_format(jnp.concatenate(box, -1), encoded_format, box_format, height, width)


def _checked_encoding(given: str, variance: Any) -> Array:
    if given not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"deltas are encoded as center_xywh or center_yxhw, not {given!r}")
    variance = jnp.ones(4) if variance is None else jnp.asarray(variance, "float32")
    if variance.shape[-1:] != (4,):
        raise ValueError(f"variance is four numbers, not of shape {variance.shape}")
    return variance


# ---- boxes of a layer's input


def densified(bounding_boxes: Any, layer: str) -> dict:
    """The `"boxes"` and `"labels"` of a layer's input as arrays; short lists are padded.

    Args:
        bounding_boxes: arrays, or lists with any number of boxes for each image. Padding is boxes
            of zeros, with the label -1.
        layer: its name in messages.

    Raises:
        ValueError: if a key is missing, or the shapes do not fit.
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= {*bounding_boxes}:
        raise ValueError(
            f"{layer}: bounding_boxes is a dictionary with the keys 'boxes' and 'labels', not "
            f"{bounding_boxes!r}"
        )
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, list | tuple) and isinstance(labels, list | tuple):
        if len(boxes) != len(labels) or any(
            len(one) != len(two)
            for one, two in zip(boxes, labels, strict=True)
            if np.ndim(two) or np.ndim(one) > 1
        ):
            raise ValueError(f"{layer}: as many labels as boxes are needed in each image")
        boxes, labels = _padded(boxes, 0, (4,), "float32"), _padded(labels, -1, (), "int32")
    if not hasattr(boxes, "ndim"):
        boxes, labels = np.asarray(boxes, "float32"), np.asarray(labels)
    if boxes.ndim not in (2, 3) or len(labels.shape) not in (boxes.ndim - 1, boxes.ndim):
        raise ValueError(
            f"{layer}: boxes must have shape (boxes, 4) or (batch, boxes, 4), and labels one axis "
            f"less, or one more for classes; got {tuple(boxes.shape)} and {tuple(labels.shape)}"
        )
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def _padded(rows: Sequence, value: float, shape: tuple, dtype: str) -> np.ndarray:
    """Lists of different lengths as one array; a single list of boxes or labels unchanged."""
    if not rows or np.ndim(rows[0]) <= len(shape):
        return np.asarray(rows, dtype).reshape(-1, *shape)
    most = max(map(len, rows))
    full = np.full((len(rows), most, *shape), value, dtype)
    for out, row in zip(full, rows, strict=True):
        out[: len(row)] = np.asarray(row, dtype).reshape(-1, *shape)
    return full
