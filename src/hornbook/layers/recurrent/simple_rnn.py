"""SimpleRNN: the fully connected recurrent network."""

from collections.abc import Callable
from typing import Any

from jax import Array

from hornbook.core.arguments import own
from hornbook.kernels import recurrent
from hornbook.kernels.recurrence import Masks
from hornbook.kernels.recurrent import project
from hornbook.layers.recurrent.cell import GatedCell, reads_cell
from hornbook.layers.recurrent.rnn import OfCell


class SimpleRNNCell(GatedCell):
    """One step of the simple RNN: `h' = activation(x W + h R + b)`.

    Args:
        units: size of the state and of the output.
        activation: applied to the output; `None` for linear.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, units)`.
        bias_initializer: initial values of the bias, `(units,)`.
        kernel_regularizer: adds a penalty on the kernel to the loss.
        recurrent_regularizer: adds a penalty on the recurrent kernel to the loss.
        bias_regularizer: adds a penalty on the bias to the loss.
        kernel_constraint: applied to the kernel after each update.
        recurrent_constraint: applied to the recurrent kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training; each gate has its own mask,
            shared by all steps. The compiled kernels do not support it.
        seed: random seed of the dropout masks.

    Call arguments: `inputs` `(batch, features)`; `states`, a list of one array `(batch, units)`;
    `training`. Returns the output `(batch, units)` and the list of new states.

    Source: Elman (1990), Finding structure in time.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.SimpleRNNCell(4)
        >>> output, states = cell(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape
        (2, 4)
    """

    kernel_function: Callable | None = staticmethod(recurrent.simple_rnn)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """`activation(projected + h R)`."""
        return (
            self.activation(
                projected + project(states[0], self.recurrent_kernel.value, None, masks.states)
            ),
        )


@reads_cell
class SimpleRNN(OfCell):
    """Simple recurrent layer: `h' = activation(x W + h R + b)` at each step.

    Args:
        units: size of the state and of the output.
        activation: applied to the output; `None` for linear.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, units)`.
        bias_initializer: initial values of the bias, `(units,)`.
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
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final state too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.
        unroll: unroll the loop over the steps.
        seed: random seed of the dropout masks.

    Call arguments: `sequences` `(batch, steps, features)`; `initial_state`, a list of one array
    `(batch, units)`; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; with
    `return_state` a tuple of that and the final state.

    Raises:
        ValueError: if the batch size of a stateful layer is unknown, or states have wrong shapes.

    Source: Elman (1990), Finding structure in time.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.SimpleRNN(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = SimpleRNNCell
    _cell_name = "simple_rnn_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)
