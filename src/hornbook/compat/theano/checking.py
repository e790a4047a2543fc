"""`verify_grad`: check gradients against finite differences."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.basic import cast, mul
from hornbook.compat.theano.function import function
from hornbook.compat.theano.gradient import grad
from hornbook.compat.theano.types import TensorType, is_float
from hornbook.compat.theano.variable import TensorVariable, apply


def verify_grad(
    fun: Callable,
    pt: list,
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    out_type: Any = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Check the gradient of a function of variables against finite differences.

    Args:
        fun: a function from variables to a variable.
        pt: an array for each argument.
        n_tests: number of random projections of the result to try.
        rng: numpy's `RandomState`.
        eps: step of the differences.
        abs_tol, rel_tol: tolerances; the check fails if both are exceeded.
        out_type, mode, cast_to_output_type, no_debug_ref: accepted and ignored.

    Raises:
        ValueError: if the gradient is wrong; the message has the position and both values.

    Example:
        >>> verify_grad(lambda x: x**2, [np.array([1.0, 2.0])], rng=np.random.RandomState(0))
    """
    rng = rng or np.random.RandomState(0)
    points = [np.asarray(p, "float64" if is_float(np.asarray(p).dtype.name) else None) for p in pt]
    variables = [TensorType(p.dtype, (False,) * p.ndim)(f"input {i}") for i, p in enumerate(points)]
    result = fun(*variables)
    if isinstance(result, list | tuple):
        raise ValueError("verify_grad takes functions with one result")
    eps, abs_tol, rel_tol = eps or 1e-7, abs_tol or 1e-4, rel_tol or 1e-4
    weights = TensorType("float64", result.broadcastable)("weights")
    cost = cast(_sum(mul(cast(result, "float64"), weights)), "float64")
    value = function([*variables, weights], [result, cost])
    slope = function([*variables, weights], grad(cost, variables))
    for _ in range(n_tests):
        shape = function(variables, result)(*points).shape
        drawn = rng.random_sample(shape) + 0.5
        found = slope(*points, drawn)
        for number, point in enumerate(points):
            for place in np.ndindex(point.shape):
                sides = []
                for sign in (1, -1):
                    moved = [p.copy() for p in points]
                    moved[number][place] += sign * eps
                    sides.append(float(value(*moved, drawn)[1]))
                expected = (sides[0] - sides[1]) / (2 * eps)
                off = abs(found[number][place] - expected)
                scale = max(abs(expected), abs(found[number][place]), 1e-8)
                if off > abs_tol and off / scale > rel_tol:
                    raise ValueError(
                        f"the gradient with respect to input {number} at {place} is "
                        f"{found[number][place]}; differences give {expected}"
                    )


def _all_added(x):
    return jnp.sum(x)


def _sum(x: TensorVariable) -> TensorVariable:
    return apply(_all_added, x, infer=lambda x: TensorType(x.dtype, ()))
