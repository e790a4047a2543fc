"""Pooling against `lax.reduce_window`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hornbook.kernels import pooling
from tests.kernels.helper import assert_close, check, random

POOLS = {"max": pooling.max_pool, "avg": pooling.avg_pool}

# name: (shape, size, strides)
CASES = {
    "no overlap": ((2, 6, 8, 3), (2, 2), (2, 2)),
    "no overlap, a rest": ((2, 7, 5, 3), (3, 2), (3, 2)),
    "overlap": ((2, 7, 6, 3), (3, 2), (2, 1)),
    "many channels": ((3, 7, 6, 35), (3, 3), (2, 2)),
    "gaps": ((2, 9, 8, 3), (2, 1), (3, 2)),
    "one dimension": ((2, 9, 3), (3,), (2,)),
    "three dimensions": ((2, 4, 5, 4, 2), (2, 2, 2), (2, 2, 2)),
    "a large window": ((2, 40, 3), (34,), (3,)),
}


def run(x, name, *window):
    return POOLS[name](x, *window)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", POOLS)
def test_agrees_with_reduce_window(name, case, padding):
    shape, *window = CASES[case]
    check(lambda x: run(x, name, *window, padding), random(*shape))


@pytest.mark.parametrize("name", POOLS)
def test_agrees_with_reduce_window_in_bfloat16(name):
    check(lambda x: run(x, name, (2, 3), (2, 2), "same"), random(2, 5, 6, 3, dtype="bfloat16"))


@pytest.mark.parametrize("strides", [(2,), (1,)])
def test_gradient_of_equal_elements_goes_to_the_first(strides):
    x = jnp.zeros((1, 4, 1))
    gradient = jax.grad(lambda x: jnp.sum(pooling.max_pool(x, (2,), strides, "valid")))(x)
    expected = [1, 0, 1, 0] if strides == (2,) else [1, 1, 1, 0]
    np.testing.assert_array_equal(gradient.ravel(), expected)


def test_gradient_of_equal_elements_of_images():
    x, d = np.zeros((1, 3, 3, 35), "float32"), np.ones((1, 2, 2, 35), "float32")
    _, back = jax.vjp(lambda x: pooling.max_pool(x, (2, 2), (1, 1), "valid"), jnp.asarray(x))
    expected = np.broadcast_to([[1, 1, 0], [1, 1, 0], [0, 0, 0]], (35, 3, 3)).transpose(1, 2, 0)
    np.testing.assert_array_equal(back(jnp.asarray(d))[0][0], expected)


@pytest.mark.parametrize(
    ("shape", "keepdims"), [((3, 7, 35), False), ((2, 5, 4, 16), True), ((2, 3, 4), False)]
)
def test_global_maximum(shape, keepdims):
    axis = tuple(range(1, len(shape) - 1))
    x = np.array(random(*shape)).round()  # some are equal
    x[0, 1, ..., 0] = np.nan
    x[1, ..., 2] = -np.inf
    d = random(*(shape[:1] + (1,) * len(axis) * keepdims + shape[-1:]))

    @jax.jit
    def run(x, d):
        found = []
        for largest in (pooling.global_max, jnp.max):
            out, back = jax.vjp(lambda x, f=largest: f(x, axis=axis, keepdims=keepdims), x)
            found.append((out, *back(d)))
        return found

    for actual, expected in zip(*run(jnp.asarray(x), d), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("name", POOLS)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.sampled_from(["valid", "same"]))
def test_any_window(name, length, size, stride, padding):
    assume(padding == "same" or length >= size)
    x = random(2, length, 2)
    check(lambda x: POOLS[name](x, (size,), (stride,), padding), x, tolerance=1e-6)


@pytest.mark.parametrize("name", POOLS)
def test_inside_a_loop_and_under_vmap(name):
    x = random(2, 6, 4, 3)
    gradient = jax.grad(lambda x: jnp.sum(jnp.sin(POOLS[name](x, (2, 2), (2, 2), "same"))))
    expected = gradient(x)
    total = jax.lax.fori_loop(0, 2, lambda _, total: total + gradient(x), jnp.zeros_like(x))
    assert_close(total, 2 * expected, 1e-6)
    assert_close(jax.vmap(gradient)(jnp.stack([x, x]))[1], expected, 1e-6)


def test_integers_and_infinities():
    x = jnp.array([3, -7, 2, 5]).reshape(1, 4, 1)
    assert pooling.max_pool(x, (3,), (2,), "same").ravel().tolist() == [3, 5]
    x = jnp.full((1, 4, 1), -jnp.inf)
    assert pooling.max_pool(x, (3,), (2,), "same").ravel().tolist() == [-np.inf, -np.inf]


def test_unknown_batch_and_length():
    batch, length = jax.export.symbolic_shape("batch, length")
    x = jax.ShapeDtypeStruct((batch, length, 3), "float32")
    for pool in POOLS.values():
        for padding in ("valid", "same"):
            out = jax.eval_shape(lambda x, f=pool, p=padding: f(x, (2,), (2,), p), x)
            assert out.shape[0] == batch and out.shape[2] == 3
