"""Layers of Keras 1 that compute something that no layer of today computes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, initializers, layers, regularizers
from hornbook.compat.keras.sequences import rnn
from hornbook.core.config import register_keras_serializable
from hornbook.layers.arguments import known_size


class _Dense(layers.Layer):
    """Base: what `Dense` takes, of inputs `(batch, features)`."""

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
        """The bias, if there is to be one."""
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
    """The largest of several products: `max over k of (x W[k] + b[k])`.

    Args:
        units: size of the output.
        nb_feature: how many products there are.

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
    """Part of a product and part of the input: `t a(x W + b) + (1 - t) x`, `t = s(x C + c)`.

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
    """Base: an activation with weights for each element, or for all along some axes."""

    def __init__(self, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        shared = [] if shared_axes is None else shared_axes
        self.shared_axes = list(shared) if isinstance(shared, list | tuple) else [shared]
        self.supports_masking = True

    def weight(self, name: str, initializer: Any, input_shape: tuple) -> Any:
        """A weight with a value for each element."""
        axes = range(1, len(input_shape))
        shape = (1 if a in self.shared_axes else known_size(input_shape, a, self) for a in axes)
        return self.add_weight(tuple(shape), initializer, name=name)


@register_keras_serializable(package="hornbook.compat")
class SReLU(_Shaped):
    """`x` between two thresholds, and lines of learned slopes beyond them.

    Args:
        t_left_initializer, t_right_initializer: of the lower threshold, and of how far the upper
            one is above it.
        a_left_initializer, a_right_initializer: of the slopes.
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
        alpha_init: first value of alpha.
        beta_init: first value of beta.
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
    """Base of recurrent layers that a program writes itself, step by step.

    A subclass has `output_dim`, `build`, and `step(x, states) -> (output, new states)`; and may
    have `states`, a list as long as its states, `get_constants(x)`, `get_initial_states(x)` and
    `preprocess_input(x)`.

    Args:
        return_sequences: return the outputs of all steps, not only of the last.
        go_backwards: run from the last step to the first.
        stateful: keep the states for the next batch, in variables that the subclass makes.
        unroll: write the steps out instead of looping.
        consume_less: nothing today.
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
        """The output and the new states of one step; the subclass writes it."""
        raise NotImplementedError(f"{type(self).__name__} has no step method")

    def get_constants(self, x: Any) -> list:
        """What each step is given behind the states."""
        return []

    def get_initial_states(self, x: Any) -> list:
        """What the first step starts from: zeros."""
        return [jnp.zeros((x.shape[0], self.output_dim), x.dtype) for _ in self.states]

    def preprocess_input(self, x: Any) -> Any:
        """What is done for all steps at once."""
        return x

    def call(self, x: Any, mask: Any = None) -> Any:
        """Run the step over the sequence."""
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
        """The steps' mask for the outputs of all steps."""
        return mask if self.return_sequences else None
