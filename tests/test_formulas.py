"""Formulas that a step traces once for all layers of one size."""

import jax
import jax.numpy as jnp

import hornbook as keras
from hornbook import layers
from hornbook.core.variable import bind
from hornbook.formulas import traced_once
from hornbook.kernels import one_function, plain
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
    model.build((None, 61))

    def loss(x, gammas):
        values = {one.gamma: gamma for one, gamma in zip(model.layers, gammas, strict=True)}
        with bind(values):
            return (model(x, training=True) ** 2).sum()

    traces.clear()
    jax.make_jaxpr(jax.grad(loss, 1))(jnp.ones((7, 61)), [jnp.ones(61)] * 4)
    assert traces == [(7, 61)]
