"""Helpers of the image functions: axes, and checks of arguments."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.ops import rows


def batch_of(images: Any, data_format: str | None) -> tuple[Array, Callable]:
    """Images as `(batch, height, width, channels)`, and the inverse of the conversion."""
    images = rows.array(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"an image has three axes and a batch four; got shape {images.shape}")
    first = standardize_data_format(data_format) == "channels_first"
    single = images.ndim == 3
    x = images[None] if single else images
    x = jnp.moveaxis(x, 1, 3) if first else x

    def back(y):
        y = jnp.moveaxis(y, 3, 1) if first else y
        return y[0] if single else y

    return x, back


def check_one_of(name: str, value: Any, known: Any) -> None:
    """Raise unless a value is among the known ones."""
    if value not in known:
        raise ValueError(f"{name} is one of {sorted(known)}, not {value!r}")
