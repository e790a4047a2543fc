"""InceptionV3: blocks of parallel branches with different kernel shapes."""

from types import SimpleNamespace
from typing import Any

from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.inception import STEM, Branch, branches, line
from hornbook.applications.network import KERNELS, Files, averaged, network, usual

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy


def small(pooled: int) -> tuple[Branch, ...]:
    """Branches with kernels up to 5 x 5; `pooled` filters after the pooling."""
    return "64:1", "48:1 64:5", "64:1 96:3 96:3", f"average {pooled}:1"


def long(n: int) -> tuple[Branch, ...]:
    """Branches with factorized 7 x 7 kernels; n filters in between."""
    return (
        "192:1",
        f"{n}:1 {n}:1x7 192:7x1",
        f"{n}:1 {n}:7x1 {n}:1x7 {n}:7x1 192:1x7",
        "average 192:1",
    )


def divided(name: str) -> tuple[Branch, ...]:
    """Branches that split again; the first split is named."""
    sides = "384:1x3", "384:3x1"
    return "320:1", (name, "384:1", *sides), (None, "448:1 384:3", *sides), "average 192:1"


BLOCKS: dict[str, tuple[Branch, ...]] = {
    "mixed0": small(32),
    "mixed1": small(64),
    "mixed2": small(64),
    "mixed3": ("384:3/2", "64:1 96:3 96:3/2", "max"),
    "mixed4": long(128),
    "mixed5": long(160),
    "mixed6": long(160),
    "mixed7": long(192),
    "mixed8": ("192:1 320:3/2", "192:1 192:1x7 192:7x1 192:3/2", "max"),
    "mixed9": divided("mixed9_0"),
    "mixed10": divided("mixed9_1"),
}


def features(x: Any, given: SimpleNamespace) -> Any:
    """The stem and the blocks."""
    x = line(x, STEM)
    for name, listed in BLOCKS.items():
        x = branches(x, listed, name)
    return x


InceptionV3 = network(
    usual,
    "InceptionV3",
    features,
    averaged(),
    Files(
        f"inception_v3/inception_v3{KERNELS}",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    name="inception_v3",
    size=299,
    least=75,
    paper="Szegedy et al. 2016, arXiv:1512.00567",
)
