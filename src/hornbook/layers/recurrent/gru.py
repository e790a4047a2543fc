"""Gated recurrent unit."""

from collections.abc import Callable
from typing import Any

from jax import Array

from hornbook.core.arguments import own
from hornbook.kernels import recurrent
from hornbook.kernels.recurrence import Masks
from hornbook.layers.recurrent.cell import GatedCell, reads_cell
from hornbook.layers.recurrent.rnn import OfCell


class GRUCell(GatedCell):
    """One step of the GRU, with activations a and s:

        z, r = s(x W + h R + b),  h' = z h + (1 - z) a(x W + r (h R + b))

    where the weights hold the gates in the order z, r, h. With `reset_after=False` the last product
    is `(r h) R`.

    Args:
        units: size of the state and of the output.
        activation: applied to the candidate; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, 3 * units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, 3 * units)`.
        bias_initializer: initial values of the bias, `(2, 3 * units)` for inputs and states, or
            `(3 * units,)` without `reset_after`.
        kernel_regularizer: adds a penalty on the kernel to the loss.
        recurrent_regularizer: adds a penalty on the recurrent kernel to the loss.
        bias_regularizer: adds a penalty on the bias to the loss.
        kernel_constraint: applied to the kernel after each update.
        recurrent_constraint: applied to the recurrent kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training; each gate has its own mask,
            shared by all steps. The compiled kernels do not support it.
        reset_after: apply the reset gate after the product with the recurrent kernel (as cuDNN
            does) or before it.
        seed: random seed of the dropout masks.
        implementation: 1: an input dropout mask per gate; 2: one mask for all gates.

    Call arguments: `inputs` `(batch, features)`; `states`, a list of one array `(batch, units)`;
    `training`. Returns the output `(batch, units)` and the list of new states.

    Source: Cho et al. (2014), arXiv:1406.1078; `reset_after`: arXiv:1406.1078v1.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.GRUCell(4)
        >>> output, states = cell(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape
        (2, 4)
    """

    gates = 3
    kernel_function: Callable | None = staticmethod(recurrent.gru)
    reset_after: bool

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        implementation: int = 2,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of `bias`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def biases(self) -> tuple[Array | None, Array | None]:
        """The biases of the input projection and of the state projection."""
        if self.bias is None or not self.reset_after:
            return super().biases()
        return self.bias.value[0], self.bias.value[1]

    def functions(self) -> dict[str, Callable]:
        """Its activations, by the kernel's argument names."""
        return {"activation": self.activation, "recurrent_activation": self.recurrent_activation}

    def options(self) -> dict[str, Any]:
        """Further arguments of its kernel."""
        return {"reset_after": self.reset_after}

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """The new h."""
        weights = self.recurrent_kernel.value, self.biases()[1], self.reset_after
        functions = self.activation, self.recurrent_activation
        return (recurrent.gru_update(projected, states[0], *weights, *functions, masks.states),)


@reads_cell
class GRU(OfCell):
    """Gated recurrent unit; with activations a and s, at each step:

        z, r = s(x W + h R + b),  h' = z h + (1 - z) a(x W + r (h R + b))

    where the weights hold the gates in the order z, r, h. With `reset_after=False` the last product
    is `(r h) R`.

    Args:
        units: size of the state and of the output.
        activation: applied to the candidate; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, 3 * units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, 3 * units)`.
        bias_initializer: initial values of the bias, `(2, 3 * units)` for inputs and states, or
            `(3 * units,)` without `reset_after`.
        kernel_regularizer: adds a penalty on the kernel to the loss.
        recurrent_regularizer: adds a penalty on the recurrent kernel to the loss.
        bias_regularizer: adds a penalty on the bias to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint: applied to the kernel after each update.
        recurrent_constraint: applied to the recurrent kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training; each gate has its own mask,
            shared by all steps. The compiled kernels do not support it.
        seed: random seed of the dropout masks.
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final state too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.
        unroll: unroll the loop over the steps.
        reset_after: apply the reset gate after the product with the recurrent kernel (as cuDNN
            does) or before it.
        use_cudnn: accepted for Keras compatibility.
        implementation: 1: an input dropout mask per gate; 2: one mask for all gates.

    Call arguments: `sequences` `(batch, steps, features)`; `initial_state`, a list of one array
    `(batch, units)`; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; with
    `return_state` a tuple of that and the final state.

    Raises:
        ValueError: if the batch size of a stateful layer is unknown, or states have wrong shapes.

    Source: Cho et al. (2014), arXiv:1406.1078; `reset_after`: arXiv:1406.1078v1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GRU(4, return_sequences=True)(np.ones((2, 5, 3))).shape
        (2, 5, 4)
    """

    cell_class = GRUCell
    _cell_name = "gru_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        implementation: int = 2,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)
        self.use_cudnn = use_cudnn
