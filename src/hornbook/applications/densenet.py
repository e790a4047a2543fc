"""DenseNet: each layer takes the outputs of all earlier layers of its block."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_torch as preprocess_input
from hornbook.applications.network import (
    KERNELS,
    Files,
    Network,
    averaged,
    channels_last_only,
    network,
    usual,
)
from hornbook.applications.parts import activate, channels, normalize

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

GROWTH = 32  # channels that each layer adds


def ready(x: Any, name: str) -> Any:
    """Batch normalization and ReLU."""
    return activate(normalize(x, f"{name}bn", last=3, epsilon=1.001e-5), f"{name}relu")


def layer(x: Any, name: str) -> Any:
    """A 1 x 1 and a 3 x 3 convolution, whose output is concatenated to the input."""
    new = ready(x, f"{name}_0_")
    new = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = ready(new, f"{name}_1_")
    new = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return layers.Concatenate(axis=3, name=f"{name}_concat")([x, new])


def transition(x: Any, name: str) -> Any:
    """Halve the channels, rows and columns."""
    x = ready(x, f"{name}_")
    x = layers.Conv2D(channels(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, then blocks of layers with transitions between them."""
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = layers.ZeroPadding2D(1)(ready(x, "conv1_"))
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for stage, count in enumerate(given.layers, 2):
        x = transition(x, f"pool{stage - 1}") if stage > 2 else x
        for number in range(1, count + 1):
            x = layer(x, f"conv{stage}_block{number}")
    return ready(x, "")


def _row(title: str, counts: tuple[int, ...], *checksums: str) -> Network:
    return network(
        usual,
        title,
        features,
        averaged(named=True),
        Files(f"densenet/{title.lower()}{KERNELS}", *checksums),
        settle=channels_last_only,
        paper="Huang, Liu, van der Maaten, Weinberger 2017, arXiv:1608.06993",
        layers=counts,
    )


DenseNet121 = _row(
    "DenseNet121",
    (6, 12, 24, 16),
    "9d60b8095a5708f2dcce2bca79d332c7",
    "30ee3e1110167f948a6b9946edeeb738",
)
DenseNet169 = _row(
    "DenseNet169",
    (6, 12, 32, 32),
    "d699b8f76981ab1b30698df4c175e90b",
    "b8c4d4c20dd625c148057b9ff1c1176b",
)
DenseNet201 = _row(
    "DenseNet201",
    (6, 12, 48, 32),
    "1ceb130c1ea1b78c3bf6114dbdfd8807",
    "c13680b51ded0fb44dff2d8f86ac8bb1",
)
