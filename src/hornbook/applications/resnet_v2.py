"""ResNetV2: ResNet with normalization and activation before each convolution."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.network import KERNELS, Files, Network, averaged, network, usual
from hornbook.applications.parts import activate
from hornbook.applications.resnet import FILTERS, norm, stem

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy


def block(x: Any, filters: int, name: str, stride: int, first: bool) -> Any:
    """A preactivation bottleneck of three convolutions, with a shortcut."""
    ready = activate(norm(x, f"{name}_preact_bn"), f"{name}_preact_relu")
    if first:
        around = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(ready)
    else:
        around = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = layers.Conv2D(filters, 1, strides=1, use_bias=False, name=f"{name}_1_conv")(ready)
    x = activate(norm(x, f"{name}_1_bn"), f"{name}_1_relu")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = activate(norm(x, f"{name}_2_bn"), f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([around, x])


def features(x: Any, given: SimpleNamespace) -> Any:
    """Four stages; all but the last halve rows and columns in their last block."""
    x = stem(x, activated=False)
    for stage, (filters, count) in enumerate(zip(FILTERS, given.blocks, strict=True), 2):
        for number in range(1, count + 1):
            stride = 2 if number == count and stage < 5 else 1
            x = block(x, filters, f"conv{stage}_block{number}", stride, first=number == 1)
    return activate(norm(x, "post_bn"), "post_relu")


def _row(title: str, blocks: tuple[int, ...], *checksums: str) -> Network:
    files = Files(f"resnet/{title.lower()}{KERNELS}", *checksums)
    paper = "He, Zhang, Ren, Sun 2016, arXiv:1603.05027"
    end = averaged(named=True)
    return network(usual, title, features, end, files, paper=paper, blocks=blocks)


ResNet50V2 = _row(
    "ResNet50V2",
    (3, 4, 6, 3),
    "3ef43a0b657b3be2300d5770ece849e0",
    "fac2f116257151a9d068a22e544a4917",
)
ResNet101V2 = _row(
    "ResNet101V2",
    (3, 4, 23, 3),
    "6343647c601c52e1368623803854d971",
    "c0ed64b8031c3730f411d2eb4eea35b5",
)
ResNet152V2 = _row(
    "ResNet152V2",
    (3, 8, 36, 3),
    "a49b44d1979771252814e80f8ec446f9",
    "ed17cf2e0169df9d443503ef94b23b33",
)
