"""Embedding lookup: rows of a table by index, with the gradient accumulated in float32.

On a CPU scatter-add is XLA's fastest formulation, in a loop and outside: a product with one-hot
rows, sorted indices with a segment sum, and a loop over rows are slower everywhere. The compiled
kernel adds whole vectors, in the same order.

A row-wise operation can be applied to the table before the lookup. If each row is looked up many
times, as characters are, that is less work; `source` decides.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.origins import Origins
from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import flat, wide

OFTEN = 2  # lookups per row, on average
WORTH_A_CALL = 1 << 12  # elements of a gradient

lookups = Origins()  # looked-up rows -> their `Lookup`


class Lookup(NamedTuple):
    """A pending lookup of rows of a table, `table[ids[...]]`."""

    table: Array
    ids: Array


def source(rows: Array) -> Lookup | None:
    """The `Lookup` behind rows, if the table is so much smaller that working on it pays."""
    found = lookups.of(rows)
    if found is None or wants_plain() or not native.suits(found.table):
        return None
    return found if OFTEN * len(found.table) <= math.prod(found.ids.shape) else None


class Rows:
    """Base of objects that replace a table which is only used for lookups."""

    shape: tuple[int, ...]

    def lookup(self, ids: Array) -> Array:
        """`table[ids[...]]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `lookup`")


def plain_lookup(table: Array, ids: Array) -> Array:
    """`table[ids[...]]` in plain jax; NaN for indices out of range."""
    return only_known(jnp.take(table, ids, axis=0, mode="clip"), ids, table)


def only_known(found: Array, ids: Array, table: Array | Rows) -> Array:
    """The rows, with NaN where the index is out of range (in a table of floats)."""
    if not jnp.issubdtype(found.dtype, jnp.floating):
        return found
    known = (ids >= 0) & (ids < table.shape[0])
    return jnp.where(known[..., None], found, jnp.nan)


def lookup(table: Array | Rows, ids: Array) -> Array:
    """Rows of a table: `out[...] = table[ids[...]]`; NaN for indices out of range.

    Args:
        table: `(rows, width)`, or a `Rows` in its place.
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
    # an empty array keeps the table's shape and dtype
    return plain_lookup(table, ids), (ids, jnp.zeros((0, *table.shape), table.dtype))


def _backward(residuals, d_out):
    ids, like = residuals
    _, rows, width = like.shape
    d_rows = flat(d_out).astype(wide(like.dtype))
    taken = jnp.clip(ids.reshape(-1), 0, rows - 1)
    if d_rows.size >= WORTH_A_CALL and native.suits(d_rows):
        d_table = native.differentiated_as(
            lambda d: _sum_rows(d, taken, rows), lambda d: native.sum_rows(d, taken, rows), d_rows
        )
    else:
        d_table = _sum_rows(d_rows, taken, rows)
    return d_table.astype(like.dtype), np.zeros(ids.shape, jax.dtypes.float0)


_lookup.defvjp(_forward, _backward)


def _sum_rows(d: Array, ids: Array, rows: int) -> Array:
    return jnp.zeros((rows, d.shape[1]), d.dtype).at[ids].add(d, mode="promise_in_bounds")
