"""VGG: five stages of 3 x 3 convolutions, each followed by max pooling."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.network import (
    KERNELS,
    Files,
    Network,
    classified,
    network,
    pooled,
    usual,
)

FILTERS = (64, 128, 256, 512, 512)


def features(x: Any, given: SimpleNamespace) -> Any:
    """The five stages."""
    for stage, (filters, count) in enumerate(zip(FILTERS, given.convolutions, strict=True), 1):
        for number in range(1, count + 1):
            name = f"block{stage}_conv{number}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{stage}_pool")(x)
    return x


def end(x: Any, given: SimpleNamespace) -> Any:
    """Two dense layers, then the classification layer."""
    if not given.include_top:
        return pooled(x, given)
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return classified(x, given)


def _row(title: str, convolutions: tuple[int, ...], *checksums: str) -> Network:
    files = Files(f"{title.lower()}/{title.lower()}{KERNELS}", *checksums)
    paper = "Simonyan, Zisserman 2014, arXiv:1409.1556"
    return network(usual, title, features, end, files, paper=paper, convolutions=convolutions)


VGG16 = _row(
    "VGG16",
    (2, 2, 3, 3, 3),
    "64373286793e3c8b2b4e3219cbf3544b",
    "6d6bbae143d832006294945121d1f1fc",
)
VGG19 = _row(
    "VGG19",
    (2, 2, 4, 4, 4),
    "cbe5617147190e668d6c5d5026f83318",
    "253f8cb515780f3b799900260a226db6",
)
