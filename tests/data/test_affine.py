"""Random changes of pictures, with keras-preprocessing as the oracle."""

import numpy as np
import pytest

from hornbook.data import affine

oracle = pytest.importorskip("keras_preprocessing.image")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*scipy.ndimage.interpolation.*:DeprecationWarning",
    "ignore:'mode' parameter is deprecated.*:DeprecationWarning",
)
LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


@pytest.fixture
def picture():
    return np.random.default_rng(0).uniform(20, 220, (10, 13, 3)).astype("float32")


def both(name, *args, **kwargs):
    """What both draw from one seed, and whether they leave the generator alike."""
    results = []
    for module in (affine, oracle):
        np.random.seed(5)
        results.append(getattr(module, name)(*args, **kwargs))
        results.append(np.random.random())
    ours, after, theirs, after_theirs = results
    assert after == after_theirs and ours.dtype == theirs.dtype
    return ours, theirs


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("random_rotation", (30,)),
        ("random_shift", (0.2, 0.3)),
        ("random_shear", (25,)),
        ("random_zoom", ((0.6, 1.7),)),
        ("random_zoom", ((1, 1),)),
    ],
)
@pytest.mark.parametrize("mode", affine.FILL_MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_random_moves(picture, name, args, mode, order):
    how = {"fill_mode": mode, "cval": 9.0, "interpolation_order": order, **LAST}
    ours, theirs = both(name, picture, *args, **how)
    off = np.abs(ours - theirs) > 2e-4
    # In scipy's arithmetic a place on the last pixel may lie beyond it.
    assert off.mean() < (0.03 if mode in ("constant", "wrap") else 1e-9)


def test_channels_first_moves_as_channels_last_does(picture):
    """keras-preprocessing took the channels' axis for rows there, and so another middle."""
    first = picture.transpose(2, 0, 1)
    for name, args in [("random_rotation", (30,)), ("random_zoom", ((0.5, 2),))]:
        np.random.seed(1)
        want = getattr(affine, name)(picture, *args, **LAST)
        np.random.seed(1)
        got = getattr(affine, name)(first, *args)
        np.testing.assert_array_equal(got, want.transpose(2, 0, 1))


@pytest.mark.parametrize(
    "numbers",
    [
        {"theta": 20},
        {"tx": 3, "ty": -2.5},
        {"shear": 10, "zx": 0.7},
        {"theta": -100, "tx": 1, "ty": 2, "shear": 30, "zx": 1.2, "zy": 0.8},
        {},
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_a_move_that_is_given(picture, numbers, dtype):
    x = picture.astype(dtype)
    ours = affine.apply_affine_transform(x, **numbers)
    theirs = oracle.apply_affine_transform(x, **numbers)
    assert ours.dtype == theirs.dtype
    close = {"float32": 2e-4, "float64": 1e-9, "uint8": 1}[dtype]
    np.testing.assert_allclose(ours.astype(float), theirs.astype(float), atol=close, rtol=0)


@pytest.mark.parametrize("brightness", [0.0, 0.3, 1.0, 1.7])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_brightness_is_pillows(picture, brightness, channels):
    x = np.concatenate([picture, picture[..., :1]], -1)[..., :channels]
    ours, theirs = affine, oracle
    np.testing.assert_array_equal(
        ours.apply_brightness_shift(x, brightness), theirs.apply_brightness_shift(x, brightness)
    )


def test_brightness_may_leave_the_range_as_it_is(picture):
    lit = affine.apply_brightness_shift(picture, 1.0, scale=False)
    np.testing.assert_array_equal(lit, np.trunc(picture))


def test_random_colours(picture):
    for name, args in [("random_channel_shift", (30, 2)), ("random_brightness", ((0.5, 1.5),))]:
        ours, theirs = both(name, picture, *args)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=name)


def test_each_channel_may_have_its_own_shift(picture):
    moved = affine.apply_channel_shift(picture, [0, 10, -1000], 2)
    np.testing.assert_array_equal(moved[..., 0], picture[..., 0])
    np.testing.assert_allclose(moved[..., 1], np.minimum(picture[..., 1] + 10, picture.max()))
    assert (moved[..., 2] == picture.min()).all()


def test_small_functions(picture):
    np.testing.assert_array_equal(affine.flip_axis(picture, 1), oracle.flip_axis(picture, 1))
    matrix = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(
        affine.transform_matrix_offset_center(matrix, 7, 8),
        oracle.affine_transformations.transform_matrix_offset_center(matrix, 7, 8),
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: affine.random_zoom(x, 0.5), "zoom_range is two numbers.* not 0.5"),
        (lambda x: affine.random_brightness(x, (1,)), r"brightness_range is two numbers.*\(1,\)"),
        (lambda x: affine.apply_affine_transform(x[0], 3), r"three axes.*got shape \(13, 3\)"),
        (lambda x: affine.apply_affine_transform(x, 3, row_axis=1), "row_axis=1, col_axis=1"),
        (lambda x: affine.apply_affine_transform(x, 3, fill_mode="mirror"), "not 'mirror'"),
        (lambda x: affine.apply_affine_transform(x, 3, order=6), "0 to 5, not 6"),
    ],
)
def test_what_cannot_be_is_told(picture, call, message):
    with pytest.raises(ValueError, match=message):
        call(picture)
