"""`draw_bounding_boxes`: boxes and their labels on images."""

from typing import Any

import numpy as np

from hornbook.core.settings import standardize_data_format
from hornbook.preprocessing.pictures.boxes import convert_format
from hornbook.visualization.drawing import NOT_INSTALLED, as_bytes, batch, color_of

FONT_SIZE = 30  # pixels at scale 1: capital letters as high as those of Keras (OpenCV), 21 pixels
LINE = 12  # half the height of a line of text at scale 1
GAP = 8  # between a box and the label above it
INSET = 3  # between a box and the label inside it


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: dict,
    bounding_box_format: str,
    class_mapping: dict | None = None,
    color: tuple[int, int, int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Draw boxes, and the names of their classes, on a batch of images.

    Args:
        images: `(batch, height, width, channels)`; floating-point images without a value above 1
            are taken as fractions.
        bounding_boxes: `"boxes"`: `(batch, boxes, 4)`, `"labels"`: `(batch, boxes)`, where -1 is
            no box, and `"confidences"`, of the same shape, if any.
        bounding_box_format: as in `utils.bounding_boxes.convert_format`, such as `"xyxy"`.
        class_mapping: names of classes; boxes of other classes have no text.
        color: red, green and blue, 0 to 255.
        line_thickness: of the frames in pixels; -1 fills them.
        text_thickness: of the strokes of letters in pixels.
        font_scale: size of the letters; at 1.0 a capital letter is 21 pixels high.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        The images with their boxes, of the same shape, as bytes.

    Raises:
        ValueError: if images or boxes do not have these shapes.
        ImportError: for texts without Pillow.

    Example:
        >>> images = np.zeros((1, 8, 8, 3), "uint8")
        >>> boxes = {"boxes": np.array([[[1, 1, 6, 6]]]), "labels": np.array([[0]])}
        >>> drawn = keras.visualization.draw_bounding_boxes(images, boxes, "xyxy", line_thickness=1)
        >>> drawn[0, 1, :, 0].tolist()
        [0, 128, 128, 128, 128, 128, 128, 0]
    """
    given = batch(images, data_format)
    if not isinstance(bounding_boxes, dict):
        raise TypeError(
            "bounding_boxes must be a dict with 'boxes' and 'labels', "
            f"not {type(bounding_boxes).__name__}"
        )
    missing = {"boxes", "labels"} - set(bounding_boxes)
    if missing:
        raise ValueError(
            f"bounding_boxes must have 'boxes' and 'labels'; it has {sorted(bounding_boxes)}"
        )
    drawn = as_bytes(given)
    height, width = drawn.shape[1:3]
    boxes = np.asarray(bounding_boxes["boxes"])
    boxes = np.asarray(convert_format(boxes, bounding_box_format, "xyxy", height, width))
    labels = np.asarray(bounding_boxes["labels"]).astype("int64")
    sure = bounding_boxes.get("confidences")
    sure = None if sure is None else np.asarray(sure)
    if boxes.shape[:2] != labels.shape or len(boxes) != len(drawn):
        raise ValueError(
            f"{len(drawn)} images need boxes (batch, boxes, 4) and labels (batch, boxes); they "
            f"have the shapes {boxes.shape} and {labels.shape}"
        )
    ink = color_of(color, drawn.shape[-1])
    for i, j in np.argwhere(labels != -1):
        x1, y1, x2, y2 = boxes[i, j].astype("int64").tolist()
        _frame(drawn[i], (x1, y1, x2, y2), ink, line_thickness)
        text = (class_mapping or {}).get(int(labels[i, j]))
        if text is not None:
            text = str(text) if sure is None else f"{text} | {sure[i, j]:.2f}"
            thickness = text_thickness or line_thickness
            place = _place(x1, y1, font_scale, thickness)
            _write(drawn[i], text, place, ink, font_scale, thickness)
    first = standardize_data_format(data_format) == "channels_first"
    return np.moveaxis(drawn, -1, 1) if first else drawn


def _frame(image: np.ndarray, corners: tuple, ink: np.ndarray, thickness: int) -> None:
    """Draw a frame around the pixels from one corner to the other, both included."""
    x1, y1, x2, y2 = corners
    (x1, x2), (y1, y2) = sorted((x1, x2)), sorted((y1, y2))
    half = max(thickness, 0) // 2
    frame = _inside(image, x1 - half, y1 - half, x2 + half, y2 + half)
    if thickness >= 0:
        rest = thickness - half
        frame &= ~_inside(image, x1 + rest, y1 + rest, x2 - rest, y2 - rest)
    image[frame] = ink


def _inside(image: np.ndarray, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    return (x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)


def _place(x: int, y: int, scale: float, thickness: int) -> tuple[int, int]:
    """The left end of the baseline of a label: above its box, or inside if there is no room."""
    line = int(scale * LINE)
    if y - GAP - 2 * line > 0:
        return x, y - GAP
    return x + INSET, y + 2 * line + thickness + INSET


def _write(
    image: np.ndarray, text: str, place: tuple, ink: np.ndarray, scale: float, thickness: int
) -> None:
    """Write a text from the left end of its baseline."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        what = "draw_bounding_boxes with texts"
        raise ImportError(NOT_INSTALLED.format(what, "Pillow")) from error
    letters = Image.new("L", (image.shape[1], image.shape[0]))
    font = ImageFont.load_default(max(scale * FONT_SIZE, 1))
    bold = max(thickness - 1, 0) / 2
    ImageDraw.Draw(letters).text(place, text, 255, font, anchor="ls", stroke_width=bold)
    opacity = np.asarray(letters, "float32")[..., None] / 255
    image[:] = np.round(image + opacity * (ink - image)).astype("uint8")
