"""Array functions that optimizers share."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core.dtype import is_float
from hornbook.core.variable import Variable, bind

Array = Any


def choose(
    predicate: Array, variables: list[Variable], then: Callable, otherwise: Callable
) -> None:
    """Run one of two functions that assign to `variables`; when traced, as a `lax.cond`."""
    if not isinstance(predicate, jax.core.Tracer):
        (then if predicate else otherwise)()
        return

    def run(branch):
        with bind({}):
            branch()
            return [variable.raw for variable in variables]

    values = jax.lax.cond(predicate, partial(run, then), partial(run, otherwise))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def global_norm(arrays: Iterable[Array]) -> Array:
    """The Euclidean norm of all elements of all arrays."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(array)) for array in arrays))


def shrink(gradients: list[Array], limit: float) -> list[Array]:
    """Scale gradients so that their global norm is at most `limit`."""
    scale = limit / jnp.maximum(global_norm(gradients), limit)
    return [gradient * scale for gradient in gradients]


def widen(array: Array) -> Array:
    """The array in at least float32; integers are unchanged."""
    return (
        array.astype(jnp.promote_types(array.dtype, "float32")) if is_float(array.dtype) else array
    )
