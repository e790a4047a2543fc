"""Initializers: functions from a shape and a dtype to the first value of a weight.

    Dense(10, kernel_initializer="he_normal")
    Dense(10, kernel_initializer=initializers.RandomNormal(stddev=0.01, seed=1))

An initializer is any callable `(shape, dtype=None) -> array`. Random ones draw on the host with
numpy, so that building a model compiles nothing. With an integer seed each call gives the same
values; with none, each call draws afresh from the generator that `set_random_seed` seeds.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import config as registry
from hornbook.core.dtype import canonical, is_float, standardize_dtype
from hornbook.core.module import to_snake_case
from hornbook.core.random import SeedGenerator, host_generator

Shape = tuple[int, ...]
Seed = int | SeedGenerator | None


class Initializer(registry.Configurable):
    """Base of initializers: write `__call__(self, shape, dtype=None)`, which returns an array.

    Example:
        >>> class Ramp(hornbook.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return jnp.arange(math.prod(shape), dtype=dtype).reshape(shape)
        >>> import math
        >>> Ramp()((3,), "float32").tolist()
        [0.0, 1.0, 2.0]
    """

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """An array of this shape and dtype (default `floatx()`)."""
        raise NotImplementedError(f"{type(self).__name__} must write __call__(shape, dtype=None)")

    def clone(self) -> "Initializer":
        """An initializer made with the same arguments.

        Example:
            >>> hornbook.initializers.Constant(3).clone()
            Constant(value=3)
        """
        return type(self).from_config(self.get_config())


# ---- constant


class Constant(Initializer):
    """Every element has the value `value`.

    Args:
        value: a number, or an array that broadcasts to the shape asked for.

    Example:
        >>> hornbook.initializers.Constant(3)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        return _finished(np.broadcast_to(np.asarray(self.value), shape), dtype)


class Zeros(Constant):
    """Every element is 0.

    Example:
        >>> hornbook.initializers.Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __init__(self):
        super().__init__(0)


class Ones(Constant):
    """Every element is 1.

    Example:
        >>> hornbook.initializers.Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __init__(self):
        super().__init__(1)


class Identity(Initializer):
    """The identity matrix, times `gain`.

    Args:
        gain: the value on the diagonal.

    Raises:
        ValueError: when called, for a shape that is not a matrix's.

    Example:
        >>> hornbook.initializers.Identity()((2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        if len(shape) != 2:
            raise ValueError(f"Identity initializes matrices, not shape {tuple(shape)}")
        return _finished(self.gain * np.eye(*shape), dtype)


# ---- random


class RandomInitializer(Initializer):
    """Base of random initializers: checks the seed and makes generators from it.

    Args:
        seed: an integer (the same values at each call), a `SeedGenerator` (the next ones), or
            `None` (drawn from the process-wide generator).

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
        """The numpy generator to draw the next values from.

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


class RandomNormal(RandomInitializer):
    """Normally distributed.

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
        return _finished(sample * self.stddev + self.mean, dtype)


class TruncatedNormal(RandomNormal):
    """Normally distributed, with what lies beyond two standard deviations drawn again.

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
        return _finished(sample * self.stddev + self.mean, dtype)


class RandomUniform(RandomInitializer):
    """Uniformly distributed.

    Args:
        minval: lower bound.
        maxval: upper bound, not reached.
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
            return _finished(self.generator().integers(low, high, shape), dtype)
        sample = _uniform(self.generator(), shape, _drawn(dtype))
        return _finished(sample * (self.maxval - self.minval) + self.minval, dtype)


class VarianceScaling(RandomInitializer):
    """Random with variance `scale / n`, where `n` counts inputs, outputs, or is their mean.

    Args:
        scale: positive factor of the variance.
        mode: what `n` is: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"`, `"uniform"`.
        seed: see `RandomInitializer`.
        input_axes, output_axes: which axes of the shape count inputs and outputs; default: the
            last two, times the size of a convolution's window.

    Raises:
        ValueError: for another mode or distribution, or a scale that is not positive.

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
        return _finished(draw(self.generator(), shape, _drawn(dtype)) * factor, dtype)


def compute_fans(
    shape: Shape,
    input_axes: list[int] | None = None,
    output_axes: list[int] | None = None,
) -> tuple[int, int]:
    """How many inputs an output of a weight of this shape has, and how many outputs an input has.

    Args:
        shape: of a Dense kernel `(inputs, units)` or a convolution's `(*window, inputs, filters)`.
        input_axes, output_axes: the axes to count, where the shape is another.

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
    """A `VarianceScaling` with a name of its own: (scale, mode, distribution) are fixed."""

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
    """A random matrix with orthonormal columns (or rows, where there are fewer).

    All axes but the last are taken as one. The matrix is the Q of a normal one, its signs fixed so
    that all rotations are equally likely.

    Args:
        gain: factor of the result.
        seed: see `RandomInitializer`.

    Raises:
        ValueError: when called, for a shape of fewer than two axes.

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
            raise ValueError(f"Orthogonal wants at least two axes, not shape {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(_normal(self.generator(), tall, _drawn(dtype)))
        q = q * np.sign(np.diag(r))
        return _finished(self.gain * (q if rows >= columns else q.T).reshape(shape), dtype)


# ---- of a Fourier transform

_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "hann": np.hanning,
    "hanning": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
}


class STFT(Initializer):
    """The kernel with which a convolution computes one side of a short-time Fourier transform.

    Args:
        side: `"real"` or `"imag"`.
        window: `"hann"`, `"hamming"`, `"blackman"`, `"bartlett"`, the window's values, or `None`.
        scaling: `"density"` (the window has Euclidean length 1), `"spectrum"` (its absolute values
            sum to 1) or `None`.
        periodic: whether the window is one period rather than symmetric.

    Raises:
        ValueError: for an unknown side, window or scaling.

    Example:
        >>> hornbook.initializers.STFT("real")((128, 1, 65)).shape
        (128, 1, 65)
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        if side not in ("real", "imag"):
            raise ValueError(f"side of STFT is 'real' or 'imag', not {side!r}")
        if isinstance(window, str) and window not in _WINDOWS:
            raise ValueError(
                f"window of STFT is one of {list(_WINDOWS)} or an array of values, not {window!r}"
            )
        if scaling not in ("density", "spectrum", None):
            raise ValueError(f"scaling of STFT is 'density', 'spectrum' or None, not {scaling!r}")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        """The kernel of shape `(window length, 1, FFT length / 2 + 1)`."""
        length, _, bins = shape
        angle = -2 * np.pi * np.outer(np.arange(length), np.arange(bins)) / (2 * (bins - 1))
        kernel = (np.cos if self.side == "real" else np.sin)(angle)
        if self.window is not None:
            window = self._window(length)
            scale = {
                "density": np.sqrt(np.sum(window**2)),
                "spectrum": np.sum(np.abs(window)),
                None: 1,
            }
            kernel = kernel * window[:, None] / scale[self.scaling]
        return _finished(kernel[:, None, :], dtype)

    def _window(self, length: int) -> np.ndarray:
        if isinstance(self.window, str):
            return _WINDOWS[self.window](length + self.periodic)[:length]
        window = np.asarray(self.window)
        if window.shape != (length,):
            raise ValueError(f"the window of STFT has shape {window.shape}, not {(length,)}")
        return window


# ---- drawing


def _drawn(dtype: Any) -> Any:
    """The dtype in which numbers are drawn: 16-bit ones are rounded from float32."""
    return np.float64 if standardize_dtype(dtype) == "float64" else np.float32


def _finished(values: np.ndarray, dtype: Any) -> jax.Array:
    dtype = canonical(dtype)
    return jnp.asarray(np.asarray(values).astype(dtype), dtype)  # without dtype jax compiles a copy


def _normal(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    return generator.standard_normal(shape, dtype)


def _uniform(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    return generator.random(shape, dtype)


def _centered(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    return 2 * generator.random(shape, dtype) - 1


def _truncated(generator: np.random.Generator, shape: Shape, dtype: Any) -> np.ndarray:
    """Normal within two standard deviations: the others are drawn again."""
    values = np.asarray(generator.standard_normal(shape, dtype))
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = generator.standard_normal(int(beyond.sum()), dtype)
    return values


_MODES: dict[str, Callable] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
}
_TRUNCATED_STDDEV = 0.87962566103423978  # of the normal distribution within [-2, 2]
_DISTRIBUTIONS: dict[str, tuple[Callable, float]] = {  # how to draw, standard deviation of that
    "truncated_normal": (_truncated, _TRUNCATED_STDDEV),
    "normal": (_truncated, _TRUNCATED_STDDEV),
    "untruncated_normal": (_normal, 1.0),
    "uniform": (_centered, 1 / math.sqrt(3)),
}

# ---- names

zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, orthogonal, stft = VarianceScaling, Orthogonal, STFT
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

CLASSES = (
    *(Zeros, Ones, Constant, Identity, RandomNormal, TruncatedNormal, RandomUniform),
    *(VarianceScaling, GlorotUniform, GlorotNormal, HeUniform, HeNormal),
    *(LecunUniform, LecunNormal, Orthogonal, STFT),
)
TABLE: dict[str, type[Initializer]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in CLASSES},
    "zero": Zeros,
    "one": Ones,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "stft": STFT,
}


def get(identifier: Any) -> Callable | None:
    """An initializer from its name, config, class, values or itself; `None` stays `None`.

    Args:
        identifier: a name (`"he_normal"`), a callable, a config dict, an array of the very values,
            or `None`.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

    Example:
        >>> hornbook.initializers.get("zeros")
        Zeros()
    """
    if isinstance(identifier, np.ndarray | np.generic | jax.Array):
        return _values(identifier)
    return registry.lookup("initializers", identifier, TABLE, "an initializer")


def _values(array: Any) -> Callable:
    """An initializer that gives one array."""

    def initialize(shape, dtype=None):
        if tuple(shape) != tuple(array.shape):
            raise ValueError(
                f"an initial value of shape {tuple(array.shape)} was given for a weight of shape "
                f"{tuple(shape)}"
            )
        return jnp.asarray(array, canonical(dtype))

    return initialize


def serialize(initializer: Callable) -> Any:
    """The config of an initializer.

    Example:
        >>> hornbook.initializers.serialize(hornbook.initializers.Constant(2))["config"]
        {'value': 2}
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable | None:
    """The initializer that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: from name to class or function, for this call.

    Example:
        >>> described = hornbook.initializers.serialize(hornbook.initializers.Constant(2))
        >>> hornbook.initializers.deserialize(described)
        Constant(value=2)
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


__all__ = [
    *(name for name in TABLE if name in globals()),
    *("Initializer", "RandomInitializer", "compute_fans", "get", "serialize", "deserialize"),
]
