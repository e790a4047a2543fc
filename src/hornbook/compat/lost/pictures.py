"""Image functions of `scipy.misc`, by Pillow, as in SciPy 0.19."""

from typing import Any

import numpy as np

MISSING = "{name} reads and writes images with Pillow: pip install 'hornbook[image]'"


def _pillow(name: str) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(MISSING.format(name=name)) from None
    return Image


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """`imread`: an image as an array `(height, width, channels)` or `(height, width)`."""
    with _pillow("imread").open(name) as picture:
        return fromimage(picture, flatten, mode)


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """`fromimage`: a Pillow image as an array."""
    if mode is not None and mode != im.mode:
        im = im.convert(mode)
    elif im.mode == "P":  # a palette
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def bytescale(
    data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0
) -> np.ndarray:
    """`bytescale`: numbers scaled to `[low, high]`, as bytes; bytes are unchanged."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    scale = (high - low) / float(cmax - cmin or 1)
    return (np.clip((data - cmin) * scale + low, low, high) + 0.5).astype(np.uint8)


def toimage(
    arr: Any,
    high: int = 255,
    low: int = 0,
    cmin: Any = None,
    cmax: Any = None,
    pal: Any = None,
    mode: str | None = None,
    channel_axis: int | None = None,
) -> Any:
    """`toimage`: an array as a Pillow image, scaled to bytes."""
    image = _pillow("toimage")
    data = np.asarray(arr)
    if data.ndim == 2:
        if mode in ("F", "I"):
            return image.fromarray(data.astype(np.float32 if mode == "F" else np.int32))
        picture = image.fromarray(bytescale(data, cmin, cmax, high, low))
        if pal is not None:
            picture.putpalette(np.asarray(pal, np.uint8).tobytes())
        return picture if mode in (None, "L", "P") else picture.convert(mode)
    if data.ndim != 3 or not {3, 4} & {*data.shape}:
        raise ValueError(f"toimage: an array of shape {data.shape} is not an image")
    if channel_axis is None:
        channel_axis = next(axis for n in (3, 4) for axis in range(3) if data.shape[axis] == n)
    data = np.moveaxis(bytescale(data, cmin, cmax, high, low), channel_axis, -1)
    return image.fromarray(
        np.ascontiguousarray(data), mode or {3: "RGB", 4: "RGBA"}[data.shape[-1]]
    )


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """`imsave`: save an array as an image."""
    toimage(arr, channel_axis=2).save(name, format)


def imshow(arr: Any) -> None:
    """`imshow`: show an array as an image."""
    toimage(arr).show()


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """`imresize`: `size` is a percentage (int), a factor (float) or `(height, width)`."""
    picture = toimage(arr, mode=mode)
    if isinstance(size, int | np.integer):
        size = size / 100.0
    if isinstance(size, float | np.floating):
        wanted = tuple((np.array(picture.size) * size).astype(int).tolist())
    else:
        wanted = (int(size[1]), int(size[0]))
    names = {"cubic": "bicubic"}
    resampling = _pillow("imresize").Resampling[names.get(interp, interp).upper()]
    return fromimage(picture.resize(wanted, resample=resampling))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """`imrotate`: `angle` in degrees, counterclockwise."""
    resampling = _pillow("imrotate").Resampling[interp.upper()]
    return fromimage(toimage(arr).rotate(angle, resample=resampling))


def unit_scale(X: Any) -> np.ndarray:
    """`foxhound.utils.vis.unit_scale`: numbers scaled to `[0, 1]`."""
    X = np.asarray(X, np.float64)
    return (X - X.min()) / ((X.max() - X.min()) or 1)


def grayscale_grid_vis(X: Any, shape: tuple, save_path: Any = None) -> np.ndarray:
    """`foxhound.utils.vis.grayscale_grid_vis`: images in `shape` rows and columns."""
    X = np.asarray(X)
    rows, columns = shape
    height, width = X.shape[1:3]
    tiles = np.zeros((rows * columns, height, width))
    tiles[: len(X)] = X[: rows * columns]
    grid = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    grid = grid.reshape(rows * height, columns * width)
    if save_path is not None:
        imsave(save_path, grid)
    return grid
