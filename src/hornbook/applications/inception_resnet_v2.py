"""InceptionResNetV2: Inception blocks with residual connections."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.inception import STEM, Branch, branches, convolve, line
from hornbook.applications.network import KERNELS, Files, averaged, network, usual
from hornbook.applications.parts import activate, channels
from hornbook.layers.rescaling import CustomScaleLayer

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

SMALL: tuple[Branch, ...] = ("96:1", "48:1 64:5", "64:1 96:3 96:3", "average 64:1")
# Name, repetitions, scale of the residual, branches; below, the blocks that halve rows and columns.
STAGES: tuple[tuple[str, int, float, tuple[Branch, ...]], ...] = (
    ("block35", 10, 0.17, ("32:1", "32:1 32:3", "32:1 48:3 64:3")),
    ("block17", 20, 0.1, ("192:1", "128:1 160:1x7 192:7x1")),
    ("block8", 10, 0.2, ("192:1", "192:1 224:1x3 256:3x1")),
)
HALVING: dict[str, tuple[str, tuple[Branch, ...]]] = {
    "block35": ("mixed_6a", ("384:3/2", "256:1 256:3 384:3/2", "max")),
    "block17": ("mixed_7a", ("256:1 384:3/2", "256:1 288:3/2", "256:1 288:3 320:3/2", "max")),
}


def residual(x: Any, name: str, scale: float, listed: tuple[Branch, ...], activated: bool) -> Any:
    """The branches' outputs, projected to the input's channels and added to the input."""
    found = branches(x, listed, f"{name}_mixed")
    found = layers.Conv2D(channels(x), 1, padding="same", name=f"{name}_conv")(found)
    x = CustomScaleLayer(scale)([x, found])
    return activate(x, f"{name}_ac") if activated else x


def features(x: Any, given: SimpleNamespace) -> Any:
    """The stem, an InceptionV3 block and three stages."""
    x = branches(line(x, STEM), SMALL, "mixed_5b")
    for kind, count, scale, listed in STAGES:
        for number in range(1, count + 1):
            last = kind == "block8" and number == count
            x = residual(x, f"{kind}_{number}", 1.0 if last else scale, listed, not last)
        if kind in HALVING:
            name, ways = HALVING[kind]
            x = branches(x, ways, name)
    return convolve(x, 1536, 1, name="conv_7b", padding="same")


InceptionResNetV2 = network(
    usual,
    "InceptionResNetV2",
    features,
    averaged(),
    Files(
        f"inception_resnet_v2/inception_resnet_v2{KERNELS}",
        "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
    name="inception_resnet_v2",
    size=299,
    least=75,
    paper="Szegedy, Ioffe, Vanhoucke, Alemi 2016, arXiv:1602.07261",
)
