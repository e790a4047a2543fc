"""TimeDistributed: the layer at each step, at once or one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import layers
from hornbook.core.mask import get_mask, set_mask
from tests.parity.helper import agree, floats

X = floats(3, 5, 2)


class Centered(hornbook.Layer):
    """Looks at the whole batch, as no layer of the library does without a state."""

    def call(self, inputs):
        return inputs - jnp.mean(inputs, axis=0)


def test_a_layer_that_looks_at_the_batch_sees_one_step_at_a_time():
    output = layers.TimeDistributed(Centered())(X)
    agree(output, X - X.mean(0), "output", rtol=1e-4, atol=1e-5)
    inputs = hornbook.Input((2,))
    functional = hornbook.Model(inputs, inputs - hornbook.ops.mean(inputs, axis=0))
    agree(layers.TimeDistributed(functional)(X), X - X.mean(0), "model", rtol=1e-4, atol=1e-5)
    wrapped = layers.Lambda(lambda x: x - jnp.mean(x, axis=0))
    agree(layers.TimeDistributed(wrapped)(X), X - X.mean(0), "Lambda", rtol=1e-4, atol=1e-5)


def test_a_layer_that_treats_samples_alone_is_called_once():
    calls = []

    class Watched(layers.Dense):
        __module__ = layers.Dense.__module__

        def call(self, inputs):
            calls.append(inputs.shape)
            return super().call(inputs)

    layers.TimeDistributed(Watched(4))(X)
    assert calls == [(15, 2)]


@given(
    batch=st.one_of(st.none(), st.integers(1, 3)),
    steps=st.one_of(st.none(), st.integers(1, 3)),
    extra=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    own=st.booleans(),
)
def test_shapes(batch, steps, extra, own):
    inner = Centered() if own else layers.Dense(4)
    output = layers.TimeDistributed(inner)(hornbook.Input(batch_shape=(batch, steps, *extra)))
    assert output.shape == (batch, steps, *extra[:-1], extra[-1] if own else 4)


def test_nested_time_axes():
    inner = layers.Dense(4)
    output = layers.TimeDistributed(layers.TimeDistributed(inner))(floats(2, 3, 5, 2))
    agree(output, inner(floats(2, 3, 5, 2)), "output", rtol=1e-5)


def test_a_model_inside():
    model = hornbook.Sequential([layers.Dense(4, "relu"), layers.Dense(3)])
    wrapped = layers.TimeDistributed(model)
    output = wrapped(X)
    agree(output, np.stack([model(X[:, t]) for t in range(5)], 1), "output", rtol=1e-5)
    assert len(wrapped.trainable_weights) == 4


def test_several_inputs():
    output = layers.TimeDistributed(layers.Concatenate())([X, 2 * X])
    agree(output, np.concatenate([X, 2 * X], -1), "output")


def test_a_normalization_moves_once_a_step_in_training():
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
    layer(X, training=True)
    wanted = np.zeros(2)
    for t in range(5):
        wanted = 0.5 * wanted + 0.5 * X[:, t].mean(0)
    agree(layer.layer.moving_mean, wanted.astype("float32"), "moving mean", rtol=1e-4)


def test_dropout_differs_between_steps():
    output = layers.TimeDistributed(layers.Dropout(0.5))(np.ones((2, 6, 50)), training=True)
    assert len({np.asarray(output[0, t]).tobytes() for t in range(6)}) == 6


def test_losses_of_the_layer_count():
    class Penalized(Centered):
        def call(self, inputs):
            self.add_loss(jnp.sum(inputs))
            return inputs

    layer = layers.TimeDistributed(Penalized())
    layer(X)
    np.testing.assert_allclose(sum(layer.losses), X.sum(), rtol=1e-5)


def test_the_mask_reaches_the_layer_and_goes_on():
    class Masked(hornbook.Layer):
        def call(self, inputs, mask=None):
            return inputs * mask[:, None]

    mask = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    x = jnp.asarray(X)
    set_mask(x, jnp.asarray(mask))
    output = layers.TimeDistributed(Masked())(x)
    agree(output, X * mask[..., None], "output")
    assert (get_mask(output) == mask).all()
    inner = layers.GRU(4)
    frames = floats(3, 5, 2, 2)
    steps = np.ones((3, 5, 2), bool)
    steps[:, :, 0] = False
    output = layers.TimeDistributed(inner)(frames, mask=steps)
    agree(output[:, 1], inner(frames[:, 1], mask=steps[:, 1]), "inner mask", rtol=1e-5)


def test_gradients_flow_through_both_ways():
    for layer in (
        layers.TimeDistributed(layers.Dense(2, "tanh")),
        layers.TimeDistributed(Centered()),
    ):
        layer.build(X.shape)
        gradient = jax.grad(lambda x, layer=layer: jnp.sum(layer(x) ** 2))(jnp.asarray(X))
        numeric = [
            (np.sum(np.asarray(layer(X + d)) ** 2) - np.sum(np.asarray(layer(X - d)) ** 2)) / 2e-2
            for d in (_unit(0, 0, 0), _unit(2, 4, 1))
        ]
        np.testing.assert_allclose(
            [gradient[0, 0, 0], gradient[2, 4, 1]], numeric, rtol=2e-2, atol=1e-3
        )


def _unit(*place):
    d = np.zeros_like(X)
    d[place] = 1e-2
    return d


def test_config_round_trip():
    layer = layers.TimeDistributed(layers.Dense(4), name="t")
    copy = layers.TimeDistributed.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    layer.build(X.shape), copy.build(X.shape)
    copy.set_weights(layer.get_weights())
    agree(copy(X), layer(X), "output")


def test_errors_name_what_was_expected():
    with pytest.raises(ValueError, match=r"at least three axes .*got shape \(3, 5\)"):
        layers.TimeDistributed(layers.Dense(2))(floats(3, 5))
    with pytest.raises(ValueError, match=r"mask of shape \(3, 4\) for inputs of shape \(3, 5, 2\)"):
        layers.TimeDistributed(layers.Dense(2))(X, mask=np.ones((3, 4), bool))
    with pytest.raises(ValueError, match="wraps a layer"):
        layers.TimeDistributed(layers.Dense)
