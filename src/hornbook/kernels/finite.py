"""Whether gradients are finite, without computing those that are products of small factors."""

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import factors

MUCH = 4  # how many times smaller than their product two factors must be to be checked instead


def sizes(gradients: Array) -> Array:
    """A number that is finite if all gradients are, and NaN if any of them has a NaN.

    It is an upper bound of all absolute values, so it may overflow slightly early.
    """
    parts = [_parts(gradient) for gradient in jax.tree.leaves(gradients) if gradient.size]
    arrays = [array for part in parts for array in part]
    largest = iter(_largest(arrays))
    total = jnp.float32(0)
    for left, *right in parts:
        found = next(largest)
        total += found * next(largest) * len(left) if right else found
    return total


def _parts(gradient: Array) -> tuple[Array, ...]:
    """The gradient, or the two matrices whose product it is."""
    pair = factors.of(gradient)
    if pair is None or MUCH * sum(factor.size for factor in pair) > gradient.size:
        return (gradient,)
    return pair


def _largest(arrays: list[Array]) -> Array | list[Array]:
    """The largest absolute value of each array; not finite if any element is not."""
    if arrays and native.suits(*arrays) and not wants_plain():
        out = jax.ShapeDtypeStruct((len(arrays),), jnp.float32)
        return native.kernel_call("largest", [out])(*arrays)[0]
    # XLA is fastest at sums, which are upper bounds too
    return [
        jnp.sum(jnp.abs(array), dtype=jnp.promote_types(array.dtype, "float32")) for array in arrays
    ]
