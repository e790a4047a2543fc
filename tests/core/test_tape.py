"""A tape records ops, variables and layers, and differentiates what it recorded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import ops
from hornbook.core import tape as tapes
from hornbook.core.tape import Tape
from hornbook.core.taping import paused, recording


def test_gradients_of_ops_are_those_of_jax():
    v, x = keras.Variable([1.0, 2.0]), jnp.asarray([3.0, -1.0])
    with Tape() as tape:
        tape.watch(x)
        y = ops.sum(ops.add(ops.tanh(v * x), ops.take(ops.stack([x, x]), 1, axis=0)))
    found = tape.derivatives([y], [v, x])
    expected = jax.grad(lambda v, x: jnp.sum(jnp.tanh(v * x) + x), (0, 1))(v.value, x)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    assert not recording.tapes


def test_only_what_is_watched_is_recorded_and_none_means_unconnected():
    fixed, other = keras.Variable(1.0, trainable=False), keras.Variable(2.0)
    with Tape() as tape:
        _ = fixed * 2
        ops.exp(jnp.ones(2))
        y = ops.exp(fixed)
    assert not tape.steps
    assert tape.derivatives([y], [fixed, other]) == [None, None]
    with Tape(watch_accessed_variables=False) as tape:
        tape.watch(fixed)
        y = ops.add(fixed * 3, other)
    assert [None if g is None else float(g) for g in tape.derivatives([y], [fixed, other])] == [
        3.0,
        None,
    ]


def test_a_second_gradient_needs_a_persistent_tape():
    v = keras.Variable(3.0)
    with Tape() as tape:
        y = v * v
    tape.derivatives([y], [v])
    with pytest.raises(RuntimeError, match="persistent"):
        tape.derivatives([y], [v])


def test_sources_in_the_middle_get_the_derivative_of_what_follows():
    x = jnp.asarray(2.0)
    with Tape(persistent=True) as tape:
        tape.watch(x)
        y = ops.square(x)
        z = ops.multiply(y, x)
    assert list(map(float, tape.derivatives([z], [x, y]))) == [12.0, 2.0]
    assert float(*tape.derivatives([y], [y])) == 1.0


def test_a_value_that_is_passed_through_is_another_value():
    x = jnp.asarray([1.0, 2.0])
    with Tape(persistent=True) as tape:
        tape.watch(x)
        y = ops.cast(x, "float32")
        z = ops.multiply(y, 2.0)
    assert y is not x
    assert tape.derivatives([x], [y]) == [None]
    assert tape.derivatives([z], [x])[0].tolist() == [2.0, 2.0]


def test_gradients_are_recorded_by_an_outer_tape():
    x = jnp.asarray(3.0)
    with Tape() as outer:
        outer.watch(x)
        with Tape() as inner:
            inner.watch(x)
            y = ops.power(x, 3)
        (slope,) = inner.derivatives([y], [x])
    assert float(*outer.derivatives([slope], [x])) == 18.0


def test_a_layer_is_one_step_and_dropout_repeats_its_mask():
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dropout(0.5)]
    )
    norm = keras.layers.BatchNormalization()
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    with Tape() as tape:
        y = model(x, training=True)
        loss = ops.sum(y)
        norm(y, training=True)
    assert len(tape.steps) == 3
    (gradient,) = tape.derivatives([loss], [model.layers[0].bias])
    slope = np.where(np.asarray(y) == 0, 0, 2 * (1 - (np.asarray(y) / 2) ** 2)).sum(0)
    np.testing.assert_allclose(gradient, slope, rtol=1e-5)
    mean = 0.01 * np.asarray(y).mean(0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), mean, rtol=1e-5, atol=1e-7)


def test_a_users_layer_records_its_ops_and_added_losses():
    class Scale(keras.Layer):
        def build(self, shape):
            self.factor = self.add_weight((), "ones", regularizer="l2")

        def call(self, x):
            y = self.factor * x
            self.add_loss(ops.sum(y))
            return y

    layer = Scale()
    with Tape() as tape:
        loss = ops.sum(layer(np.asarray([1.0, 2.0], "float32")))
        loss = ops.sum(ops.stack([loss, *layer.losses]))
    assert len(tape.steps) > 2
    np.testing.assert_allclose(tape.derivatives([loss], [layer.factor]), [6.02], rtol=1e-6)


def test_a_loop_compiles_its_gradient_once():
    v = keras.Variable([1.0, 2.0])
    sizes = []
    for step in range(3):
        x = jnp.asarray([1.0, step])
        with Tape() as tape:
            y = ops.sum(v * x)
        assert tape.derivatives([y], [v])[0].tolist() == [1.0, step]
        sizes.append(len(tapes._programs))
    assert sizes[0] == sizes[-1]


def test_recording_can_be_paused_and_stopped():
    v = keras.Variable(2.0)
    with Tape() as tape:
        y = v * v
        with paused():
            y = ops.add(y, v * 5)
        with tape.stopped():
            stopped = v * 3
    assert tape.derivatives([stopped], [v]) == [None]
    with Tape() as tape, paused():
        y = v * v
    assert tape.derivatives([y], [v]) == [None]


def test_jacobians():
    x = jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    with Tape(persistent=True) as tape:
        tape.watch(x)
        y = ops.square(x)
    (whole,) = tape.derivatives([y], [x], kind="jacobian")
    (each,) = tape.derivatives([y], [x], kind="batch_jacobian")
    np.testing.assert_allclose(whole, jax.jacrev(jnp.square)(x))
    np.testing.assert_allclose(each, jax.vmap(jax.jacrev(jnp.square))(x))
