"""Image functions, under the names of `keras.ops.image`."""

from hornbook.ops import rows
from hornbook.ops.image_basic import *  # noqa: F403
from hornbook.ops.image_geometry import *  # noqa: F403

rows.publish(globals())
