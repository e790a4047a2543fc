"""GroupNormalization and UnitNormalization."""

from typing import Any

from jax import Array
from jax import numpy as jnp

from hornbook import constraints, initializers, regularizers
from hornbook.layers.arguments import WHOLE, known_size
from hornbook.layers.base import Layer
from hornbook.layers.masked import on_last_axis
from hornbook.layers.normalization.layer import along
from hornbook.layers.normalization.statistics import standardize, unit, wide
from hornbook.layers.spec import InputSpec


class GroupNormalization(Layer):
    """Normalizes groups of channels of each sample, then scales and offsets each channel.

    One group is layer normalization; one group per channel is instance normalization.

    Args:
        groups: number of groups; -1 for one per channel.
        axis: the channel axis.
        epsilon: added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: their initial values, `(channels,)`.
        beta_regularizer, gamma_regularizer: add a penalty to the loss.
        beta_constraint, gamma_constraint: applied after each update.

    Source: Wu, He 2018, arXiv:1803.08494.

    Raises:
        ValueError: if the groups do not divide the channels.

    Example:
        >>> import hornbook as keras
        >>> x = np.array([[1.0, 3.0, 10.0, 30.0]])
        >>> keras.layers.GroupNormalization(2, epsilon=1e-9)(x).round(3).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not isinstance(groups, WHOLE) or groups == 0 or groups < -1:
            raise ValueError(f"groups of a GroupNormalization is positive, or -1, not {groups!r}")
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.autocast = False
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        channels = known_size(input_shape, self.axis, self)
        if channels % self.groups:
            raise ValueError(
                f"layer {self.name!r} (GroupNormalization) has {self.groups} groups, which do not "
                f"divide the {channels} channels of its input {input_shape}"
            )
        self.gamma = self._weight("gamma", channels) if self.scale else None
        self.beta = self._weight("beta", channels) if self.center else None
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

    def call(self, inputs: Array) -> Array:
        axis = self.axis % inputs.ndim
        x = jnp.moveaxis(wide(inputs), axis, 1)
        groups = x.shape[1] if self.groups == -1 else self.groups
        grouped = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
        y = standardize(grouped, tuple(range(2, grouped.ndim)), self.epsilon)
        y = jnp.moveaxis(y.reshape(x.shape), 1, axis)
        if self.gamma is not None:
            y = y * along(self.gamma.value, (axis,), y)
        if self.beta is not None:
            y = y + along(self.beta.value, (axis,), y)
        return y.astype(self.compute_dtype)


class UnitNormalization(Layer):
    """Scales vectors to unit length: `x / sqrt(sum(x**2))`.

    Args:
        axis: the axis, or axes, of the vectors.

    Raises:
        TypeError: if `axis` is not an integer or a list of integers.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.UnitNormalization()(np.array([[0.0, 4.0]])).tolist()
        [[0.0, 1.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axis, WHOLE | list | tuple):
            raise TypeError(f"axis of a UnitNormalization is an integer or several, not {axis!r}")
        self.axis = axis if isinstance(axis, WHOLE) else list(axis)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether it normalizes over the features only."""
        return on_last_axis(self.axis)

    def call(self, inputs: Array) -> Array:
        axes = self.axis if isinstance(self.axis, WHOLE) else tuple(self.axis)
        return unit(inputs, axes, 1e-12)
