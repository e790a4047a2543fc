"""Rows of a table by their index, with the gradient summed into the table in float32."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels import wants_plain


def plain_lookup(table: Array, ids: Array) -> Array:
    """`out[...] = table[ids[...]]`, as jax does it. Indices are clipped to the table."""
    return jnp.take(table, ids, axis=0, mode="clip")


def lookup(table: Array, ids: Array) -> Array:
    """Rows of a table: `out[...] = table[ids[...]]`; indices are clipped to the table.

    Args:
        table: `(rows, width)`.
        ids: integers of any shape.

    Returns:
        `ids.shape + (width,)`, of the table's dtype.
    """
    if wants_plain():
        return plain_lookup(table, ids)
    return _lookup(table, ids)


@jax.custom_vjp
def _lookup(table, ids):
    return plain_lookup(table, ids)


def _forward(table, ids):
    return plain_lookup(table, ids), (ids, jax.ShapeDtypeStruct(table.shape, table.dtype))


def _backward(residuals, d_out):
    ids, table = residuals
    rows, width = table.shape
    ids = jnp.clip(ids.reshape(-1), 0, rows - 1)
    wide = jnp.promote_types(table.dtype, jnp.float32)
    d_rows = d_out.reshape(-1, width).astype(wide)
    d_table = jnp.zeros((rows, width), wide).at[ids].add(d_rows)
    return d_table.astype(table.dtype), np.zeros(ids.shape, jax.dtypes.float0)


_lookup.defvjp(_forward, _backward)
