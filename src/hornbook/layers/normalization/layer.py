"""LayerNormalization and RMSNormalization: statistics of each sample."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from hornbook import constraints, initializers, regularizers
from hornbook.kernels.normalization import layer_norm
from hornbook.layers.arguments import WHOLE, known_size
from hornbook.layers.base import Layer
from hornbook.layers.masked import on_last_axis
from hornbook.layers.normalization.statistics import standardize, wide


def check_axes(axis: Any, layer: Any) -> Any:
    """The axis or axes, unchanged.

    Raises:
        TypeError: if they are not integers.
    """
    several = axis if isinstance(axis, list | tuple) else (axis,)
    if not all(isinstance(one, WHOLE) for one in several):
        raise TypeError(
            f"axis of {type(layer).__name__} is an integer or a list of them, not {axis!r}"
        )
    return axis


def as_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """One axis or several as a sorted tuple of non-negative axes."""
    several = axis if isinstance(axis, list | tuple) else (axis,)
    return tuple(sorted(one % ndim for one in several))


def sizes_along(axis: Any, shape: tuple, layer: Any) -> tuple[int, ...]:
    """The sizes of one axis or several, in axis order."""
    several = axis if isinstance(axis, list | tuple) else (axis,)
    for one in several:
        known_size(shape, one, layer)
    return tuple(shape[one] for one in as_axes(axis, len(shape)))


def along(weight: Array, axes: tuple[int, ...], x: Array) -> Array:
    """A weight over `axes`, reshaped to broadcast to `x`."""
    return weight.reshape([n if i in axes else 1 for i, n in enumerate(x.shape)]).astype(x.dtype)


class LayerNormalization(Layer):
    """Normalizes each sample to mean 0 and variance 1, then applies a learned scale and offset.

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance over `axis`.

    Args:
        axis: the axis, or axes, to normalize over; default the last (the features).
        epsilon: added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: their initial values; shape: the sizes along `axis`.
        beta_regularizer, gamma_regularizer: add a penalty to the loss.
        beta_constraint, gamma_constraint: applied after each update.
        rms_scaling: divide by the standard deviation only; prefer `RMSNormalization`.

    Source: Ba et al. 2016, arXiv:1607.06450.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.LayerNormalization(epsilon=1e-9)(np.array([[1.0, 3.0]])).round(3).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = check_axes(axis, self)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.rms_scaling = rms_scaling
        self.autocast = False  # the statistics need the input's full precision
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether it normalizes over the features only."""
        return on_last_axis(self.axis)

    def build(self, input_shape: tuple) -> None:
        shape = sizes_along(self.axis, input_shape, self)
        scaled, centered = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self.gamma = self._weight("gamma", shape) if scaled else None
        self.beta = self._weight("beta", shape) if centered else None

    def _weight(self, name: str, shape: tuple) -> Any:
        return self.add_weight(
            shape,
            getattr(self, f"{name}_initializer"),
            name=name,
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
            autocast=False,
        )

    def call(self, inputs: Array) -> Array:
        x, axes = wide(inputs), as_axes(self.axis, inputs.ndim)
        if axes == (x.ndim - 1,) and self.gamma is not None and self.beta is not None:
            y = layer_norm(
                x, self.gamma.value.astype(x.dtype), self.beta.value.astype(x.dtype), self.epsilon
            )
            return y.astype(self.compute_dtype)
        if self.rms_scaling:
            y = x * lax.rsqrt(jnp.var(x, axes, keepdims=True) + self.epsilon)
        else:
            y = standardize(x, axes, self.epsilon)
        if self.gamma is not None:
            y = y * along(self.gamma.value, axes, x)
        if self.beta is not None:
            y = y + along(self.beta.value, axes, x)
        return y.astype(self.compute_dtype)


class RMSNormalization(Layer):
    """Normalizes each sample to root mean square 1: `scale * x / sqrt(mean(x**2) + epsilon)`.

    Args:
        axis: the axis, or axes, to normalize over.
        epsilon: added to the mean square.

    Source: Zhang, Sennrich 2019, arXiv:1910.07467.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.RMSNormalization()(np.array([[2.0, -2.0]])).round(3).tolist()
        [[1.0, -1.0]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = check_axes(axis, self)
        self.epsilon = epsilon
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether it normalizes over the features only."""
        return on_last_axis(self.axis)

    def build(self, input_shape: tuple) -> None:
        shape = sizes_along(self.axis, input_shape, self)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, inputs: Array) -> Array:
        x, axes = wide(inputs), as_axes(self.axis, inputs.ndim)
        y = x * lax.rsqrt(jnp.mean(x**2, axes, keepdims=True) + self.epsilon)
        return (y * along(self.scale.value, axes, x)).astype(inputs.dtype)
