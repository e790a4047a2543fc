"""The matrix product against `@`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.kernels.product import product
from tests.kernels.helper import check, random

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3), (3,), (1100, 3), (0, 3)])
def test_agrees_with_the_operator(shape, dtype):
    tolerance = 1e-5 if dtype == "float32" else 2e-2
    check(product, random(*shape, dtype=dtype), random(3, 2, dtype=dtype), tolerance=tolerance)


@given(st.lists(st.integers(0, 3), max_size=3), st.integers(1, 4), st.integers(1, 4))
def test_any_leading_shape(leading, features, units):
    x, kernel = random(*leading, features), random(features, units)
    np.testing.assert_allclose(product(x, kernel), x @ kernel, atol=1e-6)


def test_promotes_as_the_operator_does():
    x, kernel = random(4, 3, dtype="bfloat16"), random(3, 2)
    assert product(x, kernel).dtype == (x @ kernel).dtype == "float32"


def test_bfloat16_gradient_is_summed_in_float32():
    x, kernel = jnp.ones((2048, 1), "bfloat16"), jnp.ones((1, 1), "bfloat16")
    gradient = jax.jit(jax.grad(lambda kernel: jnp.sum(product(x, kernel))))(kernel)
    assert gradient[0, 0] == 2048
