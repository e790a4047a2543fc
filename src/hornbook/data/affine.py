"""Random changes of pictures: where their pixels come from, as a matrix, and how bright they are.

The random numbers are numpy's global ones, in the order in which keras-preprocessing drew them, so
that a seed gives an old program the pictures that it gave then. Angles are in degrees.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.ops.image_affine import affine_on_host

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
ORDERS = range(6)


def flip_axis(x: Any, axis: int) -> np.ndarray:
    """An array with one axis reversed.

    Example:
        >>> flip_axis([[1, 2], [3, 4]], 1)
        array([[2, 1],
               [4, 3]])
    """
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    """A map of the plane about a picture's middle, from one about its corner.

    Args:
        matrix: `(3, 3)`.
        x, y: rows and columns of the picture. Its middle is taken to be `(x / 2 + 0.5, y / 2 +
            0.5)`, as it always was.

    Example:
        >>> transform_matrix_offset_center(np.diag([2.0, 2.0, 1.0]), 4, 4)
        array([[ 2. ,  0. , -2.5],
               [ 0. ,  2. , -2.5],
               [ 0. ,  0. ,  1. ]])
    """
    o_x, o_y = x / 2 + 0.5, y / 2 + 0.5
    to = np.array([[1, 0, o_x], [0, 1, o_y], [0, 0, 1]])
    back = np.array([[1, 0, -o_x], [0, 1, -o_y], [0, 0, 1]])
    return to @ matrix @ back


# What moves a picture's pixels, and what leaves them where they are.
STILL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}


def transform_matrices(rows: int, columns: int, moves: Sequence[dict[str, Any]]) -> Any:
    """From which place of a picture each place of the changed one comes, for each of many.

    `rotation(theta) shift(tx, ty) shear(shear) zoom(zx, zy)` about the middle, then flips.

    Args:
        rows, columns: the pictures' size.
        moves: for each picture, what is not as in `STILL`: theta, shear: angles in degrees; tx,
            ty: shifts along rows and columns, in pixels; zx, zy: zooms along rows and columns (2
            shows twice as much, half as large); flip_vertical, flip_horizontal.

    Returns:
        `(pictures, 2, 3)`, to be multiplied by `(row, column, 1)`; `None` if nothing but flips is
        asked for.

    Example:
        >>> transform_matrices(4, 4, [{"tx": 1.0}])[0]
        array([[1., 0., 1.],
               [0., 1., 0.]])
    """
    values = np.array([[one.get(name, value) for one in moves] for name, value in STILL.items()])
    if (values == np.array(list(STILL.values()))[:, None]).all():
        return None
    theta, tx, ty, shear, zx, zy = values
    turn, lean = np.deg2rad(theta), np.deg2rad(theta + shear)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sheared = np.array([rotation[:, 0], [-np.sin(lean), np.cos(lean)]]).swapaxes(0, 1)
    matrix = (sheared * [zx, zy]).transpose(2, 0, 1)
    shift = np.einsum("ijn,jn->ni", rotation, [tx, ty])
    middle = np.array([rows / 2 + 0.5, columns / 2 + 0.5])
    flips = [[one.get(f"flip_{way}", False) for way in ("vertical", "horizontal")] for one in moves]
    down_and_across = np.array(flips, bool)
    last = down_and_across * [rows - 1, columns - 1]
    offset = shift + middle + np.einsum("nij,nj->ni", matrix, last - middle)
    matrix = np.where(down_and_across[:, None], -matrix, matrix)
    return np.concatenate([matrix, offset[..., None]], axis=2) + 0.0  # no negative zeros


def resampled(
    pictures: np.ndarray,
    matrices: np.ndarray | None,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
    room: int = 0,
) -> np.ndarray:
    """Pictures whose pixels come from elsewhere, `(batch, rows, columns, channels)`.

    Args:
        pictures: of that shape; integers are rounded and cut to what the type holds.
        matrices: one for each, `(batch, 2, 3)`; `None` leaves them as they are.
        fill_mode: beyond the edges: `"constant"`, `"nearest"`, `"reflect"`, `"wrap"`.
        cval: for `"constant"`.
        order: 0 for the nearest pixel, 1 linear, 2 to 5 splines (of scipy).
        room: see `affine_on_host`.

    Raises:
        ValueError: for another mode or order.
    """
    if fill_mode not in FILL_MODES:
        raise ValueError(f"fill_mode is one of {', '.join(FILL_MODES)}, not {fill_mode!r}")
    if order not in ORDERS:
        raise ValueError(f"the order of interpolation is 0 to 5, not {order!r}")
    if matrices is None:
        return pictures
    if order > 1 or pictures.dtype == np.float64:
        moved = _by_scipy(pictures, matrices, fill_mode, cval, order)
    else:
        floats = pictures.astype("float32", copy=False)
        moved = affine_on_host(floats, matrices, order, fill_mode, cval, room)
    if pictures.dtype.kind in "iu":
        limits = np.iinfo(pictures.dtype)
        moved = np.clip(np.floor(moved + 0.5), limits.min, limits.max)
    return moved.astype(pictures.dtype, copy=False)


def _by_scipy(
    pictures: np.ndarray, matrices: np.ndarray, fill_mode: str, cval: float, order: int
) -> np.ndarray:
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ImportError("interpolation_order 2 to 5 needs scipy: pip install scipy") from error
    moved = np.empty(pictures.shape, np.result_type(pictures, "float32"))
    for picture, matrix, out in zip(pictures, matrices, moved, strict=True):
        for channel in range(picture.shape[2]):
            out[..., channel] = ndimage.affine_transform(
                picture[..., channel].astype(moved.dtype, copy=False),
                matrix[:, :2],
                matrix[:, 2],
                order=order,
                mode=fill_mode,
                cval=cval,
            )
    return moved


def apply_affine_transform(
    x: Any,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 0,
    col_axis: int = 1,
    channel_axis: int = 2,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """One picture turned, shifted, sheared and zoomed.

    Args:
        x: a picture of three axes.
        theta, tx, ty, shear, zx, zy: see `transform_matrices`.
        row_axis, col_axis, channel_axis: which axis is which.
        fill_mode, cval, order: see `resampled`.

    Raises:
        ValueError: if the axes are not 0, 1 and 2 in some order.

    Example:
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> apply_affine_transform(x, ty=1).ravel()
        array([1., 2., 3., 3.])
    """
    x = np.asarray(x)
    axes = (row_axis, col_axis, channel_axis)
    if x.ndim != 3 or sorted(axes) != [0, 1, 2]:
        raise ValueError(
            f"a picture has three axes, rows, columns and channels; got shape {x.shape} and "
            f"row_axis={row_axis}, col_axis={col_axis}, channel_axis={channel_axis}"
        )
    picture = x.transpose(axes)
    rows, columns, _ = picture.shape
    move = dict(zip(STILL, (theta, tx, ty, shear, zx, zy), strict=True))
    matrices = transform_matrices(rows, columns, [move])
    moved = resampled(picture[None], matrices, fill_mode, cval, order)[0]
    return moved.transpose(np.argsort(axes))


def _pair(name: str, what: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, Sequence | np.ndarray) or len(value) != 2:
        raise ValueError(f"{name}: {what} is two numbers, the least and the most, not {value!r}")
    return value[0], value[1]


def random_rotation(
    x: Any,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture turned by an angle from `-rg` to `rg` degrees.

    Args:
        x: a picture of three axes.
        rg: degrees.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: what lies beyond the edges, see `apply_affine_transform`.
        interpolation_order: see `apply_affine_transform`.

    Example:
        >>> random_rotation(np.ones((3, 8, 8)), 20).shape
        (3, 8, 8)
    """
    theta = np.random.uniform(-rg, rg)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(
        x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shift(
    x: Any,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture shifted by up to a part of its width and height.

    Args:
        x: a picture of three axes.
        wrg, hrg: the most, as a part of the width and of the height.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: what lies beyond the edges, see `apply_affine_transform`.
        interpolation_order: see `apply_affine_transform`.

    Example:
        >>> random_shift(np.ones((3, 8, 8)), 0.1, 0.1).shape
        (3, 8, 8)
    """
    tx = np.random.uniform(-hrg, hrg) * np.shape(x)[row_axis]
    ty = np.random.uniform(-wrg, wrg) * np.shape(x)[col_axis]
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(
        x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shear(
    x: Any,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture sheared by an angle from `-intensity` to `intensity` degrees.

    Args:
        x: a picture of three axes.
        intensity: degrees.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: what lies beyond the edges, see `apply_affine_transform`.
        interpolation_order: see `apply_affine_transform`.

    Example:
        >>> random_shear(np.ones((3, 8, 8)), 10).shape
        (3, 8, 8)
    """
    shear = np.random.uniform(-intensity, intensity)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(
        x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_zoom(
    x: Any,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture zoomed, along rows and columns each by a number of its own.

    Args:
        x: a picture of three axes.
        zoom_range: the least and the most.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: what lies beyond the edges, see `apply_affine_transform`.
        interpolation_order: see `apply_affine_transform`.

    Raises:
        ValueError: if `zoom_range` is not two numbers.

    Example:
        >>> random_zoom(np.ones((3, 8, 8)), (0.8, 1.2)).shape
        (3, 8, 8)
    """
    least, most = _pair("random_zoom", "zoom_range", zoom_range)
    zx, zy = (1, 1) if least == most == 1 else np.random.uniform(least, most, 2)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(
        x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order
    )


def apply_channel_shift(x: Any, intensity: Any, channel_axis: int = 0) -> np.ndarray:
    """A picture with a number added to all channels, cut to the picture's own range.

    Args:
        x: the picture.
        intensity: the number; or one for each channel, which `channel_axis` then counts.
        channel_axis: the axis of channels.

    Example:
        >>> apply_channel_shift(np.array([[[0.0, 100.0]]]), 20.0)
        array([[[ 20., 100.]]])
    """
    x = np.asarray(x)
    shift = np.asarray(intensity, x.dtype if x.dtype.kind == "f" else None)
    if shift.ndim:
        shift = np.moveaxis(shift.reshape(-1, *[1] * (x.ndim - 1)), 0, channel_axis)
    shifted = x + shift
    return np.clip(shifted, x.min(), x.max(), out=shifted).astype(x.dtype, copy=False)


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """A picture with a number from `-intensity_range` to `intensity_range` added to all channels.

    Args:
        x: the picture.
        intensity_range: the most, in the picture's own numbers.
        channel_axis: the axis of channels.

    Example:
        >>> random_channel_shift(np.ones((3, 8, 8)), 20).shape
        (3, 8, 8)
    """
    return apply_channel_shift(
        x, np.random.uniform(-intensity_range, intensity_range), channel_axis
    )


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """A picture with every colour times a number, as whole numbers from 0 to 255.

    Args:
        x: `(rows, columns, channels)`; a fourth channel, transparency, stays as it is.
        brightness: 1 leaves it as bright as it is, 0 makes it black.
        scale: whether the picture's numbers are first spread to 0 to 255.

    Returns:
        float32 (or `x`'s own float type).

    Example:
        >>> apply_brightness_shift(np.array([[[0.0, 100.0, 255.0]]]), 0.5).tolist()
        [[[0.0, 50.0, 127.0]]]
    """
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(standardize_dtype())
    if scale:
        spread = x - np.min(x)
        top = np.max(spread)
        x = (spread / top if top != 0 else spread) * np.asarray(255, x.dtype)
    whole = x.astype("uint8").astype("float32")
    # Pillow's: a mean of black and the picture, in float32, with the fraction cut off
    lit = np.trunc(np.clip(np.float32(brightness) * whole, 0, 255))
    if whole.shape[-1] == 4:
        lit[..., 3] = whole[..., 3]
    return lit.astype(x.dtype)


def random_brightness(x: Any, brightness_range: Sequence[float]) -> np.ndarray:
    """A picture with every colour times a random number.

    Args:
        x: see `apply_brightness_shift`.
        brightness_range: the least and the most.

    Raises:
        ValueError: if `brightness_range` is not two numbers.

    Example:
        >>> random_brightness(np.ones((8, 8, 3)), (0.5, 1.5)).shape
        (8, 8, 3)
    """
    least, most = _pair("random_brightness", "brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(least, most))


def warn_of_channels(shape: tuple[int, ...], axis: int, data_format: str, where: str) -> None:
    """Say that arrays may not be pictures of the format that they are taken for."""
    if shape[axis] not in (1, 3, 4):
        warnings.warn(
            f"{where}: pictures with {data_format} have 1, 3 or 4 channels on axis {axis}; this "
            f"array, of shape {shape}, has {shape[axis]}. If that axis is not the channels, pass "
            "the other data_format",
            stacklevel=4,
        )
