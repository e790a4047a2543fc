"""Rows of an array by their numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.kernels import native, plain
from hornbook.kernels.rows import MUCH, take

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool", "bfloat16", "float16"])
@pytest.mark.parametrize("shape", [(50,), (50, 3), (50, 40, 31, 3)])
def test_rows_are_those_that_numpy_takes(dtype, shape):
    a = np.random.default_rng(0).integers(0, 250, shape).astype(jnp.dtype(dtype))
    ids = np.array([3, 49, 0, 3, 20, *range(30)], "int32")
    taken = take(jnp.asarray(a), jnp.asarray(ids))
    assert taken.dtype == a.dtype
    np.testing.assert_array_equal(taken, a[ids])


@needs_kernels
@given(st.integers(1, 300), st.integers(1, 200), st.integers(1, 700))
def test_any_number_of_rows_of_any_width_is_copied_in_parts(rows, count, width):
    a = np.arange(rows * width, dtype="float32").reshape(rows, width)
    ids = np.random.default_rng(count).integers(0, rows, count).astype("int32")
    np.testing.assert_array_equal(native.take(jnp.asarray(a), jnp.asarray(ids)), a[ids])


@needs_kernels
def test_numbers_outside_an_array_stand_for_its_first_and_last_row():
    a = jnp.arange(12.0).reshape(4, 3)
    taken = native.take(a, jnp.array([-5, 4, 1 << 30], jnp.int32))
    np.testing.assert_array_equal(taken, a[jnp.array([0, 3, 3])])


@needs_kernels
def test_only_large_batches_are_worth_the_kernel():
    def kernel(width):
        ids = jnp.zeros(16, jnp.int32)
        return "hornbook_take" in str(jax.make_jaxpr(lambda a: take(a, ids))(jnp.ones((2, width))))

    enough = MUCH // 16 // 4
    assert kernel(enough) and not kernel(enough - 1)
    with plain():
        assert not kernel(enough)
