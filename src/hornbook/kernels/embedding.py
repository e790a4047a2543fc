"""Rows of a table by their index, with the gradient summed into the table in float32.

On a CPU XLA's scatter-add is the fastest of the ways tried, in a loop and outside: a product with
one-hot rows, sorted indices with a sum over segments, and a loop over rows are slower everywhere.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels import wants_plain
from hornbook.kernels.product import wide


class Rows:
    """Stands for a table that is asked for rows alone; `lookup` asks it."""

    def lookup(self, ids: Array) -> Array:
        """`table[ids[...]]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `lookup`")


def plain_lookup(table: Array, ids: Array) -> Array:
    """`out[...] = table[ids[...]]`, as jax does it; indices are clipped to the table."""
    return jnp.take(table, ids, axis=0, mode="clip")


def lookup(table: Array | Rows, ids: Array) -> Array:
    """Rows of a table: `out[...] = table[ids[...]]`; indices are clipped to the table.

    Args:
        table: `(rows, width)`, or what stands for it.
        ids: integers of any shape.

    Returns:
        `ids.shape + (width,)`, of the table's dtype.
    """
    if isinstance(table, Rows):
        return table.lookup(ids)
    return plain_lookup(table, ids) if wants_plain() else _lookup(table, ids)


@jax.custom_vjp
def _lookup(table, ids):
    return plain_lookup(table, ids)


def _forward(table, ids):
    # of the table only its shape and dtype are kept
    return plain_lookup(table, ids), (ids, jnp.zeros((0, *table.shape), table.dtype))


def _backward(residuals, d_out):
    ids, like = residuals
    _, rows, width = like.shape
    total = jnp.zeros((rows, width), wide(like.dtype))
    d_rows = d_out.reshape(-1, width).astype(total.dtype)
    rows_taken = jnp.clip(ids.reshape(-1), 0, rows - 1)
    d_table = total.at[rows_taken].add(d_rows, mode="promise_in_bounds")
    return d_table.astype(like.dtype), np.zeros(ids.shape, jax.dtypes.float0)


_lookup.defvjp(_forward, _backward)
