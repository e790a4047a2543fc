"""The matrix product of a layer, `x W`, with narrow floats summed in float32.

A product of two bfloat16 matrices that is asked for in float32 and rounded afterwards runs at twice
the speed of float32 on CPUs that have such instructions; asked for in bfloat16, XLA widens both
matrices first and it is slower than float32. The derivative that jax writes for such a product
mixes widths and loses the gain, so it is written here.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import wants_plain


def plain_product(x: Array, kernel: Array) -> Array:
    """`x @ kernel` as jax does it."""
    return x @ kernel


def product(x: Array, kernel: Array) -> Array:
    """`out[..., o] = sum over i of x[..., i] kernel[i, o]`, summed in float32 or wider.

    Args:
        x: `(..., features)`.
        kernel: `(features, units)`.

    Returns:
        `(..., units)`, of the dtype of `x @ kernel`.
    """
    if wants_plain():
        return plain_product(x, kernel)
    dtype = jnp.promote_types(x.dtype, kernel.dtype)
    rows = x.reshape(-1, x.shape[-1]).astype(dtype)
    return _product(rows, kernel.astype(dtype)).reshape(*x.shape[:-1], kernel.shape[1])


@jax.custom_vjp
def _product(x, kernel):
    return dot(x, kernel)


def _backward(residuals, d):
    x, kernel = residuals
    return dot(d, kernel, 1, 1), dot_rows(x, d)


_product.defvjp(lambda x, kernel: (dot(x, kernel), (x, kernel)), _backward)


def dot(a: Array, b: Array, a_axis: int = 1, b_axis: int = 0) -> Array:
    """Product of two matrices of one dtype over the given axes, summed in float32 or wider."""
    out = lax.dot_general(
        a, b, (((a_axis,), (b_axis,)), ((), ())), preferred_element_type=wide(a.dtype)
    )
    return out.astype(a.dtype)


def dot_rows(a: Array, b: Array) -> Array:
    """`a^T b`: the sum over rows of outer products, which is the gradient of a kernel."""
    if jax.default_backend() == "cpu" and a.shape[0] >= 1024:
        # The product library is faster on rows; XLA would fold a plain transpose into the product.
        return dot(laid_out(a.T), b)
    return dot(a, b, 0, 0)


def laid_out(a: Array) -> Array:
    """The same array, in memory in the order of its axes, whatever is done with it next."""
    if a.dtype == wide(a.dtype):
        return lax.optimization_barrier(a)
    # flat, for a product of narrow floats does not take a matrix that says it is a transposed one
    flat = lax.optimization_barrier(as_bits(a).reshape(-1))
    return as_floats(flat.reshape(a.shape), a.dtype)


def as_bits(a: Array) -> Array:
    """Narrow floats as integers of the same bits, on a CPU; others as they are.

    There XLA moves narrow floats about as float32, which costs more than it gains, and widens
    the products that they are for. Integers it leaves alone.
    """
    narrow = jnp.issubdtype(a.dtype, jnp.floating) and a.dtype != wide(a.dtype)
    if not narrow or jax.default_backend() != "cpu":
        return a
    return lax.bitcast_convert_type(a, jnp.dtype(f"uint{8 * a.dtype.itemsize}"))


def as_floats(bits: Array, dtype: jnp.dtype) -> Array:
    """What `as_bits` hid."""
    return bits if bits.dtype == dtype else lax.bitcast_convert_type(bits, dtype)


def wide(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype to sum in: float32, or the dtype itself where that is wider."""
    return jnp.promote_types(dtype, jnp.float32) if jnp.issubdtype(dtype, jnp.inexact) else dtype
