"""ConvLSTM: an LSTM with convolutions instead of matrix products, for sequences of images."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import activations
from hornbook.core.arguments import constructor_signature, own
from hornbook.core.random import SeedGenerator
from hornbook.kernels.conv import conv
from hornbook.kernels.recurrent import lstm_update
from hornbook.layers.convolutional.base import FilterConvolution
from hornbook.layers.recurrent.cell import reads_cell, take
from hornbook.layers.recurrent.loop import scan
from hornbook.layers.recurrent.rnn import OfCell

GATES = 4  # i, f, c, o


class _ConvLSTMCell(FilterConvolution):
    recurrent_activation: Callable
    unit_forget_bias: bool
    dropout: float
    recurrent_dropout: float

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        **kwargs: Any,
    ):
        given, of_kernel = own(locals()), constructor_signature(FilterConvolution).parameters
        self.rank = rank
        super().__init__(**{k: v for k, v in given.items() if k in of_kernel}, **kwargs)
        take(self, given)
        self.seed_generator = SeedGenerator(seed)
        self.state_size = [self.filters, self.filters]

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        spatial = input_shape[2:] if self.data_format == "channels_first" else input_shape[1:-1]
        self.spatial = tuple(spatial)
        self.kernel = self.add_kernel("kernel", (*self.kernel_size, channels, GATES * self.filters))
        self.recurrent_kernel = self.add_kernel(
            "recurrent_kernel", (*self.kernel_size, self.filters, GATES * self.filters)
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (GATES * self.filters,),
                self._first_bias if self.unit_forget_bias else self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _first_bias(self, shape: tuple, dtype: Any = None) -> Array:
        """Ones for the forget gate."""
        one = (self.filters,)
        first: Any = self.bias_initializer
        parts = first(one, dtype), jnp.ones(one, dtype), first((2 * self.filters,), dtype)
        return jnp.concatenate(parts)

    # ---- states

    def state_shape(self, batch: int, spatial: tuple) -> tuple:
        """The shape of a state for inputs of this spatial size."""
        size = []
        for n, k, s, d in zip(spatial, self.kernel_size, self.strides, self.dilation_rate):
            size.append(-(-n // s) if self.padding == "same" else (n - (k - 1) * d - 1) // s + 1)
        if self.data_format == "channels_first":
            return batch, self.filters, *size
        return batch, *size, self.filters

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Zero states for a batch of this size.

        Raises:
            ValueError: if the spatial size is unknown.
        """
        if None in self.spatial:
            raise ValueError(
                f"layer {self.name!r} keeps states as large as the images, whose size is "
                f"unknown: {self.spatial}. Give the Input that size, or pass initial_state"
            )
        shape = self.state_shape(batch_size or 1, self.spatial)
        return [jnp.zeros(shape, self.compute_dtype)] * 2

    # ---- one step, and all of them

    def _mask(self, rate: float, shape: tuple, training: bool, dtype: Any) -> Array | None:
        """A dropout mask per gate, shared by all steps."""
        if not training or not 0 < rate < 1:
            return None
        kept = jax.random.bernoulli(self.seed_generator.next(), 1 - rate, (GATES, *shape))
        return kept.astype(dtype) / (1 - rate)

    def project(self, x: Array, mask: Array | None) -> Array:
        """The input's contribution to the gates, `(..., height, width, channels)`."""
        self.check_fit(x.shape[1:-1])
        window = self.strides, self.padding, self.dilation_rate
        z = _by_gate(x, self.kernel.value, mask, window)
        return z if self.bias is None else z + self.bias.value

    def step(self, projected: Array, states: Any, mask: Array | None) -> tuple[Array, Array]:
        """The new h and c, channels last."""
        h, c = states
        ones = (1,) * self.rank
        z = projected + _by_gate(h, self.recurrent_kernel.value, mask, (ones, "same", ones))
        return lstm_update(z, c, self.activation or activations.linear, self.recurrent_activation)

    def call(  # type: ignore[override]
        self, inputs: Array, states: list, training: bool = False
    ) -> tuple[Array, list]:
        """One step: the output and the new states."""
        x, h = self.inward(inputs), self.inward(states[0])
        masks = self._mask(self.dropout, x.shape, training, x.dtype)
        more = self._mask(self.recurrent_dropout, h.shape, training, x.dtype)
        new = self.step(self.project(x, masks), (h, self.inward(states[1])), more)
        h, c = map(self.outward, new)
        return h, [h, c]

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
        """Outputs of all steps or the last, and final states; inputs are convolved all at once."""
        first = self.data_format == "channels_first"
        x = jnp.moveaxis(x, 2, -1) if first else x
        states = [self.inward(state) for state in states]
        dropped = self._mask(self.dropout, (x.shape[0], *x.shape[2:]), training, x.dtype)
        if dropped is not None:
            dropped = jnp.repeat(dropped, x.shape[1], axis=1)
        more = self._mask(self.recurrent_dropout, states[0].shape, training, x.dtype)
        flat = self.project(x.reshape(-1, *x.shape[2:]), dropped)
        projected = flat.reshape(*x.shape[:2], *flat.shape[1:])

        def step(z, states):
            new = self.step(z, states, more)
            return new[0], list(new)

        outputs, final, _ = scan(step, projected, states, mask, unroll, zero_output_for_mask)
        outputs = outputs if return_sequences else outputs[:, -1]
        if first:
            outputs = jnp.moveaxis(outputs, -1, 2 if return_sequences else 1)
        return outputs, [self.outward(state) for state in final]


def _by_gate(x: Array, kernel: Array, mask: Array | None, window: tuple) -> Array:
    """A convolution for all gates; with masks, each gate has its own dropped-out input."""
    if mask is None:
        return conv(x, kernel, *window)
    kernels = jnp.split(kernel, GATES, axis=-1)
    parts = [conv(x * m, k, *window) for m, k in zip(mask, kernels, strict=True)]
    return jnp.concatenate(parts, axis=-1)


class _ConvLSTM(OfCell):
    cell: Any
    cell_class = _ConvLSTMCell
    _cell_name = "conv_lstm_cell"
    _axes = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        **kwargs: Any,
    ):
        super().__init__(own(locals()) | {"rank": self._axes}, **kwargs)

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        shape = tuple(sequences_shape)
        if not self.cell.built:  # before the states, whose shapes depend on it
            self.cell._build({"input_shape": (shape[0], *shape[2:])})
        super().build(sequences_shape, initial_state_shape)

    def _first_states(self, sequences: Array, given: Any) -> list:
        if given is None and self.states is None:
            shape = sequences.shape
            first = self.cell.data_format == "channels_first"
            size = self.cell.state_shape(shape[0], shape[3:] if first else shape[2:-1])
            return [jnp.zeros(size, self.cell.compute_dtype)] * 2
        return super()._first_states(sequences, given)


@reads_cell
class ConvLSTM1D(_ConvLSTM):
    """A convolutional LSTM for sequences of rows (Shi et al., 2015):

        i, f, o = s(x * W + h * R + b),  c' = f c + i a(x * W + h * R + b),  h' = o a(c')

    where `*` is a convolution, and the kernels hold the gates in the order i, f, c, o.

    Args:
        filters: the channels of the states and of the output.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the input kernel along each axis.
        padding: `"valid"` (none) or `"same"`, of the inputs; states are always padded.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the input kernel's elements.
        activation: applied to the candidate and the output; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias, `(4 * filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, channels, 4 * filters)`.
        recurrent_initializer: initial values of the recurrent kernel,
            `(*kernel_size, filters, 4 * filters)`.
        bias_initializer: initial values of the bias.
        unit_forget_bias: start the forget gate's bias at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training.
        seed: random seed of the dropout masks.
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final states h and c too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.

    Call arguments: `sequences` `(batch, steps, *size, channels)`; `initial_state`, a list of h and
    c `(batch, *new size, filters)`; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, *new size, filters)`, or `(batch, steps, *new size, filters)` with
    `return_sequences`; with `return_state` a tuple of that and the final states h and c.

    Raises:
        ValueError: for arguments that do not fit, or a stateful layer of unknown batch size.

    Source: Shi et al. (2015), Convolutional LSTM network.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.ConvLSTM1D(4, 3, padding="same", return_sequences=True)
        >>> layer(np.ones((2, 5, 6, 3))).shape
        (2, 5, 6, 4)
    """

    _axes = 1


@reads_cell
class ConvLSTM2D(_ConvLSTM):
    """A convolutional LSTM for sequences of images (Shi et al., 2015):

        i, f, o = s(x * W + h * R + b),  c' = f c + i a(x * W + h * R + b),  h' = o a(c')

    where `*` is a convolution, and the kernels hold the gates in the order i, f, c, o.

    Args:
        filters: the channels of the states and of the output.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the input kernel along each axis.
        padding: `"valid"` (none) or `"same"`, of the inputs; states are always padded.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the input kernel's elements.
        activation: applied to the candidate and the output; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias, `(4 * filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, channels, 4 * filters)`.
        recurrent_initializer: initial values of the recurrent kernel,
            `(*kernel_size, filters, 4 * filters)`.
        bias_initializer: initial values of the bias.
        unit_forget_bias: start the forget gate's bias at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training.
        seed: random seed of the dropout masks.
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final states h and c too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.

    Call arguments: `sequences` `(batch, steps, *size, channels)`; `initial_state`, a list of h and
    c `(batch, *new size, filters)`; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, *new size, filters)`, or `(batch, steps, *new size, filters)` with
    `return_sequences`; with `return_state` a tuple of that and the final states h and c.

    Raises:
        ValueError: for arguments that do not fit, or a stateful layer of unknown batch size.

    Source: Shi et al. (2015), Convolutional LSTM network.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True)
        >>> layer(np.ones((2, 5, 6, 6, 3))).shape
        (2, 5, 6, 6, 4)
    """

    _axes = 2


@reads_cell
class ConvLSTM3D(_ConvLSTM):
    """A convolutional LSTM for sequences of volumes (Shi et al., 2015):

        i, f, o = s(x * W + h * R + b),  c' = f c + i a(x * W + h * R + b),  h' = o a(c')

    where `*` is a convolution, and the kernels hold the gates in the order i, f, c, o.

    Args:
        filters: the channels of the states and of the output.
        kernel_size: one positive integer per spatial axis, or one for all.
        strides: step of the input kernel along each axis.
        padding: `"valid"` (none) or `"same"`, of the inputs; states are always padded.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        dilation_rate: spacing of the input kernel's elements.
        activation: applied to the candidate and the output; `None` for linear.
        recurrent_activation: applied to the gates.
        use_bias: whether to add a bias, `(4 * filters,)`.
        kernel_initializer: initial values of the kernel, `(*kernel_size, channels, 4 * filters)`.
        recurrent_initializer: initial values of the recurrent kernel,
            `(*kernel_size, filters, 4 * filters)`.
        bias_initializer: initial values of the bias.
        unit_forget_bias: start the forget gate's bias at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the output to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs to drop in training; all steps share the mask.
        recurrent_dropout: fraction of the states to drop in training.
        seed: random seed of the dropout masks.
        return_sequences: return the outputs of all steps, not only of the last.
        return_state: return the final states h and c too.
        go_backwards: run from the last step to the first.
        stateful: start each batch from the final states of the previous batch.

    Call arguments: `sequences` `(batch, steps, *size, channels)`; `initial_state`, a list of h and
    c `(batch, *new size, filters)`; `mask` `(batch, steps)`, true where a step counts; `training`.

    Returns `(batch, *new size, filters)`, or `(batch, steps, *new size, filters)` with
    `return_sequences`; with `return_state` a tuple of that and the final states h and c.

    Raises:
        ValueError: for arguments that do not fit, or a stateful layer of unknown batch size.

    Source: Shi et al. (2015), Convolutional LSTM network.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.ConvLSTM3D(4, 3, padding="same", return_sequences=True)
        >>> layer(np.ones((2, 5, 4, 4, 4, 3))).shape
        (2, 5, 4, 4, 4, 4)
    """

    _axes = 3
