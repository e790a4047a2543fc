"""`tf.random`: draws from hornbook's generators; the numbers are JAX's, reproducible by seed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import random
from hornbook.compat.tensorflow.arrays import is_text, sizes
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.tensors import tensor


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Uniform random numbers: floats, or integers below `maxval`."""
    kind = as_dtype(dtype)
    if kind.is_integer:
        return random.randint(sizes(shape), minval, maxval, dtype=kind.name, seed=seed)
    return random.uniform(sizes(shape), minval, 1.0 if maxval is None else maxval, kind.name, seed)


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Normal random numbers."""
    return random.normal(sizes(shape), mean, stddev, as_dtype(dtype).name, seed)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Normal random numbers within two standard deviations."""
    return random.truncated_normal(sizes(shape), mean, stddev, as_dtype(dtype).name, seed)


def categorical(
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Indices drawn with the probabilities `softmax(logits)`, (rows, samples)."""
    return random.categorical(
        jnp.asarray(logits), int(num_samples), as_dtype(dtype or "int64").name, seed
    )


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """Slices in random order; also of an array of texts."""
    if is_text(value):
        order = np.asarray(random.shuffle(jnp.arange(len(value)), seed=seed))
        return tensor(np.asarray(value, object)[order])
    return random.shuffle(value, seed=seed)


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Random numbers of the gamma distribution, `(*shape, *alpha.shape)`."""
    whole = (*sizes(shape), *np.broadcast_shapes(np.shape(alpha), np.shape(beta or 0)))
    found = random.gamma(whole, alpha, as_dtype(dtype).name, seed)
    return found if beta is None else found / beta


def poisson(
    shape: Any, lam: Any, dtype: Any = "float32", seed: Any = None, name: str | None = None
) -> Any:
    """Random numbers of the Poisson distribution, `(*shape, *lam.shape)`."""
    key = jax.random.key(int(np.asarray(random.randint((), 0, 2**31 - 1, seed=seed))))
    whole = (*sizes(shape), *np.shape(lam))
    return jax.random.poisson(key, jnp.asarray(lam), whole).astype(str(dtype))


# ---- the same numbers for the same seed


def _seed(seed: Any) -> int:
    """A number from the two of TensorFlow's stateless functions."""
    high, low = (int(one) for one in np.ravel(np.asarray(seed)))
    return (high * 1_000_003 + low) % (2**31 - 1)


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Uniform random numbers that depend on the seed alone."""
    return uniform(shape, minval, maxval, dtype, _seed(seed))


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Normal random numbers that depend on the seed alone."""
    return normal(shape, mean, stddev, dtype, _seed(seed))


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Truncated normal random numbers that depend on the seed alone."""
    return truncated_normal(shape, mean, stddev, dtype, _seed(seed))


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = "int64", name: str | None = None
) -> Any:
    """Indices that depend on the logits and the seed alone."""
    return categorical(logits, num_samples, dtype, _seed(seed))


def split(seed: Any, num: int = 2, alg: Any = None) -> Any:
    """Further seeds from one, (num, 2)."""
    drawn = np.random.default_rng(_seed(seed)).integers(0, 2**31 - 1, (num, 2))
    return jnp.asarray(drawn.astype("int32"))


def fold_in(seed: Any, data: Any, alg: Any = None) -> Any:
    """Another seed from one and a number."""
    return split([_seed(seed), int(data)], 1)[0]


class Generator:
    """`tf.random.Generator`: a stream of random numbers.

    Args:
        seed: of the stream; `None` draws one.
    """

    def __init__(self, seed: Any = None, **options: Any):
        self._seeds = random.SeedGenerator(seed)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> "Generator":
        """A stream from a seed."""
        return cls(int(np.ravel(np.asarray(seed))[0]))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> "Generator":
        """A stream that differs each time."""
        return cls(int(np.random.SeedSequence().generate_state(1)[0] >> 1))

    def reset_from_seed(self, seed: Any) -> None:
        """Start again from a seed."""
        self._seeds = random.SeedGenerator(int(seed))

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", **_: Any
    ) -> Any:
        """Uniform random numbers."""
        return uniform(shape, minval, maxval, dtype, self._seeds)

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", **_: Any
    ) -> Any:
        """Normal random numbers."""
        return normal(shape, mean, stddev, dtype, self._seeds)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", **_: Any
    ) -> Any:
        """Normal random numbers within two standard deviations."""
        return truncated_normal(shape, mean, stddev, dtype, self._seeds)

    def make_seeds(self, count: int = 1) -> Any:
        """Seeds for stateless functions, (2, count)."""
        return random.randint((2, count), 0, 2**31 - 1, seed=self._seeds)

    def split(self, count: int = 1) -> list:
        """Other streams."""
        drawn = np.asarray(random.randint((count,), 0, 2**31 - 1, seed=self._seeds))
        return [Generator(int(seed)) for seed in drawn]


def get_global_generator() -> Generator:
    """A stream of its own."""
    return Generator()
