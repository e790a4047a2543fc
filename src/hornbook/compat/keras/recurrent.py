"""Recurrent layers of Keras 1 and 2.0, whose step programs call themselves."""

from typing import Any

import jax.numpy as jnp

from hornbook.compat.keras.backend import in_train_phase
from hornbook.compat.keras.layers import OldLayer
from hornbook.kernels.recurrence import Masks


class OldRecurrent(OldLayer):
    """Mixin of `SimpleRNN`, `LSTM` and `GRU`: one step, and what a loop over it needs.

    A loop passes `get_initial_states(x)` and `get_constants(x)` on to `step`:

        K.rnn(layer.step, layer.preprocess_input(x), layer.get_initial_states(x),
              constants=layer.get_constants(x))
    """

    cell: Any

    def preprocess_input(self, x: Any, training: Any = None) -> Any:
        """The inputs, unchanged: `step` projects them, as with `consume_less="gpu"`."""
        return x

    def get_initial_states(self, x: Any) -> list:
        """Zero states for inputs `(batch, steps, features)`."""
        return self.cell.get_initial_state(x.shape[0])

    def get_constants(self, x: Any, training: Any = None) -> list:
        """The dropout masks of the state and of the input, for each gate; 1 for none.

        Args:
            x: `(batch, steps, features)`.
            training: `True` or `False`; default: as the model runs.
        """
        cell = self.cell
        rates = (cell.recurrent_dropout, cell.units), (cell.dropout, x.shape[-1])
        return [self._constant(rate, x, size, training) for rate, size in rates]

    def _constant(self, rate: float, x: Any, size: int, training: Any) -> list:
        gates, batch = self.cell.gates, x.shape[0]
        if not 0 < rate < 1:
            return [1.0] * gates
        mask = self.cell._mask(rate, (gates, batch, size), x.dtype)
        return list(in_train_phase(mask, jnp.ones_like(mask), training))

    def step(self, x: Any, states: list) -> tuple[Any, list]:
        """The output and the new states of one step.

        Args:
            x: `(batch, features)`.
            states: the states, then the constants; further ones are ignored.
        """
        cell = self.cell
        count = cell.state_count
        inner, outer = (_stacked(one) for one in states[count : count + 2])
        masks = Masks(None if outer is None else outer[:1], inner)
        new = cell.step(cell.project(x, masks), list(states[:count]), masks)
        return new[0], list(new)


def _stacked(constant: Any) -> Any:
    """The mask of a constant; `None` for 1."""
    listed = constant if isinstance(constant, list | tuple) else [constant]
    return None if any(isinstance(one, int | float) for one in listed) else jnp.stack(listed)
