"""The transpose of a convolution against `lax.conv_transpose`."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hornbook.kernels.conv_transpose import (
    conv_transpose,
    plain_conv_transpose,
    transposed_padding,
)
from tests.kernels.helper import assert_close, check, random, value_and_gradients

pytestmark = pytest.mark.usefixtures("kernels")

# name: (input, kernel, strides, padding, dilation)
CASES = {
    "one dimension": ((3, 9, 4), (3, 5, 4), (2,), ((1, 2),), (1,)),
    "no strides": ((2, 5, 6, 3), (3, 2, 4, 3), (1, 1), ((2, 2), (1, 1)), (1, 1)),
    "strides": ((2, 5, 6, 3), (5, 5, 4, 3), (2, 2), ((3, 2), (3, 2)), (1, 1)),
    "strides above the kernel": ((2, 4, 3, 3), (2, 3, 4, 3), (3, 4), ((1, 2), (2, 3)), (1, 1)),
    "strides and dilation": ((2, 4, 5, 3), (2, 3, 4, 3), (2, 1), ((1, 1), (4, 4)), (1, 2)),
    "one filter": ((3, 7, 7, 8), (5, 5, 1, 8), (2, 2), ((3, 2), (3, 2)), (1, 1)),
    "few filters": ((3, 6, 5, 9), (3, 4, 3, 9), (2, 1), ((1, 2), (2, 1)), (1, 1)),
    "cut at the end": ((2, 4, 4, 3), (2, 2, 4, 3), (3, 3), ((1, 3), (1, 2)), (1, 1)),
    "three dimensions": ((1, 3, 4, 2, 2), (2, 2, 3, 3, 2), (2, 1, 2), ((1, 1),) * 3, (1, 1, 1)),
    "many samples": ((40, 7, 7, 16), (3, 3, 24, 16), (2, 2), ((1, 2), (1, 2)), (1, 1)),
}


def run(x, kernel, options):
    return conv_transpose(x, kernel, *options)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_lax(case):
    shape, kernel, *options = CASES[case]
    x, kernel = random(*shape), random(*kernel, scale=0.3)
    assert_close(run(x, kernel, options), plain_conv_transpose(x, kernel, *options), 2e-5)
    check(partial(run, options=options), x, kernel)


def test_agrees_with_lax_in_bfloat16():
    shape, kernel, *options = CASES["strides"]
    x, kernel = random(*shape, dtype="bfloat16"), random(*kernel, dtype="bfloat16", scale=0.1)
    check(partial(run, options=options), x, kernel)


@given(st.data())
def test_any_window(data):
    size, taps, stride, dilation = (data.draw(st.integers(1, n)) for n in (6, 4, 4, 3))
    reach = (taps - 1) * dilation + 1
    extra = data.draw(st.none() | st.integers(0, stride - 1))
    pair = transposed_padding(reach, stride, data.draw(st.sampled_from(["valid", "same"])), extra)
    assume(min(pair) >= 0 and (size - 1) * stride + 1 + sum(pair) >= reach)
    options = (stride,), (pair,), (dilation,)
    x, kernel = random(2, size, 3), random(taps, 2, 3)
    actual = value_and_gradients(lambda x, k: conv_transpose(x, k, *options), x, kernel)
    expected = value_and_gradients(lambda x, k: plain_conv_transpose(x, k, *options), x, kernel)
    assert_close(actual, expected, 1e-5)


def test_second_derivative():
    shape, kernel, *options = CASES["strides"]
    x, kernel = random(*shape), random(*kernel, scale=0.3)

    def norm(function, k):
        gradient = jax.grad(lambda k: jnp.sum(function(x, k, *options) ** 2))(k)
        return jnp.sum(gradient**2)

    actual, expected = (
        jax.grad(partial(norm, f))(kernel) for f in (conv_transpose, plain_conv_transpose)
    )
    assert_close(actual, expected, 1e-4)


def test_an_unknown_batch():
    (batch,) = jax.export.symbolic_shape("batch")
    x = jax.ShapeDtypeStruct((batch, 5, 3), "float32")
    out = jax.eval_shape(
        lambda x: conv_transpose(x, jnp.zeros((3, 4, 3)), (2,), ((1, 2),), (1,)), x
    )
    assert out.shape == (batch, 10, 4)
