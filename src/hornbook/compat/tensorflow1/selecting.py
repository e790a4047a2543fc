"""Selection by value: the positions are found between programs, the elements in them."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.attributes import known
from hornbook.compat.tensorflow1.applying import Spec, apply, convert, rank_of


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`tf.where`: elements of `x` or `y`; without both, the positions of what is true."""
    condition = convert(condition)
    if x is None and y is None:
        specs = Spec((None, rank_of(condition)), "int64")
        return apply(_positions, (condition,), name=name, kind="Where", specs=specs, on_host=True)
    x = convert(x, getattr(y, "dtype", None) if not hasattr(x, "dtype") else None)
    return apply(_select, (condition, x, convert(y, x.dtype)), name=name, kind="Select")


def _positions(condition: Any) -> np.ndarray:
    return np.argwhere(known(condition))


def _select(condition: Any, x: Any, y: Any) -> Any:
    condition, x = jnp.asarray(condition).astype(bool), jnp.asarray(x)
    if condition.ndim == 1 and x.ndim > 1:  # a condition for each row
        condition = jnp.reshape(condition, (-1,) + (1,) * (x.ndim - 1))
    return jnp.where(condition, x, y)


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: Any = None) -> Any:
    """`tf.boolean_mask`: the elements where a mask is true."""
    tensor, positions = convert(tensor), where(mask)
    first, count = axis or 0, rank_of(convert(mask))
    sizes = None
    if rank_of(tensor) is not None and count is not None:
        shape = tuple(tensor.shape)
        sizes = (*shape[:first], None, *shape[first + count :])
    specs = Spec(sizes, tensor.dtype)
    return apply(_taken, (tensor, positions, first), name=name, kind="GatherV2", specs=specs)


def _taken(x: Any, positions: Any, axis: int) -> Any:
    places = tuple(jnp.moveaxis(jnp.asarray(positions), -1, 0))
    return jnp.asarray(x)[(*(slice(None),) * axis, *places)]
