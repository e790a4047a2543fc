"""Saving and loading: Keras's `saving`.

Files are data. Names in a file are looked up in the registry only; nothing is unpickled, imported
or run.
"""

from typing import Any

from hornbook.core import doors
from hornbook.core.config import CustomObjectScope as CustomObjectScope
from hornbook.core.config import custom_object_scope as custom_object_scope
from hornbook.core.config import deserialize as _deserialize
from hornbook.core.config import get_custom_objects as get_custom_objects
from hornbook.core.config import get_registered_name as get_registered_name
from hornbook.core.config import get_registered_object as get_registered_object
from hornbook.core.config import register_keras_serializable as register_keras_serializable
from hornbook.core.config import serialize as _serialize
from hornbook.saving.editor import KerasFileEditor as KerasFileEditor
from hornbook.saving.kinds import load_model as load_model
from hornbook.saving.kinds import load_weights as load_weights
from hornbook.saving.kinds import save_model as save_model
from hornbook.saving.kinds import save_weights as save_weights


def serialize_keras_object(obj: Any) -> Any:
    """Serialize an object to plain data, ready for JSON.

    Args:
        obj: plain data, arrays, registered functions, or anything with `get_config`.

    Raises:
        TypeError: for an object that cannot be serialized, such as a lambda.

    Example:
        >>> serialize_keras_object(keras.layers.Flatten(name="flat"))["class_name"]
        'Flatten'
    """
    return _serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: dict | None = None, safe_mode: bool = True
) -> Any:
    """Deserialize an object from plain data.

    Args:
        config: the result of `serialize_keras_object`.
        custom_objects: classes and functions by name, in addition to the registered ones.
        safe_mode: accepted for compatibility; code in a config is never run.

    Raises:
        ValueError: for a name that is not registered.

    Example:
        >>> deserialize_keras_object(serialize_keras_object(keras.losses.Huber(delta=2.0))).delta
        2.0
    """
    return _deserialize(config, custom_objects)


doors.publish(globals())
