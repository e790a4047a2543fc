"""Convolution against `lax.conv_general_dilated`."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hornbook.kernels import plain
from hornbook.kernels.conv import conv, conv_bias_relu, plain_conv
from tests.kernels.helper import assert_close, check, random

pytestmark = pytest.mark.usefixtures("kernels")

# name: (input, kernel, strides, padding, dilation, groups)
CASES = {
    "one dimension": ((3, 9, 4), (3, 4, 5), (1,), "same", (1,), 1),
    "causal and dilated": ((3, 9, 4), (2, 4, 5), (1,), "causal", (4,), 1),
    "two dimensions": ((3, 7, 6, 4), (3, 2, 4, 5), (1, 1), "valid", (1, 1), 1),
    "strides that leave a rest": ((2, 8, 7, 3), (3, 3, 3, 4), (2, 3), "valid", (1, 1), 1),
    "strides and same": ((2, 8, 7, 3), (3, 2, 3, 4), (2, 2), "same", (1, 1), 1),
    "strides above the kernel": ((2, 9, 9, 3), (2, 2, 3, 4), (3, 4), "valid", (1, 1), 1),
    "strides and dilation": ((2, 11, 9, 3), (2, 3, 3, 4), (2, 1), "valid", (2, 3), 1),
    "explicit padding": ((2, 5, 6, 3), (2, 3, 3, 4), (1, 2), ((2, 0), (1, 3)), (1, 1), 1),
    "one tap": ((2, 6, 7, 3), (1, 1, 3, 4), (2, 1), "valid", (1, 1), 1),
    "one tap and padding": ((2, 3, 3, 3), (1, 1, 3, 4), (1, 1), ((1, 1), (0, 0)), (1, 1), 1),
    "three dimensions": ((2, 5, 4, 6, 2), (2, 3, 2, 2, 3), (1, 1, 1), "same", (1, 1, 1), 1),
    "three, strides": ((2, 7, 6, 6, 2), (2, 3, 2, 2, 3), (2, 1, 2), "same", (1, 1, 1), 1),
    "one channel": ((3, 7, 8, 1), (3, 2, 1, 4), (2, 1), "same", (1, 2), 1),
    "one channel, many taps": ((3, 9, 9, 1), (7, 7, 1, 2), (1, 1), "same", (1, 1), 1),
    "few filters": ((3, 9, 8, 12), (3, 2, 12, 2), (1, 1), "same", (1, 1), 1),
    "few filters, one way": ((3, 9, 12), (4, 12, 1), (1,), "causal", (1,), 1),
    "few filters, padded far": ((2, 5, 6, 9), (2, 3, 9, 1), (1, 1), ((2, 3), (4, 0)), (1, 1), 1),
    "few channels and strides": ((2, 9, 8, 3), (3, 2, 3, 16), (2, 2), "same", (1, 1), 1),
    "few channels, strides above": ((2, 9, 9, 2), (2, 2, 2, 8), (3, 4), "valid", (1, 1), 1),
    "few channels, no strides": ((3, 7, 8, 4), (3, 3, 4, 24), (1, 1), "valid", (1, 1), 1),
    "groups": ((2, 6, 5, 4), (3, 3, 2, 6), (1, 1), "same", (1, 1), 2),
    "depthwise": ((2, 6, 5, 4), (3, 3, 1, 4), (2, 1), "same", (1, 1), 4),
    "depthwise, vectors": ((3, 9, 8, 35), (3, 3, 1, 35), (1, 1), "same", (1, 1), 35),
    "depthwise, many taps": ((3, 9, 12, 20), (5, 5, 1, 20), (2, 1), "same", (1, 2), 20),
    "depthwise, long": ((3, 9, 20), (4, 1, 20), (1,), "causal", (1,), 20),
    "depthwise with multiplier": ((2, 6, 5, 4), (3, 2, 1, 8), (1, 1), "same", (2, 1), 4),
    "many samples": ((70, 15, 16, 4), (3, 3, 4, 2), (1, 1), "same", (1, 1), 1),
}


def run(x, kernel, options):
    return conv(x, kernel, *options)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_lax(case):
    shape, kernel, *options = CASES[case]
    check(partial(run, options=options), random(*shape), random(*kernel, scale=0.3))


@pytest.mark.parametrize("case", ["two dimensions", "many samples", "depthwise", "one tap"])
def test_agrees_with_lax_in_bfloat16(case):
    shape, kernel, *options = CASES[case]
    x, kernel = random(*shape, dtype="bfloat16"), random(*kernel, dtype="bfloat16", scale=0.1)
    check(partial(run, options=options), x, kernel)


@pytest.mark.usefixtures("on_cpu")
def test_no_convolution_is_of_narrow_floats():
    shape, kernel, *options = CASES["two dimensions"]
    x, kernel = random(*shape, dtype="bfloat16"), random(*kernel, dtype="bfloat16")
    gradient = jax.grad(lambda *both: jnp.sum(run(*both, options)), argnums=(0, 1))
    assert "conv" in (program := str(jax.make_jaxpr(gradient)(x, kernel)))
    assert not re.search("bf16.* = (conv_general_dilated|ffi_call)", program)


@given(st.data())
def test_any_window(data):
    size, taps, stride, dilation = (data.draw(st.integers(1, n)) for n in (9, 4, 4, 3))
    padding = data.draw(
        st.sampled_from(["valid", "same", "causal"])
        | st.tuples(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    )
    assume(padding != "valid" or size > (taps - 1) * dilation)
    window = (stride,), padding, (dilation,)
    x, kernel = random(2, size, 3), random(taps, 3, 2)
    expected_shape = jax.eval_shape(lambda: plain_conv(x, kernel, *window)).shape
    assume(expected_shape[1] > 0)
    check(lambda x, k: conv(x, k, *window), x, kernel, tolerance=1e-5)


def test_few_outputs_have_gradients():
    found = []
    for case in ("causal and dilated", "strides and same", "strides and dilation", "many samples"):
        shape, kernel, *window, _ = CASES[case]
        x, kernel = random(*shape), random(*kernel, scale=0.3)
        out = jax.eval_shape(lambda x, k, w=window: plain_conv(x, k, *w), x, kernel)
        few = np.random.default_rng(0).random(out.shape) < 0.1
        few[0] = True  # of one sample all have
        d = jnp.where(few, random(*out.shape), 0)
        found.append((x, kernel, d, window))

    def gradients(function):
        of = lambda x, k, d, window: jax.vjp(lambda *a: function(*a, *window), x, k)[1](d)  # noqa: E731
        return [of(*one) for one in found]

    assert_close(jax.jit(lambda: gradients(conv))(), jax.jit(lambda: gradients(plain_conv))(), 1e-5)


def test_inside_a_loop_and_under_vmap():
    x, kernel = random(3, 6, 5, 2), random(3, 3, 2, 4)
    gradients = jax.grad(lambda x, k: jnp.sum(jnp.sin(conv(x, k, (1, 1), "same", (1, 1)))), (0, 1))
    expected = gradients(x, kernel)

    def body(_, total):
        return jax.tree.map(jnp.add, total, gradients(x, kernel))

    total = jax.jit(lambda: jax.lax.fori_loop(0, 2, body, (x * 0, kernel * 0)))()
    assert_close(total, jax.tree.map(lambda g: 2 * g, expected), 1e-5)
    both = jax.vmap(gradients)(jnp.stack([x, x]), jnp.stack([kernel, kernel]))
    assert_close(jax.tree.map(lambda g: g[1], both), expected, 1e-5)


def test_second_derivative():
    x, kernel = random(2, 5, 2), random(3, 2, 2)

    def norm(k):
        return jnp.sum(jax.grad(lambda k: jnp.sum(conv(x, k, (1,), "same", (1,)) ** 2))(k) ** 2)

    @jax.jit
    def run(kernel):
        actual = jax.grad(norm)(kernel)
        with plain():
            return actual, jax.grad(norm)(kernel)

    assert_close(*run(kernel), 1e-4)


def test_an_empty_batch():
    out = conv(jnp.zeros((0, 5, 5, 2)), random(3, 3, 2, 4), (1, 1), "same", (1, 1))
    assert out.shape == (0, 5, 5, 4)


def test_unknown_batch_and_length():
    batch, length = jax.export.symbolic_shape("batch, length")
    x = jax.ShapeDtypeStruct((batch, length, 3), "float32")
    for padding in ("valid", "same", "causal"):
        out = jax.eval_shape(lambda x, p=padding: conv(x, jnp.zeros((2, 3, 4)), (1,), p, (1,)), x)
        assert out.shape[0] == batch and out.shape[2] == 4


def test_bfloat16_kernel_gradient_is_summed_in_float32():
    x, kernel = jnp.ones((4096, 17, 1), "bfloat16"), jnp.ones((2, 1, 1), "bfloat16")
    gradient = jax.grad(lambda k: jnp.sum(conv(x, k, (1,), "valid", (1,))))(kernel)
    np.testing.assert_allclose(np.asarray(gradient, "float32").ravel(), 65536, rtol=0.01)


@pytest.mark.parametrize("case", CASES)
def test_with_bias_and_relu_agrees_with_the_three_of_them(case):
    shape, kernel, *options = CASES[case]
    x, kernel = random(*shape), random(*kernel, scale=0.3)
    bias = random(kernel.shape[-1], seed=5)

    def together(x, kernel, bias):
        return conv_bias_relu(x, kernel, bias, *options)

    check(together, x, kernel, bias)

    @jax.jit
    def both(x, kernel, bias):
        return together(x, kernel, bias), jax.nn.relu(run(x, kernel, options) + bias)

    assert_close(*both(x, kernel, bias), 2e-5)


@pytest.mark.parametrize("filters", [4, 16, 20, 32, 70])
def test_bias_and_relu_of_any_number_of_filters(filters):
    x, kernel, bias = random(5, 9, 9, 6), random(3, 3, 6, filters), random(filters, seed=1)
    window = (1, 1), "same", (1, 1)
    actual = conv_bias_relu(x, kernel, bias, *window)
    assert_close(actual, jax.nn.relu(plain_conv(x, kernel, *window) + bias), 2e-5)


def test_bias_and_relu_keep_what_is_not_a_number():
    x = random(4, 6, 6, 3).at[1, 2, 2, 0].set(jnp.nan)
    out = conv_bias_relu(x, random(3, 3, 3, 20), jnp.zeros(20), (1, 1), "same", (1, 1))
    assert np.isnan(out[1, 2, 2]).all() and not np.isnan(out[0]).any()


def test_bias_and_relu_have_second_derivatives():
    x, kernel, bias = random(3, 5, 6, 4), random(3, 3, 4, 5, scale=0.3), random(5, seed=1)

    def norm(x, kernel, bias):
        def loss(*args):
            return jnp.sum(jnp.sin(conv_bias_relu(*args, (1, 1), "same", (1, 1))))

        return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 1, 2))(x, kernel, bias)) / 1000

    check(norm, x, kernel, bias, tolerance=1e-4)


def test_bias_gradient_sums_many_pixels_exactly():
    x, kernel, bias = jnp.zeros((40, 64, 64, 2)), jnp.zeros((3, 3, 2, 21)), jnp.ones(21)

    def loss(bias):
        return jnp.sum(conv_bias_relu(x, kernel, bias, (1, 1), "same", (1, 1)) * 0.1)

    np.testing.assert_allclose(jax.grad(loss)(bias), 40 * 64 * 64 * 0.1, rtol=1e-6)
