"""The base class of initializers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import config as registry
from hornbook.core.dtype import canonical

Shape = tuple[int, ...]


class Initializer(registry.Configurable):
    """Base of initializers: define `__call__(self, shape, dtype=None)`, which returns an array.

    Example:
        >>> class Ramp(hornbook.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return jnp.arange(math.prod(shape), dtype=dtype).reshape(shape)
        >>> import math
        >>> Ramp()((3,), "float32").tolist()
        [0.0, 1.0, 2.0]
    """

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """An array of this shape and dtype (default `floatx()`)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype=None)")

    def clone(self) -> "Initializer":
        """An initializer made with the same arguments.

        Example:
            >>> hornbook.initializers.Constant(3).clone()
            Constant(value=3)
        """
        return type(self).from_config(self.get_config())


def finished(values: np.ndarray, dtype: Any, own: bool = False) -> jax.Array:
    """Convert values to a JAX array of a dtype, without compiling anything.

    Args:
        values: the values.
        dtype: of the array.
        own: whether nobody else has the values, which need not be copied then.
    """
    dtype = canonical(dtype)
    values = np.asarray(values).astype(dtype, copy=not own)
    return jnp.asarray(values, dtype)  # without dtype jax compiles a copy
