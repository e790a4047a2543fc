"""Pictures in files as arrays, and back, with Keras as the oracle."""

import io
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

import hornbook
from hornbook.data import image
from hornbook.preprocessing.image import smart_resize

ARRAYS = {"rgb": (9, 13, 3), "rgba": (9, 13, 4), "grey": (9, 13, 1)}


@pytest.fixture
def files(tmp_path):
    """Files of all kinds that pictures come in."""
    draw = np.random.default_rng(0)
    made = {}
    for name, mode, shape in [
        ("rgb.png", "RGB", (17, 23, 3)),
        ("rgb.jpg", "RGB", (40, 31, 3)),
        ("rgba.png", "RGBA", (17, 23, 4)),
        ("grey.bmp", "L", (12, 30)),
        ("palette.png", "P", (12, 30)),
        ("bits16.png", "I;16", (12, 30)),
        ("cmyk.jpg", "CMYK", (12, 30, 4)),
        ("bits1.tif", "1", (12, 30)),
    ]:
        most = 60_000 if mode == "I;16" else 255
        numbers = draw.integers(0, most, shape).astype("uint16" if mode == "I;16" else "uint8")
        if mode == "CMYK":
            img = Image.fromarray(numbers, "RGBA").convert("RGB").convert("CMYK")
        elif mode in ("P", "1"):
            img = Image.fromarray(numbers).convert(mode)
        else:
            img = Image.fromarray(numbers)
        img.save(tmp_path / name)
        made[name] = tmp_path / name
    return made


@pytest.mark.parametrize("mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"target_size": (7, 11)},
        {"target_size": (20, 8), "interpolation": "bilinear", "keep_aspect_ratio": True},
        {"target_size": (8, 20), "interpolation": "bicubic", "keep_aspect_ratio": True},
        {"target_size": (10, 10), "interpolation": "lanczos"},
        {"target_size": (10, 10), "interpolation": "hamming"},
        {"target_size": (10, 10), "interpolation": "box"},
    ],
)
def test_a_file_is_read_as_keras_reads_it(files, mode, how):
    for name, path in files.items():
        if name == "bits16.png" and mode == "grayscale" and how.get("interpolation"):
            continue  # Pillow resizes 16 bits by the nearest pixel alone
        ours, theirs = image.load_img(path, mode, **how), keras.utils.load_img(path, mode, **how)
        assert ours.mode == theirs.mode and ours.size == theirs.size
        np.testing.assert_array_equal(image.img_to_array(ours), keras.utils.img_to_array(theirs))


def test_a_path_may_be_of_any_kind_and_a_file_open(files):
    path = files["rgb.png"]
    want = image.img_to_array(image.load_img(path))
    with path.open("rb") as file:
        for kind in (str(path), bytes(path), io.BytesIO(path.read_bytes()), file):
            np.testing.assert_array_equal(image.img_to_array(image.load_img(kind)), want)
    path.unlink()  # nothing holds it open
    with pytest.raises(TypeError, match="path or an open file, not int"):
        image.load_img(3)


def test_what_is_no_picture_is_named(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("no picture")
    with pytest.raises(OSError) as caught:
        image.load_img(path)
    assert any(str(path) in note for note in caught.value.__notes__)
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        image.load_img(tmp_path / "absent.png")


def test_a_broken_file_is_named(files):
    path = files["rgb.jpg"]
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(OSError) as caught:
        image.load_img(path, target_size=(4, 4))
    assert any("rgb.jpg" in note for note in caught.value.__notes__)


def test_a_small_file_of_a_huge_picture_takes_no_memory(files, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"rgb\.png claims to be an image of more than 200 pix"):
        image.load_img(files["rgb.png"])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"color_mode": "hsv"}, "color_mode is 'grayscale', 'rgb' or 'rgba', not 'hsv'"),
        ({"target_size": (4, 4), "interpolation": "spline"}, "interpolation is one of .*'spline'"),
        ({"target_size": 4}, r"target_size is \(height, width\) in pixels, not 4"),
        ({"target_size": (4, 0)}, "in pixels"),
    ],
)
def test_wrong_ways_to_read_are_told(files, how, message):
    with pytest.raises(ValueError, match=message):
        image.load_img(files["rgb.png"], **how)


def test_without_pillow_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'hornbook\[image\]'"):
        image.load_img("x.png")


@pytest.mark.parametrize("shape", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("format_", ["channels_last", "channels_first"])
def test_arrays_become_pictures_as_in_keras(shape, scale, format_):
    draw = np.random.default_rng(1)
    for x in (
        draw.uniform(0, 255, shape),
        draw.uniform(3, 200, shape).astype("float32"),
        np.full(shape, 7.0),
        draw.uniform(0, 900, shape) if shape[2] == 1 else draw.uniform(0, 1, shape),
    ):
        x = np.moveaxis(x, 2, 0) if format_ == "channels_first" else x
        ours = image.array_to_img(x, format_, scale)
        theirs = keras.utils.array_to_img(x, format_, scale)
        assert ours.mode == theirs.mode
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
        np.testing.assert_array_equal(
            image.img_to_array(ours, format_, "float64"),
            keras.utils.img_to_array(theirs, format_, "float64"),
        )


def test_dtypes_are_keras_defaults():
    img = Image.new("RGB", (3, 2))
    assert image.img_to_array(img).dtype == "float32"
    assert image.img_to_array(img, dtype="uint8").dtype == "uint8"
    assert image.img_to_array(img, dtype="bfloat16").dtype.name == "bfloat16"
    before = hornbook.config.image_data_format()
    hornbook.config.set_image_data_format("channels_first")
    try:
        assert image.img_to_array(img).shape == (3, 2, 3)
    finally:
        hornbook.config.set_image_data_format(before)


def test_arrays_that_are_no_pictures_are_told():
    with pytest.raises(ValueError, match=r"has three axes, not shape \(2, 2\)"):
        image.array_to_img(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels; x has 5 \(shape \(2, 2, 5\)"):
        image.array_to_img(np.ones((2, 2, 5)))
    with pytest.raises(ValueError, match="two or three axes"):
        image.img_to_array(np.ones((2, 2, 2, 2)))
    with pytest.raises(ValueError, match="channels_last"):
        image.img_to_array(np.ones((2, 2)), "last")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.jpeg", "x.bmp"])
def test_pictures_are_written_as_keras_writes_them(tmp_path, name):
    x = np.random.default_rng(0).uniform(0, 255, (8, 9, 3))
    image.save_img(tmp_path / name, x)
    keras.utils.save_img(tmp_path / f"k{name}", x)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"k{name}").read_bytes()
    image.save_img(str(tmp_path / "named"), x, file_format="png", scale=False)
    with Image.open(tmp_path / "named") as img:
        assert img.format == "PNG"


def test_jpeg_leaves_transparency_out_and_says_so(tmp_path):
    with pytest.warns(UserWarning, match="no alpha channel"):
        image.save_img(tmp_path / "x.jpg", np.ones((4, 4, 4)))
    assert image.load_img(tmp_path / "x.jpg").mode == "RGB"


@pytest.mark.parametrize("size", [(20, 20), (10, 30), (30, 10)])
@pytest.mark.parametrize("shape", [(34, 50, 3), (2, 50, 34, 1)])
def test_smart_resize_is_keras(size, shape):
    x = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    ours = smart_resize(x, size)
    assert isinstance(ours, np.ndarray)
    np.testing.assert_allclose(ours, keras.preprocessing.image.smart_resize(x, size), atol=1e-3)
    first = np.moveaxis(x, -1, -3)
    other = smart_resize(first, size, "nearest", "channels_first")
    want = keras.preprocessing.image.smart_resize(first, size, "nearest", "channels_first")
    np.testing.assert_array_equal(other, want)
    assert not isinstance(smart_resize(hornbook.ops.array(x), size), np.ndarray)


def test_smart_resize_tells_what_it_cannot_take():
    with pytest.raises(ValueError, match=r"size is \(height, width\)"):
        smart_resize(np.ones((4, 4, 3)), (1, 2, 3))
    with pytest.raises(ValueError, match="3 or 4 axes"):
        smart_resize(np.ones((4, 4)), (1, 2))


def test_the_doors_give_the_same():
    assert hornbook.utils.load_img is hornbook.preprocessing.image.load_img is image.load_img
    assert pathlib.Path(image.__file__).name == "image.py"
