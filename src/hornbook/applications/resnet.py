"""ResNet: bottleneck blocks of three convolutions with shortcuts."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_caffe as preprocess_input
from hornbook.applications.network import KERNELS, Files, Network, averaged, network, usual
from hornbook.applications.parts import activate, normalize

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

FILTERS = (64, 128, 256, 512)  # per stage; blocks output four times as many channels


def norm(x: Any, name: str) -> Any:
    """Batch normalization with ResNet's epsilon."""
    return normalize(x, name, last=3, epsilon=1.001e-5)


def stem(x: Any, activated: bool = True) -> Any:
    """The stem, which reduces rows and columns to a quarter."""
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if activated:
        x = activate(norm(x, "conv1_bn"), "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def convolve(x: Any, filters: int, kernel: int, name: str, stride: int = 1) -> Any:
    """A convolution and batch normalization."""
    padding = "same" if kernel > 1 else "valid"
    conv = layers.Conv2D(filters, kernel, strides=stride, padding=padding, name=f"{name}_conv")
    return norm(conv(x), f"{name}_bn")


def block(x: Any, filters: int, name: str, stride: int, first: bool) -> Any:
    """A bottleneck (1 x 1, 3 x 3 and 1 x 1 convolutions) with a shortcut."""
    around = convolve(x, 4 * filters, 1, f"{name}_0", stride) if first else x
    x = activate(convolve(x, filters, 1, f"{name}_1", stride), f"{name}_1_relu")
    x = activate(convolve(x, filters, 3, f"{name}_2"), f"{name}_2_relu")
    x = convolve(x, 4 * filters, 1, f"{name}_3")
    return activate(layers.Add(name=f"{name}_add")([around, x]), f"{name}_out")


def features(x: Any, given: SimpleNamespace) -> Any:
    """Four stages; all but the first halve rows and columns in their first block."""
    x = stem(x)
    for stage, (filters, count) in enumerate(zip(FILTERS, given.blocks, strict=True), 2):
        for number in range(1, count + 1):
            first = number == 1
            stride = 2 if first and stage > 2 else 1
            x = block(x, filters, f"conv{stage}_block{number}", stride, first)
    return x


def _row(title: str, blocks: tuple[int, ...], *checksums: str) -> Network:
    files = Files(f"resnet/{title.lower()}{KERNELS}", *checksums)
    paper = "He, Zhang, Ren, Sun 2015, arXiv:1512.03385"
    end = averaged(named=True)
    return network(usual, title, features, end, files, paper=paper, blocks=blocks)


ResNet50 = _row(
    "ResNet50",
    (3, 4, 6, 3),
    "2cb95161c43110f7111970584f804107",
    "4d473c1dd8becc155b73f8504c6f6626",
)
ResNet101 = _row(
    "ResNet101",
    (3, 4, 23, 3),
    "f1aeb4b969a6efcfb50fad2f0c20cfc5",
    "88cf7a10940856eca736dc7b7e228a21",
)
ResNet152 = _row(
    "ResNet152",
    (3, 8, 36, 3),
    "100835be76be38e30d865e96f2aaae62",
    "ee4c566cf9a93f14d82f913c2dc6dd0c",
)
