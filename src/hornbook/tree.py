"""Nested structures, under the names of `keras.tree`."""

from hornbook.core.tree import flatten, is_nested, map_structure
from hornbook.core.tree import unflatten_as as pack_sequence_as

__all__ = ["flatten", "is_nested", "map_structure", "pack_sequence_as"]
__dir__ = __all__.copy
