"""Initializers of TensorFlow 1: objects that make the initial value of a shape, as a tensor."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import constant, lift
from hornbook.compat.tensorflow1.randoms import random_normal, random_uniform, truncated_normal


class Initializer:
    """What makes initial values: `initializer(shape, dtype)`."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return self.value([int(n) for n in shape], as_dtype(dtype or self.dtype))

    dtype: Any = "float32"

    def value(self, shape: list, dtype: Any) -> Any:
        """The value.

        Raises:
            NotImplementedError: for the class of all initializers.
        """
        raise NotImplementedError(f"{type(self).__name__} has no value()")


class Zeros(Initializer):
    """`tf.zeros_initializer`."""

    def __init__(self, dtype: Any = "float32"):
        self.dtype = dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """Zeros."""
        return constant(np.zeros(shape, dtype.as_numpy_dtype))


class Ones(Zeros):
    """`tf.ones_initializer`."""

    def value(self, shape: list, dtype: Any) -> Any:
        """Ones."""
        return constant(np.ones(shape, dtype.as_numpy_dtype))


class Const(Initializer):
    """`tf.constant_initializer`.

    Args:
        value: a number, or as many as there are elements.
        dtype: of the value.
    """

    needs_no_shape = False

    def __init__(self, value: Any = 0, dtype: Any = "float32", verify_shape: bool = False):
        self.given, self.dtype = value, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """The number, or the numbers in this shape."""
        return constant(self.given, dtype, shape)


class _Scaled(Initializer):
    draw: Any

    def __init__(self, a: Any, b: Any, seed: Any, dtype: Any):
        self.a, self.b, self.seed, self.dtype = a, b, seed, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """Random numbers."""
        return type(self).draw(shape, self.a, self.b, dtype, self.seed)


class RandomNormal(_Scaled):
    """`tf.random_normal_initializer`."""

    draw = staticmethod(random_normal)

    def __init__(self, mean=0.0, stddev=1.0, seed: Any = None, dtype: Any = "float32"):
        super().__init__(mean, stddev, seed, dtype)


class TruncatedNormal(RandomNormal):
    """`tf.truncated_normal_initializer`."""

    draw = staticmethod(truncated_normal)


class RandomUniform(_Scaled):
    """`tf.random_uniform_initializer`."""

    draw = staticmethod(random_uniform)

    def __init__(self, minval=0, maxval=None, seed: Any = None, dtype: Any = "float32"):
        super().__init__(minval, maxval, seed, dtype)


class VarianceScaling(Initializer):
    """`tf.variance_scaling_initializer`: the variance is `scale / fan`.

    Args:
        scale: factor of the variance.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"normal"` (truncated), `"untruncated_normal"` or `"uniform"`.
        seed: of the draw.
        dtype: of the numbers.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = "float32",
    ):
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.seed, self.dtype = seed, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """Random numbers."""
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out}.get(self.mode, (fan_in + fan_out) / 2)
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        return truncated_normal(
            shape, 0.0, math.sqrt(variance) / 0.87962566103423978, dtype, self.seed
        )


def fans(shape: Any) -> tuple[float, float]:
    """The numbers of inputs and outputs of a unit."""
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


def _scaling(scale: float, mode: str, distribution: str, doc: str) -> Any:
    def make(seed: Any = None, dtype: Any = "float32") -> VarianceScaling:
        return VarianceScaling(scale, mode, distribution, seed, dtype)

    make.__doc__ = doc
    return make


glorot_uniform = _scaling(1.0, "fan_avg", "uniform", "`tf.glorot_uniform_initializer`.")
glorot_normal = _scaling(1.0, "fan_avg", "truncated_normal", "`tf.glorot_normal_initializer`.")
he_normal = _scaling(2.0, "fan_in", "truncated_normal", "`tf.initializers.he_normal`.")
he_uniform = _scaling(2.0, "fan_in", "uniform", "`tf.initializers.he_uniform`.")
lecun_normal = _scaling(1.0, "fan_in", "truncated_normal", "`tf.initializers.lecun_normal`.")
lecun_uniform = _scaling(1.0, "fan_in", "uniform", "`tf.initializers.lecun_uniform`.")


def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = "float32") -> Any:
    """`tf.contrib.layers.xavier_initializer`."""
    return (glorot_uniform if uniform else glorot_normal)(seed, dtype)


def contrib_variance_scaling(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: Any = None,
    dtype: Any = "float32",
) -> Any:
    """`tf.contrib.layers.variance_scaling_initializer`."""
    kind = "uniform" if uniform else "truncated_normal"
    return VarianceScaling(factor, mode.lower(), kind, seed, dtype)


class UniformUnitScaling(Initializer):
    """`tf.uniform_unit_scaling_initializer`."""

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = "float32"):
        self.factor, self.seed, self.dtype = factor, seed, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """Random numbers."""
        size = max(1.0, float(math.prod(shape[:-1])))
        limit = math.sqrt(3 / size) * self.factor
        return random_uniform(shape, -limit, limit, dtype, self.seed)


class Orthogonal(Initializer):
    """`tf.orthogonal_initializer`."""

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = "float32"):
        self.gain, self.seed, self.dtype = gain, seed, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """A matrix with orthogonal rows or columns."""
        rows, columns = math.prod(shape[:-1]), shape[-1]
        flat = (max(rows, columns), min(rows, columns))
        drawn = random_normal(list(flat), dtype=dtype, seed=self.seed)
        return _orthogonal(drawn, self.gain, rows < columns, tuple(shape))


def _factored(drawn: Any, gain: float, turned: bool, shape: tuple) -> Any:
    q, r = jnp.linalg.qr(jnp.asarray(drawn))
    q = q * jnp.sign(jnp.diagonal(r))
    return gain * jnp.reshape(q.T if turned else q, shape)


_orthogonal = lift(_factored)


class Identity(Initializer):
    """`tf.initializers.identity`."""

    def __init__(self, gain: float = 1.0, dtype: Any = "float32"):
        self.gain, self.dtype = gain, dtype

    def value(self, shape: list, dtype: Any) -> Any:
        """An identity matrix."""
        return constant((self.gain * np.eye(*shape)).astype(dtype.as_numpy_dtype))


def default_for(dtype: Any) -> Any:
    """The initializer of variables that have none: Glorot's for floats, else zeros."""
    return glorot_uniform() if dtype.is_floating else Zeros(dtype)
