"""Layers of Keras 1 without an equivalent today."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, initializers, layers, regularizers
from hornbook.compat.keras.sequences import rnn
from hornbook.core.config import register_keras_serializable
from hornbook.layers.arguments import known_size


class _Dense(layers.Layer):
    """Base of layers with the arguments of `Dense`, for inputs `(batch, features)`."""

    def __init__(
        self,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = layers.InputSpec(ndim=2)

    def add_kernel(self, shape: tuple) -> Any:
        """The kernel."""
        return self.add_weight(
            shape,
            self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def add_bias(self, shape: tuple) -> Any:
        """The bias; `None` without `use_bias`."""
        if not self.use_bias:
            return None
        return self.add_weight(
            shape,
            self.bias_initializer,
            name="bias",
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )


@register_keras_serializable(package="hornbook.compat")
class MaxoutDense(_Dense):
    """The maximum of several affine maps: `max over k of (x W[k] + b[k])`.

    Args:
        units: size of the output.
        nb_feature: number of affine maps.

    The other arguments are those of `Dense`.

    Source: Goodfellow et al. (2013), Maxout networks.

    Example:
        >>> MaxoutDense(3, nb_feature=2)(np.ones((2, 5))).shape
        (2, 3)
    """

    def __init__(self, units: int, nb_feature: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.nb_feature = nb_feature

    def build(self, input_shape: tuple) -> None:
        size, count = known_size(input_shape, -1, self), self.nb_feature
        self.kernel = self.add_kernel((count, size, self.units))
        self.bias = self.add_bias((count, self.units))

    def call(self, inputs: Array) -> Array:
        y = jnp.einsum("bi,kio->bko", inputs, self.kernel.value)
        return jnp.max(y if self.bias is None else y + self.bias.value, axis=1)


@register_keras_serializable(package="hornbook.compat")
class Highway(_Dense):
    """A gated shortcut: `t a(x W + b) + (1 - t) x`, with `t = sigmoid(x C + c)`.

    Args:
        activation: `a`; a name or a function.

    The other arguments are those of `Dense`.

    Source: Srivastava et al. (2015), Highway networks.

    Example:
        >>> Highway(activation="relu")(np.ones((2, 5))).shape
        (2, 5)
    """

    def __init__(self, activation: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation: Any = activations.get(activation)
        self.carry_bias: Any = None

    def build(self, input_shape: tuple) -> None:
        size = known_size(input_shape, -1, self)
        self.kernel = self.add_kernel((size, size))
        self.carry_kernel = self.add_weight((size, size), self.kernel_initializer, name="W_carry")
        self.bias = self.add_bias((size,))
        self.carry_bias = (
            self.add_weight((size,), "ones", name="b_carry") if self.use_bias else None
        )

    def call(self, inputs: Array) -> Array:
        product, gate = inputs @ self.kernel.value, inputs @ self.carry_kernel.value
        if self.bias is not None:
            product, gate = product + self.bias.value, gate + self.carry_bias.value
        share = jax.nn.sigmoid(gate)
        return share * (self.activation or activations.linear)(product) + (1 - share) * inputs


class _Shaped(layers.Layer):
    """Base of activations with elementwise weights, shared along some axes."""

    def __init__(self, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        shared = [] if shared_axes is None else shared_axes
        self.shared_axes = list(shared) if isinstance(shared, list | tuple) else [shared]
        self.supports_masking = True

    def weight(self, name: str, initializer: Any, input_shape: tuple) -> Any:
        """Add an elementwise weight."""
        axes = range(1, len(input_shape))
        shape = (1 if a in self.shared_axes else known_size(input_shape, a, self) for a in axes)
        return self.add_weight(tuple(shape), initializer, name=name)


@register_keras_serializable(package="hornbook.compat")
class SReLU(_Shaped):
    """Identity between two learned thresholds, linear with learned slopes beyond them.

    Args:
        t_left_initializer, t_right_initializer: for the lower threshold, and for the distance
            of the upper one from it.
        a_left_initializer, a_right_initializer: for the slopes.
        shared_axes: axes along which the weights are shared.

    Source: Jin et al. (2015), arXiv:1512.07030.

    Example:
        >>> SReLU(t_right_initializer="ones")(np.array([[-1.0, 0.5]])).shape
        (1, 2)
    """

    def __init__(
        self,
        t_left_initializer: Any = "zeros",
        a_left_initializer: Any = "glorot_uniform",
        t_right_initializer: Any = "glorot_uniform",
        a_right_initializer: Any = "ones",
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(shared_axes, **kwargs)
        self.t_left_initializer = initializers.get(t_left_initializer)
        self.a_left_initializer = initializers.get(a_left_initializer)
        self.t_right_initializer = initializers.get(t_right_initializer)
        self.a_right_initializer = initializers.get(a_right_initializer)

    def build(self, input_shape: tuple) -> None:
        self.t_left = self.weight("t_left", self.t_left_initializer, input_shape)
        self.a_left = self.weight("a_left", self.a_left_initializer, input_shape)
        self.t_right = self.weight("t_right", self.t_right_initializer, input_shape)
        self.a_right = self.weight("a_right", self.a_right_initializer, input_shape)

    def call(self, inputs: Array) -> Array:
        low = self.t_left.value
        high = low + jnp.abs(self.t_right.value)
        below = low + self.a_left.value * (inputs - low)
        above = high + self.a_right.value * (inputs - high)
        return jnp.where(inputs <= low, below, jnp.where(inputs >= high, above, inputs))


@register_keras_serializable(package="hornbook.compat")
class ParametricSoftplus(_Shaped):
    """`alpha * log(1 + exp(beta * x))` with learned alpha and beta.

    Args:
        alpha_init: initial value of alpha.
        beta_init: initial value of beta.
        shared_axes: axes along which the weights are shared.

    Example:
        >>> ParametricSoftplus()(np.zeros((1, 2))).shape
        (1, 2)
    """

    def __init__(
        self,
        alpha_init: float = 0.2,
        beta_init: float = 5.0,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(shared_axes, **kwargs)
        self.alpha_init = float(alpha_init)
        self.beta_init = float(beta_init)

    def build(self, input_shape: tuple) -> None:
        self.alphas = self.weight("alphas", initializers.Constant(self.alpha_init), input_shape)
        self.betas = self.weight("betas", initializers.Constant(self.beta_init), input_shape)

    def call(self, inputs: Array) -> Array:
        return jax.nn.softplus(self.betas.value * inputs) * self.alphas.value


class Recurrent(layers.Layer):
    """Base of custom recurrent layers, defined by their step.

    A subclass defines `output_dim`, `build` and `step(x, states) -> (output, new states)`, and may
    define `states` (a list with one entry per state), `get_constants(x)`, `get_initial_states(x)`
    and `preprocess_input(x)`.

    Args:
        return_sequences: return the outputs of all steps, not only the last.
        go_backwards: process the steps in reverse.
        stateful: keep the states across batches, in variables that the subclass creates.
        unroll: unroll the loop.
        consume_less: ignored.
    """

    output_dim: int
    states: list = [None]

    def __init__(
        self,
        return_sequences: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        consume_less: str = "cpu",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.consume_less = consume_less
        self.supports_masking = True
        self.input_spec = layers.InputSpec(ndim=3)

    def step(self, x: Any, states: list) -> tuple[Any, list]:
        """The output and new states of one step; defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} has no step method")

    def get_constants(self, x: Any) -> list:
        """Constants appended to the states of each step."""
        return []

    def get_initial_states(self, x: Any) -> list:
        """The initial states: zeros."""
        return [jnp.zeros((x.shape[0], self.output_dim), x.dtype) for _ in self.states]

    def preprocess_input(self, x: Any) -> Any:
        """Transform all steps at once, before the loop."""
        return x

    def call(self, x: Any, mask: Any = None) -> Any:
        """Loop the step over the sequence."""
        states = self.states if self.stateful else self.get_initial_states(x)
        last, outputs, new = rnn(
            self.step,
            self.preprocess_input(x),
            states,
            self.go_backwards,
            mask,
            self.get_constants(x),
            self.unroll,
        )
        if self.stateful:
            for variable, value in zip(self.states, new, strict=True):
                variable.assign(value)
        return outputs if self.return_sequences else last

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps if all outputs are returned, else none."""
        return mask if self.return_sequences else None
