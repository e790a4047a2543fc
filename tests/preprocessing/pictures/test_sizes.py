"""Resizing, crops, and numbers of boxes, beside Keras."""

import jax
import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(2, 6, 10, 3)).astype("float32")


def inputs():
    """Pictures with boxes inside, at the edge, and of padding. Keras changes dictionaries."""
    boxes = np.array([[[0, 1, 2, 3], [2, 1, 5, 4], [-1, -1, -1, -1], [9, 5, 1, 1]]] * 2, "float32")
    return {
        "images": X,
        "bounding_boxes": {"boxes": boxes, "labels": np.array([[1, 2, -1, 3]] * 2)},
        "labels": np.arange(2),
        "segmentation_masks": (X * 9).astype("int32"),
    }


def agree(found, wanted, **close):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, **{"rtol": 1e-5, "atol": 1e-5} | close)


def both(name, *args, **kwargs):
    other = getattr(theirs.layers, name)(*args, **kwargs)
    layer = layers.deserialize(theirs.layers.serialize(other))
    theirs.layers.deserialize(layers.serialize(layer))
    return layer, other


@pytest.mark.parametrize(
    "size, given",
    [
        ((5, 9), {}),
        ((8, 4), {"crop_to_aspect_ratio": True, "interpolation": "bicubic"}),
        ((8, 4), {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
        ((5, 9), {"interpolation": "nearest", "antialias": True}),
    ],
)
def test_resizing(size, given):
    layer, other = both("Resizing", *size, **given, bounding_box_format="xywh")
    agree(layer(inputs()), other(inputs()))
    whole = (X * 255).astype("uint8")
    agree(layer(whole), other(whole))


def test_center_crop():
    for size in ((3, 4), (6, 10), (8, 3), (3, 12), (7, 11)):
        layer, other = both("CenterCrop", *size, bounding_box_format="xywh")
        agree(layer(inputs()), other(inputs()))
    first = layers.CenterCrop(3, 4, data_format="channels_first")
    out = first(X.transpose(0, 3, 1, 2))
    assert (np.asarray(out).transpose(0, 2, 3, 1) == layers.CenterCrop(3, 4)(X)).all()


def test_random_crop_takes_a_window_with_its_boxes():
    layer, other = both("RandomCrop", 3, 4, seed=1, bounding_box_format="xyxy")
    for source in (layer, other):
        corner = source.get_random_transformation(X)
        agree(layer.transform_images(X, corner), other.transform_images(X, corner))
    rows = np.arange(6.0)[:, None, None] * 10 + np.arange(10.0)[:, None]
    seen = {tuple(np.asarray(layer(rows))[0, 0]) for _ in range(60)}
    assert len(seen) > 15 and max(seen) <= (36,) and all(value % 10 <= 6 for (value,) in seen)
    # a box around one pixel stays around it
    boxes = {"boxes": np.array([[5.0, 2, 6, 3]]), "labels": np.array([7])}
    for _ in range(10):
        out = layer({"images": rows, "bounding_boxes": boxes, "segmentation_masks": rows})
        ((left, top, *_),), (label,) = (out["bounding_boxes"][key] for key in ("boxes", "labels"))
        picture = np.asarray(out["images"])[..., 0]
        assert (label == 7) == (25 in picture)
        assert label == -1 or picture[int(top), int(left)] == 25
        assert (np.asarray(out["segmentation_masks"])[..., 0] == picture).all()


def test_random_crop_fits_the_largest_window_if_not_training_or_too_small():
    crop, center = layers.RandomCrop(4, 4), layers.CenterCrop(20, 20)
    wanted = keras.ops.image.resize(X, (4, 4), crop_to_aspect_ratio=True)
    agree(crop(X, training=False), wanted)
    agree(layers.RandomCrop(20, 20)(X), center(X))
    model = keras.Sequential([keras.Input((6, 10, 3)), crop])
    assert model.predict(X, verbose=0).shape == (2, 4, 4, 3)


def test_the_number_of_boxes():
    for number in (2, 6):
        layer, other = both("MaxNumBoundingBoxes", number, bounding_box_format="xyxy")
        agree(layer(inputs()), other(inputs()))
    out = layers.MaxNumBoundingBoxes(6, 9)({**inputs(), "labels": np.eye(2)})
    assert out["bounding_boxes"]["boxes"][0, 5].tolist() == [9] * 4 and "labels" in out
    single = jax.tree.map(lambda array: array[0], inputs())
    assert layers.MaxNumBoundingBoxes(1)(single)["bounding_boxes"]["boxes"].shape == (1, 4)


def test_unknown_sizes_in_a_model():
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, layers.Resizing(4, 5)(layers.RandomFlip()(inputs)))
    assert model.output_shape == (None, 4, 5, 3)
    assert model(np.zeros((2, 7, 9, 3), "uint8")).shape == (2, 4, 5, 3)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Resizing(0, 3), "positive integer"),
        (lambda: layers.Resizing(3, 3, "cubic"), "interpolation is one of"),
        (lambda: layers.Resizing(3, 3, fill_mode="wrap"), "fill_mode is"),
        (lambda: layers.Resizing(3, 3, "nearest", True, True), "choose"),
        (lambda: layers.RandomCrop(2.5, 3), "positive integer"),
        (lambda: layers.MaxNumBoundingBoxes(-1), "negative"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
