"""Random affine and brightness changes of images.

Random numbers come from numpy's global generator in the order of keras-preprocessing, so that an
old program with a seed gets the same images. Angles are in degrees.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.ops import image_affine

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
    """Recenter an affine map from an image's corner to its center.

    Args:
        matrix: `(3, 3)`.
        x, y: rows and columns of the image. The center is `(x / 2 + 0.5, y / 2 + 0.5)`, as in
            keras-preprocessing.

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


# The parameters that move an image's pixels, with their neutral values.
STILL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}


def transform_matrices(rows: int, columns: int, moves: Sequence[dict[str, Any]]) -> Any:
    """Affine maps from output to input coordinates, for a batch of images.

    `rotation(theta) shift(tx, ty) shear(shear) zoom(zx, zy)` about the center, then flips.

    Args:
        rows, columns: the images' size.
        moves: for each image, the parameters that differ from `STILL`: theta, shear: angles in
            degrees; tx, ty: shifts along rows and columns, in pixels; zx, zy: zooms along rows and
            columns (2 shows twice as much, half as large); flip_vertical, flip_horizontal.

    Returns:
        `(images, 2, 3)`, to be multiplied by `(row, column, 1)`; `None` if there are only flips.

    Example:
        >>> transform_matrices(4, 4, [{"tx": 1.0}])[0]
        array([[1., 0., 1.],
               [0., 1., 0.]])
    """
    values = np.array([[one.get(name, value) for one in moves] for name, value in STILL.items()])
    if (values == np.array(list(STILL.values()))[:, None]).all():
        return None
    theta, tx, ty, shear, zx, zy = values
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    middle = rows / 2 + 0.5, columns / 2 + 0.5
    flips = [
        np.array([bool(one.get(f"flip_{way}")) for one in moves], float)
        for way in ("vertical", "horizontal")
    ]
    maps = image_affine.rotation(np.cos(turn), np.sin(turn), middle)
    for then in (
        image_affine.shift((tx, ty)),
        image_affine.about(middle, ((1.0, -np.sin(lean)), (0.0, np.cos(lean)))),
        image_affine.zoom((zx, zy), middle),
        image_affine.flip(tuple(flips), (rows, columns)),
    ):
        maps = image_affine.product(maps, then)
    return np.moveaxis(np.array(maps), -1, 0) + 0.0  # no negative zeros


def resampled(
    pictures: np.ndarray,
    matrices: np.ndarray | None,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
    room: int = 0,
) -> np.ndarray:
    """Resample images `(batch, rows, columns, channels)` by affine maps.

    Args:
        pictures: of that shape; integers are rounded and clipped to the dtype's range.
        matrices: one per image, `(batch, 2, 3)`; `None` leaves them unchanged.
        fill_mode: values beyond the edges: `"constant"`, `"nearest"`, `"reflect"`, `"wrap"`.
        cval: value for `"constant"`.
        order: 0 nearest pixel, 1 linear, 2 to 5 splines (scipy).
        room: see `image_affine.affine_on_host`.

    Raises:
        ValueError: for an unknown mode or order.
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
        moved = image_affine.affine_on_host(floats, matrices, order, fill_mode, cval, room)
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
    """Rotate, shift, shear and zoom an image.

    Args:
        x: an image of three axes.
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
            f"an image has three axes, rows, columns and channels; got shape {x.shape} and "
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
        raise ValueError(f"{name}: {what} is two numbers, minimum and maximum, not {value!r}")
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
    """Rotate an image by a random angle from `-rg` to `rg` degrees.

    Args:
        x: an image of three axes.
        rg: degrees.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: values beyond the edges, see `apply_affine_transform`.
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
    """Shift an image by a random fraction of its width and height.

    Args:
        x: an image of three axes.
        wrg, hrg: maximum shift, as fractions of the width and height.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: values beyond the edges, see `apply_affine_transform`.
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
    """Shear an image by a random angle from `-intensity` to `intensity` degrees.

    Args:
        x: an image of three axes.
        intensity: degrees.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: values beyond the edges, see `apply_affine_transform`.
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
    """Zoom an image by random factors, drawn separately for rows and columns.

    Args:
        x: an image of three axes.
        zoom_range: minimum and maximum factor.
        row_axis, col_axis, channel_axis: which axis is which; channels first by default.
        fill_mode, cval: values beyond the edges, see `apply_affine_transform`.
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
    """Add a constant to all channels of an image, clipped to the image's own range.

    Args:
        x: the image.
        intensity: the constant, or one for each channel along `channel_axis`.
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
    """Add a random number from `-intensity_range` to `intensity_range` to all channels.

    Args:
        x: the image.
        intensity_range: the maximum, in the image's units.
        channel_axis: the axis of channels.

    Example:
        >>> random_channel_shift(np.ones((3, 8, 8)), 20).shape
        (3, 8, 8)
    """
    return apply_channel_shift(
        x, np.random.uniform(-intensity_range, intensity_range), channel_axis
    )


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """Multiply an image's colors by a factor, as integers from 0 to 255.

    Args:
        x: `(rows, columns, channels)`; a fourth channel (alpha) is unchanged.
        brightness: 1 leaves it unchanged, 0 makes it black.
        scale: whether to map the image's values to 0 to 255 first.

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
    # as in Pillow: a blend of black and the image, in float32, truncated
    lit = np.trunc(np.clip(np.float32(brightness) * whole, 0, 255))
    if whole.shape[-1] == 4:
        lit[..., 3] = whole[..., 3]
    return lit.astype(x.dtype)


def random_brightness(x: Any, brightness_range: Sequence[float]) -> np.ndarray:
    """Multiply an image's colors by a random factor.

    Args:
        x: see `apply_brightness_shift`.
        brightness_range: minimum and maximum factor.

    Raises:
        ValueError: if `brightness_range` is not two numbers.

    Example:
        >>> random_brightness(np.ones((8, 8, 3)), (0.5, 1.5)).shape
        (8, 8, 3)
    """
    least, most = _pair("random_brightness", "brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(least, most))


def warn_of_channels(shape: tuple[int, ...], axis: int, data_format: str, where: str) -> None:
    """Warn that arrays may not be images in the assumed data format."""
    if shape[axis] not in (1, 3, 4):
        warnings.warn(
            f"{where}: images with {data_format} have 1, 3 or 4 channels on axis {axis}; this "
            f"array, of shape {shape}, has {shape[axis]}. If that axis is not the channels, pass "
            "the other data_format",
            stacklevel=4,
        )
