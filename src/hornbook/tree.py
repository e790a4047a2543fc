"""Nested structures, under the names of `keras.tree`."""

from hornbook.core import doors
from hornbook.core.tree import MAP_TO_NONE as MAP_TO_NONE
from hornbook.core.tree import assert_same_paths as assert_same_paths
from hornbook.core.tree import assert_same_structure as assert_same_structure
from hornbook.core.tree import flatten as flatten
from hornbook.core.tree import flatten_with_path as flatten_with_path
from hornbook.core.tree import is_nested as is_nested
from hornbook.core.tree import lists_to_tuples as lists_to_tuples
from hornbook.core.tree import map_shape_structure as map_shape_structure
from hornbook.core.tree import map_structure as map_structure
from hornbook.core.tree import map_structure_up_to as map_structure_up_to
from hornbook.core.tree import traverse as traverse
from hornbook.core.tree import unflatten_as as _unflatten_as

pack_sequence_as = _unflatten_as
doors.publish(globals())
