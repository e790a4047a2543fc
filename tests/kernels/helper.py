"""Every kernel against its plain version, forward and gradient."""

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.kernels import plain

TOLERANCE = {"float32": 2e-5, "bfloat16": 6e-2}


def random(*shape, dtype="float32", seed=0, scale=1.0):
    """A JAX array of normally distributed values."""
    numbers = np.random.default_rng([seed, *shape]).normal(size=shape) * scale
    return jnp.asarray(numbers, dtype)


def value_and_gradients(function, *arguments):
    """The outputs of a function, and the gradients of a nonlinear sum of them."""

    def loss(*arguments):
        out = function(*arguments)
        leaves = [leaf.astype("float32") for leaf in jax.tree.leaves(out)]
        return sum(jnp.sum(jnp.sin(leaf + i)) for i, leaf in enumerate(leaves)), out

    differentiable = tuple(
        i for i, a in enumerate(arguments) if jnp.issubdtype(a.dtype, jnp.floating)
    )
    (_, out), gradients = jax.value_and_grad(loss, argnums=differentiable, has_aux=True)(*arguments)
    return out, gradients


def assert_close(actual, expected, tolerance):
    """Trees of arrays agree, relative to the largest element of each array."""
    actual, expected = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape and a.dtype == e.dtype
        a, e = np.asarray(a, "float32"), np.asarray(e, "float32")
        scale = max(1.0, float(np.max(np.abs(e), initial=0.0)))
        np.testing.assert_allclose(a / scale, e / scale, rtol=0, atol=tolerance)


def check(function, *arguments, tolerance=None):
    """A kernel agrees with its plain version on outputs and gradients, compiled."""
    tolerance = tolerance or TOLERANCE[str(arguments[0].dtype)]

    @jax.jit  # both in one program: one compilation is faster than two
    def run(*arguments):
        actual = value_and_gradients(function, *arguments)
        with plain():
            return actual, value_and_gradients(function, *arguments)

    actual, expected = run(*arguments)
    assert_close(actual, expected, tolerance)
