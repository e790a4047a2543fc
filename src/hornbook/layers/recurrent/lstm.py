"""Long short-term memory."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.arguments import own
from hornbook.kernels import recurrent
from hornbook.kernels.recurrence import Masks
from hornbook.kernels.recurrent import project
from hornbook.layers.recurrent.cell import GatedCell, reads_cell
from hornbook.layers.recurrent.rnn import OfCell


class LSTMCell(GatedCell):
    """One step of the LSTM, with activations a and s:

        i, f, o = s(x W + h R + b),  c' = f c + i a(x W + h R + b),  h' = o a(c')

    where the weights hold the gates in the order i, f, c, o.

    Args:
        units: size of the state and of the output.
        activation: applied to the candidate and the output; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, 4 * units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, 4 * units)`.
        bias_initializer: initial values of the bias, `(4 * units,)`.
        unit_forget_bias: start the forget gate's bias at 1 (Jozefowicz et al., 2015).
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
        implementation: 1: an input dropout mask per gate; 2: one mask for all gates.

    Call arguments: `inputs` `(batch, features)`; `states`, a list of two arrays `(batch, units)`, h
    and c; `training`. Returns the output `(batch, units)` and the list of new states.

    Source: Hochreiter and Schmidhuber (1997), Long short-term memory.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.LSTMCell(4)
        >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, c.shape
        ((2, 4), (2, 4))
    """

    gates = 4
    forget_gate = 1  # its place among the gates
    state_count = 2
    kernel_function: Callable | None = staticmethod(recurrent.lstm)
    unit_forget_bias: bool

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        implementation: int = 2,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)

    def initial_bias(self) -> Callable:
        """The initializer of `bias`; with `unit_forget_bias`, ones for the forget gate."""
        first = self.bias_initializer
        if not self.unit_forget_bias:
            return first

        def initializer(shape: tuple, dtype: Any = None) -> Array:
            before, after = self.forget_gate, self.gates - self.forget_gate - 1
            ones = jnp.ones((self.units,), dtype)
            parts = [first((n * self.units,), dtype) for n in (before, after) if n]
            return jnp.concatenate([*parts[:-1], ones, parts[-1]])

        return initializer

    def functions(self) -> dict[str, Callable]:
        """Its activations, by the kernel's argument names."""
        return {"activation": self.activation, "recurrent_activation": self.recurrent_activation}

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """The new h and c."""
        h, c = states
        z = projected + project(h, self.recurrent_kernel.value, None, masks.states)
        return recurrent.lstm_update(z, c, self.activation, self.recurrent_activation)


@reads_cell
class LSTM(OfCell):
    """Long short-term memory; with activations a and s, at each step:

        i, f, o = s(x W + h R + b),  c' = f c + i a(x W + h R + b),  h' = o a(c')

    where the weights hold the gates in the order i, f, c, o.

    Args:
        units: size of the state and of the output.
        activation: applied to the candidate and the output; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias.
        kernel_initializer: initial values of the kernel, `(features, 4 * units)`.
        recurrent_initializer: initial values of the recurrent kernel, `(units, 4 * units)`.
        bias_initializer: initial values of the bias, `(4 * units,)`.
        unit_forget_bias: start the forget gate's bias at 1 (Jozefowicz et al., 2015).
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
        return_state: return the final states h and c too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.
        unroll: unroll the loop over the steps.
        use_cudnn: accepted for Keras compatibility.
        implementation: 1: an input dropout mask per gate; 2: one mask for all gates.

    Call arguments: `sequences` `(batch, steps, features)`; `initial_state`, a list of two arrays
    `(batch, units)`, h and c; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; with
    `return_state` a tuple of that and the final states h and c.

    Raises:
        ValueError: if the batch size of a stateful layer is unknown, or states have wrong shapes.

    Source: Hochreiter and Schmidhuber (1997), Long short-term memory.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.LSTM(4)(np.ones((2, 5, 3))).shape
        (2, 4)
        >>> layer = keras.layers.LSTM(4, return_sequences=True, return_state=True)
        >>> [a.shape for a in layer(np.ones((2, 5, 3)))]
        [(2, 5, 4), (2, 4), (2, 4)]
    """

    cell_class = LSTMCell
    _cell_name = "lstm_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        implementation: int = 2,
        **kwargs: Any,
    ):
        super().__init__(own(locals()), **kwargs)
        self.use_cudnn = use_cudnn
