"""Whether gradients are finite, at no more than a look at what they are made of."""

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import factors

MUCH = 4  # times smaller than their product two factors are, where it pays to look at them instead


def sizes(gradients: Array) -> Array:
    """A number that is finite if all gradients in a structure are, NaN if one has NaN in it.

    It is no less than any absolute value in them, so it may be infinite a little early.
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
    """The gradient, or two matrices of which it is the product."""
    pair = factors.of(gradient)
    if pair is None or MUCH * sum(factor.size for factor in pair) > gradient.size:
        return (gradient,)
    return pair


def _largest(arrays: list[Array]) -> Array | list[Array]:
    """The largest absolute value of each array, not finite if any number in it is not."""
    if arrays and native.suits(*arrays) and not wants_plain():
        out = jax.ShapeDtypeStruct((len(arrays),), jnp.float32)
        return native.kernel_call("largest", [out])(*arrays)[0]
    # XLA is fastest at sums, and these are no smaller
    return [
        jnp.sum(jnp.abs(array), dtype=jnp.promote_types(array.dtype, "float32")) for array in arrays
    ]
