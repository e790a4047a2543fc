"""Activations: those of narrow floats, with one rounding or none, and the exact gelu.

XLA computes each operation on narrow floats in float32 and rounds its result, which on a CPU takes
some ten instructions, more than the operation itself. The positive part needs no rounding, forward
or backward: each element passes or becomes zero, and is moved as an integer of the same bits.

XLA computes the exact gelu by `erfc`, and an exponential again for its slope. The compiled kernel
computes both from one exponential, and adds a bias in the same pass.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_derivatives import SymbolicZero

from hornbook.kernels import in_one_call, native, wants_plain
from hornbook.kernels.product import as_bits, as_floats, dot, flat, wide

FEW = 1 << 14  # elements; below this the call costs more than it saves


def relu(x: Array) -> Array:
    """The positive part, `max(x, 0)`.

    Reverse-mode derivatives of any order work; for narrow floats on a CPU forward mode (`jax.jvp`)
    needs `plain()`.
    """
    if as_bits(x) is x or wants_plain():
        return jax.nn.relu(x)
    return _positive(x)


@jax.custom_vjp
def _where(mask, x):
    """`x` where `mask` is true, else 0."""
    return as_floats(jnp.where(mask, as_bits(x), 0), x.dtype)


_where.defvjp(lambda mask, x: (_where(mask, x), mask), lambda mask, d: (None, _where(mask, d)))


@jax.custom_vjp
def _positive(x):
    return _where(~(x <= 0), x)  # keeps NaN


def _forward(x):
    out = _positive(x)
    return out, out  # which the next layer keeps anyway


_positive.defvjp(_forward, lambda out, d: (_where(out > 0, d),))


def rounded_once(function: Callable) -> Callable:
    """An elementwise function that computes narrow floats in float32 and rounds the result."""

    @wraps(function)
    def call(x: Array, *args: Any) -> Array:
        if wants_plain():
            return function(x, *args)
        return function(x.astype(wide(x.dtype)), *args).astype(x.dtype)

    return call


def plain_gelu(x: Array, bias: Array | None = None) -> Array:
    """`gelu` in plain jax."""
    return jax.nn.gelu(x if bias is None else x + bias, approximate=False)


@in_one_call
def gelu(x: Array, bias: Array | None = None) -> Array:
    """`z` times the normal CDF at `z = x + bias`; forward and reverse derivatives of any order.

    Args:
        x: `(..., features)`.
        bias: `(features,)` or `None`.
    """
    given = (x,) if bias is None else (x, bias)
    if wants_plain() or not native.suits(*given) or x.size < FEW:
        return rounded_once(plain_gelu)(*given)
    return _gelu(flat(x), *given[1:]).reshape(x.shape)


def product_bias_gelu(x: Array, kernel: Array, bias: Array) -> Array | None:
    """`gelu(x kernel + bias)`, or `None` if separate operations are as fast.

    Args:
        x: `(..., features)`.
        kernel: `(features, units)`.
        bias: `(units,)`.
    """
    rows = x.size // len(kernel)
    if not native.suits(x, kernel, bias) or rows * len(bias) < FEW or wants_plain():
        return None
    return gelu(dot(flat(x), kernel), bias).reshape(*x.shape[:-1], len(bias))


@jax.custom_jvp
def _gelu(x, *bias):
    return native.gelu(x, *bias)


@jax.custom_jvp
def _gelu_and_slope(x, *bias):
    return native.gelu_slope(x, *bias)


def _gelu_jvp(values, changes):
    out, slope = _gelu_and_slope(*values)
    return out, slope * _sum(changes)


def _gelu_and_slope_jvp(values, changes):
    (out, slope), z, change = _gelu_and_slope(*values), sum(values), _sum(changes)
    curve = (2 - z * z) * jnp.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return (out, slope), (slope * change, curve * change)


def _sum(changes):
    return sum(d for d in changes if not isinstance(d, SymbolicZero))


_gelu.defjvp(_gelu_jvp, symbolic_zeros=True)
_gelu_and_slope.defjvp(_gelu_and_slope_jvp, symbolic_zeros=True)
