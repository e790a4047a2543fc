"""Helpers of ImageNet networks: image preprocessing, class names, input shapes."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hornbook import activations
from hornbook.core.dtype import is_float
from hornbook.core.settings import floatx, image_data_format
from hornbook.data.files import get_file
from hornbook.ops import cast

__all__ = ["decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

FORMATS = ("channels_last", "channels_first")
CLASS_INDEX = (
    "imagenet_class_index.json",
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
BGR_MEANS = (103.939, 116.779, 123.68)  # ImageNet statistics, from 0 to 255
RGB_MEANS, RGB_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # from 0 to 1


# ---- images


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Preprocess images as for training. Float numpy arrays are modified in place.

    Args:
        x: images `(rows, columns, 3)`, or a batch of them, with values from 0 to 255.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        mode: `"caffe"`: BGR minus the ImageNet means; `"tf"`: scale to [-1, 1]; `"torch"`: scale to
            [0, 1], then subtract each channel's mean and divide by its standard deviation.

    Raises:
        ValueError: for an unknown mode or format, or images without 3 channels.

    Example:
        >>> preprocess_input(np.zeros((1, 2, 2, 3)), mode="tf")[0, 0, 0].tolist()
        [-1.0, -1.0, -1.0]
    """
    if mode not in MODES:
        raise ValueError(f"mode of preprocess_input is 'caffe', 'tf' or 'torch', not {mode!r}")
    return MODES[mode](x, data_format)


def preprocess_caffe(x: Any, data_format: str | None = None) -> Any:
    """Convert RGB to BGR and subtract the ImageNet means. Float numpy arrays are modified in place.

    Args:
        x: images `(rows, columns, 3)`, or a batch of them, with values from 0 to 255.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for an unknown format, or images without 3 channels.

    Example:
        >>> preprocess_caffe(np.zeros((1, 2, 2, 3)))[0, 0, 0].tolist()
        [-103.939, -116.779, -123.68]
    """
    axis = _channels(x, data_format)
    x = _floats(x)
    index: list = [slice(None)] * len(x.shape)
    index[axis] = slice(None, None, -1)
    x = x[tuple(index)]
    x -= _along(BGR_MEANS, axis, x)
    return x


def preprocess_tf(x: Any, data_format: str | None = None) -> Any:
    """Scale values to [-1, 1]. Float numpy arrays are modified in place.

    Args:
        x: an image or a batch of images, with values from 0 to 255.
        data_format: `"channels_last"` or `"channels_first"`; all channels are treated alike.

    Raises:
        ValueError: for an unknown format.

    Example:
        >>> preprocess_tf(np.array([0.0, 255.0])).tolist()
        [-1.0, 1.0]
    """
    _axis(data_format)
    x = _floats(x)
    x /= 127.5
    x -= 1.0
    return x


def preprocess_torch(x: Any, data_format: str | None = None) -> Any:
    """Scale to [0, 1], then standardize each channel by its ImageNet mean and standard deviation.

    Float numpy arrays are modified in place.

    Args:
        x: images `(rows, columns, 3)`, or a batch of them, with values from 0 to 255.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for an unknown format, or images without 3 channels.

    Example:
        >>> preprocess_torch(np.full((1, 2, 2, 3), 127.5))[0, 0, 0].round(2).tolist()
        [0.07, 0.2, 0.42]
    """
    axis = _channels(x, data_format)
    x = _floats(x)
    x /= 255.0
    x -= _along(RGB_MEANS, axis, x)
    x /= _along(RGB_DEVIATIONS, axis, x)
    return x


def preprocess_nothing(x: Any, data_format: str | None = None) -> Any:
    """Return images unchanged: the network includes its preprocessing.

    Args:
        x: images with values from 0 to 255.
        data_format: ignored.

    Example:
        >>> preprocess_nothing([0, 255])
        [0, 255]
    """
    return x


MODES = {"caffe": preprocess_caffe, "tf": preprocess_tf, "torch": preprocess_torch}


def _axis(data_format: str | None) -> int:
    """The channel axis, counted from the end."""
    data_format = data_format or image_data_format()
    if data_format not in FORMATS:
        raise ValueError(
            f"data_format of preprocess_input is one of {FORMATS}, not {data_format!r}"
        )
    return -3 if data_format == "channels_first" else -1


def _channels(x: Any, data_format: str | None) -> int:
    axis, shape = _axis(data_format), np.shape(x)
    if len(shape) not in (3, 4) or shape[axis] not in (3, None):
        raise ValueError(
            f"preprocess_input takes images with 3 channels on axis {axis}, or a batch of them, "
            f"not shape {tuple(shape)}"
        )
    return axis


def _floats(x: Any) -> Any:
    """Convert to floats; writable float numpy arrays are returned as is, to modify in place."""
    if not hasattr(x, "dtype"):
        x = np.asarray(x)
    if isinstance(x, np.ndarray):
        kept = np.issubdtype(x.dtype, np.floating) and x.flags.writeable
        return x if kept else x.astype(x.dtype if x.dtype.kind == "f" else floatx())
    return x if is_float(x.dtype) else cast(x, floatx())


def _along(values: tuple, axis: int, x: Any) -> np.ndarray:
    """Per-channel values, shaped to broadcast to images."""
    return np.reshape(values, (-1,) + (1,) * (-axis - 1)).astype(x.dtype)


# ---- classes


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The most likely ImageNet classes per sample: (WordNet id, name, probability).

    The names are downloaded once, or read from the folder named by `HORNBOOK_DATA`.

    Args:
        preds: predictions of a network, `(samples, 1000)`.
        top: number of classes per sample.

    Raises:
        ValueError: for another shape.
        OSError: if the names cannot be downloaded.

    Example:
        >>> decode_predictions(np.eye(1000)[:1], top=1)  # doctest: +SKIP
        [[('n01440764', 'tench', 1.0)]]
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise ValueError(
            "decode_predictions takes predictions of the 1000 ImageNet classes, (samples, 1000), "
            f"not shape {preds.shape}"
        )
    name, address, checksum = CLASS_INDEX
    path = get_file(name, address, cache_subdir="models", file_hash=checksum)
    classes = json.loads(Path(path).read_text("utf-8"))
    likeliest = np.argsort(preds, axis=1)[:, ::-1][:, :top]
    return [
        [(*classes[str(i)], row[i]) for i in order]
        for order, row in zip(likeliest, preds, strict=True)
    ]


# ---- arguments of networks


def obtain_input_shape(
    input_shape: Any,
    default_size: int,
    min_size: int,
    data_format: str | None = None,
    require_flatten: bool = True,
    weights: Any = None,
) -> tuple[int | None, ...]:
    """The image shape that a network takes.

    Args:
        input_shape: the requested shape, or `None`.
        default_size: rows and columns of the training images.
        min_size: minimum rows and columns.
        data_format: position of the channels; default `config.image_data_format()`.
        require_flatten: whether rows and columns must be known.
        weights: `"imagenet"` requires 3 channels.

    Raises:
        ValueError: if the requested shape is not possible.

    Example:
        >>> obtain_input_shape(None, 224, 32, "channels_first")
        (3, 224, 224)
    """
    first = (data_format or image_data_format()) == "channels_first"
    pretrained = isinstance(weights, str) and weights == "imagenet"

    def shaped(channels: Any, *size: Any) -> tuple:
        return (channels, *size) if first else (*size, channels)

    if not input_shape:
        size = default_size if require_flatten else None
        return shaped(3, size, size)
    given = tuple(input_shape)
    if len(given) != 3:
        raise ValueError(
            f"input_shape is the shape of one image, such as "
            f"{shaped(3, default_size, default_size)}. Received: input_shape={input_shape}"
        )
    channels, size = (given[0], given[1:]) if first else (given[-1], given[:-1])
    whole = shaped(3, default_size, default_size)
    if pretrained and require_flatten and given != whole:
        raise ValueError(
            f"With include_top=True and weights='imagenet', input_shape is {whole}. "
            f"Received: input_shape={input_shape}. Use include_top=False for other shapes"
        )
    if pretrained and channels != 3:
        raise ValueError(
            "With weights='imagenet' the input must have 3 channels; "
            f"Received: input_shape={input_shape}"
        )
    if channels not in (1, 3):
        warnings.warn(
            f"images usually have 1 or 3 channels; input_shape={input_shape} has {channels} "
            f"({FORMATS[first]})",
            stacklevel=5,
        )
    if any(n is not None and n < min_size for n in size):
        raise ValueError(
            f"Input size must be at least {min_size}x{min_size}; "
            f"Received: input_shape={input_shape} ({FORMATS[first]})"
        )
    if require_flatten and None in given:
        raise ValueError(
            "With include_top=True all sizes of input_shape must be known. "
            f"Received: input_shape={input_shape}"
        )
    return given


def validate_activation(classifier_activation: Any, weights: Any) -> None:
    """Raise a `ValueError` if pretrained weights do not support the classifier activation.

    Args:
        classifier_activation: a name or function.
        weights: `None` for random weights.
    """
    allowed = [activations.get("softmax"), activations.get(None)]
    if weights is not None and activations.get(classifier_activation) not in allowed:
        raise ValueError(
            "With weights and include_top=True, classifier_activation is 'softmax' or None. "
            f"Received: classifier_activation={classifier_activation!r}"
        )


def correct_pad(inputs: Any, kernel_size: Any) -> tuple:
    """The padding before a convolution of stride 2 that aligns its output as with `"same"`.

    Args:
        inputs: symbolic images.
        kernel_size: an odd integer, or one for rows and one for columns.

    Example:
        >>> correct_pad(np.zeros((1, 224, 225, 3)), 3)
        ((0, 1), (1, 1))
    """
    first = image_data_format() == "channels_first"
    size = inputs.shape[2:4] if first else inputs.shape[1:3]
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    even = [1 if n is None else 1 - n % 2 for n in size]
    return tuple((k // 2 - odd, k // 2) for k, odd in zip(kernel, even))
