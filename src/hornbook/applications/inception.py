"""What the Inception networks share: blocks of branches, written as in the papers' figures.

A branch is a sequence of layers. `96:3` is a 3 x 3 convolution with 96 filters and same padding;
`96:1x7` has a kernel of 1 row and 7 columns; `/2` has stride 2 without padding, `v` no padding.
`max` is max pooling with stride 2, `average` average pooling that keeps the size. A tuple is a
branch that splits: the name of the concatenation, a sequence, and the branches that follow it.
"""

from typing import Any

from hornbook import layers
from hornbook.applications.parts import activate, channel_axis, normalize

Branch = str | tuple[Any, ...]
STEM = "32:3/2 32:3v 64:3 max 80:1v 192:3v max"


def convolve(x: Any, filters: int, kernel: Any, name: str = "", **more: Any) -> Any:
    """A convolution without bias, batch normalization and activation."""
    x = layers.Conv2D(filters, kernel, use_bias=False, name=name or None, **more)(x)
    x = normalize(x, name and f"{name}_bn" or None, last=3, scale=False)
    return activate(x, name and f"{name}_ac" or None)


def line(x: Any, text: str) -> Any:
    """A sequence of layers."""
    for word in text.split():
        if word == "max":
            x = layers.MaxPooling2D(3, strides=2)(x)
        elif word == "average":
            x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
        else:
            filters, _, kernel = word.removesuffix("v").removesuffix("/2").partition(":")
            sides = tuple(map(int, kernel.split("x")))
            x = convolve(
                x,
                int(filters),
                sides if len(sides) == 2 else sides * 2,
                strides=2 if word.endswith("/2") else 1,
                padding="valid" if word.endswith(("v", "/2")) else "same",
            )
    return x


def branches(x: Any, listed: tuple[Branch, ...], name: str | None = None) -> Any:
    """The branches' outputs, concatenated along the channels."""
    found = [
        line(x, one) if isinstance(one, str) else branches(line(x, one[1]), one[2:], one[0])
        for one in listed
    ]
    return layers.Concatenate(axis=channel_axis(3), name=name)(found)
