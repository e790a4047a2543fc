"""Layers of the networks, following the global data format."""

from typing import Any

from hornbook import layers
from hornbook.core.settings import image_data_format


def channel_axis(last: int = -1) -> int:
    """The channel axis: 1 if channels come first, else -1 or 3, as in the network's files."""
    return 1 if image_data_format() == "channels_first" else last


def channels(x: Any) -> int:
    """The number of channels of symbolic images."""
    return x.shape[channel_axis()]


def normalize(x: Any, name: str | None = None, last: int = -1, **more: Any) -> Any:
    """Batch normalization over the channel axis."""
    return layers.BatchNormalization(axis=channel_axis(last), name=name, **more)(x)


def activate(x: Any, name: str | None = None, kind: Any = "relu") -> Any:
    """An activation as a layer."""
    return layers.Activation(kind, name=name)(x)


def divisible(count: float, by: int = 8) -> int:
    """The nearest multiple of `by`, but not below nine tenths of `count`.

    Example:
        >>> divisible(33), divisible(11)
        (32, 16)
    """
    near = max(by, int(count + by / 2) // by * by)
    return near + by if near < 0.9 * count else near
