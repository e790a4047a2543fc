"""Activations of narrow floats against jax's, forward and backward."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import ops
from hornbook.kernels import plain
from hornbook.kernels.activation import relu
from tests.kernels.helper import random


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
