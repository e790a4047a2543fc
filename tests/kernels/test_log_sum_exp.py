"""Logarithms of sums of exponentials, by the compiled kernel and without it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from hornbook.kernels import native, plain
from hornbook.kernels.log_sum_exp import log_sum_exp, plain_log_sum_exp

compiled = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")


def draw(*shape, scale=1.0):
    return (scale * np.random.default_rng(0).normal(size=shape)).astype("float32")


@compiled
@given(st.integers(1, 40), st.integers(1, 200), st.sampled_from([0.1, 5.0, 80.0]))
def test_the_kernel_agrees_with_scipy(rows, columns, scale):
    x = draw(rows, columns, scale=scale)
    wanted = logsumexp(x.astype("float64"), axis=1)
    np.testing.assert_allclose(jax.jit(native.log_sum_exp)(x), wanted, rtol=2e-6, atol=2e-6)


@compiled
@pytest.mark.parametrize("columns", [3, 16, 21])
def test_the_kernel_says_of_infinity_and_nan_what_jax_says(columns):
    x = draw(6, columns)
    x[0] = -np.inf
    x[1, -1] = np.inf
    x[2, 0] = -np.inf
    x[3] = 1e30
    x[4, 1] = np.nan
    found, wanted = jax.jit(native.log_sum_exp)(x), plain_log_sum_exp(x)
    np.testing.assert_allclose(found[:4], wanted[:4], rtol=1e-6)
    assert np.isnan(found[4]) and np.isfinite(found[5])


def test_derivatives_of_any_order_agree_with_jax():
    x, direction = draw(3, 40, 50), draw(3, 40, 50)
    for function in (
        lambda f: jax.grad(lambda x: (f(x) ** 2).sum())(x),
        lambda f: jax.jvp(f, (x,), (direction,))[1],
        lambda f: jax.jvp(jax.grad(lambda x: (f(x) ** 2).sum()), (x,), (direction,))[1],
        lambda f: jax.grad(lambda x: jax.jvp(f, (x,), (direction,))[1].sum())(x),
    ):
        np.testing.assert_allclose(
            function(log_sum_exp), function(plain_log_sum_exp), rtol=1e-4, atol=1e-5
        )


def test_other_dtypes_and_vectors_are_left_to_jax():
    for x in (draw(5000), draw(50, 100).astype("bfloat16"), draw(3, 4)):
        np.testing.assert_array_equal(log_sum_exp(x), plain_log_sum_exp(x))
        with plain():
            np.testing.assert_array_equal(log_sum_exp(jnp.asarray(x)), plain_log_sum_exp(x))
