"""Bidirectional: a recurrent layer run over a sequence in both directions."""

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core import tree
from hornbook.core.arguments import arguments
from hornbook.core.config import custom_object_scope
from hornbook.layers.base import Layer
from hornbook.layers.masked import ignores_masked_steps
from hornbook.layers.recurrent.rnn import RNN, split_states

MERGE: dict[str | None, Callable] = {
    "concat": lambda y, y_rev: jnp.concatenate([y, y_rev], axis=-1),
    "sum": lambda y, y_rev: y + y_rev,
    "ave": lambda y, y_rev: (y + y_rev) / 2,
    "mul": lambda y, y_rev: y * y_rev,
    None: lambda y, y_rev: (y, y_rev),
}
SAME = ("stateful", "return_sequences", "return_state")


class Bidirectional(Layer):
    """Runs two copies of a recurrent layer, one from each end, and merges their outputs.

    Args:
        layer: an `RNN`, `LSTM`, `GRU` or `SimpleRNN`, or a custom layer that takes sequences and
            has `go_backwards`, `return_sequences`, `return_state` and `stateful`.
        merge_mode: how to merge the two outputs: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or `None`
            to return both.
        weights: initial values of the weights, those of the forward layer first.
        backward_layer: the layer for the backward direction; default a copy of `layer`.

    Call arguments: those of `layer`. The first half of `initial_state` goes to the forward layer,
    the second half to the backward layer. Sequence outputs are zero at masked steps.

    Returns what `layer` returns, merged; with `return_state` a tuple of the output, the forward
    states and the backward states.

    Raises:
        ValueError: if the two layers are incompatible, or for an unknown merge mode.

    Source: Schuster and Paliwal (1997), Bidirectional recurrent neural networks.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: list | None = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ):
        for one in (layer, backward_layer or layer):
            if not isinstance(one, Layer):
                raise ValueError(f"Bidirectional wraps a layer, not {one!r}")
        if merge_mode not in MERGE:
            raise ValueError(
                f"merge_mode of Bidirectional is one of {list(MERGE)}, not {merge_mode!r}"
            )
        super().__init__(**kwargs)
        name = layer.name.removeprefix("forward_")
        self.forward_layer = _copy(layer, name=f"forward_{name}")
        if backward_layer is None:
            backward_layer = _copy(layer, name=f"backward_{name}", go_backwards=True)
        self.backward_layer = backward_layer
        self._check_layers()
        self.merge_mode = merge_mode
        self.initial_weights = weights
        for one in self.directions:
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    @property
    def directions(self) -> tuple[Any, Any]:
        """The forward and the backward layer."""
        return self.forward_layer, self.backward_layer

    def _check_layers(self) -> None:
        forward, backward = self.directions
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "layer and backward_layer of Bidirectional must run in different directions; both "
                f"have go_backwards={forward.go_backwards}. Make one of them with go_backwards=True"
            )
        for name in SAME:
            values = getattr(forward, name), getattr(backward, name)
            if values[0] != values[1]:
                raise ValueError(
                    f"layer and backward_layer of Bidirectional must have the same {name}, not "
                    f"{values[0]} and {values[1]}"
                )

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether both layers ignore masked steps; the backward outputs are in step order here."""
        return all(
            isinstance(one, RNN)
            and type(one).call is RNN.call
            and ignores_masked_steps(one.cell)
            and one.activity_regularizer is None
            for one in self.directions
        )

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        for layer in self.directions:
            if not layer.built:
                layer._build({"input_shape": sequences_shape})
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)

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
        self,
        sequences: Array,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        states: tuple = (None, None)
        if initial_state is not None:
            half, odd = divmod(len(initial_state), 2)
            if odd:
                raise ValueError(
                    f"initial_state of layer {self.name!r} must hold equally many forward and "
                    f"backward states; it has {len(initial_state)}"
                )
            states = initial_state[:half], initial_state[half:]
        outputs: list = []
        final: list = []
        for layer, state in zip(self.directions, states, strict=True):
            given = {"initial_state": state, "mask": mask}
            takes = inspect.signature(layer.call).parameters
            kwargs = {k: v for k, v in given.items() if v is not None and k in takes}
            result = layer(sequences, training=training, **kwargs)
            output, *rest = result if self.return_state else (result,)
            outputs.append(output.astype(self.compute_dtype))
            final += rest
        y, y_rev = outputs
        if self.return_sequences:
            y_rev = jnp.flip(y_rev, axis=1)
        output = MERGE[self.merge_mode](y, y_rev)
        if not self.return_state:
            return output
        return (*output, *final) if self.merge_mode is None else (output, *final)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The step mask if all steps are returned; `None` for last outputs and states."""
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        return [mask, mask] if self.merge_mode is None else [mask]

    # ---- states

    @property
    def states(self) -> tuple | None:
        """The forward and backward states of a stateful layer."""
        kept = [layer.states for layer in self.directions]
        return None if None in kept else tuple(kept[0] + kept[1])

    def reset_state(self) -> None:
        """Reset the states of a stateful layer.

        Raises:
            AttributeError: if it is not stateful.
        """
        if not self.stateful:
            raise AttributeError(
                f"layer {self.name!r} is not stateful: it has no states to reset. "
                "Make the layer it wraps with stateful=True"
            )
        for layer in self.directions:
            layer.reset_state()

    def reset_states(self) -> None:
        """Old name of `reset_state`."""
        self.reset_state()


def _copy(layer: Layer, **changes: Any) -> Any:
    """A new layer with the same config and its own weights; its classes need no registration."""
    known: dict[str, Any] = {}
    for module in layer._all_modules():
        known[type(module).__name__] = type(module)
        values = arguments(module).values() if hasattr(module, "_arguments") else ()
        known |= {v.__name__: v for v in tree.walk(list(values)) if inspect.isfunction(v)}
    with custom_object_scope(known):
        return type(layer).from_config({**layer.get_config(), **changes})
