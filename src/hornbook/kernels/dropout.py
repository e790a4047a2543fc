"""Random masks that are cheap enough to draw at every step.

`jax.random` mixes its counter in twenty rounds, which a CPU runs as a separate loop. A mask needs
far less: two rounds of multiply and shift, which XLA fuses with the multiplication by the mask. On
two cores dropout then costs about a tenth.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def random_bits(key: Array, shape: Sequence[int]) -> Array:
    """32 random bits for each element: its index, hashed with both words of the key.

    The rounds are `lowbias32` (C. Wellons 2018, nullprogram.com/blog/2018/07/31), with the second
    word of the key added between them, so that two keys never give shifted copies of one sequence.

    Args:
        key: a key of `jax.random`.
        shape: shape of the result.

    Returns:
        uint32 array.
    """
    first, second = _mixed_key(key)
    number, stride = jnp.zeros(shape, "uint32"), 1
    for axis in reversed(range(len(shape))):
        number += lax.broadcasted_iota("uint32", shape, axis) * np.uint32(stride % 2**32)
        stride *= shape[axis]
    bits = number + first
    bits = (bits ^ (bits >> 16)) * np.uint32(0x7FEB352D)
    bits = (bits + second) ^ (bits >> 15)
    bits = bits * np.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def keep_mask(key: Array, keep: float, shape: Sequence[int]) -> Array:
    """Booleans, each true with probability `keep`, independent of each other.

    Args:
        key: a key of `jax.random`.
        keep: probability, 0 to 1.
        shape: shape of the result.
    """
    if keep >= 1:
        return jnp.ones(shape, bool)
    return random_bits(key, shape) < np.uint32(keep * 2**32)


def _mixed_key(key: Array) -> tuple[Array, Array]:
    """Two words that depend on the whole key (whose own words may be a seed and a counter)."""
    data = jax.random.key_data(key).astype("uint32")
    words = jax.random.bits(jax.random.wrap_key_data(data[:2], impl="threefry2x32"), (2,), "uint32")
    return words[0], words[1]
