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


COMPILED = []


@jax.monitoring.register_event_duration_secs_listener
def _note(event, _, **more):
    if "backend_compile" in event:
        COMPILED.append(more)


def picture(height, width, dtype="uint8"):
    return RNG.integers(0, 256, (height, width, 3)).astype(dtype)


def test_single_pictures_of_ever_new_sizes_compile_nothing():
    normalize = layers.Normalization()
    normalize.adapt(X)
    changes = [
        layers.Resizing(8, 9),
        layers.CenterCrop(8, 9),
        layers.RandomCrop(8, 9),
        layers.Rescaling(1 / 255, offset=-1),
        normalize,
        keras.Sequential([layers.Resizing(8, 9), layers.RandomFlip(), layers.RandomRotation(0.1)]),
        layers.Pipeline([layers.Rescaling(1 / 255), layers.Resizing(8, 9)]),
        lambda x: keras.ops.image.resize(x, (8, 9)),
    ]
    for number, change in enumerate(changes):
        assert isinstance(change(picture(20, 30)), jax.Array)
        for size in range(4, 12):  # also smaller than a crop
            change(picture(size, 24 - size))
            if number < 3:
                change({"images": picture(size, 21), "labels": 1})
            if size == 4:  # the label's program is one for all sizes
                COMPILED.clear()
        assert not COMPILED


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_single_pictures_are_changed_as_batches(dtype):
    x = picture(13, 17, dtype)
    masks = x[..., :1].astype("int32")
    for layer in (
        layers.Resizing(5, 9, crop_to_aspect_ratio=True),
        layers.Resizing(8, 30, "bicubic", pad_to_aspect_ratio=True, fill_value=3),
        layers.Resizing(5, 4, "lanczos3", antialias=True, bounding_box_format="xyxy"),
        layers.CenterCrop(6, 8, bounding_box_format="xyxy"),
        layers.CenterCrop(30, 8),
        layers.Rescaling([2.0, 1.0, 3.0], 0.5),
        layers.Normalization(mean=3.0, variance=2.0),
    ):
        agree(layer(x), layer(x[None])[0], atol=1 if dtype == "uint8" else 1e-4)  # 1 at halves
    parts = {"images": x, "segmentation_masks": masks, "labels": np.int32(3)}
    parts["bounding_boxes"] = {"boxes": np.array([[1.0, 2, 9, 5]]), "labels": np.array([1])}
    layer = layers.Resizing(5, 9, "nearest", bounding_box_format="xyxy")
    whole = layer(jax.tree.map(lambda part: np.asarray(part)[None], parts))
    agree(layer(parts), jax.tree.map(lambda part: part[0], whole))
    pair = np.stack([x, x])  # the methods for batches take numpy arrays too
    assert (
        layer.transform_images(pair).shape == layers.CenterCrop(5, 9).transform_images(pair).shape
    )
    first = layers.Resizing(5, 9, data_format="channels_first")
    agree(first(x.transpose(2, 0, 1)), np.moveaxis(layers.Resizing(5, 9)(x), -1, 0), atol=1e-4)


def crops_and_turns():
    first, then = layers.RandomCrop(8, 9, seed=3), layers.RandomRotation(0.2, seed=4)
    return [first, then, layers.RandomZoom(0.2, seed=5)]


def test_the_same_seed_changes_a_picture_and_a_batch_alike():
    x = picture(20, 30).astype("float32")
    for make in (lambda stack: stack[0], layers.Pipeline, keras.Sequential):
        one, batch = make(crops_and_turns()), make(crops_and_turns())
        for _ in range(3):  # affine layers in a row resample once in both
            agree(one(x), batch(x[None])[0], atol=0.05)


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
