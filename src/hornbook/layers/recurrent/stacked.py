"""StackedRNNCells: a stack of cells that acts as one cell."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.masked import ignores_masked_steps
from hornbook.layers.recurrent.loop import run_cell


class StackedRNNCells(Layer):
    """A stack of cells: at each step, the output of one cell is the input of the next.

    Args:
        cells: a list of cells.

    Raises:
        ValueError: if a cell has no `call` or no `state_size`.

    Example:
        >>> import hornbook as keras
        >>> cells = [keras.layers.LSTMCell(4), keras.layers.GRUCell(3)]
        >>> keras.layers.RNN(keras.layers.StackedRNNCells(cells))(np.ones((2, 5, 6))).shape
        (2, 3)
    """

    def __init__(self, cells: list | tuple, **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell, self)
        self.cells = list(cells)

    @property
    def state_size(self) -> list:
        """The state sizes of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The output size of the last cell."""
        return output_size(self.cells[-1])

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether all cells ignore masked steps."""
        return all(map(ignores_masked_steps, self.cells))

    def build(self, input_shape: tuple) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell._build({"input_shape": input_shape})
            input_shape = (input_shape[0], output_size(cell))

    def get_initial_state(self, batch_size: int | None = None) -> list:
        """The initial states of each cell."""
        return [default_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def call(self, inputs: Array, states: list, training: bool = False, **kwargs: Any) -> tuple:
        """One step: the last cell's output and the new states of each cell."""
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            flags = {"training": training} if isinstance(cell, Layer) else {}
            call = cell if callable(cell) else cell.call
            inputs, new = call(inputs, _listed(state), **flags, **kwargs)
            new_states.append(_like(state, new))
        return inputs, new_states

    def sequence(
        self,
        x: Array,
        states: list,
        mask: Array | None,
        training: bool,
        unroll: bool,
        zero_output_for_mask: bool,
        return_sequences: bool = True,
    ) -> tuple[Array, list]:
        """Outputs and final states of a whole sequence: each cell in turn runs over all steps."""
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            last = cell is self.cells[-1]
            zero, all_steps = zero_output_for_mask and last, return_sequences or not last
            x, new = run_cell(cell, x, _listed(state), mask, training, unroll, zero, all_steps)
            new_states.append(_like(state, new))
        return x, new_states


def _listed(state: Any) -> list:
    return list(state) if isinstance(state, list | tuple) else [state]


def _like(state: Any, new: Any) -> Any:
    """The new state in the form of the old one: an array or a list."""
    if isinstance(state, list | tuple):
        return list(new) if isinstance(new, list | tuple) else [new]
    return new[0] if isinstance(new, list | tuple) else new


def default_state(cell: Any, batch_size: int | None, dtype: str) -> Any:
    """A cell's own initial state, or zeros of its state size."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    dtype = getattr(cell, "compute_dtype", dtype)
    if isinstance(cell.state_size, WHOLE):
        return jnp.zeros((batch_size, cell.state_size), dtype)
    return [jnp.zeros((batch_size, size), dtype) for size in cell.state_size]


def output_size(cell: Any) -> int:
    """The size of a cell's output: `output_size`, or the size of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
    return size[0] if isinstance(size, list | tuple) else size


def check_cell(cell: Any, layer: Any) -> None:
    """Raise a `ValueError` if an object cannot be a cell."""
    for name, what in (("call", "method"), ("state_size", "attribute")):
        if not hasattr(cell, name):
            raise ValueError(
                f"{cell!r} cannot be a cell of {type(layer).__name__}: it has no {what} `{name}`. "
                "A cell has call(inputs, states) -> (output, new_states), and state_size, an "
                "integer or a list with one per state"
            )
    if not isinstance(cell.state_size, WHOLE | list | tuple):
        raise ValueError(
            f"state_size of cell {cell!r} must be an integer or a list of them, "
            f"not {cell.state_size!r}"
        )
