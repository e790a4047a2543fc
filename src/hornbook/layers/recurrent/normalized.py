"""LayerNormLSTM and LayerNormGRU: recurrent layers with layer normalization at each step."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.variable import Variable
from hornbook.kernels.recurrence import Masks
from hornbook.kernels.recurrent import project
from hornbook.layers.normalization.statistics import standardize, wide
from hornbook.layers.recurrent.cell import GatedCell
from hornbook.layers.recurrent.gru import GRU, GRUCell
from hornbook.layers.recurrent.lstm import LSTM, LSTMCell

EPSILON = 1e-3  # added to variances, as in LayerNormalization


class _Normalized(GatedCell):
    """The part of a cell that normalizes its projections: `gain * standardized + bias`.

    A subclass says which gates are normalized together.
    """

    kernel_function: Callable | None = None
    together: tuple[int, ...]

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        width = self.gates * self.units
        self.kernel_gain = self.add_weight((width,), "ones", name="kernel_gain")
        self.recurrent_gain = self.add_weight((width,), "ones", name="recurrent_gain")

    def project(self, x: Array, masks: Masks) -> Array:
        """The input's contribution to the gates, for one step or for all."""
        z = project(x, self.kernel.value, None, masks.inputs)
        return self._normalized(z, self.kernel_gain, self.biases()[0])

    def recur(self, h: Array, masks: Masks) -> Array:
        """The state's contribution to the gates."""
        z = project(h, self.recurrent_kernel.value, None, masks.states)
        return self._normalized(z, self.recurrent_gain, self.biases()[1])

    def _normalized(self, z: Array, gain: Variable, bias: Array | None) -> Array:
        parts, start = [], 0
        for count in self.together:
            stop = start + count * self.units
            parts.append(standardize(wide(z[..., start:stop]), -1, EPSILON))
            start = stop
        z = jnp.concatenate(parts, -1).astype(z.dtype) * gain.value
        return z if bias is None else z + bias


class LayerNormLSTMCell(_Normalized, LSTMCell):
    """One step of the LSTM with layer normalization N, which has learned gains:

        i, f, o = s(N(x W) + N(h R) + b),  c' = f c + i a(N(x W) + N(h R) + b),  h' = o a(N(c'))

    The gates are normalized together; N(c') has a learned shift too. Arguments and calls are those
    of `LSTMCell`.

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.LayerNormLSTMCell(4)
        >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, c.shape
        ((2, 4), (2, 4))
    """

    together = (4,)

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.state_gain = self.add_weight((self.units,), "ones", name="state_gain")
        self.state_shift = self.add_weight((self.units,), "zeros", name="state_shift")

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """The new h and c."""
        (h, c), a, s = states, self.activation, self.recurrent_activation
        i, f, g, o = jnp.split(projected + self.recur(h, masks), 4, axis=-1)
        c = s(f) * c + s(i) * a(g)
        normalized = standardize(wide(c), -1, EPSILON).astype(c.dtype)
        return s(o) * a(normalized * self.state_gain.value + self.state_shift.value), c


class LayerNormLSTM(LSTM):
    """Long short-term memory with layer normalization N, which has learned gains; at each step:

        i, f, o = s(N(x W) + N(h R) + b),  c' = f c + i a(N(x W) + N(h R) + b),  h' = o a(N(c'))

    Arguments and calls are those of `LSTM`.

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.LayerNormLSTM(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = LayerNormLSTMCell
    _cell_name = "layer_norm_lstm_cell"


class LayerNormGRUCell(_Normalized, GRUCell):
    """One step of the GRU with layer normalization N, which has learned gains:

        z, r = s(N(x W) + N(h R) + b),  h' = z h + (1 - z) a(N(x W) + r N(h R) + b)

    z and r are normalized together, the candidate by itself. Arguments and calls are those of
    `GRUCell`.

    Raises:
        ValueError: for `reset_after=False`.

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.

    Example:
        >>> import hornbook as keras
        >>> cell = keras.layers.LayerNormGRUCell(4)
        >>> output, states = cell(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape
        (2, 4)
    """

    together = (2, 1)

    def build(self, input_shape: tuple) -> None:
        if not self.reset_after:
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) normalizes the product that the "
                "reset gate multiplies: it needs reset_after=True"
            )
        super().build(input_shape)

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """The new h."""
        (h,), units = states, self.units
        inner = self.recur(h, masks)
        gates = self.recurrent_activation(projected[..., : 2 * units] + inner[..., : 2 * units])
        z, r = jnp.split(gates, 2, axis=-1)
        candidate = projected[..., 2 * units :] + r * inner[..., 2 * units :]
        return (z * h + (1 - z) * self.activation(candidate),)


class LayerNormGRU(GRU):
    """Gated recurrent unit with layer normalization N, which has learned gains; at each step:

        z, r = s(N(x W) + N(h R) + b),  h' = z h + (1 - z) a(N(x W) + r N(h R) + b)

    Arguments and calls are those of `GRU`; `reset_after` must be true.

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.LayerNormGRU(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    cell_class = LayerNormGRUCell
    _cell_name = "layer_norm_gru_cell"
