"""Gather of rows by index: the samples of a batch."""

import math

from jax import Array

from hornbook.kernels import native, wants_plain

MUCH = 1 << 16  # bytes that are worth a second thread


def plain_take(a: Array, ids: Array) -> Array:
    """`take` in plain jax."""
    return a.at[ids].get(mode="promise_in_bounds")


def take(a: Array, ids: Array) -> Array:
    """`a[ids]`; has no derivative.

    Args:
        a: any dtype, one axis or more.
        ids: row indices within bounds, int32, one axis.
    """
    bytes_taken = len(ids) * math.prod(a.shape[1:]) * a.dtype.itemsize
    if a.dtype.kind in "biufc" and bytes_taken >= MUCH and native.available() and not wants_plain():
        return native.take(a, ids)
    return plain_take(a, ids)
