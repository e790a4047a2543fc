"""Pictures in folders as a `Dataset`: `image_dataset_from_directory`."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hornbook.core.settings import standardize_data_format
from hornbook.data.dataset import Dataset
from hornbook.data.folders import datasets_of, in_batches, read_files
from hornbook.data.image import CHANNELS, opened, pillow
from hornbook.ops import image_resize

ENDS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
WHERE = "image_dataset_from_directory"
COLORS = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
REDUCED = 4  # a JPEG is decoded at a reduced size if that is this many times the result's


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A `Dataset` of the pictures in a folder, one subfolder per class, read by threads.

    Files, classes, labels and splits are Keras's for the same seed. The order of each epoch is
    another one: all files are shuffled, where TensorFlow shuffles within a buffer.

    JPEG files are decoded by simplejpeg if it is installed (`hornbook[jpeg]`), which is faster than
    Pillow and gives the same pixels.

    Args:
        directory: the folder.
        labels: `"inferred"` from the subfolders; a list with an integer for each file, in the order
            of their paths; or `None` for pictures only.
        label_mode: form of the labels: `"int"` int32 `(batch,)`, `"categorical"` one-hot float32
            `(batch, classes)`, `"binary"` float32 `(batch, 1)`, or `None` for none.
        class_names: names of the subfolders, in order of class number; default all, sorted.
        color_mode: `"grayscale"`, `"rgb"` or `"rgba"`: 1, 3 or 4 channels.
        batch_size: pictures per batch; `None` for single pictures.
        image_size: `(height, width)` to resize to, or one number for both.
        shuffle: whether to shuffle; otherwise files are sorted by path.
        seed: seed of the order.
        validation_split: fraction of the files that is kept for validation.
        subset: `"training"`, `"validation"`, or `"both"` for a pair of data sets.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`,
            `"gaussian"`, `"mitchellcubic"`: the results of `tf.image.resize`, which alias if a
            picture shrinks. `"area"` averages all pixels; then a JPEG file is decoded at a half,
            quarter or eighth of its size, as long as that is at least four times `image_size`. This
            takes less time, and changes values by less than one grey level on average.
        follow_links: whether to follow links to folders, and links that lead out of `directory`.
        crop_to_aspect_ratio: whether to crop at the center first, to avoid distortion.
        pad_to_aspect_ratio: whether to add black borders instead.
        data_format: `"channels_last"` or `"channels_first"`.
        format: `"tf"` or `"grain"`, accepted for Keras's sake; the result is a `Dataset`.
        verbose: whether to print the number of files and classes.

    Returns:
        A `Dataset` of `(pictures, labels)`, or of pictures without labels; float32, 0 to 255. Its
        attributes are `class_names` and `file_paths`. A pair of data sets for `subset="both"`.

    Raises:
        ValueError: for an unknown option, or if there are no files. While it is read, for pictures
            of too many pixels. Errors of files that cannot be read name the file.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cats", "dogs"):
        ...     (folder / name).mkdir()
        ...     keras.utils.save_img(folder / name / "1.png", np.zeros((4, 6, 3)))
        >>> data = keras.utils.image_dataset_from_directory(folder, image_size=(8, 8))
        Found 2 files belonging to 2 classes.
        >>> data.class_names, next(iter(data))[0].shape
        (['cats', 'dogs'], (2, 8, 8, 3))
    """
    if color_mode not in CHANNELS:
        raise ValueError(f"{WHERE}: color_mode is one of {tuple(CHANNELS)}, not {color_mode!r}")
    size = _size(image_size)
    if str(interpolation).lower() not in image_resize.INTERPOLATIONS:
        raise ValueError(
            f"{WHERE}: interpolation is one of {image_resize.INTERPOLATIONS}, not {interpolation!r}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{WHERE}: pass only one of crop_to_aspect_ratio=True and pad_to_aspect_ratio=True"
        )
    if format not in ("tf", "grain"):
        raise ValueError(f"{WHERE}: format is 'tf' or 'grain', not {format!r}")
    pillow()  # raises if it is missing
    first = standardize_data_format(data_format) == "channels_first"
    fit = "crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else None
    read = functools.partial(
        read_picture, mode=color_mode, size=size, way=interpolation.lower(), fit=fit, first=first
    )

    def finish(data: Dataset, labelled: bool) -> Dataset:
        return in_batches(read_files(data, read, labelled), batch_size)

    return datasets_of(
        directory,
        ENDS,
        "image",
        finish,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )


def _size(given: Any) -> tuple[int, int]:
    size = (given, given) if isinstance(given, int | np.integer) else tuple(given)
    if len(size) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in size):
        raise ValueError(f"{WHERE}: image_size is (height, width) in pixels, not {given!r}")
    return int(size[0]), int(size[1])


def read_picture(
    path: str, mode: str, size: tuple[int, int], way: str, fit: str | None, first: bool
) -> np.ndarray:
    """A file as a float32 array.

    Args:
        path: the file.
        mode: color mode.
        size: `(height, width)` of the result.
        way: interpolation.
        fit: `"crop"`, `"pad"`, or `None` to distort.
        first: whether channels come first.
    """

    def reduction(old: tuple[int, int]) -> int:
        (_, _, tall, wide), (rows, columns) = layout(old, size, fit)
        enough = min(tall / rows, wide / columns) / REDUCED if way == "area" else 1
        return next((by for by in (8, 4, 2) if by <= enough), 1)

    pixels, old, by = decoded(path, mode, reduction)
    (top, left, tall, wide), inner = layout(old, size, fit)
    x = image_resize.resize(pixels, inner, way, (top / by, left / by, tall / by, wide / by))
    if inner != size:
        padded = np.zeros((*size, x.shape[2]), "float32")
        top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
        padded[top : top + inner[0], left : left + inner[1]] = x
        x = padded
    return np.ascontiguousarray(x.transpose(2, 0, 1)) if first else x


def layout(old: tuple[int, int], size: tuple[int, int], fit: str | None) -> tuple[Any, Any]:
    """The part of a picture that is used, and its size in the result.

    Returns:
        `(top, left, height, width)` in the picture, and `(height, width)`, which is smaller than
        `size` if borders are added.
    """
    if fit == "crop":
        return image_resize.middle(old, size), size
    if fit == "pad":  # in float32, as tf.image.resize_with_pad rounds
        ratio = max(np.float32(old[0]) / np.float32(size[0]), np.float32(old[1]) / size[1])
        inner = tuple(max(int(np.float32(n) / ratio), 1) for n in old)
        return (0, 0, *old), inner
    return (0, 0, *old), size


def decoded(path: str, mode: str, reduction: Callable[[tuple[int, int]], int]) -> tuple:
    """The pixels of a file.

    Args:
        path: the file.
        mode: color mode.
        reduction: for the size `(height, width)` of a JPEG, the number 1, 2, 4 or 8 by which it may
            be divided.

    Returns:
        uint8 `(height, width, channels)`, the size in the file, and by how much it was divided.
    """
    found = _by_simplejpeg(path, mode, reduction)
    if found is not None:
        return found
    how: dict[str, Any] = {}

    def prepare(img: Any) -> None:
        how["old"], how["by"] = img.size[::-1], 1
        if img.format == "JPEG" and mode != "rgba":
            by = reduction(how["old"])
            width, height = img.size
            if img.draft(COLORS[mode], (max(width // by, 1), max(height // by, 1))):
                how["by"] = by

    img = opened(path, WHERE, prepare)
    if img.mode.startswith("I"):  # 16 bits; the upper 8 are kept, as by TensorFlow
        img = pillow().fromarray((np.asarray(img) >> 8).clip(0, 255).astype("uint8"))
    if "transparency" in img.info and mode != "rgba":
        img = img.convert("RGBA")
    x = np.asarray(img if img.mode == COLORS[mode] else img.convert(COLORS[mode]))
    return x.reshape(*x.shape[:2], -1), how["old"], how["by"]


def _by_simplejpeg(path: str, mode: str, reduction: Callable) -> tuple | None:
    """`decoded` by simplejpeg; `None` if it is not installed or this is not for it."""
    if mode == "rgba" or not path.lower().endswith((".jpg", ".jpeg")):
        return None
    try:
        import simplejpeg
    except ImportError:
        return None
    with open(path, "rb") as file:
        data = file.read()
    try:
        height, width, color, _ = simplejpeg.decode_jpeg_header(data)
        if color not in ("YCbCr", "GRAY", "Gray") or height * width > 2 * _most_pixels():
            return None
        by = reduction((height, width))
        how = {"min_height": math.ceil(height / by), "min_width": math.ceil(width / by)}
        space = "RGB" if mode == "rgb" else "GRAY"
        return simplejpeg.decode_jpeg(data, space, **how), (height, width), by
    except ValueError:
        return None  # Pillow reads it, or says what is wrong


def _most_pixels() -> float:
    """Pillow's limit for pictures, which users can raise."""
    return pillow().MAX_IMAGE_PIXELS or math.inf
