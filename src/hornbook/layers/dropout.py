"""Dropout and noise: regularization that is active in training only."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import regularizers
from hornbook.core.random import SeedGenerator
from hornbook.core.settings import standardize_data_format
from hornbook.kernels import in_one_call
from hornbook.kernels.dropout import keep_mask
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec


@in_one_call(static=("rate", "noise_shape"))
def dropout(x: Array, rate: float, key: Array, noise_shape: tuple | None = None) -> Array:
    """Zero elements with probability `rate` and scale the rest by `1 / (1 - rate)`.

    Args:
        x: array.
        rate: probability, 0 to 1.
        key: a key of `jax.random`.
        noise_shape: shape of the random mask, which broadcasts to `x`; `None` entries are sizes of
            `x`.
    """
    keep = keep_mask(key, 1 - rate, _concrete(noise_shape, x.shape))
    scale = 1 / (1 - rate) if rate < 1 else 0.0
    return jnp.where(keep, x * jnp.asarray(scale, x.dtype), jnp.zeros((), x.dtype))


def _concrete(noise_shape: tuple | None, shape: tuple) -> tuple:
    if noise_shape is None:
        return shape
    if len(noise_shape) != len(shape):
        raise ValueError(f"noise_shape {noise_shape} must have as many axes as the input, {shape}")
    return tuple(n if want is None else want for want, n in zip(noise_shape, shape))


class _Noise(Layer):
    """Base of random layers that are active in training only."""

    largest = 1.0

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not 0 <= rate <= self.largest:
            raise ValueError(
                f"{type(self).__name__} takes a number from 0 to {self.largest:g}, not {rate!r}"
            )
        self.seed = seed
        self.supports_masking = True
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)


class Dropout(_Noise):
    """Sets random elements to 0 in training and scales the rest to keep the mean.

    Args:
        rate: probability that an element is set to 0.
        noise_shape: shape of the random mask, such as `(None, 1, None)` to drop the same features
            at every step of a sequence; default the input's shape.
        seed: random seed, for reproducible results.

    Source: Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.html.

    Raises:
        ValueError: if `rate` is not between 0 and 1, or `noise_shape` is not a shape.

    Example:
        >>> import hornbook as keras
        >>> x = np.ones((2, 100), "float32")
        >>> y = keras.layers.Dropout(0.5, seed=1)(x, training=True)
        >>> sorted(set(y.ravel().tolist()))
        [0.0, 2.0]
    """

    ignores_masked_steps = True

    def __init__(
        self, rate: float, noise_shape: tuple | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = _checked(noise_shape)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or self.rate == 0:
            return inputs
        return dropout(inputs, self.rate, self.seed_generator.next(), self.noise_shape)


def _checked(noise_shape: Any) -> tuple | None:
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape) if not isinstance(noise_shape, str) else (noise_shape,)
    if any(n is not None and (not isinstance(n, WHOLE) or n < 1) for n in sizes):
        raise ValueError(f"noise_shape holds positive integers or None, not {noise_shape!r}")
    return sizes


class _SpatialDropout(_Noise):
    """Drops whole channels."""

    rank = 1

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or self.rate == 0:
            return inputs
        ones = (1,) * self.rank
        channels_first = self.data_format == "channels_first"
        shape = (None, None, *ones) if channels_first else (None, *ones, None)
        return dropout(inputs, self.rate, self.seed_generator.next(), shape)


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of a sequence `(batch, steps, features)`.

    Args:
        rate: probability that a feature is dropped.
        seed: random seed, for reproducible results.

    Source: Tompson et al. 2014, arXiv:1411.4280.

    Example:
        >>> import hornbook as keras
        >>> y = keras.layers.SpatialDropout1D(0.5)(np.ones((1, 3, 4)), training=True)
        >>> bool((y[:, :1] == y).all())
        True
    """

    ignores_masked_steps = True

    _given = ("data_format",)

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, "channels_last", seed, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: probability that a channel is dropped.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Source: Tompson et al. 2014, arXiv:1411.4280.

    Example:
        >>> import hornbook as keras
        >>> y = keras.layers.SpatialDropout2D(0.5)(np.ones((1, 3, 3, 4)), training=True)
        >>> bool((y[:, :1, :1] == y).all())
        True
    """

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: probability that a channel is dropped.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Source: Tompson et al. 2014, arXiv:1411.4280.

    Example:
        >>> import hornbook as keras
        >>> y = keras.layers.SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 4)), training=True)
        >>> bool((y[:, :1, :1, :1] == y).all())
        True
    """

    rank = 3


class GaussianNoise(_Noise):
    """Adds Gaussian noise of mean 0 in training.

    Args:
        stddev: standard deviation of the noise.
        seed: random seed, for reproducible results.

    Example:
        >>> import hornbook as keras
        >>> y = keras.layers.GaussianNoise(0.1, seed=0)(np.zeros((1, 1000)), training=True)
        >>> bool(0.08 < y.std() < 0.12)
        True
    """

    ignores_masked_steps = True
    largest = math.inf

    _given = ("rate",)

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or self.stddev == 0:
            return inputs
        return inputs + self.stddev * _normal(self.seed_generator, inputs)


class GaussianDropout(_Noise):
    """Multiplies by Gaussian noise of mean 1 in training.

    The standard deviation is `sqrt(rate / (1 - rate))`, that of dropout with the same rate.

    Args:
        rate: the equivalent drop probability; below 1.
        seed: random seed, for reproducible results.

    Source: Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.html.

    Example:
        >>> import hornbook as keras
        >>> y = keras.layers.GaussianDropout(0.5, seed=0)(np.ones((1, 1000)), training=True)
        >>> bool(0.9 < y.mean() < 1.1)
        True
    """

    ignores_masked_steps = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, seed, **kwargs)
        if rate == 1:
            raise ValueError("GaussianDropout with rate 1 has infinite noise; use a lower rate")
        self.rate = rate

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * (1 + stddev * _normal(self.seed_generator, inputs))


def _normal(seed: SeedGenerator, like: Array) -> Array:
    return jax.random.normal(seed.next(), like.shape, like.dtype)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


class AlphaDropout(_Noise):
    """Dropout for SELU networks: dropped elements become SELU's lower bound.

    An affine map afterwards preserves mean 0 and variance 1.

    Args:
        rate: probability that an element is dropped.
        noise_shape: shape of the random mask; default the input's shape.
        seed: random seed, for reproducible results.

    Source: Klambauer et al. 2017, arXiv:1706.02515.

    Example:
        >>> import hornbook as keras
        >>> x = np.random.default_rng(0).normal(size=(100, 100))
        >>> y = keras.layers.AlphaDropout(0.3, seed=0)(x, training=True)
        >>> bool(abs(y.mean()) < 0.05), bool(abs(y.std() - 1) < 0.05)
        (True, True)
    """

    ignores_masked_steps = True

    def __init__(
        self, rate: float, noise_shape: tuple | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = _checked(noise_shape)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or self.rate == 0:
            return inputs
        shape = _concrete(self.noise_shape, inputs.shape)
        keep = keep_mask(self.seed_generator.next(), 1 - self.rate, shape)
        lowest = -SELU_ALPHA * SELU_SCALE
        scale = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * lowest**2)) if self.rate < 1 else 0
        offset = -scale * lowest * self.rate
        return scale * jnp.where(keep, inputs, jnp.asarray(lowest, inputs.dtype)) + offset


class ActivityRegularization(Layer):
    """Adds the penalty `sum(l1 * |x| + l2 * x**2)` to the loss; returns its input.

    Args:
        l1: weight of the absolute values.
        l2: weight of the squares.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.ActivityRegularization(l1=0.5)
        >>> _ = layer(np.array([[1.0, -3.0]]))
        >>> float(layer.losses[0])
        2.0
    """

    _given = ("activity_regularizer",)

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        return inputs
