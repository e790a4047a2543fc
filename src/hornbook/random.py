"""Random arrays: samples from distributions, drawn with JAX and reproducible by seed.

    random.normal((2, 3), seed=1)                 # the same values each time
    generator = random.SeedGenerator(1)
    random.normal((2, 3), seed=generator)         # new values each time
    random.normal((2, 3))                         # new values, from the global generator

Inside a layer's `call`, pass a `SeedGenerator` that the layer owns: training then carries its state
from step to step.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import doors, symbolic
from hornbook.core.dtype import canonical as _canonical
from hornbook.core.random import SeedGenerator as SeedGenerator
from hornbook.core.random import key_from as _key_from
from hornbook.ops import rows

Shape = Sequence[int]


def normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Normally distributed numbers.

    Args:
        shape: of the result.
        mean, stddev: of the distribution.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> hornbook.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    return jax.random.normal(_key_from(seed), tuple(shape), _canonical(dtype)) * stddev + mean


def uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Uniformly distributed numbers from `minval` (inclusive) to `maxval` (exclusive).

    Args:
        shape: of the result.
        minval, maxval: the bounds.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> x = hornbook.random.uniform((100,), 2.0, 3.0, seed=1)
        >>> bool((x >= 2).all() and (x < 3).all())
        True
    """
    dtype = _canonical(dtype)
    return jax.random.uniform(_key_from(seed), tuple(shape), dtype, minval, maxval)


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Normally distributed numbers within two standard deviations.

    Args:
        shape: of the result.
        mean, stddev: of the distribution before the truncation.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> bool((abs(hornbook.random.truncated_normal((100,), seed=1)) <= 2).all())
        True
    """
    draw = jax.random.truncated_normal(_key_from(seed), -2.0, 2.0, tuple(shape), _canonical(dtype))
    return draw * stddev + mean


@symbolic.op
def categorical(logits: Array, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Classes sampled with probabilities `softmax(logits)`.

    Args:
        logits: `(batch, classes)`.
        num_samples: number of samples for each row.
        dtype: dtype of the result.
        seed: an integer, a `SeedGenerator` or `None`.

    Returns:
        `(batch, num_samples)`.

    Example:
        >>> hornbook.random.categorical(np.array([[0.0, 99.0]]), 3, seed=1).tolist()
        [[1, 1, 1]]
    """
    logits = rows.floating(logits)
    if logits.ndim != 2:
        raise ValueError(f"categorical needs logits (batch, classes), not shape {logits.shape}")
    shape = (logits.shape[0], num_samples)
    drawn = jax.random.categorical(_key_from(seed), logits[:, None, :], -1, shape=shape)
    return drawn.astype(_canonical(dtype))


def randint(
    shape: Shape, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None
) -> Array:
    """Uniformly distributed integers from `minval` (inclusive) to `maxval` (exclusive).

    Args:
        shape: of the result.
        minval, maxval: the bounds.
        dtype: an integer dtype.
        seed: an integer, a `SeedGenerator` or `None`.

    Raises:
        ValueError: for any other dtype.

    Example:
        >>> bool((hornbook.random.randint((100,), 0, 3, seed=1) < 3).all())
        True
    """
    if "int" not in _canonical(dtype):
        raise ValueError(f"randint draws integers: dtype must be an integer dtype, not {dtype!r}")
    return jax.random.randint(_key_from(seed), tuple(shape), minval, maxval, _canonical(dtype))


@symbolic.op
def dropout(
    inputs: Array, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None
) -> Array:
    """The inputs, each set to 0 with probability `rate`, the others divided by `1 - rate`.

    Args:
        inputs: array.
        rate: from 0 to 1.
        noise_shape: shape of the mask, which is broadcast to the inputs; `None` means the size of
            the input's axis.
        seed: an integer, a `SeedGenerator` or `None`.

    Source: Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.

    Example:
        >>> sorted(set(hornbook.random.dropout(np.ones(100, "float32"), 0.5, seed=1).tolist()))
        [0.0, 2.0]
    """
    inputs = rows.floating(inputs)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate of dropout must be a number from 0 to 1, not {rate!r}")
    if rate == 0:
        return inputs
    if rate == 1:
        return jnp.zeros_like(inputs)
    shape = inputs.shape
    if noise_shape is not None:
        shape = tuple(n if m is None else m for m, n in zip(noise_shape, shape, strict=True))
    kept = jax.random.bernoulli(_key_from(seed), 1 - rate, shape)
    return jnp.where(kept, inputs / (1 - rate), 0)


@symbolic.op
def shuffle(x: Array, axis: int = 0, seed: Any = None) -> Array:
    """The slices along an axis in random order.

    Args:
        x: array.
        axis: axis along which slices are permuted.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> sorted(hornbook.random.shuffle(np.arange(5), seed=1).tolist())
        [0, 1, 2, 3, 4]
    """
    return jax.random.permutation(_key_from(seed), rows.array(x), axis)


def gamma(shape: Shape, alpha: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Samples of the gamma distribution with shape parameter `alpha` and scale 1.

    Args:
        shape: of the result.
        alpha: positive; is broadcast to the shape.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> bool((hornbook.random.gamma((10,), 2.0, seed=1) > 0).all())
        True
    """
    dtype = _canonical(dtype)
    return jax.random.gamma(_key_from(seed), jnp.asarray(alpha, dtype), tuple(shape), dtype)


def beta(shape: Shape, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Samples of the beta distribution, between 0 and 1.

    Args:
        shape: of the result.
        alpha, beta: positive parameters; are broadcast to the shape.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> bool((hornbook.random.beta((10,), 2.0, 3.0, seed=1) < 1).all())
        True
    """
    dtype = _canonical(dtype)
    alpha, beta = jnp.asarray(alpha, dtype), jnp.asarray(beta, dtype)
    return jax.random.beta(_key_from(seed), alpha, beta, tuple(shape), dtype)


def binomial(
    shape: Shape, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Array:
    """Samples of the binomial distribution: the number of successes in `counts` trials.

    Args:
        shape: of the result.
        counts: numbers of trials; are broadcast to the shape.
        probabilities: probabilities of success; are broadcast to the shape.
        dtype: default `floatx()`.
        seed: an integer, a `SeedGenerator` or `None`.

    Example:
        >>> bool((hornbook.random.binomial((10,), 4, 0.5, seed=1) <= 4).all())
        True
    """
    dtype = _canonical(dtype)
    counts, probabilities = jnp.asarray(counts, dtype), jnp.asarray(probabilities, dtype)
    return jax.random.binomial(_key_from(seed), counts, probabilities, tuple(shape), dtype)


doors.publish(globals())
