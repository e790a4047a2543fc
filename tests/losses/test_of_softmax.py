"""The crossentropy of classes where it is known that the probabilities are a softmax of logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, losses, ops
from hornbook.kernels import plain
from hornbook.ops.activation import logits_of

CLASSES = 5
loss_of = losses.sparse_categorical_crossentropy


def draw(*shape, scale=3.0):
    return (scale * np.random.default_rng(1).normal(size=shape)).astype("float32")


def labels(*shape):
    return np.random.default_rng(2).integers(0, CLASSES, shape)


def value_and_gradient(logits, y, softmax=ops.softmax):
    total = lambda z: jnp.sum(jnp.cos(loss_of(y, softmax(z))))  # noqa: E731
    return jax.jit(jax.value_and_grad(total))(logits)


@pytest.mark.parametrize("scale", [1.0, 10.0, 60.0], ids=["small", "large", "clipped"])
@pytest.mark.parametrize("shape", [(64,), (8, 9), (1000,)])
def test_values_and_gradients_are_those_of_the_probabilities(shape, scale):
    logits, y = draw(*shape, CLASSES, scale=scale), labels(*shape)
    found = value_and_gradient(logits, y)
    with plain():
        wanted = value_and_gradient(logits, y)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=3e-5)


def test_the_probabilities_are_not_divided_and_multiplied_again():
    logits, y = draw(64, CLASSES), labels(64)
    gradient = jax.grad(lambda z: jnp.sum(loss_of(y, ops.softmax(z))))
    after = jax.jit(gradient).lower(logits).compile().as_text()
    with plain():
        gradient = jax.grad(lambda z: jnp.sum(loss_of(y, ops.softmax(z))))
        before = jax.jit(gradient).lower(logits).compile().as_text()
    assert after.count(" divide(") < before.count(" divide(")


def test_a_changed_softmax_is_no_softmax():
    logits, y = draw(64, CLASSES), labels(64)
    halved = value_and_gradient(logits, y, lambda z: ops.softmax(z) ** 2)
    with plain():
        wanted = value_and_gradient(logits, y, lambda z: ops.softmax(z) ** 2)
    for one, other in zip(halved, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_axis_is_not_taken_for_the_classes():
    logits, y = draw(CLASSES, CLASSES), labels(CLASSES)
    found = value_and_gradient(logits, y, lambda z: ops.softmax(z, axis=0))
    with plain():
        wanted = value_and_gradient(logits, y, lambda z: ops.softmax(z, axis=0))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("from_logits", [True, False])
def test_targets_out_of_range_cost_nothing_and_teach_nothing(from_logits):
    logits, y = draw(6, CLASSES), np.array([0, -1, 2, CLASSES, 4, 100])

    def total(z):
        return jnp.sum(
            ops.sparse_categorical_crossentropy(
                y, z if from_logits else ops.softmax(z), from_logits=from_logits
            )
        )

    gradient = jax.jit(jax.grad(total))(logits)
    outside = [1, 3, 5]
    np.testing.assert_array_equal(gradient[jnp.array(outside)], 0)
    assert np.abs(np.delete(gradient, outside, 0)).sum(1).min() > 0


@pytest.mark.parametrize("from_logits", [True, False])
def test_forward_and_second_derivatives_work(from_logits):
    logits, y = draw(3, CLASSES), labels(3)

    def total(z):
        return jnp.sum(loss_of(y, z if from_logits else ops.softmax(z), from_logits=from_logits))

    p = np.asarray(jax.nn.softmax(logits))
    found = jax.jit(jax.hessian(total))(logits)
    for row in range(3):
        wanted = np.diag(p[row]) - np.outer(p[row], p[row])
        np.testing.assert_allclose(found[row, :, row], wanted, atol=1e-5)


@pytest.mark.parametrize(
    "out",
    [
        lambda: layers.Dense(CLASSES, activation="softmax"),
        lambda: layers.TimeDistributed(layers.Dense(CLASSES, activation="softmax")),
        lambda: keras.Sequential([layers.Dense(CLASSES), layers.Softmax()]),
    ],
    ids=["dense", "time distributed", "softmax layer"],
)
def test_a_model_trains_as_with_its_probabilities(out, monkeypatch):
    seen = []
    find = type(logits_of).of

    def watched(self, array):
        found = find(self, array)
        if self is logits_of:
            seen.append(found is not None)
        return found

    monkeypatch.setattr(type(logits_of), "of", watched)

    def trained():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((7, 6)), layers.Dense(8, activation="tanh"), out()])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(draw(40, 7, 6), labels(40, 7), 16, epochs=3, verbose=0).history
        return [*history["loss"], *history["accuracy"], *model.get_weights()]

    fast = trained()
    assert any(seen)
    with plain():
        slow = trained()
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_nothing_is_remembered_after_a_trace():
    value_and_gradient(draw(8, CLASSES), labels(8))
    assert not len(logits_of)
