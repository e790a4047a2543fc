"""Activations as layers."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, initializers, regularizers
from hornbook.core.random import SeedGenerator
from hornbook.layers.base import Layer
from hornbook.layers.masked import of_each_step
from hornbook.layers.spec import InputSpec


class Activation(Layer):
    """Applies a function to each element: `activation(x)`.

    Args:
        activation: a name or a function.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether the function acts on each step separately."""
        return of_each_step(self.activation)

    def call(self, inputs: Array) -> Array:
        return self.activation(inputs)


class ReLU(Layer):
    """Rectified linear unit, `max(x, 0)`; optionally leaky, bounded or with a threshold.

    Args:
        max_value: upper bound of the output; `None` for no bound.
        negative_slope: slope below the threshold.
        threshold: inputs below it have slope `negative_slope`.

    Raises:
        ValueError: for a negative argument.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.ReLU(max_value=6)(np.array([-1.0, 2.0, 9.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    ignores_masked_steps = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        given = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
        for name, value in given.items():
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"{name} of a ReLU must be a non-negative number, not {value!r}")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """`x` where positive, else `negative_slope * x`.

    Args:
        negative_slope: slope below 0.
        alpha: old name of `negative_slope`.

    Raises:
        ValueError: if the slope is negative.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.LeakyReLU(0.5)(np.array([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    ignores_masked_steps = True

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        slope = negative_slope if alpha is None else alpha
        if slope is None or slope < 0:
            raise ValueError(
                f"negative_slope of a LeakyReLU must be a non-negative number, not {slope!r}"
            )
        self.negative_slope = slope
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        return activations.leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """A leaky ReLU with learned slopes: `max(x, 0) + alpha * min(x, 0)`.

    Args:
        alpha_initializer: initial values of the slopes, one per element of a sample.
        alpha_regularizer: adds a penalty on the slopes to the loss.
        alpha_constraint: applied to the slopes after each update.
        shared_axes: axes along which slopes are shared, such as `[1, 2]` for images.

    Source: He et al. 2015, arXiv:1502.01852.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.PReLU("ones", shared_axes=1)(np.array([[-1.0, 2.0]])).tolist()
        [[-1.0, 2.0]]
    """

    ignores_masked_steps = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        shared = [] if shared_axes is None else shared_axes
        self.shared_axes = list(shared) if isinstance(shared, list | tuple) else [shared]
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        ndim = len(input_shape)
        shared = {axis % ndim for axis in self.shared_axes}
        own = {axis: input_shape[axis] for axis in range(1, ndim) if axis not in shared}
        if None in own.values():
            raise ValueError(
                f"layer {self.name!r} (PReLU) has one slope per element, but a size of its "
                f"input is unknown: {input_shape}. Name that axis in shared_axes"
            )
        self.alpha = self.add_weight(
            tuple(own.get(axis, 1) for axis in range(1, ndim)),
            self.alpha_initializer,
            name="alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        self.input_spec = InputSpec(ndim=ndim, axes=own)

    def call(self, inputs: Array) -> Array:
        return activations.relu(inputs) - self.alpha.value * activations.relu(-inputs)


class RReLU(Layer):
    """A leaky ReLU with random slopes: `max(x, 0) + slope * min(x, 0)`.

    In training each slope is drawn uniformly from `lower` to `upper`, otherwise it is the mean of
    both.

    Args:
        lower: smallest slope below 0.
        upper: largest slope below 0.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: unless `0 <= lower <= upper <= 1`.

    Source: Xu et al. 2015, arXiv:1505.00853.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.RReLU(0.25, 0.75)(np.array([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    ignores_masked_steps = True

    def __init__(
        self, lower: float = 1 / 8, upper: float = 1 / 3, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        if not 0 <= lower <= upper <= 1:
            raise ValueError(
                f"RReLU needs slopes 0 <= lower <= upper <= 1, not lower={lower!r} and "
                f"upper={upper!r}"
            )
        self.lower, self.upper, self.seed = lower, upper, seed
        self.supports_masking = True
        self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training:
            return activations.leaky_relu(inputs, (self.lower + self.upper) / 2)
        key, shape = self.seed_generator.next(), inputs.shape
        slope = jax.random.uniform(key, shape, inputs.dtype, minval=self.lower, maxval=self.upper)
        return jnp.where(inputs < 0, slope * inputs, inputs)


class ELU(Layer):
    """`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015, arXiv:1511.07289).

    Args:
        alpha: the negative of the lower bound.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.ELU()(np.array([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    ignores_masked_steps = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        return activations.elu(inputs, self.alpha)


class Softmax(Layer):
    """Softmax: `exp(x) / sum(exp(x))`.

    With the call argument `mask` (true where an element counts), masked elements get 0.

    Args:
        axis: the axis, or axes, along which the outputs sum to 1.

    Example:
        >>> import hornbook as keras
        >>> x, mask = np.zeros((1, 4)), np.array([[True, True, False, False]])
        >>> keras.layers.Softmax()(x, mask=mask).tolist()
        [[0.5, 0.5, 0.0, 0.0]]
    """

    def __init__(self, axis: int | tuple[int, ...] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Array, mask: Any = None) -> Array:
        axis = tuple(self.axis) if isinstance(self.axis, list | tuple) else self.axis
        if mask is None:
            return activations.softmax(inputs, axis)
        return masked_softmax(inputs, mask, axis, self.name)


def masked_softmax(x: Array, mask: Array, axis: Any = -1, name: str = "softmax") -> Array:
    """Softmax over the elements where `mask` is true (or above 0.5); 0 elsewhere.

    Args:
        x: scores.
        mask: booleans that broadcast to `x`.
        axis: axis or axes along which the results sum to 1.
        name: name of the caller, for messages.
    """
    pairs = zip(reversed(mask.shape), reversed(x.shape))
    if mask.ndim > x.ndim or any(m not in (1, n) for m, n in pairs):
        raise ValueError(f"the mask of {name!r}, {mask.shape}, does not broadcast to {x.shape}")
    mask = mask if mask.dtype == bool else mask > 0.5
    lowest = -3e4 if x.dtype == "float16" else -1e9
    return jnp.where(mask, activations.softmax(jnp.where(mask, x, lowest), axis), 0)
