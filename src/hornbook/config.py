"""Process-wide settings, under the names of `keras.config`."""

import warnings

from hornbook.backend import backend as backend
from hornbook.core import doors
from hornbook.core.dtype import dtype_policy as dtype_policy
from hornbook.core.dtype import set_dtype_policy as set_dtype_policy
from hornbook.core.errors import disable_traceback_filtering as disable_traceback_filtering
from hornbook.core.errors import enable_traceback_filtering as enable_traceback_filtering
from hornbook.core.errors import is_traceback_filtering_enabled as is_traceback_filtering_enabled
from hornbook.core.settings import disable_flash_attention as disable_flash_attention
from hornbook.core.settings import disable_interactive_logging as disable_interactive_logging
from hornbook.core.settings import enable_flash_attention as enable_flash_attention
from hornbook.core.settings import enable_interactive_logging as enable_interactive_logging
from hornbook.core.settings import epsilon as epsilon
from hornbook.core.settings import floatx as floatx
from hornbook.core.settings import image_data_format as image_data_format
from hornbook.core.settings import is_flash_attention_enabled as is_flash_attention_enabled
from hornbook.core.settings import (
    is_interactive_logging_enabled as is_interactive_logging_enabled,
)
from hornbook.core.settings import max_epochs as max_epochs
from hornbook.core.settings import max_steps_per_epoch as max_steps_per_epoch
from hornbook.core.settings import set_epsilon as set_epsilon
from hornbook.core.settings import set_floatx as set_floatx
from hornbook.core.settings import set_image_data_format as set_image_data_format
from hornbook.core.settings import set_max_epochs as set_max_epochs
from hornbook.core.settings import set_max_steps_per_epoch as set_max_steps_per_epoch

NOT_RUN = """enable_unsafe_deserialization changes nothing: code in a file is never run here.
For a Lambda layer: load_model(path, custom_objects={"name of the layer": function}), or decorate \
the function with @register_keras_serializable() before the model is saved"""


def enable_unsafe_deserialization() -> None:
    """Warn that code in files is never run; nothing changes.

    In Keras it lets files run the compiled code of lambdas. Programs call it before they load any
    file, so an error would stop those whose files have no lambda. A file that has one is refused
    when it is loaded, with the same advice.
    """
    warnings.warn(NOT_RUN, stacklevel=2)


def set_backend(backend: str) -> None:
    """Choose the engine: `"jax"`, the only one.

    Args:
        backend: its name.

    Raises:
        ValueError: for any other name.
    """
    if backend != "jax":
        raise ValueError(f"the only backend is 'jax', not {backend!r}: leave set_backend out")


def is_nnx_enabled() -> bool:
    """Whether layers are modules of Flax NNX: they never are.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


doors.publish(globals())
