"""Layers that flip, rotate, shift, zoom and shear, beside Keras; chains of them."""

import jax
import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers

RNG = np.random.default_rng(0)
PARTS = ("images", "bounding_boxes", "segmentation_masks")


def inputs(height=7, width=7, channels_first=False):
    """Three pictures with boxes inside, at the edge and outside, and masks."""
    shape = (3, 2, height, width) if channels_first else (3, height, width, 2)
    boxes = np.array([[[0, 1, 2, 3], [2, 1, 5, 4], [6, 6, 7, 7]]] * 3, "float32")
    return {
        "images": RNG.uniform(size=shape).astype("float32"),
        "bounding_boxes": {"boxes": boxes, "labels": np.array([[1, 2, 3]] * 3)},
        "labels": np.arange(3),
        "segmentation_masks": RNG.integers(0, 9, shape).astype("int32"),
    }


def agree(found, wanted, **close):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, **{"rtol": 1e-5, "atol": 2e-5} | close)


def transformed(both, data, drawn):
    """For each layer, the parts of the data, changed by one transformation."""

    @jax.jit
    def run(data):  # one program is compiled in less time than all its operations
        return [{part: changed(layer, part, data[part], drawn) for part in PARTS} for layer in both]

    return run(data)


def changed(layer, part, value, drawn):
    value = dict(value) if isinstance(value, dict) else value  # Keras changes dictionaries
    return getattr(layer, f"transform_{part}")(value, drawn)


ROWS = [
    ("RandomRotation", {"factor": 0.2}),
    ("RandomRotation", {"factor": (0.1, 0.3), "interpolation": "nearest", "fill_mode": "constant"}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.2, "fill_mode": "wrap"}),
    ("RandomZoom", {"height_factor": 0.3}),
    ("RandomZoom", {"height_factor": (-0.5, 0), "width_factor": 0.4, "fill_value": 0.5}),
    ("RandomShear", {"x_factor": 0.3}),
    ("RandomShear", {"y_factor": (0.1, 0.3), "fill_mode": "nearest"}),
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomFlip", {"mode": "vertical"}),
    ("RandomFlip", {}),
]


@pytest.mark.parametrize(
    "name, given, first",
    [(*one, False) for one in ROWS] + [(*ROWS[number], True) for number in (0, 4, 7)],
)
def test_keras_s_transformation_gives_what_it_gives_in_keras(name, given, first):
    more = {"bounding_box_format": "xyxy", "seed": 1}
    more |= {"data_format": "channels_first"} if first else {}
    other = getattr(theirs.layers, name)(**given, **more)
    layer = layers.deserialize(theirs.layers.serialize(other))
    # Keras cannot read what it writes for RandomShear(0.3): x_factor=(-0.3, 0.3)
    theirs.layers.deserialize(layers.serialize(getattr(layers, name)(**given, **more)))
    data = inputs(channels_first=first)
    drawn = draw(layer, other, data["images"])
    agree(*transformed((layer, other), data, drawn))


def draw(layer, other, images):
    """Keras's transformation; ours has the same parts, shapes and dtypes, and can replace it."""
    ours, drawn = (one.get_random_transformation(images) for one in (layer, other))
    ours.pop("vertical_flips", None)
    kinds = [
        {key: getattr(value, "aval", value) for key, value in one.items()} for one in (ours, drawn)
    ]
    assert kinds[0] == kinds[1]
    return drawn


def test_parts_follow_the_picture_also_where_keras_s_boxes_do_not():
    # a bright rectangle, its box and its mask stay together
    x = np.zeros((4, 24, 40, 1), "float32")
    x[:, 8:16, 10:30] = 1
    boxes = {"boxes": np.array([[[10, 8, 20, 8]]] * 4, "float32"), "labels": np.ones((4, 1))}
    data = {"images": x, "bounding_boxes": boxes, "segmentation_masks": x.astype("int32")}
    for layer in (
        layers.RandomRotation(0.05, "constant", bounding_box_format="xywh", seed=1),
        layers.RandomShear(0.2, 0.2, fill_mode="constant", bounding_box_format="xywh", seed=1),
        layers.RandomZoom((-0.2, -0.1), 0.1, "constant", bounding_box_format="xywh", seed=1),
    ):
        out = layer(data)
        corners = keras.utils.bounding_boxes.convert_format(out["bounding_boxes"], "xywh", "xyxy")
        for picture, mask, (box,) in zip(
            out["images"], out["segmentation_masks"], np.asarray(corners["boxes"]), strict=True
        ):
            assert ((np.asarray(picture) > 0.5) == (np.asarray(mask) > 0)).mean() > 0.98
            rows, columns, _ = np.nonzero(np.asarray(mask))
            seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(box, seen, atol=1.6)


def test_draws_are_in_range_and_differ_between_pictures():
    x = np.zeros((400, 4, 8, 1), "float32")
    for layer, key, low, high in (
        (layers.RandomRotation((-0.1, 0.2), seed=1), "angle", [-36], [72]),
        (layers.RandomTranslation((0, 0.5), 0.25, seed=1), "translations", [-2, 0], [2, 2]),
        (layers.RandomZoom((-0.5, 0.1), seed=1), "height_zoom", [0.5], [1.1]),
        (layers.RandomShear(0.5, (0.2, 0.4), seed=1), "shear_factor", [-0.5, -0.4], [0.5, 0.4]),
    ):
        drawn = np.asarray(layer.get_random_transformation(x)[key]).reshape(400, -1)
        low, high = np.array(low), np.array(high)
        assert (drawn >= low).all() and (drawn <= high).all()
        near = (high - low) / 20
        assert (drawn.min(0) < low + near).all() and (drawn.max(0) > high - near).all()
    zoom = layers.RandomZoom(0.2, seed=1).get_random_transformation(x)
    assert (zoom["height_zoom"] == zoom["width_zoom"]).all()


def test_flips_are_exact_and_each_direction_is_drawn_by_itself():
    x = RNG.uniform(size=(200, 3, 2, 1)).astype("float32")
    out = np.asarray(layers.RandomFlip(seed=1)(x))
    kinds = [x, x[:, ::-1], x[:, :, ::-1], x[:, ::-1, ::-1]]
    matches = [(out == kind).all((1, 2, 3)).sum() for kind in kinds]
    assert sum(matches) == 200 and min(matches) > 25


def product(maps):
    """The product of maps (a, b, c, d, e, f, 0, 0), from the last result to the first source."""
    full = [np.concatenate([np.asarray(m)[:, :6], [[0, 0, 1]] * len(m)], 1) for m in maps]
    whole = full[0].reshape(-1, 3, 3)
    for one in full[1:]:
        whole = whole @ one.reshape(-1, 3, 3)
    return whole.reshape(-1, 9)[:, :8]


def chain():
    """Layers, and functions that give the map of what each of them drew."""
    return [
        layers.RandomFlip("horizontal", seed=1),
        layers.RandomRotation(0.1, seed=2),
        layers.RandomTranslation(0.2, 0.2, seed=3),
        layers.RandomFlip("vertical", seed=4),
        layers.RandomZoom(0.2, seed=5),
        layers.RandomShear(0.2, seed=6),
    ]


def map_of(layer, drawn, height, width):
    if isinstance(layer, layers.RandomFlip):
        flips, one = np.asarray(drawn["flips"]).reshape(-1), np.ones(3)
        sign = np.where(flips, -1.0, 1.0)
        across = layer.mode == "horizontal"
        size = np.where(flips, (width if across else height) - 1, 0)
        zero = 0 * one
        if across:
            return np.stack([sign, zero, size, zero, one, zero, zero, zero], 1)
        return np.stack([one, zero, zero, zero, sign, size, zero, zero], 1)
    rows = [np.broadcast_to(v, 3) for row in layer._matrix(drawn, height, width) for v in row]
    return np.stack([*rows, np.zeros(3), np.zeros(3)], 1)


def test_affine_layers_in_a_row_resample_once_by_the_product_of_their_maps():
    data = inputs(7, 6)
    x = data["images"]
    maps = [map_of(one, one.get_random_transformation(x), 7, 6) for one in chain()]
    wanted = keras.ops.image.affine_transform(x, product(maps), fill_mode="reflect")
    agree(keras.Sequential(chain())(x), wanted, atol=1e-4)  # training is the default, as in Keras
    pipeline = layers.Pipeline(chain())
    seeds = [v.value for v in pipeline.non_trainable_variables]
    for batch in (x, x[0]):
        program = jax.jit(lambda seeds, x: pipeline.stateless_call([], seeds, x)[0])
        program = program.lower(seeds, batch)
        # each from its own picture: a batch on several devices stays there
        assert "operand_batching_dims = [0]" in program.as_text()
        compiled = program.compile()
        assert compiled.as_text().count(" gather(") == 4  # of the four neighbours
        found = compiled(seeds, batch)
        assert found.shape == batch.shape
        if batch is x:
            agree(found, wanted, atol=1e-4)


def test_layers_that_fill_differently_resample_each():
    one = [layers.RandomRotation(0.1, seed=1), layers.RandomZoom(0.2, fill_mode="wrap", seed=2)]
    two = [layers.RandomRotation(0.1, seed=1), layers.RandomZoom(0.2, fill_mode="wrap", seed=2)]
    x = inputs()["images"]
    agree(layers.Pipeline(one)(x), two[1](two[0](x)))


def test_a_pipeline_goes_both_ways_and_takes_any_layers():
    other = theirs.layers.Pipeline([theirs.layers.RandomFlip(seed=1), theirs.layers.Rescaling(2.0)])
    pipeline = layers.deserialize(theirs.layers.serialize(other))
    assert [type(one).__name__ for one in pipeline.layers] == ["RandomFlip", "Rescaling"]
    theirs.layers.deserialize(layers.serialize(pipeline))
    x = inputs()["images"]
    agree(pipeline(x, training=False), 2 * x)
    dense = layers.Pipeline([layers.RandomFlip(), layers.Dropout(0.5), layers.Dense(3)])
    assert dense(x).shape == (3, 7, 7, 3) and len(dense.trainable_variables) == 2
    with pytest.raises(ValueError, match="list of layers"):
        layers.Pipeline(layers.RandomFlip())


def test_precision_and_integers():
    x = RNG.integers(0, 255, (2, 6, 6, 3)).astype("uint8")
    assert layers.RandomRotation(0.1)(x).dtype == "float32"
    assert layers.RandomRotation(0.1, dtype="mixed_bfloat16")(x).dtype == "bfloat16"
    half = layers.RandomFlip(dtype="mixed_float16", bounding_box_format="xyxy")
    boxes = {"boxes": np.array([[[1.0001, 1, 2, 2]]] * 2), "labels": np.ones((2, 1), int)}
    out = half({"images": x, "bounding_boxes": boxes}, training=False)
    assert out["images"].dtype == "float16" and out["bounding_boxes"]["boxes"].dtype == "float32"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.RandomRotation(2), "from -1 to 1"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "two"),
        (lambda: layers.RandomZoom(-1), "above -1"),
        (lambda: layers.RandomShear(-0.5), "from 0 to 1"),
        (lambda: layers.RandomTranslation("half", 0), "number"),
        (lambda: layers.RandomZoom(0.1, fill_mode="mirror"), "fill_mode is one of"),
        (lambda: layers.RandomZoom(0.1, interpolation="bicubic"), "interpolation is one of"),
    ],
)
def test_errors_say_what_is_expected(make, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make()
