"""Activations of narrow floats, with one rounding or none.

XLA computes each operation on narrow floats in float32 and rounds its result, which on a CPU takes
some ten instructions, more than the operation itself. The positive part needs no rounding, forward
or backward: each element passes or becomes zero, and is moved as an integer of the same bits.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.kernels import wants_plain
from hornbook.kernels.product import as_bits, as_floats, wide


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
