"""Helpers around models: seeds, labels, sequences, sessions."""

from hornbook.core.config import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hornbook.core.random import set_random_seed
from hornbook.training.progress import Progbar
from hornbook.utils.session import clear_session

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "clear_session",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "set_random_seed",
]
