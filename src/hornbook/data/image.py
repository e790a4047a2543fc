"""Image files to arrays, and back, with Pillow: `hornbook[image]`."""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.core.settings import floatx, standardize_data_format
from hornbook.ops import image as image_ops
from hornbook.ops.image_resize import middle

COLOR_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
NO_PILLOW = "image files need Pillow: pip install 'hornbook[image]'"
TOO_LARGE = """{name} claims to be an image of more than {limit:,} pixels; decoding it might \
exhaust memory. If you trust it, raise PIL.Image.MAX_IMAGE_PIXELS first"""


def pillow() -> Any:
    """The module `PIL.Image`.

    Raises:
        ImportError: if Pillow is not installed, with the command to install it.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(NO_PILLOW) from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Load an image file as a Pillow image.

    Args:
        path: a path (`str`, `bytes` or `pathlib.Path`), or a file open for reading bytes.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"` (which keeps 16 and 32 bits).
        target_size: `(height, width)` in pixels; default the image's own.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"hamming"`, `"box"`, `"lanczos"`.
        keep_aspect_ratio: whether to center-crop first, to avoid distortion.

    Raises:
        ImportError: without Pillow.
        ValueError: for an unknown color mode or interpolation, or an image of too many pixels.
        TypeError: if `path` is neither a path nor a file.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((4, 6, 3)), file_format="png")
        >>> load_img(file, target_size=(2, 2)).size
        (2, 2)
    """
    if color_mode not in COLOR_MODES:
        raise ValueError(
            f"load_img: color_mode is 'grayscale', 'rgb' or 'rgba', not {color_mode!r}"
        )
    img = opened(path, "load_img")
    modes = COLOR_MODES[color_mode]
    if img.mode not in modes:
        img = img.convert(modes[0])
    if target_size is None:
        return img
    height, width = _size(target_size)
    if img.size == (width, height):
        return img
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"load_img: interpolation is one of {', '.join(INTERPOLATIONS)}, not {interpolation!r}"
        )
    resample = pillow().Resampling[interpolation.upper()]
    box = None
    if keep_aspect_ratio:
        top, left, tall, wide = middle(img.size[::-1], (height, width))
        box = left, top, left + wide, top + tall
    return img.resize((width, height), resample, box=box)


def opened(path: Any, where: str, prepare: Callable[[Any], None] = lambda img: None) -> Any:
    """An image, fully read; the file is closed if it was opened here.

    Args:
        path: a path, or a file open for reading bytes.
        where: the function, for messages.
        prepare: called with the image before its pixels are decoded.
    """
    image = pillow()
    if not hasattr(path, "read"):
        if not isinstance(path, str | bytes | os.PathLike):
            raise TypeError(f"{where}: path is a path or an open file, not {type(path).__name__}")
        with open(path, "rb") as file:
            return _read(image, file, os.fsdecode(path), where, prepare)
    if hasattr(path, "seek"):
        path.seek(0)
    return _read(image, path, getattr(path, "name", "the file"), where, prepare)


def _read(image: Any, file: Any, name: Any, where: str, prepare: Callable[[Any], None]) -> Any:
    try:
        img = image.open(file)
        prepare(img)
        img.load()
    except image.DecompressionBombError as error:
        limit = 2 * image.MAX_IMAGE_PIXELS
        raise ValueError(f"{where}: " + TOO_LARGE.format(name=name, limit=limit)) from error
    except Exception as error:  # broken files raise errors of many types
        error.add_note(f"{where}: {name} cannot be read as an image")
        raise
    return img


def _size(target_size: Any) -> tuple[int, int]:
    try:
        height, width = map(int, target_size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(f"target_size is (height, width) in pixels, not {target_size!r}")
    return height, width


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A Pillow image as an array.

    Args:
        img: the image, or an array of two or three axes.
        data_format: `"channels_last"` or `"channels_first"`, of the result.
        dtype: default `floatx()`.

    Returns:
        `(height, width, channels)` or `(channels, height, width)`; values as in the file, usually 0
        to 255.

    Raises:
        ValueError: for another number of axes.

    Example:
        >>> img_to_array(array_to_img(np.zeros((4, 6, 3)))).shape
        (4, 6, 3)
    """
    first = standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype=_dtype(dtype))
    if x.ndim not in (2, 3):
        raise ValueError(f"img_to_array: an image has two or three axes, not shape {x.shape}")
    if x.ndim == 2:
        return x[None] if first else x[..., None]
    return x.transpose(2, 0, 1) if first else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """An array as a Pillow image.

    Args:
        x: `(height, width, channels)` or `(channels, height, width)`; 1, 3 or 4 channels.
        data_format: `"channels_last"` or `"channels_first"`, of `x`.
        scale: whether to map the range of values to 0 to 255; otherwise values are truncated.
        dtype: dtype of the computation; default `floatx()`.

    Raises:
        ImportError: without Pillow.
        ValueError: for other axes or channels.

    Example:
        >>> array_to_img(np.array([[[0.0], [0.5], [1.0]]])).getpixel((1, 0))
        127
    """
    first = standardize_data_format(data_format) == "channels_first"
    x = np.asarray(x, dtype=_dtype(dtype))
    if x.ndim != 3:
        raise ValueError(f"array_to_img: an image has three axes, not shape {x.shape}")
    if first:
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - np.min(x)
        top = np.max(x)
        x = (x / top if top != 0 else x) * 255
    channels = x.shape[2]
    if channels not in CHANNELS.values():
        raise ValueError(
            f"array_to_img: an image has 1, 3 or 4 channels; x has {channels} (shape {x.shape} "
            "with channels last)"
        )
    if channels == 1:
        x = x[:, :, 0]
        return pillow().fromarray(x.astype("int32" if np.max(x) > 255 else "uint8"))
    return pillow().fromarray(np.ascontiguousarray(x.astype("uint8")))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to an image file.

    Args:
        path: a path, or a file open for writing bytes.
        x: see `array_to_img`.
        data_format: data format of `x`.
        file_format: such as `"png"`; default the path's suffix. Required for a file object.
        scale: see `array_to_img`.
        kwargs: for `PIL.Image.Image.save`, such as `quality`.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((2, 2, 3)), file_format="jpg", quality=90)
        >>> file.getvalue()[:2]
        b'\\xff\\xd8'
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = os.path.splitext(path)[1][1:].lower()
    if (file_format or "").lower() == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format, scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("save_img: JPEG has no alpha channel; it is dropped", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)


def smart_resize(
    x: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> Any:
    """Resize images without distortion, by a center crop to the new aspect ratio.

    Args:
        x: `(height, width, channels)`, or a batch of those.
        size: `(height, width)` of the result.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A numpy array if `x` is one, otherwise a JAX array.

    Raises:
        ValueError: for an invalid number of axes, or a size that is not two numbers.

    Example:
        >>> smart_resize(np.ones((340, 500, 3), "float32"), (200, 200)).shape
        (200, 200, 3)
    """
    if len(size) != 2:
        raise ValueError(f"smart_resize: size is (height, width), not {size!r}")
    shape = np.shape(x)
    if len(shape) not in (3, 4):
        raise ValueError(
            f"smart_resize: x is an image or a batch of them (3 or 4 axes), not of shape {shape}"
        )
    first = standardize_data_format(data_format) == "channels_first"
    old = shape[-2:] if first else shape[-3:-1]
    top, left, crop_height, crop_width = middle(old, size)
    part = (slice(top, top + crop_height), slice(left, left + crop_width))
    cut = x[(..., *part)] if first else x[(..., *part, slice(None))]
    resized = image_ops.resize(cut, (size[0], size[1]), interpolation, data_format=data_format)
    return resized if isinstance(x, jax.Array) else np.asarray(resized)


def _dtype(dtype: Any) -> Any:
    return jax.numpy.dtype(floatx() if dtype is None else standardize_dtype(dtype))
