"""RNN: runs a cell over the steps of a sequence. The other recurrent layers subclass it."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import tree
from hornbook.core.arguments import constructor_signature
from hornbook.core.variable import Variable
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.masked import ignores_masked_steps
from hornbook.layers.recurrent.loop import run_cell
from hornbook.layers.recurrent.stacked import StackedRNNCells, check_cell, default_state
from hornbook.layers.spec import InputSpec

UNKNOWN_BATCH = """stateful recurrent layer {name!r} keeps a state for each sample of a batch, \
and the batch size is unknown: its input has shape {shape}.
Wrong:  keras.Input(shape=(10, 3))
Right:  keras.Input(batch_shape=(32, 10, 3))"""
OTHER_BATCH = """stateful recurrent layer {name!r} has states for batches of {expected} samples; \
it got {got}. Use batches of {expected} samples only (drop a smaller last batch; predict with \
batch_size={expected}), or copy the weights into a layer built for {got}."""


class RNN(Layer):
    """Runs a cell over axis 1 of its input, carrying the states from step to step.

    A cell is a layer with `call(inputs_at_t, states) -> (output, new_states)` and an attribute
    `state_size`, an integer or a list with one per state; optionally `output_size` and
    `get_initial_state(batch_size)`. The standard cells run in fast whole-sequence kernels.

    Args:
        cell: a cell, or a list of them to stack.
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final states too.
        go_backwards: run from the last step to the first; outputs are in that order.
        stateful: start each batch from the final states of the previous batch, until
            `reset_state()`; needs a fixed batch size.
        unroll: unroll the loop over the steps: faster for few steps, slower to compile.
        zero_output_for_mask: output zeros at masked steps instead of the previous output.

    Call arguments: `sequences` `(batch, steps, ...)`; `initial_state`, a list of arrays
    `(batch, state size)`; `mask` `(batch, steps)`, true where a step counts (masked steps leave the
    states unchanged); `training`, for cells with dropout.

    Returns `(batch, output size)`, or `(batch, steps, output size)` with `return_sequences`; with
    `return_state` a tuple of that and each state.

    Raises:
        ValueError: if the cell has no `call` or `state_size`, the batch size of a stateful layer is
            unknown, or the states have the wrong shapes.

    Example:
        >>> import hornbook as keras
        >>> class Minimal(keras.Layer):
        ...     def __init__(self, units, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.state_size = units
        ...     def build(self, input_shape):
        ...         self.w = self.add_weight((input_shape[-1], self.state_size), name="w")
        ...     def call(self, inputs, states):
        ...         output = inputs @ self.w + states[0]
        ...         return output, [output]
        >>> keras.layers.RNN(Minimal(4))(np.ones((2, 5, 3))).shape
        (2, 4)
        >>> stack = keras.layers.RNN([Minimal(4), Minimal(6)], return_sequences=True)
        >>> stack(np.ones((2, 5, 3))).shape
        (2, 5, 6)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        check_cell(self.cell, self)
        size = self.cell.state_size
        self.single_state = isinstance(size, WHOLE)
        self.state_size = [size] if self.single_state else list(size)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.states: list | None = None

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether the outputs are in step order, from a cell that ignores masked steps."""
        in_order = not (self.go_backwards and self.return_sequences)
        return in_order and ignores_masked_steps(self.cell)

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        shape = tuple(sequences_shape)
        if len(shape) < 2:
            raise ValueError(
                f"layer {self.name!r} runs over axis 1 of (batch, steps, ...); it got shape {shape}"
            )
        if self.unroll and shape[1] is None:
            raise ValueError(
                f"layer {self.name!r} cannot be unrolled over an unknown number of steps: its "
                f"input has shape {shape}. Give the Input that size, or pass unroll=False"
            )
        if self.stateful and self.states is None:
            if shape[0] is None:
                raise ValueError(UNKNOWN_BATCH.format(name=self.name, shape=shape))
            self.states = self._state_variables(shape[0])
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell._build({"input_shape": (shape[0], *shape[2:])})
        if isinstance(self.input_spec, InputSpec):
            self.input_spec = InputSpec(ndim=self.input_spec.ndim, axes={-1: shape[-1]})

    def _state_variables(self, batch_size: int) -> list:
        with jax.ensure_compile_time_eval():
            initial = self.get_initial_state(batch_size)
        return tree.map_structure(
            lambda value: Variable(
                value, dtype=self.variable_dtype, trainable=False, name="rnn_state", kind="carry"
            ),
            initial,
        )

    # ---- states

    def get_initial_state(self, batch_size: int) -> list:
        """The initial states: from the cell's `get_initial_state`, or zeros.

        Args:
            batch_size: number of samples.
        """
        initial = default_state(self.cell, batch_size, self.compute_dtype)
        return list(initial) if isinstance(initial, list | tuple) else [initial]

    def reset_state(self, states: Any = None) -> None:
        """Reset the states of a stateful layer.

        Args:
            states: new values, in the order of `states`; default zeros.
        """
        variables = tree.flatten(self.states) if self.states is not None else []
        values = [jnp.zeros(v.shape) for v in variables] if states is None else tree.flatten(states)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def reset_states(self, states: Any = None) -> None:
        """Old name of `reset_state`."""
        self.reset_state(states)

    def _first_states(self, sequences: Array, given: Any) -> list:
        """The initial states, in the cell's structure and dtype."""
        batch = sequences.shape[0]
        kept = None if self.states is None else tree.map_structure(lambda v: v.value, self.states)
        if kept is not None and (expected := tree.flatten(kept)[0].shape[0]) != batch:
            raise ValueError(OTHER_BATCH.format(name=self.name, expected=expected, got=batch))
        if given is None:
            states = self.get_initial_state(batch) if kept is None else kept
        else:
            like = kept or jax.eval_shape(lambda: self.get_initial_state(batch))
            leaves, wanted = tree.flatten(given), tree.flatten(like)
            shapes, expected = [jnp.shape(a) for a in leaves], [a.shape for a in wanted]
            if shapes != expected:
                raise ValueError(
                    f"layer {self.name!r} ({type(self).__name__}) takes initial states of shapes "
                    f"{expected}; initial_state has shapes {shapes}"
                )
            states = tree.unflatten_as(like, leaves)
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return tree.map_structure(lambda value: jnp.asarray(value, dtype), states)

    # ---- calling

    def __call__(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Apply the layer; `sequences` may also be a list `[sequences, *states]`."""
        if initial_state is None:
            sequences, initial_state = split_states(sequences)
        given = {"initial_state": initial_state, "mask": mask}
        kwargs |= {key: value for key, value in given.items() if value is not None}
        return super().__call__(sequences, **kwargs)

    def call(
        self, sequences: Array, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        states = self._first_states(sequences, initial_state)
        mask = self._step_mask(sequences, mask)
        if self.go_backwards:
            sequences = jnp.flip(sequences, 1)
            mask = None if mask is None else jnp.flip(mask, 1)
        outputs, states = run_cell(
            self.cell,
            sequences,
            states,
            mask,
            training,
            self.unroll,
            self.zero_output_for_mask,
            self.return_sequences,
        )
        cast = lambda value: value.astype(self.compute_dtype)  # noqa: E731
        outputs, states = cast(outputs), tree.map_structure(cast, states)
        if self.stateful:
            for variable, value in zip(
                tree.flatten(self.states), tree.flatten(states), strict=True
            ):
                variable.assign(value)
        return (outputs, *states) if self.return_state else outputs

    def _step_mask(self, sequences: Array, mask: Any) -> Array | None:
        """Booleans `(batch, steps)`: a step counts if any element of its mask is true."""
        mask = tree.flatten(mask)[0]
        if mask is None:
            return None
        mask = jnp.asarray(mask, bool)
        if mask.shape[:2] != sequences.shape[:2]:
            raise ValueError(
                f"layer {self.name!r} got a mask of shape {mask.shape} for sequences of shape "
                f"{sequences.shape}; their first two axes (batch, steps) must be equal"
            )
        return mask.any(tuple(range(2, mask.ndim)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The step mask if all steps are returned; `None` for the last output and the states."""
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask


class OfCell(RNN):
    """Base of layers that create their cell from their own arguments."""

    cell_class: Any
    _cell_name: str
    _axes = 0  # spatial axes of one step
    _given = ("cell", "arguments")

    def __init__(self, arguments: dict[str, Any], **kwargs: Any):
        of_cell = inspect.signature(self.cell_class.__init__).parameters
        of_layer = constructor_signature(RNN).parameters
        cell = self.cell_class(
            **{name: value for name, value in arguments.items() if name in of_cell},
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name=self._cell_name,
        )
        rest = {name: value for name, value in arguments.items() if name in of_layer}
        super().__init__(cell, **rest, **kwargs)
        self.input_spec = InputSpec(ndim=self._axes + 3)


def split_states(sequences: Any) -> tuple[Any, Any]:
    """Split `[sequences, *states]` into sequences and states; anything else is just sequences."""
    if isinstance(sequences, list | tuple) and sequences and hasattr(sequences[0], "shape"):
        return sequences[0], list(sequences[1:]) or None
    return sequences, None
