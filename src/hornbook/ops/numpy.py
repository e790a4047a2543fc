"""numpy's functions, in Keras's names: `keras.ops.numpy`."""

from hornbook.ops import arrays, elementwise, reductions
from hornbook.ops.arrays import *  # noqa: F403
from hornbook.ops.elementwise import *  # noqa: F403
from hornbook.ops.reductions import *  # noqa: F403

__all__ = [*arrays.__all__, *elementwise.__all__, *reductions.__all__]
