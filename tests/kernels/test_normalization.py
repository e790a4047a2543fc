"""Normalization of rows, compiled, against the formula."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import layers
from hornbook.core.variable import bind
from hornbook.kernels import native, plain
from hornbook.kernels.normalization import batch_norm, layer_norm, plain_batch_norm
from tests.kernels.helper import assert_close, check, random

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
norm = partial(layer_norm, epsilon=1e-3)


def arguments(*shape, offset=0.0, scale=1.0):
    width = shape[-1]
    return offset + random(*shape, scale=scale), random(width), random(width, seed=1)


def compiled(*given):
    return "hornbook_normalize" in jax.jit(lambda *given: norm(*given)).lower(*given).as_text()


@needs_kernels
@pytest.mark.parametrize("shape", [(1, 16), (7, 48), (3, 5, 128), (900, 96), (32,)])
def test_agrees_with_the_formula(shape):
    given = arguments(*shape)
    assert compiled(*given)
    check(norm, *given)


@needs_kernels
def test_rows_far_from_zero():
    given = arguments(50, 64, offset=300.0, scale=2.0)
    x, gamma, beta = (np.asarray(a, "float64") for a in given)
    centered = x - x.mean(-1, keepdims=True)
    exact = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-3) * gamma + beta
    np.testing.assert_allclose(norm(*given), exact, rtol=1e-4, atol=1e-4)


@needs_kernels
def test_gradients_of_gradients():
    def size(*given):
        gradients = jax.grad(lambda *given: jnp.sum(jnp.sin(norm(*given))), (0, 1, 2))(*given)
        return sum(jnp.sum(g**2) for g in gradients)

    given = arguments(6, 32)
    fast = jax.grad(size, (0, 1, 2))(*given)
    with plain():
        slow = jax.grad(lambda *given: size(*given), (0, 1, 2))(*given)
    assert_close(fast, slow, 1e-4)


@needs_kernels
def test_the_same_at_every_call():
    run = jax.jit(jax.grad(lambda *given: jnp.sum(jnp.sin(norm(*given))), (0, 1, 2)))
    given = arguments(3000, 64)
    first = run(*given)
    for _ in range(20):
        jax.tree.map(np.testing.assert_array_equal, run(*given), first)


@needs_kernels
def test_what_the_kernel_does_not_take_is_written_out():
    assert not compiled(*arguments(4, 17))  # rows that end within a vector
    assert not compiled(*(a.astype("bfloat16") for a in arguments(4, 32)))
    with plain():
        assert not compiled(*arguments(4, 32))


@needs_kernels
def test_the_layer_uses_it():
    def text(layer, x):
        layer.build(x.shape)
        return jax.jit(lambda x: layer(x)).lower(x).as_text()

    x = random(4, 8, 32)
    assert "hornbook_normalize" in text(layers.LayerNormalization(), x)
    for other in ({"axis": (1, 2)}, {"axis": 1}, {"scale": False}, {"rms_scaling": True}):
        assert "hornbook_normalize" not in text(layers.LayerNormalization(**other), x)


@needs_kernels
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 5), (2, 5, 7, 16), (3, 4, 4, 3), (2, 33, 9, 72), (6, 5)]
)
def test_batch_norm_agrees_with_the_formula(shape):
    given, weights = arguments(*shape, offset=3.0), random(*shape, seed=2)

    @jax.jit
    def results(*given):
        found = []
        for norm in (plain_batch_norm, batch_norm):

            def loss(*given, norm=norm):
                out, *moments = norm(*given, 1e-3)
                return jnp.sum(jnp.sin(out) * weights), (out, *moments)

            def size(*given, loss=loss):
                gradients, _ = jax.grad(loss, (0, 1, 2), has_aux=True)(*given)
                return sum(jnp.sum(g**2) for g in gradients), gradients

            twice, once = jax.grad(size, (0, 1, 2), has_aux=True)(*given)
            found.append((loss(*given)[1], once, twice))
        return found

    expected, actual = results(*given)
    for fast, slow in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        tolerance = 1e-4 * float(jnp.max(jnp.abs(slow))) + 1e-5
        np.testing.assert_allclose(fast, slow, rtol=0, atol=tolerance)


@needs_kernels
def test_batch_norm_of_images_far_from_zero():
    x = np.asarray(1000 + random(4, 20, 20, 40), "float32")
    _, mean, variance = batch_norm(jnp.asarray(x), jnp.ones(40), jnp.zeros(40), 1e-3)
    np.testing.assert_allclose(mean, x.astype("float64").mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(variance, x.astype("float64").var((0, 1, 2)), rtol=1e-4)


@needs_kernels
def test_the_batch_normalization_of_images_and_rows_uses_it():
    def lowered(layer, x, **arguments):
        layer.build(x.shape)
        with bind({one: one.value for one in layer.variables}):
            return jax.jit(lambda x: layer(x, training=True, **arguments)).lower(x).as_text()

    images = random(2, 4, 4, 3)
    for x in (images, random(8, 3)):
        assert "hornbook_moments" in lowered(layers.BatchNormalization(), x)
    assert "hornbook_moments" not in lowered(layers.BatchNormalization(), random(2, 4, 3))
    mask = jnp.ones((2, 4, 4), bool)
    assert "hornbook_moments" not in lowered(layers.BatchNormalization(), images, mask=mask)
    for layer in (layers.BatchNormalization(axis=1), layers.BatchNormalization(renorm=True)):
        assert "hornbook_moments" not in lowered(layer, images)
