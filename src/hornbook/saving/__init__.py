"""Saving and loading: Keras's `saving`.

Files are data. What a file names is looked up in the registry and nowhere else; nothing is
unpickled, imported or run.
"""

from hornbook.core.config import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hornbook.saving.hdf5 import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_weights",
    "register_keras_serializable",
    "save_weights",
]
