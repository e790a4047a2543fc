"""What `keras.backend` says of the engine: its name, its float type, its variables."""

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
