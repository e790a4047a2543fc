"""Initializers: distributions against scipy, seeds, names, shapes and dtypes."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import scipy.stats

from hornbook import initializers
from hornbook.core.random import SeedGenerator, set_random_seed

SHAPE = (60, 50)
UNIFORM = ["GlorotUniform", "HeUniform", "LecunUniform"]
NORMAL = ["GlorotNormal", "HeNormal", "LecunNormal"]
RANDOM = ["RandomNormal", "TruncatedNormal", "RandomUniform", "VarianceScaling", "Orthogonal"]


def n(name, shape):
    """What the variance of a scaled initializer is divided by, over its scale."""
    fan_in, fan_out = initializers.compute_fans(shape)
    return {"G": (fan_in + fan_out) / 2, "H": fan_in / 2, "L": fan_in}[name[0]]


def follows(values, distribution):
    return scipy.stats.kstest(np.ravel(values), distribution.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", UNIFORM)
def test_a_scaled_uniform_initializer_fills_its_interval_evenly(name):
    values = getattr(initializers, name)(seed=1)(SHAPE)
    limit = (3 / n(name, SHAPE)) ** 0.5
    assert follows(values, scipy.stats.uniform(-limit, 2 * limit))


@pytest.mark.parametrize("shape", [SHAPE, (3, 3, 20, 15)])
@pytest.mark.parametrize("name", NORMAL)
def test_a_scaled_normal_initializer_is_truncated_and_has_its_variance(name, shape):
    values = np.asarray(getattr(initializers, name)(seed=1)(shape))
    stddev = n(name, shape) ** -0.5
    wide = stddev / scipy.stats.truncnorm(-2, 2).std()
    assert follows(values, scipy.stats.truncnorm(-2, 2, scale=wide))
    assert abs(values).max() <= 2 * wide
    assert values.std() == pytest.approx(stddev, rel=0.05)


def test_normal_truncated_and_uniform_follow_their_distributions():
    make = initializers
    assert follows(make.RandomNormal(1.0, 2.0, seed=1)(SHAPE), scipy.stats.norm(1, 2))
    truncated = scipy.stats.truncnorm(-2, 2, loc=1.0, scale=3.0)
    assert follows(make.TruncatedNormal(1.0, 3.0, seed=1)(SHAPE), truncated)
    assert follows(make.RandomUniform(-1.0, 3.0, seed=1)(SHAPE), scipy.stats.uniform(-1, 4))


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize(
    "distribution", ["truncated_normal", "untruncated_normal", "uniform", "normal"]
)
def test_variance_scaling_has_the_variance_it_says(mode, distribution):
    shape = (30, 90)
    values = initializers.VarianceScaling(2.0, mode, distribution, seed=1)(shape)
    wanted = 2 / {"fan_in": 30, "fan_out": 90, "fan_avg": 60}[mode]
    assert float(values.var()) == pytest.approx(wanted, rel=0.1)


def test_variance_scaling_counts_the_axes_it_is_told():
    options = {"input_axes": [0, 1], "output_axes": [2]}
    values = initializers.GlorotUniform(seed=1, **options)((40, 5, 100))
    assert float(abs(values).max()) == pytest.approx((6 / 300) ** 0.5, rel=0.01)


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (3, 4, 5), (2, 3, 4, 5)])
def test_fans_are_those_of_keras(shape):
    theirs = keras.src.initializers.random_initializers.compute_fans(shape)
    assert initializers.compute_fans(shape) == theirs


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    w = np.asarray(initializers.Orthogonal(gain=2.0, seed=1)(shape)).reshape(-1, shape[-1])
    product = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_orthogonal_matrices_are_evenly_spread():
    """The first element of a random rotation of three dimensions is uniform in [-1, 1]."""
    seed = SeedGenerator(3)
    draw = initializers.Orthogonal(seed=seed)
    assert follows([draw((3, 3))[0, 0] for _ in range(200)], scipy.stats.uniform(-1, 2))


@pytest.mark.parametrize("name", RANDOM + UNIFORM + NORMAL)
def test_an_integer_seed_gives_the_same_values_at_each_call(name):
    draw = getattr(initializers, name)(seed=5)
    again = getattr(initializers, name)(seed=5)
    np.testing.assert_array_equal(draw((4, 3)), draw((4, 3)))
    np.testing.assert_array_equal(draw((4, 3)), again((4, 3)))
    other = getattr(initializers, name)(seed=6)
    assert not np.array_equal(draw((4, 3)), other((4, 3)))


def test_no_seed_draws_afresh_from_the_process_wide_generator():
    draw = initializers.GlorotUniform()
    set_random_seed(1)
    first, second = draw((4, 3)), draw((4, 3))
    set_random_seed(1)
    np.testing.assert_array_equal(first, draw((4, 3)))
    assert not np.array_equal(first, second)


def test_a_seed_generator_gives_the_next_values_each_time():
    draw = initializers.RandomNormal(seed=SeedGenerator(1))
    first, second = draw((4,)), draw((4,))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, initializers.RandomNormal(seed=SeedGenerator(1))((4,)))


@pytest.mark.parametrize("seed", ["one", 1.5, True])
def test_another_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed is an integer, a SeedGenerator or None"):
        initializers.RandomNormal(seed=seed)


CLASSES = list(dict.fromkeys(initializers.TABLE.values()))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_result_is_an_array_of_the_dtype_asked_for(cls, dtype):
    shape = (8, 1, 5) if cls is initializers.STFT else (3, 4)
    values = cls()(shape, dtype=dtype)
    assert isinstance(values, jax.Array)
    assert (values.shape, values.dtype) == (shape, dtype)
    assert jnp.isfinite(values).all()


def test_the_dtype_by_default_is_floatx():
    assert initializers.Zeros()((2,)).dtype == "float32"


def test_constants_are_those_of_keras():
    for name, args in [("Zeros", ()), ("Ones", ()), ("Constant", (2.5,)), ("Identity", (3.0,))]:
        ours, theirs = (getattr(m.initializers, name)(*args) for m in (_hornbook(), keras))
        np.testing.assert_array_equal(ours((3, 2)), theirs((3, 2)))


def _hornbook():
    import hornbook

    return hornbook


@pytest.mark.parametrize("shape", [(50, 3), ()])
def test_values_are_those_of_the_formula_to_the_bit(shape):
    uniform, normal = initializers.RandomUniform, initializers.RandomNormal
    drawn = np.asarray(uniform(0.0, 1.0, seed=1)(shape))
    values = uniform(-0.05, 0.07, seed=1)(shape)
    np.testing.assert_array_equal(values, drawn * (0.07 + 0.05) + -0.05)
    drawn = np.asarray(normal(0.0, 1.0, seed=1)(shape))
    np.testing.assert_array_equal(normal(3.0, 0.1, seed=1)(shape), drawn * 0.1 + 3.0)


def test_an_array_as_constant_broadcasts():
    assert initializers.Constant(np.arange(2))((2, 2)).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", None, np.arange(8.0)])
@pytest.mark.parametrize("side, scaling", [("real", "density"), ("imag", "spectrum")])
@pytest.mark.parametrize("periodic", [True, False])
def test_the_fourier_kernel_is_that_of_keras(side, window, scaling, periodic):
    args = (side, window, scaling, periodic)
    theirs = keras.initializers.STFT(*args)((8, 1, 5))
    np.testing.assert_allclose(initializers.STFT(*args)((8, 1, 5)), theirs, atol=1e-5)


@pytest.mark.parametrize("name", initializers.TABLE)
def test_get_finds_every_name(name):
    assert isinstance(initializers.get(name), initializers.TABLE[name])


@pytest.mark.parametrize(
    "name",
    [line for line in dir(keras.initializers) if not line.startswith("_")],
)
def test_every_public_name_of_keras_is_here(name):
    assert hasattr(initializers, name)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_config_makes_an_equal_initializer(cls):
    options = {} if not issubclass(cls, initializers.RandomInitializer) else {"seed": 3}
    made = cls(**options)
    again = initializers.deserialize(initializers.serialize(made))
    shape = (8, 1, 5) if cls is initializers.STFT else (3, 4)
    assert type(again) is cls
    np.testing.assert_array_equal(made(shape), again(shape))
    np.testing.assert_array_equal(made(shape), made.clone()(shape))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_config_of_keras_is_understood(cls):
    theirs = keras.initializers.serialize(getattr(keras.initializers, cls.__name__)())
    assert type(initializers.deserialize(theirs)) is cls


def test_an_array_is_the_initial_value_itself():
    values = np.arange(6.0).reshape(2, 3)
    initializer = initializers.get(values)
    np.testing.assert_array_equal(initializer((2, 3)), values)
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*\(3, 2\)"):
        initializer((3, 2))


def test_other_identifiers():
    def ramp(shape, dtype=None):
        return np.arange(shape[0])

    assert initializers.get(None) is None
    assert initializers.get(ramp) is ramp
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    with pytest.raises(ValueError, match="'glorot' is not an initializer.*glorot_"):
        initializers.get("glorot")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: initializers.VarianceScaling(scale=0), "scale"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode"),
        (lambda: initializers.VarianceScaling(distribution="cauchy"), "distribution"),
        (lambda: initializers.STFT(side="left"), "side"),
        (lambda: initializers.STFT(window="square"), "window"),
        (lambda: initializers.STFT(scaling="loud"), "scaling"),
        (lambda: initializers.STFT(window=np.ones(3))((8, 1, 5)), "window"),
        (lambda: initializers.Identity()((2, 2, 2)), "matrices"),
        (lambda: initializers.Orthogonal()((2,)), "two axes"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_subclass_must_write_call():
    with pytest.raises(NotImplementedError, match=r"Initializer must define __call__"):
        initializers.Initializer()((2,))
