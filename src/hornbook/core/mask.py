"""Masks attached to arrays: which timesteps of a sequence are data and which are padding."""

import weakref
from typing import Any

from hornbook.core import tree
from hornbook.core.symbolic import SymbolicTensor

_masks: dict[int, tuple[weakref.ref, Any]] = {}


def get_mask(value: Any) -> Any:
    """The mask attached to an array or symbolic tensor, or `None`."""
    if isinstance(value, SymbolicTensor):
        return value.mask
    found = _masks.get(id(value))
    return found[1] if found and found[0]() is value else None


def set_mask(value: Any, mask: Any) -> None:
    """Attach a mask to an array; `None` removes it."""
    if isinstance(value, SymbolicTensor):
        value.mask = mask
    elif mask is None:
        _masks.pop(id(value), None)
    else:
        key = id(value)
        forget = _masks.pop  # at exit the module's globals are cleared before its arrays
        _masks[key] = (weakref.ref(value, lambda _: forget(key, None)), mask)


def get_masks(structure: Any) -> Any:
    """The masks of a structure of arrays, in the same structure; `None` if there are none."""
    masks = [get_mask(leaf) for leaf in tree.flatten(structure)]
    return tree.unflatten_as(structure, masks) if any(m is not None for m in masks) else None
