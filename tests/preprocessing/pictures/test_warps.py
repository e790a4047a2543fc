"""Perspective and elastic transforms."""

import jax
import jax.numpy as jnp
import keras as theirs
import numpy as np
import pytest

from hornbook import layers
from tests.preprocessing.pictures.test_affine import agree, draw, inputs, transformed

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "given", [{"scale": 0.4}, {"factor": (0.5, 0.6), "interpolation": "nearest", "fill_value": 0.3}]
)
def test_perspective_beside_keras(given):
    other = theirs.layers.RandomPerspective(**given, bounding_box_format="xyxy", seed=1)
    layer = layers.deserialize(theirs.layers.serialize(other))
    theirs.layers.deserialize(layers.serialize(layer))
    data = inputs(7, 9)
    drawn = draw(layer, other, data["images"])
    agree(*transformed((layer, other), data, drawn), atol=1e-3)
    assert jax.tree.map(jnp.shape, layer(data)) == jax.tree.map(jnp.shape, data)


def test_boxes_of_a_perspective_stay_in_their_format():
    data = inputs(7, 9)
    drawn = layers.RandomPerspective(seed=1).get_random_transformation(data["images"])
    given = data["bounding_boxes"]["boxes"]
    found = []
    for form, order in (("xyxy", [0, 1, 2, 3]), ("yxyx", [1, 0, 3, 2])):
        layer = layers.RandomPerspective(bounding_box_format=form)
        boxes = {**data["bounding_boxes"], "boxes": jnp.asarray(given[..., order])}
        found.append(np.asarray(layer.transform_bounding_boxes(boxes, drawn)["boxes"])[..., order])
    np.testing.assert_allclose(*found, atol=1e-6)


def test_elastic_shifts_are_as_large_as_keras_s_and_masks_follow():
    rows, columns = np.arange(12.0)[:, None], np.arange(16.0)
    x = np.stack(np.broadcast_arrays(rows, columns), -1)[None].repeat(16, 0).astype("float32")
    given = {"factor": (1, 1), "scale": (0.6, 0.6), "seed": 1}
    other = theirs.layers.RandomElasticTransform(**given)
    layer = layers.deserialize(theirs.layers.serialize(other))
    theirs.layers.deserialize(layers.serialize(layer))
    out = layer({"images": x, "segmentation_masks": x.astype("int32")})
    moved, wanted = np.asarray(out["images"]) - x, np.asarray(other(x)) - x
    assert 0.9 < np.abs(moved).mean() / np.abs(wanted).mean() < 1.1
    assert abs(np.corrcoef(moved[..., 0].ravel(), moved[..., 1].ravel())[0, 1]) < 0.3
    assert np.abs(np.asarray(out["images"]) - out["segmentation_masks"]).max() < 1.0


def test_only_some_pictures_are_distorted_and_the_range_is_kept():
    x = RNG.uniform(-1, 2, (64, 8, 8, 1)).astype("float32")
    layer = layers.RandomElasticTransform(0.8, 0.5, value_range=(0, 1), seed=1)
    out = np.asarray(layer(x))
    assert out.min() == 0 and out.max() == 1
    same = (out == x.clip(0, 1)).all((1, 2, 3)).mean()
    assert 0.4 < same < 0.8  # 1 - 0.8 / 2
    np.testing.assert_array_equal(layer(x, training=False), x)
    np.testing.assert_array_equal(layers.RandomElasticTransform(0.0)(x), x)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.RandomPerspective(scale=1.5), "scale must be"),
        (lambda: layers.RandomPerspective(2.0), "factor must be"),
        (lambda: layers.RandomPerspective(interpolation="cubic"), "interpolation is one of"),
        (lambda: layers.RandomElasticTransform(scale=(0, 2)), "scale must be"),
        (lambda: layers.RandomElasticTransform(fill_mode="edge"), "fill_mode is one of"),
    ],
)
def test_errors(make, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make()
