"""Helpers that programs imported from `keras.engine` and `keras.utils`."""

import warnings
from collections.abc import Sequence
from typing import Any

from hornbook import layers
from hornbook.compat.install import installed_names
from hornbook.core.symbolic import SymbolicTensor, symbolic_leaves

NO_YAML = (
    "{} was removed in Keras 2.6, as YAML files can run code. Use {}, and the JSON files of the "
    "models that you have"
)


def model_from_yaml(yaml_string: str, custom_objects: dict | None = None) -> Any:
    """Removed: raises.

    Args:
        yaml_string: YAML.
        custom_objects: classes and functions by name.

    Raises:
        RuntimeError: always, as in Keras since 2.6.
    """
    raise RuntimeError(NO_YAML.format("model_from_yaml()", "model_from_json()"))


def save_model(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Save a model with its own `save`.

    Args:
        model: a model.
        filepath: a path.
        overwrite: whether to replace an existing file.
        **kwargs: further arguments of `save`.
    """
    model.save(filepath, overwrite, **kwargs)


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """Slice the rows of an array, or of each array in a list.

    Args:
        arrays: an array or a list of them.
        start: the first row, or a list of rows.
        stop: one past the last row.

    Example:
        >>> slice_arrays([np.arange(4), np.arange(4) * 2], 1, 3)
        [array([1, 2]), array([2, 4])]
    """
    if isinstance(arrays, list):
        return [slice_arrays(one, start, stop) for one in arrays]
    return arrays[start] if hasattr(start, "__len__") else arrays[start:stop]


def get_source_inputs(tensor: SymbolicTensor) -> list[SymbolicTensor]:
    """The inputs that a symbolic tensor is computed from.

    Args:
        tensor: a symbolic tensor.
    """
    return sources(tensor)


def sources(outputs: Any, given: Sequence[SymbolicTensor] = ()) -> list[SymbolicTensor]:
    """The inputs that symbolic tensors are computed from, other than given ones.

    Args:
        outputs: a structure of symbolic tensors.
        given: tensors to treat as inputs.
    """
    found: dict[SymbolicTensor, None] = {}
    stack = symbolic_leaves(outputs)
    seen = set(given)
    while stack:
        one = stack.pop()
        if one not in seen:
            seen.add(one)
            stack.extend(reversed(one.node.inputs))
            if not one.node.inputs:
                found[one] = None
    return list(found)


def layer_from_config(config: dict, custom_objects: dict | None = None) -> Any:
    """Create a layer from its class name and config.

    Args:
        config: `{"class_name": ..., "config": ...}`.
        custom_objects: classes of the program, by name.
    """
    names = installed_names()
    known = {} if names is None else names.dialect.FAMILIES["layers"]
    kind = config["class_name"]
    if names is None or kind in (custom_objects or {}) or kind not in known:
        made = layers.deserialize(config, custom_objects)
    else:
        made = names.get("layers", kind).from_config(config["config"])
    return made if names is None else names.adopt(made)


def multi_gpu_model(
    model: Any, gpus: Any = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Any:
    """Return the model itself, which runs on one device.

    Args:
        model: a model.
        gpus: ignored.
        cpu_merge: ignored.
        cpu_relocation: ignored.
    """
    warnings.warn("multi_gpu_model returns the model itself, on one device", stacklevel=3)
    return model
