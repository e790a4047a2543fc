"""Objects as plain data in the format of Keras 1 and 2: a class by its name, a function by its own.

`core/config.py` has today's format, which also says the module.
"""

import inspect
from collections.abc import Callable
from typing import Any

from hornbook.core.config import custom_object_scope as known_as
from hornbook.core.config import get_registered_name, get_registered_object, resolve
from hornbook.core.dtype import DTypePolicy

INNER = "__passive_serialization__"  # marks the objects among the arguments of another


def serialize_keras_object(instance: Any) -> Any:
    """An object as plain data, as Keras 2 wrote it; new programs use `saving`.

    Args:
        instance: an object with `get_config`, a function, a class, or `None`.

    Raises:
        ValueError: for anything else.

    Example:
        >>> serialize_keras_object(keras.losses.Huber(delta=2.0))["class_name"]
        'Huber'
        >>> serialize_keras_object(keras.activations.relu)
        'relu'
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not inspect.isclass(instance):
        config = {key: _inner(value) for key, value in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"{instance!r} cannot be serialized: it has no get_config and is no function")


def _inner(value: Any) -> Any:
    if isinstance(value, DTypePolicy):
        return value.name
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        return {"class_name": value["class_name"], "config": value["config"], INNER: True}
    if not hasattr(value, "get_config") and not callable(value):
        return value
    described = serialize_keras_object(value)
    return {**described, INNER: True} if isinstance(described, dict) else described


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that plain data of Keras 2 describes; new programs use `saving`.

    Args:
        identifier: what `serialize_keras_object` returned: a dictionary, or the name of a function
            or class (an object of the class is made); `None`, or a function, is returned as it is.
        module_objects: classes and functions by name; looked up before the library's own.
        custom_objects: the same; looked up first.
        printable_module_name: what messages call the object.

    Raises:
        ValueError: for an unknown name, or for anything else.

    Example:
        >>> described = {"class_name": "Huber", "config": {"delta": 2.0}}
        >>> deserialize_keras_object(described, {"Huber": keras.losses.Huber}).delta
        2.0
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier

    def find(name: Any) -> Any:
        found = get_registered_object(name, custom_objects, module_objects)
        return found if found is not None else _ours(name, printable_module_name)

    with known_as({**(module_objects or {}), **(custom_objects or {})}):
        if isinstance(identifier, str):
            found = find(identifier)
            return found() if inspect.isclass(found) else found
        if isinstance(identifier, dict) and {"class_name", "config"} <= identifier.keys():
            return _made(find(identifier["class_name"]), identifier["config"], find)
    raise ValueError(
        f"cannot interpret {identifier!r} as a serialized {printable_module_name}: pass a name, or "
        "a dictionary with class_name and config"
    )


def _ours(name: Any, what: str) -> Any:
    try:
        return resolve({"class_name": name, "config": {}})
    except ValueError:
        raise ValueError(
            f"unknown {what} {name!r}: pass it in module_objects or custom_objects, or decorate it "
            "with @register_keras_serializable()"
        ) from None


def _made(found: Any, config: Any, find: Callable[[Any], Any]) -> Any:
    """An object of a class, from its config; a function by itself."""
    if not hasattr(found, "from_config"):
        return found(**config) if inspect.isclass(found) else found
    if isinstance(config, dict):
        config = {key: _argument(value, find) for key, value in config.items()}
    return found.from_config(config)


def _argument(value: Any, find: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict) and INNER in value:
        return _made(find(value["class_name"]), value["config"], find)
    return value
