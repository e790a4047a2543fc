"""Layers that change the values of pixels: formulas against Keras's, draws by their properties."""

import jax
import jax.numpy as jnp
import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core import tree

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (3, 9, 8, 3)).astype("float32")
BYTES, FRACTIONS = {"value_range": (0, 255)}, {"value_range": (0, 1)}

# (class, arguments): Keras's draws go into our formula, and ours into Keras's
DRAWN = [
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": (0.0, 0.6), **BYTES}),
    ("RandomBrightness", {"factor": 0.4, **BYTES}),
    ("RandomColorDegeneration", {"factor": (0.0, 0.5), **FRACTIONS}),
    ("RandomContrast", {"factor": (0.3, 0.4), **BYTES}),
    ("RandomErasing", {"factor": (1, 1), **FRACTIONS}),
    ("RandomGaussianBlur", {"factor": (1, 1), "sigma": (0.2, 0.9), "kernel_size": (3, 5), **BYTES}),
    ("RandomGrayscale", {}),
    ("RandomHue", {"factor": 0.5, **BYTES}),
    ("RandomInvert", {**FRACTIONS}),
    ("RandomPosterization", {"factor": 6, **FRACTIONS}),
    ("RandomSaturation", {"factor": (0.2, 0.6), **FRACTIONS}),
    ("RandomSharpness", {"factor": 0.7, **BYTES}),
]
MORE = [  # with --long
    ("CutMix", {}),
    ("MixUp", {}),
    ("RandomErasing", {"factor": (0.9, 1), "fill_value": 7.0, **BYTES}),
    ("Solarization", {"addition_factor": 0.3, **FRACTIONS}),
]
ONE_SIGMA = "RandomGaussianBlur"  # Keras draws one for a batch, and takes no more


def close(ours, other, scale=1.0):
    np.testing.assert_allclose(np.asarray(ours), other, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")  # Keras's MixUp
@pytest.mark.parametrize(("name", "given"), DRAWN + MORE)
def test_formulas_are_keras_s(name, given, long):
    if (name, given) in MORE and not long:
        pytest.skip("other tests compute it with numpy: --long")
    mine, keras_s = getattr(layers, name)(seed=1, **given), getattr(theirs.layers, name)(**given)
    top = given.get("value_range", (0, 255))[1]
    x = jnp.asarray(X * top / 255)
    drawn = keras_s.get_random_transformation(x)
    wanted = np.asarray(keras_s.transform_images(x, drawn))
    close(mine.transform_images(x, drawn), wanted, top)
    drawn = mine.get_random_transformation(x)
    found = np.asarray(mine.transform_images(x, drawn))
    if name != ONE_SIGMA:
        close(found, keras_s.transform_images(x, drawn), top)
    assert (found != x).any()
    again = getattr(layers, name)(seed=1, **given)
    close(again(x), found, top)  # one seed, one result: compiled and not
    if name not in ("CutMix", "RandomErasing"):  # with channels first, and one picture
        first = getattr(layers, name)(seed=1, data_format="channels_first", **given)
        close(np.moveaxis(first(np.moveaxis(x, -1, 1)), 1, -1), found, top)
    np.testing.assert_array_equal(mine(x, training=False), x)


def test_layers_without_draws_are_keras_s():
    flat = X[:2].copy()
    flat[0, ..., 1] = 7  # a channel of one value
    for name, scale, more in (
        ("AutoContrast", 1, {}),
        ("Equalization", 255, {"bins": 20}),
        (
            "ContrastLimitedAdaptiveHistogramEqualization",
            1,
            {"clip_limit": 0.0, "tile_grid_size": (2, 3)},
        ),
    ):
        given = {"value_range": (0, scale)}
        mine, keras_s = (getattr(k, name)(**given, **more) for k in (layers, theirs.layers))
        x = flat * scale / 255
        # picture by picture: Keras equalizes the histogram of the whole batch
        wanted = np.stack([keras_s(one) for one in x])
        close(mine(x), wanted, scale)
        close(mine(x, training=False), wanted, scale)
        if name == "AutoContrast":  # of which Keras takes rows for channels
            first = layers.AutoContrast(data_format="channels_first", **given)
            close(np.moveaxis(first(np.moveaxis(x, -1, 1)), 1, -1), wanted, scale)


def test_bytes_give_what_keras_gives():
    x = X.astype("uint8")
    for name, dtype in (
        ("AutoContrast", "float32"),
        ("ContrastLimitedAdaptiveHistogramEqualization", "uint8"),
    ):
        mine, wanted = getattr(layers, name)()(x[0]), getattr(theirs.layers, name)()(x[0])
        assert mine.dtype == dtype == wanted.dtype
        np.testing.assert_allclose(mine, wanted, rtol=1e-6)
    gray = layers.RandomGrayscale(1.0)(x)
    np.testing.assert_array_equal(gray, theirs.layers.RandomGrayscale(1.0)(x))
    assert gray.dtype == "uint8" and gray.shape == x.shape
    # Keras adds bytes to bytes here, and they overflow
    bright = np.asarray(layers.RandomBrightness((0.5, 0.5))(x))
    np.testing.assert_array_equal(bright, np.minimum(X + 127.5, 255))


def draws(layer, count=2000, size=2):
    """The numbers drawn for many pictures."""
    return layer.get_random_transformation(np.zeros((count, size, size, 3), "float32"))


def spans(values, low, high):
    values = np.asarray(values, "float32")
    assert low <= values.min() and values.max() <= high
    assert values.min() < low + 0.05 * (high - low) and values.max() > high - 0.05 * (high - low)


def test_numbers_are_drawn_from_the_described_range_for_each_picture():
    spans(draws(layers.RandomBrightness(0.2))["rgb_delta"], -51, 51)
    spans(draws(layers.RandomBrightness((0.1, 0.3), (0, 1)))["rgb_delta"], 0.1, 0.3)
    spans(draws(layers.RandomContrast(0.2))["contrast_factor"], 0.8, 1.2)
    spans(draws(layers.RandomContrast((0.5, 0.2)))["contrast_factor"], 0.5, 1.2)
    spans(draws(layers.RandomColorDegeneration(0.4))["factor"], 0, 0.4)
    spans(draws(layers.RandomHue(0.4))["factor"], -0.2, 0.2)
    spans(draws(layers.RandomSaturation((0.2, 0.5)))["factor"], 0.25, 1)
    spans(draws(layers.RandomSaturation(0.5))["factor"], 0, 1)
    spans(draws(layers.RandomSharpness(0.5))["factor"], 0, 0.5)
    spans(draws(layers.Solarization((0.2, 0.4), 1.0))["additions"], 51, 102)
    spans(draws(layers.Solarization((0.2, 0.4), 1.0))["thresholds"], 0, 255)
    spans(draws(layers.RandomGaussianBlur(sigma=(1, 3)))["blur_factor"], 1, 3.001)
    bits = 8 - draws(layers.RandomPosterization((2, 5)))["shift_factor"].astype(int)
    assert set(np.unique(bits)) == {2, 3, 4, 5}
    for drawn, share in (
        (draws(layers.RandomInvert(1.0))["apply_inversion"], 0.5),
        (draws(layers.RandomErasing((0.7, 0.9)))["apply_erasing"], 0.8),
        (draws(layers.RandomGaussianBlur((1, 1)))["should_apply_blur"], 1.0),
        (draws(layers.RandomGrayscale(0.3)), 0.3),
    ):
        assert abs(np.mean(drawn) - share) < 0.04


def test_ranges_other_than_from_zero_and_colors_for_channels():
    x = X / 127.5 - 1
    signed = {"value_range": (-1, 1)}
    close(layers.RandomInvert((1, 1), **signed)(x), -x)
    close(layers.AutoContrast(**signed)(x), np.asarray(layers.AutoContrast()(X)) / 127.5 - 1)
    gray = np.asarray(layers.RandomSaturation((0, 0), **signed)(x))
    close(gray, x.max(-1, keepdims=True).repeat(3, -1))
    # more than full saturation is full saturation, for Keras only with value_range (0, 1)
    full = layers.RandomSaturation((0.9, 0.9))(X)
    close(full, theirs.layers.RandomSaturation((0.9, 0.9), **FRACTIONS)(X / 255) * 255, 255)
    for form, channels in (("channels_last", (3, 9, 8, 3)), ("channels_first", (3, 3, 9, 8))):
        layer = layers.RandomErasing((1, 1), (1, 1), (1, 2, 300), data_format=form)
        filled = np.asarray(layer(np.zeros(channels)))
        filled = np.moveaxis(filled, 1, -1) if form == "channels_first" else filled
        np.testing.assert_array_equal(filled, np.broadcast_to([1, 2, 255], (3, 9, 8, 3)))


def test_patches_have_the_drawn_size_and_lie_everywhere():
    layer = layers.RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=1, seed=0)
    erased = np.asarray(layer(np.zeros((64, 8, 12, 1))))[..., 0]
    assert (erased.sum((1, 2)) == 4 * 6).all()
    assert erased.any((0, 2)).all() and erased.any((0, 1)).all()
    x = np.arange(64.0)[:, None, None, None] * np.ones((1, 8, 12, 1))
    mix = layers.CutMix(seed=1)
    out = mix({"images": x, "labels": np.eye(64), "segmentation_masks": x})
    assert out["segmentation_masks"].shape == x.shape
    np.testing.assert_array_equal(out["segmentation_masks"], out["images"])
    kept = (np.asarray(out["images"]) == x).mean((1, 2, 3))
    labels = np.asarray(out["labels"])
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-5)
    other = (labels * (1 - np.eye(64))).sum(1)
    moved = kept < 1
    assert moved.sum() > 10 and abs(1 - kept - other)[moved].max() < 0.15


def test_mix_up_mixes_everything_with_the_same_weights():
    masks = np.eye(4)[RNG.integers(0, 4, (3, 9, 8))]
    boxes = {"boxes": RNG.uniform(size=(3, 2, 4)), "labels": RNG.integers(0, 9, (3, 2))}
    layer = layers.MixUp(2.0, seed=3, bounding_box_format="xyxy")
    given = {"images": X, "labels": np.eye(3), "bounding_boxes": boxes, "segmentation_masks": masks}
    drawn = layer.get_random_transformation(given)
    again = layers.MixUp(2.0, seed=3, bounding_box_format="xyxy")
    out = again(given)
    order, weight = (np.asarray(drawn[k]) for k in ("permutation_order", "mix_weight"))
    assert sorted(order) == [0, 1, 2] and (order != [0, 1, 2]).any()

    def mixed(value):
        w = weight.reshape(-1, *[1] * (value.ndim - 1))
        return w * value + (1 - w) * value[order]

    close(out["images"], mixed(X), 255)
    close(out["labels"], mixed(np.eye(3)))
    close(out["segmentation_masks"], mixed(masks))
    for key, value in boxes.items():
        close(out["bounding_boxes"][key], np.concatenate([value, value[order]], 1))
    close(
        layers.MixUp(2.0, seed=3)({"images": X, "labels": np.arange(3.0)})["labels"],
        mixed(np.arange(3.0)),
    )
    same = tree.flatten(again(given, training=False))
    for one, other in zip(same, tree.flatten(given), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_colors_leave_labels_boxes_and_masks_alone():
    given = {
        "images": X,
        "labels": np.arange(3),
        "bounding_boxes": {"boxes": np.ones((3, 1, 4)), "labels": np.ones((3, 1), int)},
        "segmentation_masks": X[..., :1].astype("int32"),
    }
    layer = layers.RandomColorJitter(
        (0, 255), 0.3, 0.3, (0.3, 0.7), 0.2, bounding_box_format="xyxy"
    )
    out = layer(given)
    assert np.abs(out["images"] - X).mean() > 1
    for part in ("labels", "segmentation_masks"):
        assert out[part].dtype == given[part].dtype or part == "labels"
        np.testing.assert_array_equal(out[part], given[part])
    np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], given["bounding_boxes"]["boxes"])


def test_jitter_is_its_steps_in_order():
    factors = {
        "brightness": (0.2, 0.2),
        "contrast": (0.0, 0.0),
        "saturation": (0.3, 0.3),
        "hue": (0.4, 0.4),
    }
    jitter = layers.RandomColorJitter(**{f"{k}_factor": v for k, v in factors.items()})
    drawn = jitter.get_random_transformation(X)
    x = jnp.asarray(X)
    for name, factor in factors.items():
        x = getattr(theirs.layers, f"Random{name.title()}")(factor).transform_images(x, drawn[name])
    close(jitter.transform_images(X, drawn), x, 255)
    one = layers.RandomColorJitter(hue_factor=0.3)
    assert list(one.get_random_transformation(X)) == ["hue"]


def test_in_models_pictures_change_in_fit_and_not_in_predict():
    images = keras.Input((9, 8, 3), dtype="uint8")
    x = layers.RandomColorJitter((0, 255), 0.2, 0.2, 0.5, 0.1)(images)
    x = layers.RandomErasing()(x)
    x = layers.RandomGaussianBlur()(x)
    x = layers.RandomPosterization(4)(x)
    model = keras.Model(images, layers.RandomSharpness(0.5)(x))
    bytes_ = X.astype("uint8")
    np.testing.assert_array_equal(model.predict(bytes_, verbose=0), X)
    model.compile(loss="mse")
    logs = model.fit(bytes_, X, epochs=1, verbose=0).history
    assert logs["loss"][0] > 1
    mixer = layers.MixUp()
    parts = {"images": keras.Input((9, 8, 3)), "labels": keras.Input((3,))}
    mixing = keras.Model(parts, mixer(parts))
    out = mixing({"images": X, "labels": np.eye(3)}, training=True)
    assert out["labels"].shape == (3, 3) and (np.asarray(out["images"]) != X).any()


def test_gradients_reach_the_pictures():
    """For examples that fool a network behind an augmentation."""
    layer = layers.RandomContrast((0.2, 0.2), (0, 1), seed=1)
    x = jnp.asarray(X / 255)
    slope = jax.grad(
        lambda x: layer.transform_images(x, {"contrast_factor": jnp.float32(0.5)}).sum()
    )
    assert np.isfinite(slope(x)).all() and np.any(slope(x))


def test_bad_arguments_are_refused():
    for make, message in (
        (lambda: layers.RandomBrightness(2.0), "RandomBrightness: factor must be .* from -1 to 1"),
        (lambda: layers.RandomPosterization(0), "from 1 to 8"),
        (lambda: layers.RandomHue(0.1, value_range=(1, 1)), "two different numbers"),
        (lambda: layers.AutoContrast(255), "value_range must be two"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "kernel_size must be odd"),
        (lambda: layers.RandomGaussianBlur(sigma=-1), "sigma must be"),
        (lambda: layers.RandomGrayscale(1.5), "from 0 to 1"),
        (lambda: layers.RandomErasing(fill_value="red"), "fill_value must be a number"),
        (lambda: layers.Solarization(1.5), "addition_factor must be"),
        (lambda: layers.Equalization(bins=1), "bins must be"),
        (
            lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=8),
            "tile_grid_size must be two",
        ),
        (lambda: layers.MixUp(0), "alpha must be positive"),
        (lambda: layers.MixUp()({"images": X, "labels": np.arange(3)}), "one_hot"),
        (lambda: layers.RandomHue(0.1)(X[..., :2]), "3 channels"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    boxes = {"boxes": np.ones((3, 1, 4)), "labels": np.ones((3, 1))}
    with pytest.raises(NotImplementedError, match="MixUp does"):
        layers.CutMix(bounding_box_format="xyxy")({"images": X, "bounding_boxes": boxes})
