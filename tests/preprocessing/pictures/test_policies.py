"""RandAugment and AugMix: the same as their layers one by one, drawn anew for each batch."""

import functools
import random

import jax.numpy as jnp
import keras as theirs
import numpy as np
import pytest

from hornbook import layers
from hornbook.preprocessing.pictures.policies import LAYERS

X = np.random.default_rng(0).integers(0, 256, (1, 9, 8, 3)).astype("float32")
# Steps that compare values come first, where small errors cannot yet change a result. (Without
# equalization, which Keras computes in a loop over 256 levels.)
ORDER = (
    "random_posterization solarization auto_contrast random_brightness "
    "random_color_degeneration random_contrast random_sharpness random_shear random_translation "
    "random_rotation"
).split()


def close(ours, other):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(other), rtol=1e-4, atol=2e-3)


def test_rand_augment_applies_its_layers_in_the_drawn_order():
    mine, keras_s = (
        k.RandAugment(num_ops=len(ORDER), factor=(0.2, 0.3), bounding_box_format="xyxy")
        for k in (layers, theirs.layers)
    )
    drawn = keras_s.get_random_transformation(X)
    drawn["layer_idxes"] = np.array([list(LAYERS).index(name) for name in ORDER])
    wanted = jnp.asarray(X)
    for name in ORDER:
        wanted = getattr(keras_s, name).transform_images(wanted, drawn["transforms"][name])
    close(mine.transform_images(X, drawn), wanted)
    # boxes and masks go through the layers as the pictures do
    drawn = mine.get_random_transformation(X)
    drawn["layer_idxes"] = np.array([list(LAYERS).index(name) for name in ORDER])
    masks = (X[..., :1] > 100).astype("int32")
    boxes = {"boxes": np.array([[[1.0, 2, 5, 6]]], "float32"), "labels": np.array([[3]])}
    moved, cut = {k: jnp.asarray(v) for k, v in boxes.items()}, jnp.asarray(masks, "float32")
    for name in ORDER:
        layer, one = getattr(mine, name), drawn["transforms"][name]
        moved = layer.transform_bounding_boxes(moved, one)
        cut = layer.transform_segmentation_masks(cut, one)
    close(mine.transform_bounding_boxes(boxes, drawn)["boxes"], moved["boxes"])
    close(mine.transform_segmentation_masks(masks, drawn), cut)
    assert (moved["boxes"] != boxes["boxes"]).any() and (np.asarray(cut) != masks).any()


def test_aug_mix_mixes_what_keras_mixes():
    given = {"chain_depth": 2, "num_chains": 2, "value_range": (0, 255)}
    mine, keras_s = layers.AugMix(seed=2, **given), theirs.layers.AugMix(**given)
    random.seed(3)
    drawn = keras_s.get_random_transformation(X)
    assert sum(map(len, drawn["chain_transforms"])) > 1
    close(mine.transform_images(X, drawn), keras_s.transform_images(jnp.asarray(X), drawn))
    drawn = mine.get_random_transformation(X)
    mixed = mine.transform_images(X, drawn)
    steps = drawn["chain_transforms"]
    listed = [
        [
            {
                "layer_name": name,
                "transformation": getattr(mine, name).get_random_transformation(X, seed=key),
            }
            for index, key in zip(indices, keys, strict=True)
            if index < len(mine._names)
            for name in [mine._names[index]]
        ]
        for indices, keys in zip(steps["layer_idxes"], steps["keys"], strict=True)
    ]
    close(keras_s.transform_images(jnp.asarray(X), drawn | {"chain_transforms": listed}), mixed)
    masks = np.eye(3)[np.random.default_rng(1).integers(0, 3, (1, 9, 8))]
    cut = np.asarray(mine.transform_segmentation_masks(masks, drawn))
    close(cut.sum(-1), np.ones(cut.shape[:-1]))
    np.testing.assert_array_equal(mine.transform_segmentation_masks(masks, drawn, False), masks)


@pytest.mark.parametrize(("name", "given"), [("RandAugment", {}), ("AugMix", {"all_ops": False})])
def test_each_batch_has_its_own_augmentations_in_one_compiled_call(name, given):
    make = functools.partial(getattr(layers, name), **given)
    x = np.repeat(X, 3, 0)
    one, other = make(seed=5), make(seed=5)
    first = [np.asarray(one(x)) for _ in range(6)]
    for batch in first[:2]:
        np.testing.assert_array_equal(other(x), batch)
    assert len({batch.tobytes() for batch in first}) >= 5
    assert all(
        batch.min() >= 0 and batch.max() <= 255 and np.isfinite(batch).all() for batch in first
    )
    assert any((batch[0] != batch[1]).any() for batch in first)  # strengths of their own
    np.testing.assert_array_equal(one(x, training=False), x)
    if name == "RandAugment":
        moved = make(seed=5, data_format="channels_first")(np.moveaxis(x, -1, 1))
        close(np.moveaxis(moved, 1, -1), first[0])
    theirs_made = getattr(theirs.layers, name).from_config(one.get_config())
    assert type(one).from_config(theirs_made.get_config()).get_config() == one.get_config()


def test_bad_arguments_are_refused():
    for make, message in (
        (lambda: layers.RandAugment(num_ops=0), "num_ops must be a positive integer"),
        (lambda: layers.RandAugment(factor=2), "factor must be"),
        (lambda: layers.AugMix(chain_depth=1.5), "chain_depth must be"),
        (lambda: layers.AugMix(alpha=0), "alpha must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(NotImplementedError, match="interpolation"):
        layers.AugMix(interpolation="cubic")
