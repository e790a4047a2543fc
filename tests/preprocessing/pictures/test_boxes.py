"""`keras.utils.bounding_boxes`, beside Keras."""

import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook.preprocessing.pictures.boxes import FORMATS

BOTH = OURS, THEIRS = keras.utils.bounding_boxes, theirs.utils.bounding_boxes
BOXES = np.array([[[1, 2, 5, 7], [0, 0, 3, 3]], [[4, 1, 9, 2], [2, 5, 3, 9]]], "float32")
OTHERS = np.array([[[1, 2, 4, 8], [2, 2, 3, 3]], [[-4, -1, -2, -1], [2, 4, 3, 8]]], "float32")


def same(name, *args, **kwargs):
    found, wanted = getattr(OURS, name)(*args, **kwargs), getattr(THEIRS, name)(*args, **kwargs)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_each_format_becomes_each_other():
    for source in FORMATS:
        for target in FORMATS:
            same("convert_format", BOXES, source, target, 8, 10)
    same("convert_format", BOXES[0], "xyxy", "REL_XYWH", height=8, width=10)
    assert OURS.convert_format(BOXES[0].tolist(), "xyxy", "yxyx").shape == (2, 4)
    given = {"boxes": BOXES, "labels": 1}
    assert OURS.convert_format(given, "xyxy", "xywh")["labels"] == 1 and given["boxes"] is BOXES


def test_clip_crop_pad_and_affine():
    for form, more in (("xyxy", {"height": 6, "width": 4}), ("rel_xyxy", {})):
        given = lambda: {"boxes": BOXES - 2, "labels": np.array([[1, 2], [3, 4]])}  # noqa: E731
        mine, wanted = [
            m.clip_to_image_size(given(), **more, bounding_box_format=form) for m in BOTH
        ]
        for key in ("boxes", "labels"):
            np.testing.assert_allclose(mine[key], wanted[key])
    same("crop", BOXES, 1, 2, 4, 3)
    same("pad", BOXES, 1, 2)
    two = lambda *values: np.array(values, "float32")  # noqa: E731
    moves = [two(10, -70), two(0.1, 0.2), two(0, -0.3), two(1, 0.7), two(5, 0), two(0, 20)]
    same("affine_transform", BOXES, *moves, 8, 10)
    same("affine_transform", BOXES, *moves, 8, 10, center_x=0.2, center_y=0.1)


def test_deltas():
    for encoding in ("center_yxhw", "center_xywh"):
        more = {"variance": [0.1, 0.1, 0.2, 0.2], "image_shape": (8, 10, 3)}
        same("encode_box_to_deltas", BOXES[0], BOXES, "xyxy", "xywh", encoding, **more)
        same("decode_deltas_to_boxes", BOXES[0], BOXES / 9, "xyxy", "rel_xywh", encoding, **more)
    deltas = OURS.encode_box_to_deltas(BOXES[0], BOXES, "xyxy", "xyxy")
    again = OURS.decode_deltas_to_boxes({"a": BOXES[0]}, {"a": deltas}, "xyxy", "xyxy")["a"]
    np.testing.assert_allclose(again, BOXES, atol=1e-5)


def test_overlaps():
    same("compute_iou", BOXES, OTHERS, "xyxy")
    same("compute_iou", BOXES[0], OTHERS[0], "xywh")
    same("compute_iou", BOXES, OTHERS[0], "xyxy")
    same("compute_iou", BOXES, OTHERS, "xyxy", use_masking=True, mask_val=-2)
    same("compute_iou", BOXES, OTHERS, "rel_yxyx", image_shape=(8, 10, 3))
    same("compute_ciou", BOXES, OTHERS, "xyxy")
    wanted = THEIRS.compute_ciou(BOXES * 10, OTHERS * 10, "xyxy")
    found = OURS.compute_ciou(BOXES, OTHERS, "rel_xyxy", image_shape=(10, 10, 3))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: OURS.convert_format(BOXES, "xyxy", "polar"), "a format is one of"),
        (lambda: OURS.convert_format(BOXES, "xyxy", "rel_xyxy"), "needs height and width"),
        (lambda: OURS.convert_format(BOXES[..., :3], "xyxy", "xywh"), r"\(\.\.\., 4\)"),
        (lambda: OURS.clip_to_image_size({"boxes": BOXES}), "needs height and width"),
        (lambda: OURS.clip_to_image_size({"boxes": BOXES}, 1, 1, "xywh"), "convert_format"),
        (lambda: OURS.crop(BOXES, 0, 0, 1, 1, "xywh"), "convert_format"),
        (lambda: OURS.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", "xyxy"), "center_yxhw"),
        (lambda: OURS.decode_deltas_to_boxes(BOXES, BOXES, "xyxy", "xyxy", variance=[1]), "four"),
        (lambda: OURS.compute_iou(BOXES, BOXES[0, 0], "xyxy"), "compute_iou"),
        (lambda: OURS.compute_iou(BOXES, BOXES, "rel_xyxy"), "image_shape"),
    ],
)
def test_errors(call, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        call()
