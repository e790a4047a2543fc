"""The logarithm of a sum of exponentials, under softmax and crossentropy.

XLA's library takes exponentials where it sums them, on one thread, after one more pass for the
largest; the compiled kernel does all while a row is in the cache.
"""

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import flat

FEW = 4096  # numbers for which a call takes longer than it saves


def plain_log_sum_exp(x: Array) -> Array:
    """As `log_sum_exp`, by jax."""
    return jax.nn.logsumexp(x, -1)


@jax.custom_jvp
def log_sum_exp(x: Array) -> Array:
    """`log(sum(exp(x)))` over the last axis.

    Args:
        x: `(..., n)`.

    Returns:
        `(...)`.
    """
    if wants_plain() or not native.suits(x) or x.ndim < 2 or x.size < FEW:
        return plain_log_sum_exp(x)
    return native.log_sum_exp(flat(x)).reshape(x.shape[:-1])


@log_sum_exp.defjvp
def _log_sum_exp_jvp(primals, tangents):
    (x,), (d,) = primals, tangents
    total = log_sum_exp(x)
    return total, jnp.sum(jnp.exp(x - total[..., None]) * d, -1)
