"""Sums that keep their digits however long they grow.

A float32 sum stands still when it is 2**24 times what is added: the mean of 32 million values of
0.3, added 32 at a time, came out as 0.29955. So sums are kept as two float32 numbers, the sum and
what its rounding lost, which is added with the next value (Kahan 1965, in the form of Knuth): the
sum's error does not grow with the number of values. Within a batch, what is not weighted is counted
in integers, and weights are added up in short parts, then these.

The second number is no part of a metric's `variables`, which are Keras's.
"""

import jax
import jax.numpy as jnp

from hornbook.core.variable import Variable

PART = 256  # weights that are added one after the other
LAST_BIT = 2.0**-23
TURN = 2**30


def add_exactly(total: Variable, rest: Variable, value: jax.Array) -> None:
    """Add to a sum that is kept as two numbers: itself and what its rounding lost.

    The sum may have been set to another number in between; then nothing was lost.
    """
    old = total.raw
    lost = jnp.where(jnp.abs(rest.raw) <= jnp.abs(old) * LAST_BIT, rest.raw, 0)
    change = jnp.asarray(value, total.dtype) + lost
    new = old + change
    part = new - old
    error = (old - (new - part)) + (change - part)
    rest.assign(jnp.where(jnp.isfinite(new), error, 0))
    total.assign(new)


def add_in_turns(total: Variable, turns: Variable, value: jax.Array) -> None:
    """Add integers, each below `TURN`, to one that turns over there as a counter's wheels do."""
    new = total.raw + value
    full = new // TURN
    turns.assign(turns.raw + full)
    total.assign(new - full * TURN)


def count_by(bins: jax.Array, size: int, weights: jax.Array | None = None) -> jax.Array:
    """How many of some integers there are of each kind, or the sum of their weights.

    Args:
        bins: integers from 0 to `size - 1`, shape `(N,)`.
        size: number of kinds.
        weights: shape `(N,)`.

    Returns:
        Shape `(size,)`: int32, or of the weights' dtype.

    Example:
        >>> count_by(jnp.array([2, 0, 2]), 3).tolist()
        [1, 0, 2]
    """
    if weights is None:
        return jnp.zeros(size, "int32").at[bins].add(1)
    length = max(PART, size)
    parts = -(-len(bins) // length)
    part = jnp.arange(len(bins)) // length
    return jnp.sum(jnp.zeros((parts, size), weights.dtype).at[part, bins].add(weights), axis=0)
