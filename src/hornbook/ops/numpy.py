"""numpy's functions, under the names of `keras.ops.numpy`."""

from hornbook.ops import rows
from hornbook.ops.arrays import *  # noqa: F403
from hornbook.ops.creation import *  # noqa: F403
from hornbook.ops.elementwise import *  # noqa: F403
from hornbook.ops.reductions import *  # noqa: F403

rows.publish(globals())
