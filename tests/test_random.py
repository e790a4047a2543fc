"""Random arrays: distributions against scipy, seeds, shapes, dtypes."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import scipy.stats

from hornbook import random
from hornbook.core.random import set_random_seed
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import bind

SHAPE = (50, 40)
DRAWS = {
    "normal": ((1.0, 2.0), scipy.stats.norm(1, 2)),
    "uniform": ((-1.0, 3.0), scipy.stats.uniform(-1, 4)),
    "truncated_normal": ((1.0, 2.0), scipy.stats.truncnorm(-2, 2, loc=1, scale=2)),
    "gamma": ((2.5,), scipy.stats.gamma(2.5)),
    "beta": ((2.0, 3.0), scipy.stats.beta(2, 3)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_continuous_distribution_is_the_one_it_says(name):
    args, distribution = DRAWS[name]
    values = np.ravel(getattr(random, name)(SHAPE, *args, seed=1))
    assert scipy.stats.kstest(values, distribution.cdf).pvalue > 0.01


def counts_fit(values, chances):
    counts = np.bincount(np.ravel(values).astype(int), minlength=len(chances))
    return scipy.stats.chisquare(counts, np.array(chances) * counts.sum()).pvalue > 0.01


def test_discrete_distributions_are_those_they_say():
    assert counts_fit(random.randint(SHAPE, 0, 4, seed=1), [0.25] * 4)
    binomial = scipy.stats.binom(3, 0.3).pmf(range(4))
    assert counts_fit(random.binomial(SHAPE, 3, 0.3, seed=1), binomial)
    chances = np.array([0.1, 0.6, 0.3])
    logits = np.log(chances)[None].astype("float32")
    assert counts_fit(random.categorical(logits, 2000, seed=1), chances)


@pytest.mark.parametrize("name", [*DRAWS, "randint", "binomial"])
def test_seeds_repeat_and_generators_go_on(name):
    args = {"randint": (0, 1000), "binomial": (50, 0.5)}.get(name) or DRAWS[name][0]
    draw = getattr(random, name)
    np.testing.assert_array_equal(draw((9,), *args, seed=3), draw((9,), *args, seed=3))
    first, again = random.SeedGenerator(3), random.SeedGenerator(3)
    a, b = draw((9,), *args, seed=first), draw((9,), *args, seed=first)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(a, draw((9,), *args, seed=again))
    set_random_seed(1)
    c, d = draw((9,), *args), draw((9,), *args)
    set_random_seed(1)
    np.testing.assert_array_equal(c, draw((9,), *args))
    assert not np.array_equal(c, d)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", DRAWS)
def test_results_have_the_dtype_asked_for(name, dtype):
    values = jax.eval_shape(
        lambda: getattr(random, name)((3,), *DRAWS[name][0], dtype=dtype, seed=1)
    )
    assert (values.shape, values.dtype) == ((3,), dtype)


def test_dropout_keeps_the_mean_and_shares_noise():
    x = np.ones((200, 50), "float32")
    out = np.asarray(random.dropout(x, 0.3, seed=1))
    np.testing.assert_allclose(np.unique(out), [0, 1 / 0.7], rtol=1e-6)
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.02)
    shared = np.asarray(random.dropout(x, 0.5, noise_shape=(None, 1), seed=1))
    assert ((shared == 0).all(1) | (shared > 0).all(1)).all()
    assert np.asarray(random.dropout(x, 0.0)).all()
    assert not np.asarray(random.dropout(x, 1.0)).any()
    with pytest.raises(ValueError, match="rate of dropout"):
        random.dropout(x, 1.5)


def test_the_gradient_of_dropout_is_its_mask():
    x = jnp.arange(1.0, 9.0)
    out, back = jax.vjp(lambda x: random.dropout(x, 0.5, seed=2), x)
    np.testing.assert_allclose(back(jnp.ones(8))[0], out / x)


@pytest.mark.parametrize("axis", [0, 1])
def test_shuffle_moves_whole_slices(axis):
    x = np.arange(24).reshape(8, 3)
    out = np.asarray(random.shuffle(x, axis=axis, seed=4))
    order = np.lexsort(np.moveaxis(out, axis, 0).reshape(x.shape[axis], -1).T[::-1])
    np.testing.assert_array_equal(np.take(out, order, axis), x)
    assert not np.array_equal(out, x)


def test_symbols_have_shapes():
    x = SymbolicTensor((None, 4))
    assert random.dropout(x, 0.5, seed=1).shape == (None, 4)
    drawn = random.categorical(x, 3, seed=1)
    assert (drawn.shape, drawn.dtype) == ((None, 3), "int32")


def test_a_generator_goes_on_inside_a_traced_function():
    generator = random.SeedGenerator(7)

    @jax.jit
    def two(state):
        with bind({generator.state: state}) as scope:
            return (
                random.normal((), seed=generator),
                random.normal((), seed=generator),
                scope[generator.state],
            )

    a, b, state = two(generator.state.value)
    assert float(a) != float(b)
    assert state.tolist() == [7, 2]
    assert float(random.normal((), seed=generator)) == pytest.approx(float(a))


def test_categorical_wants_a_batch():
    with pytest.raises(ValueError, match=r"\(batch, classes\)"):
        random.categorical(jnp.zeros(3), 2)


def test_every_public_name_of_keras_is_here():
    names = {name for name in dir(keras.random) if not name.startswith("_")}
    assert names <= set(dir(random))


def test_a_raw_key_of_jax_is_a_seed():
    raw, key = jax.random.PRNGKey(3), jax.random.key(3)
    assert random.normal((4,), seed=raw).tolist() == random.normal((4,), seed=key).tolist()
    drawn = jax.jit(lambda seed: random.uniform((4,), seed=seed))(raw)
    np.testing.assert_allclose(drawn, random.uniform((4,), seed=raw))


def test_random_integers_are_integers():
    assert random.randint((2,), 0, 3, dtype="uint8", seed=1).dtype == "uint8"
    with pytest.raises(ValueError, match="integer dtype, not 'float32'"):
        random.randint((2,), 0, 3, dtype="float32")
