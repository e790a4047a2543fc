"""Boxes, masks and galleries: pixels, and masks against Keras's."""

import builtins

import keras
import numpy as np
import pytest
from PIL import Image

from hornbook import visualization

RED, BLUE = (255, 0, 0), (0, 0, 255)


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, shape).astype("uint8")


def one_box(*corners: float, label: int = 0) -> dict:
    return {"boxes": np.array([[corners]]), "labels": np.array([[label]])}


def test_a_frame_is_as_thick_as_asked_around_the_corners():
    images = np.zeros((1, 12, 14, 3), "uint8")
    for thickness in (1, 2, 3):
        drawn = visualization.draw_bounding_boxes(
            images, one_box(3, 4, 10, 8), "xyxy", None, RED, thickness
        )
        half = thickness // 2
        wanted = np.zeros((12, 14), bool)
        wanted[4 - half : 9 + half, 3 - half : 11 + half] = True
        rest = thickness - half
        wanted[4 + rest : 9 - rest, 3 + rest : 11 - rest] = False
        np.testing.assert_array_equal(drawn[0, ..., 0], np.where(wanted, 255, 0))
        assert not drawn[..., 1:].any() and not images.any()
    filled = visualization.draw_bounding_boxes(images, one_box(3, 4, 10, 8), "xyxy", None, RED, -1)
    assert filled[0, ..., 0].astype(bool).sum() == 8 * 5


def test_boxes_of_any_format_image_layout_and_range_are_drawn_alike():
    images = pictures(2, 10, 16, 3)
    boxes = np.array([[[2, 1, 12, 7.0]], [[0, 0, 30, 5.0]]])
    labels = np.zeros((2, 1))
    wanted = visualization.draw_bounding_boxes(images, {"boxes": boxes, "labels": labels}, "xyxy")
    relative = {"boxes": boxes / [16, 10, 16, 10], "labels": labels}
    swapped = {"boxes": boxes[..., [1, 0, 3, 2]], "labels": labels}
    first = np.moveaxis(images, -1, 1)
    for drawn in (
        visualization.draw_bounding_boxes(images, relative, "rel_xyxy"),
        visualization.draw_bounding_boxes(images.tolist(), swapped, "yxyx"),
        visualization.draw_bounding_boxes((images + 0.1) / 255, relative, "rel_xyxy"),
        np.moveaxis(
            visualization.draw_bounding_boxes(first, swapped, "yxyx", data_format="channels_first"),
            1,
            -1,
        ),
    ):
        np.testing.assert_array_equal(drawn, wanted)
    assert (wanted[1, :5, 15] == images[1, :5, 15])[1:4].all()  # the right side is outside


def test_boxes_labelled_minus_one_are_not_drawn():
    images = pictures(1, 8, 8, 1)
    drawn = visualization.draw_bounding_boxes(
        images, one_box(1, 1, 5, 5, label=-1), "xyxy", {-1: "x"}
    )
    np.testing.assert_array_equal(drawn, images)


def test_labels_stand_above_their_box_or_in_it():
    images = np.zeros((1, 60, 80, 3), "uint8")
    above = one_box(10, 40, 70, 55)
    frame = visualization.draw_bounding_boxes(images, above, "xyxy", {}, RED)
    drawn = visualization.draw_bounding_boxes(images, above, "xyxy", {0: "AB"}, RED)
    letters = np.argwhere((drawn != frame)[0, ..., 0])
    assert letters[:, 0].min() >= 8 and letters[:, 0].max() <= 32  # 8 pixels above the box
    assert 19 <= np.ptp(letters[:, 0]) <= 23  # as high as those of OpenCV at this scale
    sure = above | {"confidences": np.array([[0.5]])}
    longer = visualization.draw_bounding_boxes(images, sure, "xyxy", {0: "AB"}, RED, font_scale=0.5)
    assert np.argwhere((longer != frame)[0, ..., 0])[:, 1].max() > 60  # "AB | 0.50"
    low = visualization.draw_bounding_boxes(images, one_box(10, 5, 70, 55), "xyxy", {0: "AB"}, RED)
    assert (low[0, 10:34, 14:50, 0] > 0).any()


def test_bad_boxes_are_refused():
    images = pictures(1, 8, 8, 3)
    draw = visualization.draw_bounding_boxes
    with pytest.raises(ValueError, match=r"four axes.*image\[None\]"):
        draw(images[0], one_box(1, 1, 5, 5), "xyxy")
    with pytest.raises(TypeError, match="must be a dict"):
        draw(images, [1], "xyxy")
    with pytest.raises(ValueError, match="it has \\['boxes'\\]"):
        draw(images, {"boxes": np.ones((1, 1, 4))}, "xyxy")
    with pytest.raises(ValueError, match="shapes"):
        draw(images, {"boxes": np.ones((1, 2, 4)), "labels": np.ones((1, 1))}, "xyxy")
    with pytest.raises(ValueError, match="xyzw"):
        draw(images, one_box(1, 1, 5, 5), "xyzw")


def test_masks_have_keras_s_colors():
    images = pictures(2, 5, 6, 3)
    masks = np.random.default_rng(1).integers(0, 4, (2, 5, 6, 1))
    for more in ({}, {"alpha": 0.3}, {"blend": False}):
        # Keras draws the background too, and not the last class; so it is given one class more
        theirs = keras.visualization.draw_segmentation_masks(
            images, masks, 4, ignore_index=-1 if "blend" in more else 0, **more
        )
        theirs = np.where(masks == 0, images, np.asarray(theirs))
        for given in (masks, masks[..., 0]):
            ours = visualization.draw_segmentation_masks(images, given, **more)
            assert ours.dtype == np.uint8
            np.testing.assert_allclose(ours, theirs.astype(float), atol=1)  # Keras truncates
    first = visualization.draw_segmentation_masks(
        np.moveaxis(images, -1, 1), np.moveaxis(masks, -1, 1), data_format="channels_first"
    )
    np.testing.assert_array_equal(first, visualization.draw_segmentation_masks(images, masks))


def test_classes_without_a_color_are_refused_or_left_alone():
    images, masks = pictures(1, 1, 4, 3), np.array([[[0, 1, 2, 3]]])
    draw = visualization.draw_segmentation_masks
    drawn = draw(images, masks, 2, {1: RED, 2: BLUE}, 1.0, ignore_index=1)
    assert drawn[0, 0, 2].tolist() == list(BLUE)
    np.testing.assert_array_equal(drawn[0, 0, [0, 1, 3]], images[0, 0, [0, 1, 3]])
    with pytest.raises(ValueError, match=r"no color for the classes \[3\]"):
        draw(images, masks, color_mapping={1: RED, 2: BLUE})
    with pytest.raises(TypeError, match="must be integers, not float64"):
        draw(images, masks / 1)
    with pytest.raises(ValueError, match="not of shape"):
        draw(images, masks[:, :, :2])
    with pytest.raises(ValueError, match="alpha"):
        draw(images, masks, alpha=3)


@pytest.fixture
def no_window(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")


def saved(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def shows(picture: np.ndarray, color) -> bool:
    return (abs(picture - np.array(color)).max(-1) < 30).sum() > 20


def test_a_gallery_shows_every_image(tmp_path, no_window):
    """Keras leaves out one of three images."""
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    images = np.stack([np.full((6, 6, 3), color) for color in colors])
    for given in (
        {"images": images},
        {"images": images / 255, "value_range": (0, 1)},
        {"images": np.moveaxis(images, -1, 1), "data_format": "channels_first"},
        {"images": images, "cols": 3, "y_true": [0, 1, 2], "label_map": {0: "a", 1: "b"}},
    ):
        visualization.plot_image_gallery(**given, path=tmp_path / "a.png", transparent=False)
        picture = saved(tmp_path / "a.png")
        assert all(shows(picture, color) for color in colors)
    assert picture.shape[1] > 2 * picture.shape[0]  # three columns, one row


def test_galleries_of_boxes_and_masks(tmp_path, no_window):
    images = np.full((2, 20, 20, 3), 0.5)
    box = {"boxes": np.array([[[2, 2, 15, 15]]] * 2), "labels": np.zeros((2, 1))}
    more = {"path": tmp_path / "a.png", "transparent": False, "value_range": (0, 1)}
    visualization.plot_bounding_box_gallery(
        images, "xyxy", box, box, true_color=RED, pred_color=BLUE, legend=True, **more
    )
    picture = saved(tmp_path / "a.png")
    assert shows(picture, BLUE) and shows(picture, RED)  # red in the legend only
    masks = np.ones((2, 20, 20, 1), "int32")
    visualization.plot_segmentation_mask_gallery(
        images, 2, y_true=masks, y_pred=2 * masks, color_mapping={1: RED, 2: BLUE}, alpha=1, **more
    )
    picture = saved(tmp_path / "a.png")
    assert shows(picture, BLUE) and shows(picture, RED) and shows(picture, (127, 127, 127))


def test_bad_galleries_are_refused(no_window):
    images = pictures(1, 4, 4, 3)
    with pytest.raises(ValueError, match="not both"):
        visualization.plot_image_gallery(images, path="a.png", show=True)
    with pytest.raises(ValueError, match="label_map"):
        visualization.plot_image_gallery(images, y_true=[1])
    with pytest.raises(ValueError, match="not both"):
        visualization.plot_bounding_box_gallery(images, "xyxy", legend=True, legend_handles=[1])


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("matplotlib", "PIL"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    images = pictures(1, 8, 8, 3)
    with pytest.raises(ImportError, match=r"matplotlib: pip install 'hornbook\[plot\]'"):
        visualization.plot_image_gallery(images)
    with pytest.raises(ImportError, match=r"Pillow: pip install 'hornbook\[plot\]'"):
        visualization.draw_bounding_boxes(images, one_box(1, 1, 5, 5), "xyxy", {0: "a"})
    visualization.draw_bounding_boxes(images, one_box(1, 1, 5, 5), "xyxy")
