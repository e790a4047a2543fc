"""PeepholeLSTM and CoupledLSTM: LSTMs whose gates see the cell state, or with one gate less."""

import jax.numpy as jnp
from jax import Array

from hornbook.kernels.recurrence import Masks
from hornbook.kernels.recurrent import project
from hornbook.layers.recurrent.lstm import LSTM, LSTMCell


class PeepholeLSTMCell(LSTMCell):
    """One step of the LSTM with peepholes p, through which the gates see the cell state:

        i, f = s(x W + h R + p c + b),  c' = f c + i a(x W + h R + b)
        o = s(x W + h R + p c' + b),    h' = o a(c')

    Arguments and calls are those of `LSTMCell`. The weight `peephole_kernel`, `(3 * units,)`, holds
    those of i, f and o. It starts as `kernel_initializer` says; `recurrent_regularizer` and
    `recurrent_constraint` apply to it.

    Source: Gers and Schmidhuber (2000), Recurrent nets that time and count.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.PeepholeLSTMCell(4)
        >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, c.shape
        ((2, 4), (2, 4))
    """

    kernel_function = None

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.peephole_kernel = self.add_weight(
            (3 * self.units,),
            self.kernel_initializer,
            name="peephole_kernel",
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )

    def step(self, projected: Array, states: list, masks: Masks) -> tuple[Array, ...]:
        """The new h and c."""
        (h, c), a, s = states, self.activation, self.recurrent_activation
        z = projected + project(h, self.recurrent_kernel.value, None, masks.states)
        i, f, g, o = jnp.split(z, 4, axis=-1)
        of_i, of_f, of_o = jnp.split(self.peephole_kernel.value, 3)
        c = s(f + of_f * c) * c + s(i + of_i * c) * a(g)
        return s(o + of_o * c) * a(c), c


class PeepholeLSTM(LSTM):
    """Long short-term memory whose gates see the cell state through peepholes p; at each step:

        i, f = s(x W + h R + p c + b),  c' = f c + i a(x W + h R + b)
        o = s(x W + h R + p c' + b),    h' = o a(c')

    Arguments and calls are those of `LSTM`; the weights are described in `PeepholeLSTMCell`.

    Source: Gers and Schmidhuber (2000), Recurrent nets that time and count.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.PeepholeLSTM(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = PeepholeLSTMCell
    _cell_name = "peephole_lstm_cell"


class CoupledLSTMCell(LSTMCell):
    """One step of the LSTM with one gate for input and forget: what is forgotten is replaced.

        f, o = s(x W + h R + b),  c' = f c + (1 - f) a(x W + h R + b),  h' = o a(c')

    The weights hold the gates in the order f, c, o: the kernels are `(..., 3 * units)`. Arguments
    and calls are those of `LSTMCell`.

    Source: Greff et al. (2015), arXiv:1503.04069.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.CoupledLSTMCell(4)
        >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, c.shape
        ((2, 4), (2, 4))
    """

    gates = 3
    forget_gate = 0
    kernel_function = None

    def step(self, projected: Array, states: list, masks: Masks) -> tuple[Array, ...]:
        """The new h and c."""
        (h, c), a, s = states, self.activation, self.recurrent_activation
        z = projected + project(h, self.recurrent_kernel.value, None, masks.states)
        f, g, o = jnp.split(z, 3, axis=-1)
        f = s(f)
        c = f * c + (1 - f) * a(g)
        return s(o) * a(c), c


class CoupledLSTM(LSTM):
    """Long short-term memory with one gate for input and forget; at each step:

        f, o = s(x W + h R + b),  c' = f c + (1 - f) a(x W + h R + b),  h' = o a(c')

    It has three quarters of the weights of `LSTM`, and the same arguments and calls.

    Source: Greff et al. (2015), arXiv:1503.04069.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.CoupledLSTM(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = CoupledLSTMCell
    _cell_name = "coupled_lstm_cell"
