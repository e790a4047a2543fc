"""What `keras.backend` says of the engine: its name, its float type, its variables."""

from typing import Any

import jax

from hornbook.core.dtype import is_float as is_float_dtype
from hornbook.core.dtype import standardize_dtype
from hornbook.core.settings import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from hornbook.core.symbolic import is_keras_tensor
from hornbook.core.variable import Variable, name_scope
from hornbook.utils.session import clear_session


def backend() -> str:
    """The name of the engine: always `"jax"`.

    Example:
        >>> backend()
        'jax'
    """
    return "jax"


def device(device_name: Any) -> Any:
    """A context in which arrays and variables are made on a device, and computed with there.

    Args:
        device_name: `"cpu:0"`, `"gpu:1"`, ..., or a device of JAX.

    Raises:
        ValueError: if there is no such device.

    Example:
        >>> with hornbook.device("cpu:0"):
        ...     v = hornbook.Variable([1.0])
        >>> v.value.device.platform
        'cpu'
    """
    if isinstance(device_name, jax.Device):
        return jax.default_device(device_name)
    if not isinstance(device_name, str):
        raise ValueError(f"a device is named by a string such as 'cpu:0', not by {device_name!r}")
    kind, _, number = device_name.lower().partition(":")
    try:
        return jax.default_device(jax.devices(kind)[int(number or 0)])
    except (RuntimeError, IndexError, ValueError):
        known = ", ".join(f"{d.platform}:{d.id}" for d in [*jax.devices(), *jax.devices("cpu")])
        raise ValueError(f"there is no device {device_name!r} here, but {known}") from None


__all__ = [
    "Variable",
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_float_dtype",
    "is_keras_tensor",
    "name_scope",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
__dir__ = __all__.copy
