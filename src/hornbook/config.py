"""Process-wide settings, under the names of `keras.config`."""

from hornbook.backend import backend
from hornbook.core.dtype import dtype_policy, set_dtype_policy
from hornbook.core.settings import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = [
    "backend",
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]
__dir__ = __all__.copy
