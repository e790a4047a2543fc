"""Pure functions on arrays, traced arrays and symbolic tensors: Keras's `ops`.

Each is defined once, mostly as a row of a table that wraps a function of `jax.numpy` or `jax.nn`.
Shapes and dtypes of symbolic results come from abstract evaluation.
"""

from hornbook.ops import core, linalg, math, nn, numpy
from hornbook.ops import image as image
from hornbook.ops.core import *  # noqa: F403
from hornbook.ops.linalg import *  # noqa: F403
from hornbook.ops.math import *  # noqa: F403
from hornbook.ops.nn import *  # noqa: F403
from hornbook.ops.numpy import *  # noqa: F403

__all__ = sorted(
    {
        *("image", "linalg", "nn", "numpy"),
        *(name for module in (core, linalg, math, nn, numpy) for name in module.__all__),
    }
)
__dir__ = __all__.copy
