"""Pictures moved by affine maps, with scipy as the oracle."""

import jax
import numpy as np
import pytest
from scipy import ndimage

import hornbook as keras
from hornbook.ops.image_affine import affine_on_host
from hornbook.ops.image_sampling import SCIPY_MODES


def by_scipy(picture, matrix, order, mode, value=0.0):
    return np.stack(
        [
            ndimage.affine_transform(
                channel, matrix[:, :2], matrix[:, 2], order=order, mode=mode, cval=value
            )
            for channel in np.moveaxis(picture, -1, 0)
        ],
        -1,
    )


def some_matrices(draw, count):
    """Rotations that zoom and shift, far beyond the edges too."""
    made = []
    for _ in range(count):
        angle, (zx, zy) = draw.uniform(-3, 3), draw.uniform(0.3, 3, 2)
        x, y = draw.uniform(-60, 60, 2)
        cos, sin = np.cos(angle), np.sin(angle)
        made.append([[cos * zx, -sin, x], [sin, cos * zy, y]])
    return np.array(made)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", SCIPY_MODES)
def test_every_mode_is_scipys(order, mode):
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 255, (6, 20, 31, 2)).astype("float32")
    matrices = some_matrices(draw, 6)
    matrices[0] = [[1, 0, -38], [0, -1, 90]]  # whole pixels
    matrices[1] = [[1, 0, 0.5], [0, -1, 30]]  # halves
    matrices[2] = [[1, 0, -19], [0, 1, -30]]  # one period of "wrap" and a pixel more
    got = affine_on_host(x, matrices, order, mode, 7.0)
    for one, matrix, picture in zip(got, matrices, x):
        want = by_scipy(picture, matrix, order, mode, 7.0)
        np.testing.assert_allclose(one, want, atol=1e-4, rtol=0)


def test_places_in_large_pictures_are_exact():
    """In one float32 a place in a picture of 3,000 columns is known to 0.0002 pixels at best."""
    x = (np.arange(3000.0) % 2 * 255).astype("float32").reshape(1, 1, 3000, 1)
    matrix = np.array([[[1, 0, 0], [0, 1 / 3, 1000.123456]]])
    want = by_scipy(x[0], matrix[0], 1, "nearest")
    np.testing.assert_allclose(affine_on_host(x, matrix)[0], want, atol=2e-4)


def test_pictures_of_one_pixel_and_places_that_are_no_numbers():
    for mode in SCIPY_MODES:
        one = affine_on_host(np.ones((1, 1, 1, 1), "float32"), np.eye(3)[None, :2], 1, mode)
        assert one.ravel() == [1], mode
    strange = np.array([[[np.nan, 0, 0], [0, 1, np.inf]], [[1e30, 0, 1e30], [0, 1, -1e30]]])
    x = np.ones((2, 4, 4, 1), "float32")
    with np.errstate(all="ignore"):
        for mode in SCIPY_MODES:
            assert affine_on_host(x, strange, 0, mode).shape == x.shape


def test_a_smaller_batch_is_no_new_program():
    from hornbook.ops.image_affine import _compiled

    _, call, _ = _compiled()
    draw = np.random.default_rng(0)
    x, matrices = draw.uniform(size=(5, 6, 7, 2)).astype("float32"), some_matrices(draw, 5)
    whole = affine_on_host(x, matrices, room=5)
    before = call._cache_size()
    np.testing.assert_array_equal(affine_on_host(x[:2], matrices[:2], room=5), whole[:2])
    assert call._cache_size() == before


def test_gradients_flow_to_pictures_and_not_beyond_the_edges():
    x = np.random.default_rng(0).uniform(size=(1, 5, 6, 1)).astype("float32")
    maps = np.array([[1.0, 0, 2, 0, 1, 0.25, 0, 0]])
    slope = jax.jit(jax.grad(lambda x: keras.ops.image.affine_transform(x, maps).sum()))(x)
    np.testing.assert_allclose(slope[0, :, :2], 0)
    np.testing.assert_allclose(slope[0, 1:, 2:], 1)
    np.testing.assert_allclose(slope[0, 0, 2:], 0.75)


def test_unknown_orders_and_modes_are_told():
    x, matrix = np.ones((1, 2, 2, 1), "float32"), np.eye(3)[None, :2]
    with pytest.raises(ValueError, match=r"order is one of \[0, 1\], not 3"):
        affine_on_host(x, matrix, 3)
    with pytest.raises(ValueError, match="fill_mode is one of .*'mirrored'"):
        affine_on_host(x, matrix, 1, "mirrored")
