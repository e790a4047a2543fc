"""`tf.image` and `tf.io` for pictures: arrays of (rows, columns, channels), or batches of them."""

import io
from typing import Any

import numpy as np

from hornbook import ops
from hornbook.data.image import pillow

MODES = {0: None, 1: "L", 3: "RGB", 4: "RGBA"}


def read_file(filename: Any, name: str | None = None) -> bytes:
    """The content of a file."""
    path = filename if isinstance(filename, str) else np.asarray(filename).item()
    with open(path, "rb") as file:
        return file.read()


def decode_image(contents: Any, channels: int = 0, dtype: Any = np.uint8, **_: Any) -> np.ndarray:
    """A picture from the content of its file, (rows, columns, channels).

    Args:
        contents: bytes of a file that Pillow can read.
        channels: 1, 3, 4, or 0 for those of the file.
        dtype: integers as stored; floats from 0 to 1.
    """
    data = contents if isinstance(contents, bytes) else np.asarray(contents).item()
    picture = pillow().open(io.BytesIO(data))
    mode = MODES[channels] or ("RGB" if picture.mode in ("P", "CMYK") else None)
    array = np.asarray(picture.convert(mode) if mode else picture)
    array = array[..., None] if array.ndim == 2 else array
    return convert_image_dtype(array, dtype)


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, **_: Any) -> Any:
    """A picture in another dtype: floats are from 0 to 1, integers use their whole range."""
    array, new = np.asarray(image), np.dtype(dtype)
    if array.dtype == new:
        return image
    top = 1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    if new.kind == "f":
        return (array / top).astype(new) if top != 1 else array.astype(new)
    scaled = array.astype("float64") * ((np.iinfo(new).max + (0.5 if top == 1 else 0)) / top)
    return np.clip(scaled, 0, np.iinfo(new).max).astype(new)


def resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Pictures of another size; floats, except for `method="nearest"`."""
    rows, columns = map(int, size)
    if preserve_aspect_ratio:
        height, width = images.shape[-3:-1]
        scale = min(rows / height, columns / width)
        rows, columns = round(height * scale), round(width * scale)
    given = np.asarray(images)
    made = ops.image.resize(given.astype("float32"), (rows, columns), method, antialias)
    return np.asarray(made).astype(given.dtype) if method == "nearest" else made


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Any:
    """The middle of a picture, padded with zeros where it is smaller."""
    array = np.asarray(image)
    for axis, size in ((-3, target_height), (-2, target_width)):
        have = array.shape[axis]
        begin = max(have - size, 0) // 2
        array = np.take(array, range(begin, begin + min(have, size)), axis)
        pads = [(0, 0)] * array.ndim
        missing = size - array.shape[axis]
        pads[axis] = (missing // 2, missing - missing // 2)
        array = np.pad(array, pads)
    return array


def flip_left_right(image: Any) -> Any:
    """Pictures mirrored left to right."""
    return image[..., ::-1, :]


def flip_up_down(image: Any) -> Any:
    """Pictures mirrored top to bottom."""
    return image[..., ::-1, :, :]


def random_flip_left_right(image: Any, seed: int | None = None) -> Any:
    """A picture, mirrored with probability 1/2."""
    return flip_left_right(image) if np.random.default_rng(seed).random() < 0.5 else image


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """A picture with a random number of up to `max_delta` added."""
    return image + np.random.default_rng(seed).uniform(-max_delta, max_delta)


def rot90(image: Any, k: int = 1, name: str | None = None) -> Any:
    """A picture turned counterclockwise `k` times by 90 degrees."""
    return np.rot90(np.asarray(image), k, (-3, -2))


def grayscale_to_rgb(images: Any) -> Any:
    """Pictures of one channel with three."""
    return ops.repeat(images, 3, axis=-1)
