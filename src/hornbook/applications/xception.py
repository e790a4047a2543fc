"""Xception: depthwise separable convolutions in blocks of two or three, with shortcuts."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.network import KERNELS, Files, averaged, network, usual
from hornbook.applications.parts import activate, normalize

__all__ = ["Xception", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

# Filters of the separable convolutions of blocks 2 to 13. Blocks that halve rows and columns have a
# convolution in their shortcut.
HALVING = {2: (128, 128), 3: (256, 256), 4: (728, 728), 13: (728, 1024)}
BLOCKS = {number: HALVING.get(number, (728, 728, 728)) for number in range(2, 14)}


def separable(x: Any, filters: int, name: str) -> Any:
    """A separable convolution and batch normalization."""
    conv = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)
    return normalize(conv(x), f"{name}_bn")


def block(x: Any, number: int, filters: tuple[int, ...]) -> Any:
    """Separable convolutions with a shortcut."""
    around, name = x, f"block{number}"
    if number in HALVING:
        conv = layers.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)
        around = normalize(conv(x))
    for i, count in enumerate(filters, 1):
        if (number, i) != (2, 1):  # the output of block 1 is already activated
            x = activate(x, f"{name}_sepconv{i}_act")
        x = separable(x, count, f"{name}_sepconv{i}")
    if number in HALVING:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.Add()([x, around])


def features(x: Any, given: SimpleNamespace) -> Any:
    """Two convolutions, twelve blocks, two separable convolutions."""
    for name, filters, stride in (("block1_conv1", 32, 2), ("block1_conv2", 64, 1)):
        x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=name)(x)
        x = activate(normalize(x, f"{name}_bn"), f"{name}_act")
    for number, filters in BLOCKS.items():
        x = block(x, number, filters)
    for name, filters in (("block14_sepconv1", 1536), ("block14_sepconv2", 2048)):
        x = activate(separable(x, filters, name), f"{name}_act")
    return x


Xception = network(
    usual,
    "Xception",
    features,
    averaged(),
    Files(
        f"xception/xception{KERNELS}",
        "0a58e3b7378bc2990ea3b43d5981f1f6",
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
    size=299,
    least=71,
    paper="Chollet 2017, arXiv:1610.02357",
)
