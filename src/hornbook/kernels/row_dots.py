"""Row-wise dot products of two matrices."""

import jax.numpy as jnp
from jax import Array

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import flat


def plain_row_dots(a: Array, b: Array) -> Array:
    """`row_dots` in plain jax."""
    return jnp.einsum("nk,nk->n", a, b)


def row_dots(a: Array, b: Array) -> Array:
    """`out[n] = sum over k of a[n, k] b[n, k]`.

    Args:
        a, b: `(rows, width)`, of one dtype; a single row is broadcast.

    Returns:
        `(rows,)`, of the same dtype.
    """
    alike = a.shape == b.shape and native.suits(a, b)
    if _row_dots is not None and alike and not wants_plain():
        return _row_dots(a, b)
    return plain_row_dots(a, b)


# --- a bilinear primitive ---


def _scaled(d, other):
    return d[..., None] * other


def _batched(a, b):
    return row_dots(*map(flat, (a, b))).reshape(a.shape[:-1])


_row_dots = native.bilinear(
    "hornbook_row_dots",
    native.row_dots,
    lambda a, b: a.shape[:1],
    lambda d, a, b: _scaled(d, b),
    lambda d, a, b: _scaled(d, a),
    _batched,
)
