"""The matrix product of a layer, `x W`, with narrow floats accumulated in float32.

A product of two bfloat16 matrices with a float32 result, rounded afterwards, runs at twice the
speed of float32 on CPUs with bfloat16 instructions; with a bfloat16 result XLA widens both matrices
first, and it is slower than float32. The derivative that jax derives for it mixes widths and loses
the gain, so it is defined here.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from hornbook.core.origins import Origins
from hornbook.kernels import in_one_function, native, wants_plain

FEW, MANY = 8, 512  # rows
TINY, LITTLE, SOME, MUCH = 1 << 12, 1 << 17, 1 << 23, 1 << 26  # multiplications in total
DEEP = 1024  # terms of a sum
LARGE = 1 << 19  # elements of a matrix
SMALL = 32  # rows, columns and terms up to which XLA's unrolled products are fast

# A kernel gradient `a^T b` -> its factors (a, b), for consumers that can do without the product.
factors = Origins()


def plain_product(x: Array, kernel: Array) -> Array:
    """`x @ kernel` in plain jax."""
    return x @ kernel


def product(x: Array, kernel: Array) -> Array:
    """`out[..., o] = sum over i of x[..., i] kernel[i, o]`, accumulated in float32 or wider.

    Args:
        x: `(..., features)`.
        kernel: `(features, units)`.

    Returns:
        `(..., units)`, of the dtype of `x @ kernel`.
    """
    if wants_plain():
        return plain_product(x, kernel)
    dtype = jnp.promote_types(x.dtype, kernel.dtype)
    rows = flat(x).astype(dtype)
    return _product(rows, kernel.astype(dtype)).reshape(*x.shape[:-1], kernel.shape[1])


@jax.custom_vjp
def _product(x, kernel):
    return dot(x, kernel)


def _backward(residuals, d):
    x, kernel = residuals
    return dot(d, kernel, 1, 1), dot_rows(x, d)


_product.defvjp(lambda x, kernel: (dot(x, kernel), (x, kernel)), _backward)


def product_bias_relu(x: Array, kernel: Array, bias: Array) -> Array | None:
    """`max(x kernel + bias, 0)` for many rows, in one pass over them.

    Args:
        x: `(..., features)`.
        kernel: `(features, units)`.
        bias: `(units,)`.

    Returns:
        `(..., units)`, or `None` if separate operations are as fast.
    """
    if not native.suits(x, kernel, bias) or x.size < MANY * len(kernel) or wants_plain():
        return None
    rows = _product_bias_relu(flat(x), kernel, bias)
    return rows.reshape(*x.shape[:-1], len(bias))


@jax.custom_jvp
def _product_bias_relu(x, kernel, bias):
    return native.dense(x, kernel, bias)


def _product_bias_relu_jvp(values, changes):
    x, kernel, _ = values
    out = _product_bias_relu(*values)
    terms = lambda d: dot(d, kernel), lambda d: dot(x, d), lambda d: d
    parts = [
        term(d) for term, d in zip(terms, changes, strict=True) if not isinstance(d, SymbolicZero)
    ]
    return out, jnp.where(out > 0, sum(parts), 0)


_product_bias_relu.defjvp(_product_bias_relu_jvp, symbolic_zeros=True)


def dot(a: Array, b: Array, a_axis: int = 1, b_axis: int = 0) -> Array:
    """Product of two matrices of one dtype over the given axes, accumulated in at least float32."""
    return dots(a, b, a_axis, b_axis).astype(a.dtype)


def dots(a: Array, b: Array, a_axis: int = 1, b_axis: int = 0) -> Array:
    """Batched products of matrices, `(..., m, k)` and `(..., k, n)`, in float32 or wider.

    Args:
        a, b: of one dtype, with the same leading axes.
        a_axis, b_axis: the axis of each matrix that is summed over, 0 or 1.
    """
    alone = in_one_function()
    if alone:  # loops that would widen at each multiplication
        a, b = a.astype(wide(a.dtype)), b.astype(wide(b.dtype))
    if _dots is not None and (alone or native.suits(a, b)) and not wants_plain():
        return _dots(a, b, a_axis=a_axis, b_axis=b_axis, alone=alone)
    return _dots_by_xla(a, b, a_axis, b_axis)


def _faster_by_kernel(a: Array, b: Array, a_axis: int, b_axis: int) -> bool:
    """Whether the compiled kernel is faster than XLA's library, as measured in README.md."""
    rows, depth, work = a.shape[-1 - a_axis], a.shape[a_axis - 2], a.size * b.shape[-1 - b_axis]
    if rows < FEW or work < LITTLE:
        return a_axis == 0 and work >= TINY and min(rows, b.shape[-1 - b_axis]) >= FEW
    if a.ndim > 2 or b_axis == 1:
        return True
    if a_axis == 0 and work > MUCH and native.lanes() >= 16:
        return b.shape[-1] <= MANY or MANY <= depth < DEEP
    if a_axis == 0 or rows <= MANY and work <= SOME:
        return True
    return work <= MUCH and depth >= 8 * FEW and b.size <= MANY**2


def _dots_by_xla(a, b, a_axis, b_axis):
    if a.ndim == 2 and a_axis == 0 and a.shape[0] >= DEEP and jax.default_backend() == "cpu":
        # The library is faster on rows; XLA would fold a plain transpose into the product.
        a, a_axis = laid_out(a.T), 1
    stack = tuple(range(a.ndim - 2))
    contracted = (len(stack) + a_axis,), (len(stack) + b_axis,)
    return lax.dot_general(a, b, (contracted, (stack, stack)), preferred_element_type=wide(a.dtype))


def _dots_alone(a, b, a_axis, b_axis):
    """The product as loops that XLA generates, where it cannot call a library."""
    if b_axis == 1:  # the innermost loop runs along rows of b
        b = lax.optimization_barrier(jnp.swapaxes(b, -1, -2))
    (*_, rows, depth), columns = a.shape, b.shape[-1]
    if a_axis == 1 and a.ndim == 2 and max(rows, depth, columns) > SMALL >= depth:
        return sum(a[:, i, None] * b[i] for i in range(depth))
    return _dots_by_xla(a, b, a_axis, 0)


# --- a bilinear primitive: each derivative picks the fastest implementation again -----------------


def _fastest(a, b, *, a_axis, b_axis, alone):
    if alone:
        return _dots_alone(a, b, a_axis, b_axis)
    if _faster_by_kernel(a, b, a_axis, b_axis):
        return native.product(a, b, a_axis == 0, b_axis == 1)
    return _dots_by_xla(a, b, a_axis, b_axis)


def _shape(a, b, *, a_axis, b_axis, alone):
    return *a.shape[:-2], a.shape[-1 - a_axis], b.shape[-1 - b_axis]


def _transpose_a(d, a, b, *, a_axis, b_axis, alone=False):
    return dots(b, d, 1 - b_axis, 1) if a_axis == 0 else dots(d, b, 1, 1 - b_axis)


def _transpose_b(d, a, b, *, a_axis, b_axis, alone=False):
    out = dots(a, d, 1 - a_axis, 0) if b_axis == 0 else dots(d, a, 0, 1 - a_axis)
    if a.ndim == 2 and (a_axis, b_axis) == (1, 0):
        factors.note(out, (a, d))
    return out


def _batched(a, b, *, a_axis, b_axis, alone):
    return dots(a, b, a_axis, b_axis)


_dots = native.bilinear("hornbook_dots", _fastest, _shape, _transpose_a, _transpose_b, _batched)


def dot_rows(a: Array, b: Array) -> Array:
    """`a^T b`: the sum over rows of outer products, as in the gradient of a kernel."""
    return dot(a, b, 0, 0)


def multiplier(b: Array, transposed: bool = False) -> Callable[[Array], Array]:
    """A function `a -> a b` or `a -> a b^T`, for many products of few rows with one matrix."""
    if b.size >= LITTLE // 64 and native.suits(b) and not wants_plain():
        packed = native.pack(lax.stop_gradient(b), transposed)
        return lambda a: _packed(transposed, a, b, packed)
    if not transposed:
        return lambda a: dot(a, b)
    if b.dtype != wide(b.dtype) and b.size >= LARGE and jax.default_backend() == "cpu":
        # For narrow floats and a large b the library computes (b a^T)^T twice as fast; for float32
        # the direct product is as fast or faster.
        return lambda a: dot(b, a, 1, 1).T
    turned = laid_out(b.T)
    return lambda a: dot(a, turned)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _packed(transposed, a, b, packed):
    return native.product_packed(a, packed, b.shape[0 if transposed else 1])


def _packed_backward(transposed, residuals, d):
    params = {"a_axis": 1, "b_axis": 1 if transposed else 0}
    d_a, d_b = (rule(d, *residuals, **params) for rule in (_transpose_a, _transpose_b))
    return d_a, d_b, None


_packed.defvjp(lambda t, a, b, packed: (_packed(t, a, b, packed), (a, b)), _packed_backward)


def flat(x: Array) -> Array:
    """An array as a matrix whose rows are its last axis."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def laid_out(a: Array) -> Array:
    """The same array, materialized in row-major order."""
    if a.dtype == wide(a.dtype):
        return lax.optimization_barrier(a)
    # flattened, because products of narrow floats do not take a matrix marked as transposed
    bits = lax.optimization_barrier(as_bits(a).reshape(-1))
    return as_floats(bits.reshape(a.shape), a.dtype)


def as_bits(a: Array) -> Array:
    """On a CPU, narrow floats as integers of the same bits; other arrays unchanged.

    There XLA copies narrow floats as float32, which costs more than it gains and widens the
    products they are used in. It leaves integers alone.
    """
    narrow = jnp.issubdtype(a.dtype, jnp.floating) and a.dtype != wide(a.dtype)
    if not narrow or jax.default_backend() != "cpu":
        return a
    return lax.bitcast_convert_type(a, jnp.dtype(f"uint{8 * a.dtype.itemsize}"))


def as_floats(bits: Array, dtype: jnp.dtype) -> Array:
    """The inverse of `as_bits`."""
    return bits if bits.dtype == dtype else lax.bitcast_convert_type(bits, dtype)


def wide(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype to accumulate in: float32, or the dtype itself if it is wider."""
    return jnp.promote_types(dtype, jnp.float32) if jnp.issubdtype(dtype, jnp.inexact) else dtype
