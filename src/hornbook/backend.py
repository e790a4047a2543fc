"""The engine, under the names of `keras.backend`: its name, its float type, its variables."""

from typing import Any

import jax

from hornbook.core import doors
from hornbook.core.dtype import is_float as _is_float
from hornbook.core.dtype import is_int as _is_int
from hornbook.core.dtype import result_type as result_type
from hornbook.core.dtype import standardize_dtype as standardize_dtype
from hornbook.core.module import get_uid as get_uid
from hornbook.core.settings import epsilon as epsilon
from hornbook.core.settings import floatx as floatx
from hornbook.core.settings import image_data_format as image_data_format
from hornbook.core.settings import set_epsilon as set_epsilon
from hornbook.core.settings import set_floatx as set_floatx
from hornbook.core.settings import set_image_data_format as set_image_data_format
from hornbook.core.symbolic import is_keras_tensor as is_keras_tensor
from hornbook.core.variable import Variable as Variable
from hornbook.core.variable import name_scope as name_scope
from hornbook.utils.session import clear_session as clear_session


def backend() -> str:
    """The name of the engine: always `"jax"`.

    Example:
        >>> backend()
        'jax'
    """
    return "jax"


def device(device_name: Any) -> Any:
    """Context in which arrays and variables are placed, and computed with, on a device.

    Args:
        device_name: `"cpu:0"`, `"gpu:1"`, ..., or a JAX device.

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
        raise ValueError(f"a device is named by a string such as 'cpu:0', not {device_name!r}")
    kind, _, number = device_name.lower().partition(":")
    try:
        return jax.default_device(jax.devices(kind)[int(number or 0)])
    except (RuntimeError, IndexError, ValueError):
        known = ", ".join(f"{d.platform}:{d.id}" for d in [*jax.devices(), *jax.devices("cpu")])
        raise ValueError(f"there is no device {device_name!r} here, but {known}") from None


is_float_dtype = _is_float
is_int_dtype = _is_int
doors.publish(globals())
