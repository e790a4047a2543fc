"""Dot products of rows by the compiled kernel, as the layer Dot takes them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook as keras
from hornbook.kernels import native, plain
from hornbook.kernels.row_dots import plain_row_dots, row_dots

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), "float32")


@needs_kernels
@given(st.integers(1, 70), st.integers(1, 100))
def test_row_dots_of_any_shape_agree_with_the_plain_version(rows, width):
    a, b = draw(rows, width), draw(rows, width, seed=1)
    out = row_dots(a, b)
    assert out.shape == (rows,) and out.dtype == "float32"
    np.testing.assert_allclose(out, plain_row_dots(a, b), rtol=1e-5, atol=1e-5)


@needs_kernels
def test_row_dots_are_differentiated_both_ways_and_batched():
    a, b = draw(6, 20), draw(6, 20, seed=1)

    def everything(function):
        def loss(a, b):
            return jnp.sum(function(a, b) ** 2)

        return (
            jax.grad(loss, (0, 1))(a, b),
            jax.jvp(function, (a, b), (b, a)),
            jax.hessian(loss)(a[:2, :3], b[:2, :3]),
            jax.vmap(function)(jnp.stack([a, b]), jnp.stack([b, b])),
            jax.vmap(function, in_axes=(None, 0))(a, jnp.stack([a, b])),
        )

    assert "row_dots" in jax.jit(row_dots).lower(a, b).as_text()
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4),
        everything(row_dots),
        everything(plain_row_dots),
    )


@needs_kernels
@pytest.mark.parametrize(
    ("x", "y", "axes"),
    [((5, 7), (5, 7), 1), ((5, 1, 7), (5, 1, 7), 2), ((5, 1, 7), (5, 7, 1), (2, 1)),
     ((5, 7), (5, 1, 7), (1, 2)), ((5, 1, 7, 1), (5, 7), (2, 1))],
)  # fmt: skip
def test_dot_of_a_vector_for_each_sample_is_the_kernel_and_keeps_its_shape(x, y, axes):
    x, y = draw(*x), draw(*y, seed=1)
    layer = keras.layers.Dot(axes)
    assert "row_dots" in jax.jit(lambda x, y: layer([x, y])).lower(x, y).as_text()
    with plain():
        wanted = layer([x, y])
    out = layer([x, y])
    assert out.shape == wanted.shape
    np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-5)


@needs_kernels
def test_lists_of_vectors_that_do_not_fit_are_an_error():
    call = jax.ffi.ffi_call("hornbook_row_dots", jax.ShapeDtypeStruct((4,), jnp.float32))
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        call(jnp.ones((4, 3)), jnp.ones((4, 2)))


def test_a_single_vector_meets_each_of_many():
    one, many = draw(1, 20), draw(6, 20, seed=1)
    np.testing.assert_allclose(row_dots(one, many), many @ one[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(row_dots(many, one), many @ one[0], rtol=1e-5, atol=1e-5)
