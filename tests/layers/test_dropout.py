"""Noise layers: what they draw, when, and that it repeats."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import layers
from hornbook.core.variable import bind
from hornbook.kernels.dropout import keep_mask, random_bits
from tests.parity.helper import floats

ONES = np.ones((40, 50, 10), "float32")


def spread(share: float, count: int) -> float:
    """Five standard deviations of a share of `count` draws."""
    return 5 * (share * (1 - share) / count) ** 0.5


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_rate_and_scales_the_rest(rate):
    y = np.asarray(layers.Dropout(rate, seed=3)(ONES, training=True))
    assert abs((y == 0).mean() - rate) < spread(rate, y.size)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)


@pytest.mark.parametrize("name", ["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"])
def test_noise_is_there_in_training_only_and_none_at_rate_0(name):
    layer = getattr(layers, name)(0.3)
    np.testing.assert_array_equal(layer(ONES), ONES)
    assert (layer(ONES, training=True) != ONES).any()
    still = getattr(layers, name)(0.0)
    np.testing.assert_array_equal(still(ONES, training=True), ONES)
    assert still.variables == []


def test_rate_1_drops_all():
    assert not layers.Dropout(1.0)(ONES, training=True).any()


@pytest.mark.parametrize("name", ["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"])
def test_a_seed_repeats_and_each_call_differs(name):
    first, second = (getattr(layers, name)(0.3, seed=7) for _ in range(2))
    a, b = first(ONES, training=True), first(ONES, training=True)
    assert (a != b).any()
    np.testing.assert_array_equal(a, second(ONES, training=True))
    np.testing.assert_array_equal(b, second(ONES, training=True))
    assert (a != getattr(layers, name)(0.3, seed=8)(ONES, training=True)).any()


def test_compiled_dropout_is_the_eager_one_and_moves_its_seed():
    eager, compiled = layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=1)
    seed = compiled.seed_generator.state

    @jax.jit
    def step(x, state):
        with bind({seed: state}) as scope:
            y = compiled(x, training=True)
        return y, scope[seed]

    state = seed.value
    for _ in range(2):
        y, state = step(ONES, state)
        np.testing.assert_array_equal(y, eager(ONES, training=True))


def test_the_gradient_is_that_of_what_was_kept():
    layer = layers.Dropout(0.25, seed=1)
    x = jnp.asarray(floats(5, 6))

    def loss(x):
        with bind({}):
            y = layer(x, training=True)
        return y.sum(), y

    gradient, y = jax.grad(loss, has_aux=True)(x)
    np.testing.assert_allclose(gradient, np.where(y == 0, 0, 4 / 3), rtol=1e-6)


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (40, 1, 10), (1, 50, 1)])
def test_noise_shape_shares_decisions(noise_shape):
    y = np.asarray(layers.Dropout(0.5, noise_shape, seed=0)(ONES, training=True))
    for axis, size in enumerate(noise_shape):
        same = (y == np.take(y, [0], axis)).all()
        assert same == (size == 1)


@pytest.mark.parametrize(
    "layer, shape, shared",
    [
        (layers.SpatialDropout1D(0.5), (9, 5, 8), (1,)),
        (layers.SpatialDropout2D(0.5), (9, 4, 5, 8), (1, 2)),
        (layers.SpatialDropout2D(0.5, data_format="channels_first"), (9, 8, 4, 5), (2, 3)),
        (layers.SpatialDropout3D(0.5), (9, 2, 3, 2, 8), (1, 2, 3)),
    ],
)
def test_spatial_dropout_drops_whole_channels(layer, shape, shared):
    y = np.asarray(layer(np.ones(shape, "float32"), training=True))
    assert ((y == 0).all(shared) | (y == 2).all(shared)).all()
    assert 0 < (y == 0).mean() < 1


def test_gaussian_layers_have_their_mean_and_deviation():
    noise = np.asarray(layers.GaussianNoise(0.3, seed=0)(ONES, training=True))
    scaled = np.asarray(layers.GaussianDropout(0.2, seed=0)(ONES, training=True))
    for y, stddev in ((noise, 0.3), (scaled, 0.5)):
        assert abs(y.mean() - 1) < 5 * stddev / y.size**0.5
        assert abs(y.std() - stddev) < 5 * stddev / (2 * y.size) ** 0.5


def test_alpha_dropout_keeps_mean_and_variance_of_normal_inputs():
    x = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    y = np.asarray(layers.AlphaDropout(0.4, seed=0)(x, training=True))
    assert abs(y.mean()) < 0.03 and abs(y.std() - 1) < 0.03
    _, counts = np.unique(y, return_counts=True)  # the dropped ones all have one value
    assert abs(counts.max() / y.size - 0.4) < spread(0.4, y.size)


def test_dropout_keeps_the_dtype():
    layer = layers.Dropout(0.5, dtype="bfloat16")
    assert layer(ONES, training=True).dtype == "bfloat16"


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: layers.Dropout(1.5), "Dropout takes a number from 0 to 1, not 1.5"),
        (lambda: layers.Dropout(0.5, noise_shape=(2, 0)), "positive integers or None"),
        (lambda: layers.Dropout(0.5, (None, 1))(ONES, training=True), "as many axes as the input"),
        (lambda: layers.GaussianDropout(1.0), "infinite noise"),
    ],
)
def test_bad_arguments_are_named(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_activity_regularization_adds_its_penalty():
    layer = layers.ActivityRegularization(l1=0.1, l2=0.01)
    x = np.array([[1.0, -2.0], [3.0, 0.0]], "float32")
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_allclose(layer.losses[0], (0.1 * 6 + 0.01 * 14) / 2, rtol=1e-6)


# ---- the bits


def numpy_bits(first: int, second: int, count: int) -> np.ndarray:
    bits = np.arange(count, dtype="uint32") + np.uint32(first)
    bits = (bits ^ (bits >> 16)) * np.uint32(0x7FEB352D)
    bits = (bits + np.uint32(second)) ^ (bits >> 15)
    bits = bits * np.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def test_random_bits_are_the_formula():
    key = jax.random.key(5)
    words = np.asarray(jax.random.bits(key, (2,), "uint32"))
    with np.errstate(over="ignore"):
        wanted = numpy_bits(words[0], words[1], 60).reshape(3, 4, 5)
    np.testing.assert_array_equal(random_bits(key, (3, 4, 5)), wanted)


@pytest.mark.parametrize("seed", range(3))
def test_random_bits_are_even_and_independent(seed):
    n = 2**16
    bits = np.asarray(random_bits(jax.random.key(seed), (n,)))
    each = (bits[:, None] >> np.arange(32, dtype="uint32")) & 1
    assert np.abs(each.mean(0) - 0.5).max() < spread(0.5, n)
    counts = np.bincount(bits >> 24, minlength=256)
    chi_square = ((counts - n / 256) ** 2 / (n / 256)).sum()
    assert 255 - 6 * (2 * 255) ** 0.5 < chi_square < 255 + 6 * (2 * 255) ** 0.5
    for lag in (1, 2, 64, 1000):  # neighbours in a row, in a column
        agreement = (each[lag:] == each[:-lag]).mean(0)
        assert np.abs(agreement - 0.5).max() < spread(0.5, n - lag)


@pytest.mark.parametrize("other", [(0, 1), (0, 2), (1, 0)])
def test_bits_of_two_keys_are_unrelated(other):
    """As the words of a `SeedGenerator` are a seed and a count, near keys are the usual case."""
    n = 2**16
    keys = [jax.random.wrap_key_data(jnp.array(k, "uint32")) for k in ((0, 0), other)]
    first, second = (np.asarray(random_bits(key, (n,))) for key in keys)
    different = first ^ second
    each = (different[:, None] >> np.arange(32, dtype="uint32")) & 1
    assert np.abs(each.mean(0) - 0.5).max() < spread(0.5, n)
    assert len(np.intersect1d(first, second)) < 100  # about one pair in a million is expected


def test_keep_mask_at_the_ends():
    key = jax.random.key(0)
    assert keep_mask(key, 1.0, (3, 4)).all() and not keep_mask(key, 0.0, (3, 4)).any()
