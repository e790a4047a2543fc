"""Random initializers, drawn on the host with numpy."""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hornbook.core import config as registry
from hornbook.core.doors import also
from hornbook.core.dtype import is_float, standardize_dtype
from hornbook.core.random import SeedGenerator, host_generator
from hornbook.initializers.base import Initializer, Shape, finished

Seed = int | SeedGenerator | None


class RandomInitializer(Initializer):
    """Base of random initializers: checks the seed and creates generators from it.

    Args:
        seed: an integer (the same values at each call), a `SeedGenerator` (new values at each
            call), or `None` (drawn from the process-wide generator).

    Raises:
        ValueError: for any other seed.
    """

    def __init__(self, seed: Seed = None):
        if isinstance(seed, dict):
            seed = registry.deserialize(seed)
        known = seed is None or isinstance(seed, int | np.integer | SeedGenerator)
        if not known or isinstance(seed, bool):
            raise ValueError(f"seed is an integer, a SeedGenerator or None, not {seed!r}")
        self.seed = seed

    def generator(self) -> np.random.Generator:
        """The numpy generator for the next values.

        Example:
            >>> initializer = hornbook.initializers.RandomNormal(seed=1)
            >>> initializer.generator().random() == initializer.generator().random()
            True
        """
        if self.seed is None:
            return host_generator()
        if isinstance(self.seed, SeedGenerator):
            words = np.asarray(jax.random.key_data(self.seed.next())).tolist()
            return np.random.Generator(np.random.Philox(words))
        return np.random.Generator(np.random.Philox(int(self.seed) % 2**64))


@also("normal")
class RandomNormal(RandomInitializer):
    """Normally distributed values.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: see `RandomInitializer`.

    Example:
        >>> hornbook.initializers.RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        sample = _normal(self.generator(), shape, _drawn(dtype))
        return _moved(sample, self.stddev, self.mean, dtype)


class TruncatedNormal(RandomNormal):
    """Normally distributed values, redrawn if beyond two standard deviations.

    Args:
        mean: the mean.
        stddev: the standard deviation before the truncation.
        seed: see `RandomInitializer`.

    Example:
        >>> w = hornbook.initializers.TruncatedNormal(stddev=0.1, seed=1)((1000,))
        >>> bool(abs(w).max() <= 0.2)
        True
    """

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        sample = _truncated(self.generator(), shape, _drawn(dtype))
        return _moved(sample, self.stddev, self.mean, dtype)


@also("uniform")
class RandomUniform(RandomInitializer):
    """Uniformly distributed values.

    Args:
        minval: lower bound, inclusive.
        maxval: upper bound, exclusive.
        seed: see `RandomInitializer`.

    Example:
        >>> w = hornbook.initializers.RandomUniform(0.0, 1.0, seed=1)((1000,))
        >>> bool(w.min() >= 0 and w.max() < 1)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        if not is_float(standardize_dtype(dtype)):
            low, high = int(self.minval), int(self.maxval)
            return finished(self.generator().integers(low, high, shape), dtype)
        sample = _uniform(self.generator(), shape, _drawn(dtype))
        return _moved(sample, self.maxval - self.minval, self.minval, dtype)


class VarianceScaling(RandomInitializer):
    """Random values of variance `scale / n`, where `n` is the fan-in, the fan-out or their mean.

    Args:
        scale: positive factor of the variance.
        mode: the meaning of `n`: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"`, `"uniform"`.
        seed: see `RandomInitializer`.
        input_axes, output_axes: which axes of the shape count inputs and outputs; default: the
            last two, times the size of a convolution's window.

    Raises:
        ValueError: for any other mode or distribution, or a scale that is not positive.

    Example:
        >>> w = hornbook.initializers.VarianceScaling(2.0, seed=1)((500, 400))
        >>> round(float(w.var() * 500), 1)
        2.0
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: list[int] | None = None,
        output_axes: list[int] | None = None,
    ):
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"scale of an initializer is a positive number, not {scale!r}")
        if mode not in _MODES:
            raise ValueError(f"mode of an initializer is one of {list(_MODES)}, not {mode!r}")
        distribution = distribution.lower()
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(f"distribution is one of {list(_DISTRIBUTIONS)}, not {distribution!r}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        n = _MODES[self.mode](*compute_fans(shape, self.input_axes, self.output_axes))
        draw, unit = _DISTRIBUTIONS[self.distribution]
        factor = math.sqrt(self.scale / max(1.0, n)) / unit
        return _moved(draw(self.generator(), shape, _drawn(dtype)), factor, 0, dtype)


def compute_fans(
    shape: Shape,
    input_axes: list[int] | None = None,
    output_axes: list[int] | None = None,
) -> tuple[int, int]:
    """The fan-in and fan-out of a weight of a given shape.

    Args:
        shape: of a Dense kernel `(inputs, units)` or a convolution's `(*window, inputs, filters)`.
        input_axes, output_axes: the input and output axes of other shapes.

    Example:
        >>> hornbook.initializers.compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class _Scaled(VarianceScaling):
    """A `VarianceScaling` with fixed scale, mode and distribution."""

    fixed: tuple[float, str, str]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: list[int] | None = None,
        output_axes: list[int] | None = None,
    ):
        super().__init__(*self.fixed, seed, input_axes, output_axes)


class GlorotUniform(_Scaled):
    """Uniform within `sqrt(6 / (fan_in + fan_out))`: the default of Dense and convolutions.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: Glorot, Bengio 2010, proceedings.mlr.press/v9/glorot10a.

    Example:
        >>> hornbook.initializers.GlorotUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance `2 / (fan_in + fan_out)`.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: Glorot, Bengio 2010, proceedings.mlr.press/v9/glorot10a.

    Example:
        >>> hornbook.initializers.GlorotNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within `sqrt(6 / fan_in)`: for relu.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: He et al. 2015, arXiv:1502.01852.

    Example:
        >>> hornbook.initializers.HeUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance `2 / fan_in`: for relu.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: He et al. 2015, arXiv:1502.01852.

    Example:
        >>> hornbook.initializers.HeNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within `sqrt(3 / fan_in)`.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: LeCun et al. 1998, Efficient BackProp.

    Example:
        >>> hornbook.initializers.LecunUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance `1 / fan_in`: for selu.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.

    Source: LeCun et al. 1998, Efficient BackProp.

    Example:
        >>> hornbook.initializers.LecunNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    fixed = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal columns (or rows, if there are fewer rows).

    All axes but the last are flattened into one. The matrix is the Q of a normal matrix, with signs
    fixed so that all rotations are equally likely.

    Args:
        gain: factor of the result.
        seed: see `RandomInitializer`.

    Raises:
        ValueError: when called, for a shape with fewer than two axes.

    Source: Saxe et al. 2014, arXiv:1312.6120.

    Example:
        >>> w = hornbook.initializers.Orthogonal(seed=1)((4, 2))
        >>> bool(jnp.allclose(w.T @ w, jnp.eye(2), atol=1e-6))
        True
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs at least two axes, not shape {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(_normal(self.generator(), tall, _drawn(dtype)))
        q = q * np.sign(np.diag(r))
        return finished(self.gain * (q if rows >= columns else q.T).reshape(shape), dtype)


# ---- drawing


def _drawn(dtype: Any) -> Any:
    """The dtype in which values are drawn; 16-bit values are rounded from float32."""
    return np.float64 if standardize_dtype(dtype) == "float64" else np.float32


def _moved(sample: np.ndarray, factor: float, offset: float, dtype: Any) -> jax.Array:
    """`sample * factor + offset`, in place: fresh memory takes longer than the product."""
    values = np.asarray(sample)
    values *= factor
    if offset:
        values += offset
    return finished(values, dtype, own=True)


def _normal(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    return generator.standard_normal(shape, dtype)


def _uniform(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    return generator.random(shape, dtype)


def _centered(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    values = np.asarray(generator.random(shape, dtype))
    values *= 2
    values -= 1
    return values


def _truncated(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    """Normal values within two standard deviations; others are redrawn."""
    values = np.asarray(generator.standard_normal(shape, dtype))
    flat = values.reshape(-1)
    beyond = np.flatnonzero(np.abs(flat) > 2)
    while beyond.size:
        drawn = flat[beyond] = generator.standard_normal(beyond.size, dtype)
        beyond = beyond[np.abs(drawn) > 2]
    return values


_MODES: dict[str, Callable] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
}
_TRUNCATED_STDDEV = 0.87962566103423978  # of the normal distribution within [-2, 2]
_DISTRIBUTIONS: dict[str, tuple[Callable, float]] = {  # sampler, its standard deviation
    "truncated_normal": (_truncated, _TRUNCATED_STDDEV),
    "normal": (_truncated, _TRUNCATED_STDDEV),
    "untruncated_normal": (_normal, 1.0),
    "uniform": (_centered, 1 / math.sqrt(3)),
}
