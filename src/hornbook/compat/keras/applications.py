"""`keras.applications` of Keras 1 and 2: what today's does not have.

ResNet50 with the names of its layers and the weights of then, its building blocks, which programs
imported, and the music tagger.
"""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.network import Files, network, pooled, sources, usual
from hornbook.compat.keras.activations import hard_sigmoid
from hornbook.compat.keras.layers import old_name
from hornbook.core import settings
from hornbook.data.files import get_file
from hornbook.models import Model

MUSIC = (
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.3/"
    "music_tagger_crnn_weights_tf_kernels_{}_dim_ordering.h5"
)
RESNET = Files(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
    "resnet50_weights_tf_dim_ordering_tf_kernels{}.h5",
    "a7b3fe01876f51b976af0dea6bc144eb",
    "a268eb855778b3df3c7506639542a6af",
)
TAGS = 50  # of the Million Song Dataset


def MusicTaggerCRNN(
    weights: str | None = "msd",
    input_tensor: Any = None,
    include_top: bool = True,
    classes: int = TAGS,
) -> Model:
    """A music tagger: convolutions, then two GRUs over the remaining time steps.

    Args:
        weights: `"msd"` (trained on the Million Song Dataset, downloaded) or `None`.
        input_tensor: symbolic mel spectrograms `(batch, 96, 1366, 1)`; default: a new input.
        include_top: whether the output is tags rather than 32 features.
        classes: number of tags.

    Raises:
        ValueError: for other weights, or a number of tags that does not match them.

    Source: Choi, Fazekas, Sandler, Cho 2017, arXiv:1609.04243.
    """
    if weights not in ("msd", None) or (weights and include_top and classes != TAGS):
        raise ValueError(
            f"MusicTaggerCRNN has weights 'msd', with {TAGS} classes, or None; "
            f"not weights={weights!r} with classes={classes}"
        )
    first = settings.image_data_format() == "channels_first"
    channels, time = (1, 3) if first else (3, 2)
    if input_tensor is None:
        input_tensor = layers.Input((1, 96, 1366) if first else (96, 1366, 1))
    x = layers.ZeroPadding2D((0, 37))(input_tensor)
    x = layers.BatchNormalization(axis=time, name="bn_0_freq")(x)
    for number, (filters, pool) in enumerate(((64, 2), (128, 3), (128, 4), (128, 4)), 1):
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv{number}")(x)
        x = layers.BatchNormalization(axis=channels, name=f"bn{number}")(x)
        x = layers.MaxPooling2D(pool, name=f"pool{number}")(layers.ELU()(x))
    x = layers.Permute((3, 1, 2))(x) if first else x
    x = layers.Reshape((15, 128))(x)
    for name in ("gru1", "gru2"):
        x = layers.GRU(
            32,
            reset_after=False,
            recurrent_activation=hard_sigmoid,
            return_sequences=name == "gru1",
            name=name,
        )(x)
    x = layers.Dense(classes, activation="sigmoid", name="output")(x) if include_top else x
    model = Model(sources(input_tensor), x, name="music_tagger_crnn")
    if weights:
        address = MUSIC.format("th" if first else "tf")
        model.load_weights(get_file(None, address, cache_subdir="models"), by_name=True)
    return model


# ---- blocks of ResNet50


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
        x = _relu(x) if i < 2 else x
    return x


def _relu(x: Any) -> Any:
    return layers.Activation("relu", name=old_name(layers.Activation, True))(x)


def _sum(*branches: Any) -> Any:
    return layers.Add(name=old_name(layers.Add, True))([*branches])


def identity_block(
    input_tensor: Any, kernel_size: int, filters: Any, stage: int, block: str
) -> Any:
    """Three convolutions with an identity shortcut.

    Args:
        input_tensor: symbolic images.
        kernel_size: of the middle convolution.
        filters: of each convolution.
        stage, block: for layer names.
    """
    axis = 1 if settings.image_data_format() == "channels_first" else 3
    names = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    x = _branch(input_tensor, tuple(filters), kernel_size, names, 1, axis)
    return _relu(_sum(x, input_tensor))


def conv_block(
    input_tensor: Any,
    kernel_size: int,
    filters: Any,
    stage: int,
    block: str,
    strides: Any = (2, 2),
) -> Any:
    """Three convolutions with a convolution as the shortcut.

    Args:
        input_tensor: symbolic images.
        kernel_size: of the middle convolution.
        filters: of the three convolutions.
        stage, block: for layer names.
        strides: of the first convolution and the shortcut.
    """
    axis = 1 if settings.image_data_format() == "channels_first" else 3
    conv, norm = names = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    x = _branch(input_tensor, tuple(filters), kernel_size, names, strides, axis)
    around = layers.Conv2D(filters[2], 1, strides=strides, name=f"{conv}1")(input_tensor)
    around = layers.BatchNormalization(axis=axis, name=f"{norm}1")(around)
    return _relu(_sum(x, around))


# ---- ResNet50


def _features(x: Any, given: SimpleNamespace) -> Any:
    axis = 1 if settings.image_data_format() == "channels_first" else 3
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1")(x)
    x = _relu(layers.BatchNormalization(axis=axis, name="bn_conv1")(x))
    x = x if given.early else layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name=old_name(layers.MaxPooling2D, False))(x)
    for stage, count in enumerate((3, 4, 6, 3), 2):
        size = 16 * 2**stage
        filters = (size, size, 4 * size)
        x = conv_block(x, 3, filters, stage, "a", 1 if stage == 2 else 2)
        for block in "bcdef"[: count - 1]:
            x = identity_block(x, 3, filters, stage, block)
    return x


def _end(x: Any, given: SimpleNamespace) -> Any:
    if given.early:
        x = layers.AveragePooling2D(7, name="avg_pool")(x)
    if not given.include_top:
        return pooled(x, given)
    if given.early:
        x = layers.Flatten(name=old_name(layers.Flatten, True))(x)
    else:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Dense(given.classes, given.classifier_activation, name="fc1000")(x)


def _resnet50(early: bool) -> Any:
    """ResNet50 of Keras 2.2, or of Keras 1, which averaged without a top too."""
    paper = "He, Zhang, Ren, Sun 2015, arXiv:1512.03385"
    return network(usual, "ResNet50", _features, _end, RESNET, paper=paper, early=early)


ResNet50, EarlyResNet50 = _resnet50(False), _resnet50(True)
