"""Dense: a fully connected layer."""

from collections.abc import Callable
from typing import Any

from jax import Array

from hornbook import activations, constraints, formulas, initializers, regularizers
from hornbook.activations import linear
from hornbook.core.variable import unwrap
from hornbook.layers.arguments import known_size, positive
from hornbook.layers.low_rank import Adaptable
from hornbook.layers.masked import of_each_step
from hornbook.layers.spec import InputSpec


class Dense(Adaptable, adapts="kernel"):
    """A fully connected layer: `activation(x @ kernel + bias)`.

    Args:
        units: size of the last axis of the output.
        activation: a name or a function; `None` for linear.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(inputs, units)`.
        bias_initializer: initial values of the bias, `(units,)`.
        kernel_regularizer: adds a penalty on the kernel to the loss.
        bias_regularizer: adds a penalty on the bias to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint: applied to the kernel after each update.
        bias_constraint: applied to the bias after each update.

    Input `(batch, ..., inputs)`; output `(batch, ..., units)`.

    Raises:
        ValueError: if the size of the input's last axis is unknown or changes.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Dense(4, activation="relu")(np.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
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
        self.units = positive("units", units, self)
        self.activation: Callable | None = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether its activation acts on each step separately."""
        return of_each_step(self.activation or linear)

    def build(self, input_shape: tuple) -> None:
        inputs = known_size(input_shape, -1, self)
        self.kernel = self.add_weight(
            (inputs, self.units),
            self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Array) -> Array:
        bias = None if self.bias is None else self.bias.value
        return formulas.dense(inputs, unwrap(self.kernel), bias, self.activation)
