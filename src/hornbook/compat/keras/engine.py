"""Helpers that programs took from `keras.engine` and `keras.utils`."""

import warnings
from typing import Any

from hornbook.core.symbolic import SymbolicTensor


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """Rows of one array, or of each array of a list.

    Args:
        arrays: an array or a list of them.
        start: the first row, or the rows.
        stop: the row after the last.

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
    found: dict[SymbolicTensor, None] = {}
    stack = [tensor]
    seen: set[SymbolicTensor] = set()
    while stack:
        one = stack.pop()
        if one not in seen:
            seen.add(one)
            stack.extend(reversed(one.node.inputs))
            if not one.node.inputs:
                found[one] = None
    return list(found)


def multi_gpu_model(model: Any, gpus: Any = None) -> Any:
    """The model itself: it uses one device.

    Args:
        model: a model.
        gpus: how many devices were wanted.
    """
    warnings.warn("multi_gpu_model gives the model itself, on one device", stacklevel=3)
    return model
