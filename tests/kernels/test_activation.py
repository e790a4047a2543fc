"""Activations against jax's and scipy's, forward and backward."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

from hornbook import activations, formulas, ops
from hornbook.kernels import activation, native, plain
from hornbook.kernels.activation import relu
from tests.kernels.helper import check, random


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_relu_is_that_of_jax_to_the_bit(dtype):
    x = random(300, dtype=dtype).at[:4].set(jnp.asarray([0.0, -0.0, jnp.inf, -jnp.inf], dtype))
    loss = lambda f: lambda x: jnp.sum((f(x) * x).astype("float32"))  # noqa: E731

    @jax.jit
    def run(x):
        return [(f(x), jax.grad(loss(f))(x[4:])) for f in (relu, jax.nn.relu)]

    for ours, theirs in zip(*run(x), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        np.testing.assert_array_equal(ours, theirs)


def test_relu_keeps_nan_and_has_second_derivatives():
    x = jnp.asarray([jnp.nan, -1.0, 2.0], "bfloat16")
    assert np.isnan(relu(x)[0])
    slope = jax.grad(lambda x: jnp.sum(relu(x) ** 3))
    second = jax.grad(lambda x: jnp.sum(slope(x)))(x)
    assert second[1:].tolist() == [0, 12]


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="how it is computed on a CPU")
def test_relu_of_narrow_floats_does_not_round():
    both = jax.jit(lambda x, d: (relu(x), jax.vjp(relu, x)[1](d)[0]))
    x = random(64, dtype="bfloat16")
    text = both.lower(x, x).compile().as_text()
    assert "u16[64]" in text and not re.search(r"bf16\[64\]\S* convert\(", text)


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_result_is_rounded_once(name):
    x = random(200, dtype="bfloat16", scale=3.0)
    function = getattr(ops, name)
    exact = function(x.astype("float32")).astype("bfloat16")
    assert function(x).dtype == "bfloat16" and (function(x) == exact).all()
    with plain():
        assert (function(x) != exact).any()


def test_exact_gelu_is_as_accurate_as_that_of_jax(kernels):
    """Both tails, where it is a small difference of large numbers; rows of odd length."""
    x = np.linspace(-12.9, 9, 3 * 7001, dtype="float32")
    exact, cdf = x.astype("float64"), ndtr(x.astype("float64"))
    slope = cdf + exact * np.exp(-(exact**2) / 2) / np.sqrt(2 * np.pi)

    @jax.jit
    def run(x):
        return [jax.vjp(f, x) for f in (activation.gelu, activation.plain_gelu)]

    ones = jnp.ones((3, 7001))
    (ours, back), (theirs, their_back) = run(x.reshape(3, 7001))
    for actual, jaxs, expected in (
        (ours, theirs, exact * cdf),
        (back(ones)[0], their_back(ones)[0], slope),
    ):
        error, least = (np.abs(np.ravel(y) - expected) for y in (actual, jaxs))
        scale = np.abs(expected) + 1e-5 * (np.abs(exact + 0.75) < 0.2)  # where the slope is zero
        for part in (exact < -6, np.abs(exact + 4.5) < 1.5, np.abs(exact) < 3, exact > 3):
            assert (error / scale)[part].max() < 1.5 * (least / scale)[part].max() + 1e-7


@pytest.mark.parametrize("shape", [(130, 131), (3, 5, 1200), (2, 9001)])
def test_product_with_bias_and_gelu(shape):
    x, kernel = random(*shape[:-1], 4), random(4, shape[-1], seed=1)
    bias = random(shape[-1], seed=2)

    def function(x, kernel, bias):
        return formulas.dense(x, kernel, bias, activations.gelu)

    text = str(jax.make_jaxpr(function)(x, kernel, bias))
    assert "hornbook_gelu" in text or not native.available()
    check(function, x, kernel, bias)


def test_exact_gelu_at_infinity_forward_mode_and_second_derivatives(kernels):
    x = random(130, 131).at[0, :3].set(jnp.asarray([jnp.inf, -jnp.inf, jnp.nan]))
    least = 0 if native.available() else jnp.nan  # to XLA it is infinity times zero
    np.testing.assert_array_equal(activation.gelu(x)[0, :3], [jnp.inf, least, jnp.nan])
    x = random(130, 131)

    def second(f):
        slope = jax.grad(lambda x: jnp.sum(f(x) ** 2))
        return jax.jvp(slope, (x,), (jnp.cos(x),))[1]

    ours, theirs = jax.jit(lambda: [second(f) for f in (activation.gelu, activation.plain_gelu)])()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)
