"""Every op on images against Keras's: values and gradients, channels last and first."""

import jax
import keras
import numpy as np
import pytest

from hornbook.core.symbolic import SymbolicTensor
from hornbook.ops import image
from tests.parity.helper import floats, same

IMAGES = floats(2, 6, 5, 3, low=0.05, high=0.95)
POINTS = np.float32([[[0, 0], [4, 0], [0, 5], [4, 5]]]).repeat(2, 0)
MOVED = POINTS + floats(2, 4, 2, low=-0.4, high=0.4)
TURN = np.float32([[0.9, 0.2, 0.3, -0.1, 1.1, 0.5, 0, 0], [1, 0, 1, 0, 1, 2, 0, 0]])

# name, arguments after the images, keywords
CASES = [
    ("rgb_to_grayscale", (), {}),
    ("rgb_to_hsv", (), {}),
    ("hsv_to_rgb", (), {}),
    ("resize", ((3, 8),), {}),
    ("resize", ((3, 8),), {"interpolation": "nearest"}),
    ("resize", ((4, 3),), {"interpolation": "bicubic", "antialias": True}),
    ("resize", ((4, 4),), {"interpolation": "lanczos3"}),
    ("resize", ((8, 2),), {"crop_to_aspect_ratio": True}),
    ("resize", ((8, 2),), {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
    ("resize", ((2, 9),), {"pad_to_aspect_ratio": True}),
    ("pad_images", (1, 2), {"target_height": 9, "target_width": 8}),
    ("pad_images", (1, 2, 0, 3), {}),
    ("crop_images", (1, 2), {"target_height": 3, "target_width": 2}),
    ("crop_images", (), {"bottom_cropping": 1, "right_cropping": 2, "top_cropping": 0}),
    ("extract_patches", (2,), {}),
    ("extract_patches", ((2, 3),), {"strides": (1, 2), "padding": "same"}),
    ("extract_patches", (2,), {"strides": 1, "dilation_rate": 2}),
    ("affine_transform", (TURN,), {}),
    ("affine_transform", (TURN,), {"interpolation": "nearest", "fill_value": 0.5}),
    ("affine_transform", (TURN,), {"fill_mode": "reflect"}),
    ("perspective_transform", (POINTS, MOVED), {}),
    ("perspective_transform", (POINTS, MOVED), {"interpolation": "nearest", "fill_value": 1.0}),
    ("gaussian_blur", (), {}),
    ("gaussian_blur", ((5, 3), (1.0, 2.0)), {}),
    ("sobel_edges", (), {}),
    ("ssim", (IMAGES**2,), {"filter_size": 3}),
]
COMPLETE = {"crop_images": {"left_cropping": 1}}
SECOND_IMAGE = {"ssim"}


ONE_OF_EACH = list({case[0]: case for case in CASES}.values())
LAYOUTS = [
    *[(case, "channels_last") for case in CASES],
    *[(case, "channels_first") for case in ONE_OF_EACH],
]


@pytest.mark.parametrize(
    "case, data_format",
    LAYOUTS,
    ids=lambda part: part if isinstance(part, str) else "-".join([part[0], *part[2]]),
)
def test_an_op_on_images_agrees(case, data_format):
    name, args, kwargs = case
    kwargs = {**kwargs, "data_format": data_format}
    if "bottom_cropping" in kwargs:
        kwargs |= COMPLETE[name]
    first = data_format == "channels_first"
    x = np.moveaxis(IMAGES, -1, 1).copy() if first else IMAGES
    if name in SECOND_IMAGE and first:
        args = tuple(np.moveaxis(a, -1, 1).copy() for a in args)
    gradient = kwargs.get("interpolation") != "nearest" and name != "perspective_transform"

    def of_images(fn):
        return lambda x: fn(x, *args, **kwargs)

    ours, theirs = getattr(image, name), getattr(keras.ops.image, name)
    same(of_images(ours), of_images(theirs), x, gradient=gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["rgb_to_grayscale", "resize", "pad_images", "extract_patches", "affine_transform"]
)
def test_a_single_image_is_taken_as_a_batch_of_one(name):
    args = {
        "resize": ((3, 4),),
        "pad_images": (1, 1, 1, 1),
        "extract_patches": (2,),
        "affine_transform": (TURN[0],),
    }.get(name, ())
    fn = getattr(image, name)
    alone, batch = fn(IMAGES[0], *args), fn(IMAGES[:1], *args)
    np.testing.assert_allclose(alone, batch[0], rtol=1e-6)


def test_patches_of_volumes_agree():
    volumes = floats(1, 4, 4, 4, 2)
    ours, theirs = image.extract_patches_3d, keras.ops.image.extract_patches_3d
    same(ours, theirs, volumes, 2)
    same(image.extract_patches, keras.ops.image.extract_patches, volumes, (2, 2, 1))


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
def test_coordinates_between_elements_agree(order, fill_mode):
    places = floats(2, 7, low=-3.0, high=8.0)
    ours, theirs = image.map_coordinates, keras.ops.image.map_coordinates
    x = floats(5, 6)
    same(ours, theirs, x, places, order, fill_mode=fill_mode, gradient=bool(order), rtol=1e-4)


def test_scaling_and_moving_agrees():
    args = (IMAGES, (2, 9, 7, 3), np.float32([1.5, 0.8]), np.float32([0.5, 1.0]), (1, 2), "linear")
    same(image.scale_and_translate, keras.ops.image.scale_and_translate, *args, rtol=1e-4)


def test_bytes_are_resized_as_in_keras():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3)).astype("uint8")
    out = image.resize(pixels, (4, 4), interpolation="bicubic")
    theirs = keras.ops.image.resize(pixels, (4, 4), interpolation="bicubic")
    assert out.dtype == "uint8"
    assert np.abs(np.asarray(out, int) - np.asarray(theirs, int)).max() <= 1


def test_elastic_transform_moves_a_little_and_repeats_from_its_seed():
    @jax.jit
    def transform(alpha):
        return image.elastic_transform(IMAGES, alpha=alpha, sigma=1.0, seed=1)

    out = transform(1.0)
    np.testing.assert_array_equal(out, transform(1.0))
    assert out.shape == IMAGES.shape
    assert 0 < np.abs(out - IMAGES).max() < 1
    np.testing.assert_allclose(transform(0.0), IMAGES, atol=1e-6)


def test_ssim_of_equal_images_is_one_also_for_a_single_image():
    np.testing.assert_allclose(image.ssim(IMAGES, IMAGES, filter_size=3), [1, 1], rtol=1e-5)
    assert image.ssim(IMAGES[0], IMAGES[0], filter_size=3).shape == ()


def test_symbolic_images_keep_the_unknown_batch():
    x = SymbolicTensor((None, 8, 6, 3))
    assert image.resize(x, (4, 5)).shape == (None, 4, 5, 3)
    assert image.rgb_to_grayscale(x).shape == (None, 8, 6, 1)
    assert image.extract_patches(x, 2).shape == (None, 4, 3, 12)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: image.resize(IMAGES, (2, 2), interpolation="cubist"), "interpolation"),
        (lambda: image.resize(IMAGES, (2, 2, 2)), "size"),
        (lambda: image.resize(IMAGES, (2, 2), fill_mode="wrap"), "fill_mode"),
        (
            lambda: image.resize(
                IMAGES, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True
            ),
            "not both",
        ),
        (lambda: image.resize(IMAGES[0, 0], (2, 2)), "three axes"),
        (lambda: image.pad_images(IMAGES, 1, 1), "exactly two"),
        (lambda: image.pad_images(IMAGES, 1, 1, target_height=2, target_width=9), "negative"),
        (lambda: image.crop_images(IMAGES, 1, 1, target_height=20, target_width=2), "negative"),
        (lambda: image.rgb_to_grayscale(IMAGES[..., :2]), "3 channels"),
        (lambda: image.rgb_to_hsv(IMAGES.astype("int32")), "floating-point"),
        (lambda: image.map_coordinates(IMAGES, np.zeros((2, 1)), 1), "do not fit"),
        (lambda: image.affine_transform(IMAGES, np.ones(6)), r"\(8,\)"),
        (lambda: image.ssim(IMAGES, IMAGES[:1]), "one shape"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
