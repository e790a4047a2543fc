"""Formulas that a step traces once for all layers of one size."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.variable import bind
from hornbook.formulas import traced_once
from hornbook.kernels import native, one_function, plain
from hornbook.layers.normalization import batch


def counted():
    traces = []

    def double(x, by=2):
        traces.append(x.shape)
        return by * x

    return traced_once(double, static=("by",)), traces


def test_arrays_of_one_shape_are_traced_once_and_others_again():
    double, traces = counted()
    x = jnp.ones(3)
    jax.make_jaxpr(lambda x: double(double(double(x))))(x)
    jax.make_jaxpr(jax.grad(lambda x: double(double(x)).sum()))(x)
    assert traces == [(3,)]
    jax.make_jaxpr(lambda x: (double(x, by=3), double(x[:2])))(x)
    assert traces == [(3,), (3,), (2,)]


def test_eager_calls_and_those_that_choose_other_kernels_are_not_shared():
    double, traces = counted()
    for _ in range(2):
        double(jnp.ones(3))
    for context in (plain, one_function):
        with context():
            jax.make_jaxpr(lambda x: double(double(x)))(jnp.ones(3))
    assert len(traces) == 6


def test_batch_normalization_of_one_size_is_traced_once(monkeypatch):
    traces, moments = [], batch.shifted_moments
    monkeypatch.setattr(
        batch, "shifted_moments", lambda x, axes: traces.append(x.shape) or moments(x, axes)
    )
    model = keras.Sequential([layers.BatchNormalization() for _ in range(4)])
    model.build((None, 5, 61))

    def loss(x, gammas):
        values = {one.gamma: gamma for one, gamma in zip(model.layers, gammas, strict=True)}
        with bind(values):
            return (model(x, training=True) ** 2).sum()

    traces.clear()
    jax.make_jaxpr(jax.grad(loss, 1))(jnp.ones((7, 5, 61)), [jnp.ones(61)] * 4)
    assert traces == [(7, 5, 61)]


@pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
@pytest.mark.parametrize("shape", [(4, 6, 6, 3), (32, 3)])
def test_a_bias_before_a_batch_normalization_is_left_out(shape):
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape), "float32")
    make = layers.Dense if len(shape) == 2 else partial(layers.Conv2D, kernel_size=1)
    conv = make(8, bias_initializer="normal")
    norm = layers.BatchNormalization(momentum=0.5)
    conv.build(x.shape), norm.build((*x.shape[:-1], 8))
    weights = [*conv.trainable_variables, *norm.trainable_variables]

    def loss(values, x):
        averages = {norm.moving_mean: jnp.zeros(8), norm.moving_variance: jnp.ones(8)}
        with bind(dict(zip(weights, values, strict=True)) | averages) as scope:
            out = jnp.sum(jnp.sin(norm(conv(x), training=True)) ** 2)
        return out, (scope[norm.moving_mean], scope[norm.moving_variance])

    run = jax.value_and_grad(loss, has_aux=True)
    values = [one.value for one in weights]
    fused = jax.jit(lambda values, x: run(values, x))(values, x)
    with plain():
        expected = jax.jit(lambda values, x: run(values, x))(values, x)
    for one, other in zip(jax.tree.leaves(fused), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert weights[1] is conv.bias
    assert not fused[1][1].any()
