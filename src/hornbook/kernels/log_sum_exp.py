"""The logarithm of a sum of exponentials, used by softmax and crossentropy.

XLA computes the exponentials inside the reduction, on one thread, after another pass for the
maximum; the compiled kernel does everything while a row is in cache.
"""

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import flat

FEW = 4096  # elements; below this the call costs more than it saves


def plain_log_sum_exp(x: Array) -> Array:
    """`log_sum_exp` in plain jax."""
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
