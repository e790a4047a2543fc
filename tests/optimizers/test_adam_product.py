"""Adam where a gradient is a product of two small matrices, which is not written out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook as keras
from hornbook import layers
from hornbook.kernels import native, plain, product
from hornbook.kernels.native import adam
from hornbook.optimizers import adam as optimizer_module

pytestmark = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
CONSTANTS = adam.Constants(0.9, 0.999, 1e-7)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def assert_product_is_as_good(terms, rows, columns, zeros):
    left, right = draw(terms, rows), draw(terms, columns, seed=1)
    left[:, np.random.default_rng(2).random(rows) < zeros] = 0
    moments = adam.Moments(*(jnp.abs(draw(rows, columns, seed=s)) for s in (3, 4, 5)))
    bias = adam.Moments(*(jnp.abs(draw(columns, seed=s)) for s in (6, 7, 8)))
    d_bias = jnp.asarray(draw(columns, seed=9))
    exact = jnp.asarray((left.astype("float64").T @ right).astype("float32"))
    pair = adam.Product(jnp.asarray(left), jnp.asarray(right))
    update = partial(adam.adam, jnp.float32(0.01), constants=CONSTANTS)
    found = update([d_bias, pair, d_bias], [bias, moments, bias])
    wanted = update([d_bias, exact, d_bias], [bias, moments, bias])
    for one, other in zip(found, wanted, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 64), st.integers(1, 200), st.integers(1, 150), st.sampled_from([0, 0.5, 1]))
def test_a_product_of_any_shape_moves_a_matrix_as_the_gradient_written_out(
    terms, rows, columns, zeros
):
    assert_product_is_as_good(terms, rows, columns, zeros)


@pytest.mark.parametrize("zeros", [0, 0.4])
def test_a_large_matrix_is_moved_in_parts(zeros):
    assert_product_is_as_good(32, 783, 301, zeros)


def test_matrices_that_do_not_fit_are_an_error():
    moments = adam.Moments(*(jnp.ones((4, 3)) for _ in range(3)))
    for left, right in [((5, 4), (6, 3)), ((5, 3), (5, 3)), ((5, 4), (5, 4))]:
        pair = adam.Product(jnp.ones(left), jnp.ones(right))
        with pytest.raises(jax.errors.JaxRuntimeError, match="differ in shape"):
            adam.adam(jnp.float32(1), [pair], [moments], CONSTANTS)[0].value.block_until_ready()


class Twice(keras.Model):
    """Its large layer is used twice, so its gradient is a sum of two products."""

    def __init__(self):
        super().__init__()
        self.large, self.out = layers.Dense(300, activation="relu"), layers.Dense(1)

    def call(self, x):
        return self.out(self.large(x) + self.large(x * 2))


def sequential(**settings):
    large = layers.Dense(300, activation="relu", **settings)
    return keras.Sequential([keras.Input((300,)), large, layers.Dense(1)])


def trained(make, optimizer, fast=True):
    keras.utils.set_random_seed(1)
    model = make()
    model.compile(optimizer(), "mse")
    x, y = draw(70, 300), draw(70, 1, seed=1)  # the last batch has 6 rows
    x[:, :120] = 0
    if fast:
        model.fit(x, y, batch_size=32, epochs=3, verbose=0)
    else:
        with plain():
            model.fit(x, y, batch_size=32, epochs=3, verbose=0)
    return [*model.get_weights(), *(np.asarray(v.raw) for v in model.optimizer.variables)]


@pytest.fixture
def shapes(monkeypatch):
    """Of the gradients that reach the kernel as products."""
    seen = []

    def watched(rate, gradients, variables, constants):
        pairs = [g for g in gradients if isinstance(g, adam.Product)]
        seen.extend((*left.shape, right.shape[1]) for left, right in pairs)
        return adam.adam(rate, gradients, variables, constants)

    monkeypatch.setattr(optimizer_module, "adam", watched)
    return seen


def assert_same(fast, slow):
    for a, b in zip(fast, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)


def test_a_large_kernel_ends_where_it_does_with_its_gradient_written_out(shapes):
    fast = trained(sequential, partial(keras.optimizers.Adam, 0.001))
    assert set(shapes) == {(32, 300, 300), (6, 300, 300)}
    assert_same(fast, trained(sequential, partial(keras.optimizers.Adam, 0.001), fast=False))


@pytest.mark.parametrize(
    ("make", "optimizer"),
    [
        (Twice, keras.optimizers.Adam),
        (sequential, partial(keras.optimizers.Adam, clipnorm=0.1)),
        (sequential, partial(keras.optimizers.Adam, global_clipnorm=0.1)),
        (sequential, partial(keras.optimizers.Adam, gradient_accumulation_steps=2)),
        (sequential, partial(keras.optimizers.Adam, amsgrad=True)),
        (sequential, keras.optimizers.SGD),
        (partial(sequential, kernel_regularizer="l2"), keras.optimizers.Adam),
    ],
    ids=["two uses", "clipnorm", "global clipnorm", "accumulation", "amsgrad", "SGD", "penalty"],
)
def test_what_is_more_than_a_product_is_written_out(make, optimizer, shapes):
    fast = trained(make, optimizer)
    assert not shapes
    assert_same(fast, trained(make, optimizer, fast=False))


def test_nothing_is_remembered_of_a_trace():
    trained(sequential, keras.optimizers.Adam)
    assert not product.factors
