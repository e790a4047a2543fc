"""What the simple, LSTM and GRU cells share: weights, dropout and the run over a sequence."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, formulas, initializers, regularizers
from hornbook.core.random import SeedGenerator
from hornbook.kernels import recurrent
from hornbook.kernels.recurrence import Masks
from hornbook.layers.arguments import known_size, positive
from hornbook.layers.base import Layer
from hornbook.layers.recurrent.loop import scan

_held: ContextVar[dict | None] = ContextVar("held", default=None)


# how to convert an argument, by the last part of its name
READERS: dict[str, Callable] = {
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
    "dropout": lambda rate: min(1.0, max(0.0, rate)),
}


def take(layer: Any, arguments: dict[str, Any]) -> None:
    """Set constructor arguments as attributes, each converted by the last part of its name."""
    for name, value in arguments.items():
        if name not in vars(layer):
            read = READERS.get(name.rpartition("_")[2])
            setattr(layer, name, read(value) if read else value)


class GatedCell(Layer):
    """Base of cells whose gates are activations of `x kernel + h recurrent_kernel + bias`.

    A subclass defines `step`, from the projected input to the new states, and names its kernel.
    """

    ignores_masked_steps = True
    gates = 1
    state_count = 1
    kernel_function: Callable | None = None  # of kernels.recurrent, if there is one
    _given = ("arguments",)
    activation: Callable
    recurrent_activation: Callable
    kernel_initializer: Any
    bias_initializer: Any
    recurrent_regularizer: Any
    recurrent_constraint: Any
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    seed: int | None

    def __init__(self, arguments: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.units = positive("units", arguments["units"], self)
        take(self, arguments)
        self.implementation = 1 if self.recurrent_dropout else arguments.get("implementation", 2)
        self.seed_generator = SeedGenerator(self.seed)
        one = self.state_count == 1
        self.state_size: Any = self.units if one else [self.units] * self.state_count
        self.output_size = self.units

    # ---- weights

    def build(self, input_shape: tuple) -> None:
        width = self.gates * self.units
        self.kernel = self._weight("kernel", (known_size(input_shape, -1, self), width))
        self.recurrent_kernel = self._weight("recurrent_kernel", (self.units, width))
        self.bias = self._weight("bias", self.bias_shape()) if self.use_bias else None

    def _weight(self, name: str, shape: tuple) -> Any:
        part = name.removesuffix("_kernel")
        first = self.initial_bias() if name == "bias" else getattr(self, f"{part}_initializer")
        return self.add_weight(
            shape,
            first,
            name=name,
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
        )

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of `bias`."""
        return (self.gates * self.units,)

    def initial_bias(self) -> Callable:
        """The initializer of `bias`."""
        return self.bias_initializer

    def biases(self) -> tuple[Array | None, Array | None]:
        """The biases of the input projection and of the state projection."""
        return (None if self.bias is None else self.bias.value), None

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Zero states for a batch of this size."""
        zeros = jnp.zeros((batch_size, self.units), self.compute_dtype)
        return [zeros] * self.state_count

    # ---- dropout

    def dropout_masks(self, x: Array, training: bool) -> Masks:
        """New dropout masks for inputs `(batch, ..., features)`; empty outside training."""
        held = (_held.get() or {}).get(self)
        if held is not None:
            return held
        if not training:
            return Masks()
        count = self.gates if self.implementation == 1 else 1
        batch, features = x.shape[0], x.shape[-1]
        return Masks(
            self._mask(self.dropout, (count, batch, features), x.dtype),
            self._mask(self.recurrent_dropout, (self.gates, batch, self.units), x.dtype),
        )

    def _mask(self, rate: float, shape: tuple, dtype: Any) -> Array | None:
        if not 0 < rate < 1:
            return None
        kept = jax.random.bernoulli(self.seed_generator.next(), 1 - rate, shape)
        return kept.astype(dtype) / (1 - rate)

    @contextmanager
    def holding(self, x: Array, training: bool) -> Iterator[None]:
        """Context in which every call uses the same dropout masks."""
        token = _held.set({**(_held.get() or {}), self: self.dropout_masks(x, training)})
        try:
            yield
        finally:
            _held.reset(token)

    # ---- one step, and all of them

    def project(self, x: Array, masks: Masks) -> Array:
        """The input's contribution to the gates, for one step or for all."""
        return recurrent.project(x, self.kernel.value, self.biases()[0], masks.inputs)

    def step(self, projected: Array, states: Any, masks: Masks) -> tuple[Array, ...]:
        """The new states; the first is the output."""
        raise NotImplementedError(f"{type(self).__name__} has no step method")

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """One step: the output `(batch, units)` and the new states."""
        nested = isinstance(states, list | tuple)
        masks = self.dropout_masks(inputs, training)
        new = self.step(self.project(inputs, masks), states if nested else [states], masks)
        return new[0], list(new) if nested else new[0]

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
        """Outputs `(batch, steps, units)` or the last one, and the final states, equal to `call`'s.

        Uses the whole-sequence kernel if it supports the activations; otherwise projects the inputs
        of all steps at once and scans over the steps.
        """
        masks = self.dropout_masks(x, training)
        weights = (self.kernel, self.recurrent_kernel, self.bias)
        whole = self.kernel_function and formulas.recurrence(
            self.kernel_function,
            x,
            states,
            [None if weight is None else weight.value for weight in weights],
            self.functions(),
            masks,
            mask=mask,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            return_sequences=return_sequences,
            **self.options(),
        )
        if whole is not None:
            outputs, final = whole
            return outputs, list(final)

        def step(projected, states):
            new = self.step(projected, states, masks)
            return new[0], list(new)

        projected = self.project(x, masks)
        outputs, final, _ = scan(step, projected, states, mask, unroll, zero_output_for_mask)
        return outputs if return_sequences else outputs[:, -1], final

    def functions(self) -> dict[str, Callable]:
        """Its activations, by the kernel's argument names."""
        return {"activation": self.activation}

    def options(self) -> dict[str, Any]:
        """Further arguments of its kernel."""
        return {}


def reads_cell(cls: type) -> type:
    """Class decorator: expose every argument of the layer's cell as a property of the layer."""
    for name in list(inspect.signature(cls.cell_class.__init__).parameters)[1:]:  # type: ignore
        if name != "kwargs":
            getter = functools.partial(lambda self, name: getattr(self.cell, name), name=name)
            setattr(cls, name, property(getter, doc=f"`{name}` of the cell."))
    return cls
