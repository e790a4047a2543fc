"""`keras.applications`: what stands around its networks, and where these are missed."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook import layers
from hornbook.core import settings
from hornbook.data.files import get_file

NETWORKS = (
    "VGG16 VGG19 ResNet50 InceptionV3 Xception MobileNet MobileNetV2 DenseNet121 DenseNet169 "
    "DenseNet201 InceptionResNetV2 NASNetMobile NASNetLarge MusicTaggerCRNN"
).split()
NO_NETWORK = (
    "{0} is not among the networks that can be made here: keras.applications has no architectures "
    "yet. Programs that build the network themselves, layer by layer, run; so do models from a "
    "file: load_model('{1}.h5')"
)
CLASSES = (
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "imagenet_class_index.json",
)
MEANS = (103.939, 116.779, 123.68)  # of blue, green and red over ImageNet


def missing(name: str) -> Callable:
    """A function in a network's place.

    Args:
        name: of the network.
    """

    def network(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(NO_NETWORK.format(name, name.lower()))

    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"Raises: {name} cannot be made here yet."
    return network


for _name in NETWORKS:
    globals()[_name] = missing(_name)


def preprocess_caffe(x: Any, data_format: str | None = None) -> Any:
    """Blue, green, red, less their means: pictures as VGG and the first ResNet were trained on.

    Args:
        x: pictures with values from 0 to 255.
        data_format: where the channels are; default the process's.
    """
    first = (data_format or settings.image_data_format()) == "channels_first"
    x = np.array(x, "float32") if isinstance(x, np.ndarray) else x
    axis = -3 if first else -1
    means = np.reshape(MEANS, (3, 1, 1) if first else (3,)).astype("float32")
    return (np.flip(x, axis) if isinstance(x, np.ndarray) else _flipped(x, axis)) - means


def _flipped(x: Any, axis: int) -> Any:
    index: list = [slice(None)] * len(x.shape)
    index[axis] = slice(None, None, -1)
    return x[tuple(index)]


def preprocess_signs(x: Any, data_format: str | None = None) -> Any:
    """Values from -1 to 1: pictures as Inception and its kind were trained on.

    Args:
        x: pictures with values from 0 to 255.
        data_format: nothing: all channels are treated alike.
    """
    return x / 127.5 - 1.0


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pictures as a network was trained on.

    Args:
        x: pictures with values from 0 to 255.
        data_format: where the channels are; default the process's.
        mode: `"caffe"`, `"tf"` (from -1 to 1), or `"torch"` (each channel normalized).

    Raises:
        ValueError: for another mode.

    Example:
        >>> preprocess_input(np.zeros((1, 2, 2, 3)))[0, 0, 0].round(1).tolist()
        [-103.9000015258789, -116.80000305175781, -123.69999694824219]
    """
    if mode not in MODES:
        raise ValueError(f"mode of preprocess_input is 'caffe', 'tf' or 'torch', not {mode!r}")
    return MODES[mode](x, data_format)


def preprocess_torch(x: Any, data_format: str | None = None) -> Any:
    """Each channel less its mean over ImageNet, by its deviation, of values from 0 to 1.

    Args:
        x: pictures with values from 0 to 255.
        data_format: where the channels are; default the process's.
    """
    first = (data_format or settings.image_data_format()) == "channels_first"
    shape = (3, 1, 1) if first else (3,)
    mean = np.reshape([0.485, 0.456, 0.406], shape).astype("float32")
    return (x / 255.0 - mean) / np.reshape([0.229, 0.224, 0.225], shape).astype("float32")


MODES = {"caffe": preprocess_caffe, "tf": preprocess_signs, "torch": preprocess_torch}


def decode_predictions(preds: Any, top: int = 5) -> list:
    """The likeliest classes of ImageNet: number, word and probability of each.

    Args:
        preds: probabilities `(samples, 1000)`.
        top: how many.

    Raises:
        ValueError: for another shape.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise ValueError(f"decode_predictions takes (samples, 1000), not {preds.shape}")
    with open(get_file(CLASSES[1], CLASSES[0], cache_subdir="models"), encoding="utf-8") as file:
        known = json.load(file)
    best = np.argsort(preds, axis=1)[:, ::-1][:, :top]
    return [
        [(*known[str(i)], row[i]) for i in order] for order, row in zip(best, preds, strict=True)
    ]


def obtain_input_shape(
    input_shape: Any,
    default_size: int,
    min_size: int,
    data_format: str | None = None,
    include_top: bool = True,
    weights: Any = None,
) -> tuple:
    """The shape of pictures that a network takes.

    Args:
        input_shape: what was asked for, or `None`.
        default_size: rows and columns of what it was trained on.
        min_size: the least that it can take.
        data_format: where the channels are; default the process's.
        include_top: whether it ends in classes, for which the size is fixed.
        weights: of which training.

    Raises:
        ValueError: if what was asked for cannot be.
    """
    first = (data_format or settings.image_data_format()) == "channels_first"
    size: tuple = (default_size, default_size)
    whole = (3, *size) if first else (*size, 3)
    if include_top:
        if input_shape is not None and tuple(input_shape) != whole:
            raise ValueError(f"with include_top=True the input_shape is {whole}, not {input_shape}")
        return whole
    if input_shape is None:
        return (3, None, None) if first else (None, None, 3)
    found = tuple(input_shape)
    rows = found[1:] if first else found[:-1]
    if len(found) != 3 or any(n is not None and n < min_size for n in rows):
        raise ValueError(f"the pictures are at least {min_size} x {min_size}, not {input_shape}")
    return found


# ---- parts of the first ResNet, which programs took to build their own


def _branch(x: Any, filters: tuple, kernel: Any, names: tuple, strides: Any, axis: int) -> Any:
    conv, norm = names
    sizes = (1, kernel, 1)
    for i, (count, size, letter) in enumerate(zip(filters, sizes, "abc", strict=True)):
        x = layers.Conv2D(
            count,
            size,
            strides=strides if i == 0 else 1,
            padding="same" if i == 1 else "valid",
            name=f"{conv}2{letter}",
        )(x)
        x = layers.BatchNormalization(axis=axis, name=f"{norm}2{letter}")(x)
        x = layers.Activation("relu")(x) if i < 2 else x
    return x


def identity_block(
    input_tensor: Any, kernel_size: int, filters: Any, stage: int, block: str
) -> Any:
    """Three convolutions beside a way around them.

    Args:
        input_tensor: symbolic pictures.
        kernel_size: of the middle convolution.
        filters: of each.
        stage, block: for the names.
    """
    axis = 1 if settings.image_data_format() == "channels_first" else 3
    names = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    x = _branch(input_tensor, tuple(filters), kernel_size, names, 1, axis)
    return layers.Activation("relu")(layers.Add()([x, input_tensor]))


def conv_block(
    input_tensor: Any,
    kernel_size: int,
    filters: Any,
    stage: int,
    block: str,
    strides: Any = (2, 2),
) -> Any:
    """Three convolutions beside a fourth.

    Args:
        input_tensor: symbolic pictures.
        kernel_size: of the middle convolution.
        filters: of the three.
        stage, block: for the names.
        strides: of the first and of the fourth.
    """
    axis = 1 if settings.image_data_format() == "channels_first" else 3
    conv, norm = names = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    x = _branch(input_tensor, tuple(filters), kernel_size, names, strides, axis)
    around = layers.Conv2D(filters[2], 1, strides=strides, name=f"{conv}1")(input_tensor)
    around = layers.BatchNormalization(axis=axis, name=f"{norm}1")(around)
    return layers.Activation("relu")(layers.Add()([x, around]))
