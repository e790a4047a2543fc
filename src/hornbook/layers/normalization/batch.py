"""BatchNormalization, with optional batch renormalization."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from hornbook import constraints, formulas, initializers, regularizers
from hornbook.formulas import traced_once
from hornbook.layers.arguments import known_size
from hornbook.layers.base import Layer
from hornbook.layers.normalization.statistics import masked_moments, shifted_moments, wide
from hornbook.layers.spec import InputSpec

RENORM_LIMITS = ("rmax", "rmin", "dmax")


class BatchNormalization(Layer):
    """Normalizes each channel to mean 0 and variance 1, then applies a learned scale and offset.

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`. Training uses the mean and variance of
    the batch and updates the moving averages; inference uses the moving averages. A layer with
    `trainable = False` uses the moving averages in training too.

    Args:
        axis: the channel axis.
        momentum: decay of the moving averages at each step.
        epsilon: added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: their initial values, `(channels,)`.
        moving_mean_initializer, moving_variance_initializer: initial values of the moving averages.
        beta_regularizer, gamma_regularizer: add a penalty to the loss.
        beta_constraint, gamma_constraint: applied after each update.
        renorm: whether to correct the batch statistics towards running statistics (batch
            renormalization, for small batches).
        renorm_clipping: limits of the corrections: `"rmax"`, `"rmin"`, `"dmax"`.
        renorm_momentum: momentum of the running statistics.
        synchronized: accepted for Keras compatibility; statistics are global over all devices.

    Masked steps are excluded from the batch statistics.

    Source: Ioffe, Szegedy 2015, arXiv:1502.03167; Ioffe 2017, arXiv:1702.03275.

    Example:
        >>> import hornbook as keras
        >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
        >>> keras.layers.BatchNormalization(epsilon=1e-9)(x, training=True).round(3).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        (self.axis,) = axis if isinstance(axis, list | tuple) else (int(axis),)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm = renorm
        self.renorm_clipping = dict(renorm_clipping or {})
        if unknown := set(self.renorm_clipping) - set(RENORM_LIMITS):
            raise ValueError(f"renorm_clipping has the keys {RENORM_LIMITS}, not {sorted(unknown)}")
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether the channel axis is the last."""
        return self.axis == -1

    def build(self, input_shape: tuple) -> None:
        channels = known_size(input_shape, self.axis, self)
        self.gamma = self._weight("gamma", channels) if self.scale else None
        self.beta = self._weight("beta", channels) if self.center else None
        self.moving_mean = self._average("moving_mean", channels, self.moving_mean_initializer)
        variance = self.moving_variance_initializer
        self.moving_variance = self._average("moving_variance", channels, variance)
        if self.renorm:
            root = jnp.sqrt(self.moving_variance.raw)
            self.moving_stddev = self._average("moving_stddev", channels, root)
            self.renorm_mean = self._average("renorm_mean", channels, self.moving_mean.raw)
            self.renorm_stddev = self._average("renorm_stddev", channels, root)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def _weight(self, name: str, channels: int) -> Any:
        return self.add_weight(
            (channels,),
            getattr(self, f"{name}_initializer"),
            name=name,
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
            autocast=False,
        )

    def _average(self, name: str, channels: int, initializer: Any) -> Any:
        return self.add_weight((channels,), initializer, name=name, trainable=False, autocast=False)

    def call(self, inputs: Array, training: bool | None = None, mask: Any = None) -> Array:
        scale = 1.0 if self.gamma is None else self.gamma.value
        offset = 0.0 if self.beta is None else self.beta.value
        how: dict[str, Any] = {
            "axis": self.axis,
            "epsilon": self.epsilon,
            "dtype": self.compute_dtype,
        }
        if not (training and self.trainable) or 0 in inputs.shape:
            moments = self.moving_mean.value, self.moving_variance.value
            return _normalized(inputs, *moments, scale, offset, **how)[0]
        if mask is None and not self.renorm:
            fused = formulas.batch_norm(inputs, scale, offset, **how)
            if fused is not None:
                outputs, mean, variance = fused
                self._follow_all(mean, variance)
                return outputs
            outputs, moments, factors = _by_batch(inputs, scale, offset, **how)
            factor, added = factors
            formulas.note_scaled(outputs, inputs, factor, added, self.axis, self.compute_dtype)
            self._follow_all(*moments)
            return outputs
        moments = self._moments(wide(inputs), mask)
        if self.renorm:
            r, d = self._renormalize(*moments)
            scale, offset = r * scale, d * scale + offset
        else:
            self._follow_all(*moments)
        return _normalized(inputs, *moments, scale, offset, **how)[0]

    def _follow_all(self, mean: Array, variance: Array) -> None:
        _follow(self.moving_mean, mean, self.momentum)
        _follow(self.moving_variance, variance, self.momentum)

    def _moments(self, x: Array, mask: Any) -> tuple[Array, Array]:
        axes = _all_but(self.axis, x)
        if mask is None:
            return shifted_moments(x, axes)
        if mask.ndim != x.ndim - 1:
            raise ValueError(
                f"layer {self.name!r} (BatchNormalization) takes a mask with one axis less than "
                f"its input; the mask has shape {mask.shape}, the input {x.shape}"
            )
        return masked_moments(x, jnp.broadcast_to(mask[..., None] != 0, x.shape), axes)

    def _renormalize(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """Corrections of scale and offset towards the running statistics; updates the latter."""
        stddev = jnp.sqrt(variance + self.epsilon)
        running = jnp.maximum(self.renorm_stddev.value, self.epsilon**0.5)
        limits = {name: self.renorm_clipping.get(name) for name in RENORM_LIMITS}
        r = jnp.clip(stddev / running, limits["rmin"], limits["rmax"])
        d = (mean - self.renorm_mean.value) / running
        if limits["dmax"] is not None:
            d = jnp.clip(d, -limits["dmax"], limits["dmax"])
        _follow(self.renorm_mean, mean, self.renorm_momentum)
        _follow(self.renorm_stddev, stddev, self.renorm_momentum)
        _follow(self.moving_mean, mean, self.momentum)
        moving = _follow(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(jnp.maximum(moving**2 - self.epsilon, 0))
        return lax.stop_gradient(r), lax.stop_gradient(d)


def _follow(average: Any, value: Array, momentum: float) -> Array:
    """Move an average towards a value."""
    return average.assign(_between(average.value, value, momentum=momentum))


@traced_once(static=("momentum",))
def _between(average: Array, value: Array, momentum: float) -> Array:
    return average * momentum + lax.stop_gradient(value) * (1 - momentum)


@traced_once(static=("axis", "epsilon", "dtype"))
def _by_batch(
    x: Array, scale: Any, offset: Any, axis: int, epsilon: float, dtype: Any
) -> tuple[Array, tuple, tuple]:
    """Inputs normalized by their own moments; the moments, and the factor and what is added."""
    moments = shifted_moments(wide(x), _all_but(axis, x))
    outputs, factors = _normalized(x, *moments, scale, offset, axis, epsilon, dtype)
    return outputs, moments, factors


def _normalized(
    x: Array,
    mean: Array,
    variance: Array,
    scale: Any,
    offset: Any,
    axis: int,
    epsilon: float,
    dtype: Any,
) -> tuple[Array, tuple]:
    scale = scale * lax.rsqrt(variance + epsilon)
    factors = scale, offset - mean * scale
    return formulas.scaled(x, *factors, axis, dtype), factors


def _all_but(axis: int, x: Array) -> tuple[int, ...]:
    return tuple(other for other in range(x.ndim) if other != axis % x.ndim)
