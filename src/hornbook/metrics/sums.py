"""Sums that stay accurate however many values are added.

A float32 sum stops growing once it is 2**24 times the addend: the mean of 32 million values of 0.3,
added 32 at a time, came out as 0.29955. So a sum is kept as two float32 numbers, the sum and its
rounding error, which is added with the next value (compensated summation, Kahan 1965, in Knuth's
form): the error does not grow with the number of values. Within a batch, unweighted counts are
integers, and weights are summed in short blocks, then over the blocks.

The compensation term is not among a metric's `variables`, which are Keras's.
"""

import jax
import jax.numpy as jnp

from hornbook.core.variable import Variable

PART = 256  # block length: weights summed one after another
LAST_BIT = 2.0**-23
TURN = 2**30


def add_exactly(total: Variable, rest: Variable, value: jax.Array) -> None:
    """Add to a compensated sum: the total and its rounding error.

    The total may have been assigned in between; then the old error is dropped.
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
    """Add integers, each below `TURN`, to a counter that carries over into `turns`."""
    new = total.raw + value
    full = new // TURN
    turns.assign(turns.raw + full)
    total.assign(new - full * TURN)


def count_by(bins: jax.Array, size: int, weights: jax.Array | None = None) -> jax.Array:
    """The number of occurrences of each integer, or the sum of their weights.

    Args:
        bins: integers from 0 to `size - 1`, shape `(N,)`.
        size: number of bins.
        weights: shape `(N,)`.

    Returns:
        Shape `(size,)`: int32, or the dtype of the weights.

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
