"""Lookup of rows against `jnp.take`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.kernels import native
from hornbook.kernels.embedding import lookup
from tests.kernels.helper import assert_close, check, random


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4), (2, 3, 2)])
def test_agrees_with_take(shape, dtype):
    ids = jnp.asarray(np.random.default_rng(0).integers(0, 5, shape))
    check(lookup, random(5, 3, dtype=dtype), ids)


def test_indices_without_a_row_give_nan():
    table, ids = random(4, 2), jnp.array([1, 9, -9, 3])
    wanted = np.array(table[jnp.array([1, 0, 0, 3])])
    wanted[1:3] = np.nan
    np.testing.assert_array_equal(lookup(table, ids), wanted)
    np.testing.assert_array_equal(lookup(table.astype("int32"), jnp.array([9])).shape, (1, 2))


def test_bfloat16_gradient_is_summed_in_float32():
    ids = jnp.zeros((1000,), "int32")
    gradient = jax.grad(lambda t: jnp.sum(lookup(t, ids)))(jnp.zeros((2, 1), "bfloat16"))
    assert gradient.tolist() == [[1000], [0]]


def test_inside_a_loop_and_under_vmap():
    table, ids = random(5, 3), jnp.array([[1, 1], [0, 4]])
    gradient = jax.grad(lambda t: jnp.sum(jnp.sin(lookup(t, ids))))
    expected = gradient(table)
    total = jax.lax.fori_loop(0, 2, lambda _, t: t + gradient(table), jnp.zeros_like(table))
    assert_close(total, 2 * expected, 1e-6)
    assert_close(jax.vmap(gradient)(jnp.stack([table, table]))[1], expected, 1e-6)


def test_unsigned_indices_and_second_derivative():
    table, ids = random(5, 3), jnp.array([1, 1], "uint8")
    gradient = jax.grad(lambda t: jnp.sum(lookup(t, ids) ** 3))
    norm = jax.grad(lambda t: jnp.sum(gradient(t)))(table)
    np.testing.assert_allclose(norm[1], 12 * table[1], rtol=1e-5)


def test_a_large_gradient_is_summed_by_the_kernel():
    table, ids = random(84, 32), jnp.asarray(np.random.default_rng(0).integers(0, 84, (64, 8)))
    check(lookup, table, ids)
    text = str(jax.make_jaxpr(jax.grad(lambda t: jnp.sum(lookup(t, ids))))(table))
    assert ("hornbook_sum_rows" in text) == native.available()
    norm = jax.grad(lambda t: jnp.sum(jax.grad(lambda t: jnp.sum(lookup(t, ids) ** 3))(t)))(table)
    times = np.bincount(np.ravel(ids), minlength=84)
    assert_close(norm, 6 * table * times[:, None], 1e-5)


@pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
@given(st.integers(0, 3000), st.integers(1, 90), st.integers(1, 300))
def test_rows_of_equal_number_are_summed_in_their_order(count, rows, width):
    random = np.random.default_rng(count)
    d, ids = random.normal(size=(count, width)).astype("f4"), random.integers(-2, rows + 2, count)
    expected = np.zeros((rows, width), "f4")
    np.add.at(expected, np.clip(ids, 0, rows - 1), d)
    actual = native.sum_rows(jnp.asarray(d), jnp.asarray(ids, jnp.int32), rows)
    np.testing.assert_array_equal(actual, expected)
