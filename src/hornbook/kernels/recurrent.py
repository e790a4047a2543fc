"""Recurrent layers over whole sequences: LSTM, GRU and simple RNN.

The input projection does not depend on the state, so it is one large product over all timesteps.
What remains is the recurrence. Its gradient saves the gates, runs backward through time, and
computes the gradient of the recurrent kernel by one large product afterwards; the gradient that
`lax.scan` derives updates that matrix at every timestep instead.

Each layer has a plain version that defines it: a `*_step` function run by `scan_steps`.
Reverse-mode derivatives of any order work; forward mode (`jax.jvp`, `jax.hessian`) needs `plain()`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import wants_plain
from hornbook.kernels.embedding import Lookup, lookup
from hornbook.kernels.recurrence import NO_MASKS, Masks, as_mask, run
from hornbook.kernels.recurrent_cells import (
    ACTIVATIONS,
    gru_biases,
    gru_cell,
    gru_formula,
    lstm_cell,
    lstm_formula,
    one_by_one,
    simple_rnn_cell,
)

# --- one timestep of each: the formulas -----------------------------------------------------------


def lstm_step(
    x: Array,
    states: tuple[Array, Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Callable = jnp.tanh,
    recurrent_activation: Callable = jax.nn.sigmoid,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array, Array]]:
    """One timestep of the LSTM (Hochreiter, Schmidhuber 1997); gates in the order i, f, c, o."""
    h, c = states
    z = project(x, kernel, bias, drop.inputs) + project(h, recurrent_kernel, None, drop.states)
    h, c = lstm_update(z, c, activation, recurrent_activation)
    return h, (h, c)


def lstm_update(
    z: Array, c: Array, activation: Callable, recurrent_activation: Callable
) -> tuple[Array, Array]:
    """The new h and c of an LSTM from its gates' pre-activations and the old c."""
    of_gate = recurrent_activation
    return lstm_formula(z, c, one_by_one(of_gate, of_gate, activation, of_gate), activation)[0]


def gru_step(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    reset_after: bool = True,
    activation: Callable = jnp.tanh,
    recurrent_activation: Callable = jax.nn.sigmoid,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array]]:
    """One timestep of the GRU (Cho et al. 2014); gates in the order z, r, h."""
    input_bias, recurrent_bias = gru_biases(bias, reset_after)
    projected = project(x, kernel, input_bias, drop.inputs)
    functions = activation, recurrent_activation
    weights = recurrent_kernel, recurrent_bias
    h = gru_update(projected, states[0], *weights, reset_after, *functions, drop.states)
    return h, (h,)


def gru_update(
    projected: Array,
    h: Array,
    recurrent_kernel: Array,
    recurrent_bias: Array | None,
    reset_after: bool,
    activation: Callable,
    recurrent_activation: Callable,
    drop: Array | None,
) -> Array:
    """The new h of a GRU from the projected input and the old h."""
    end = 2 * h.shape[-1]
    if reset_after:
        parts = [(recurrent_kernel, drop)]
    else:
        masks = (None, None) if drop is None else (drop[:2], drop[2:])
        kernels = recurrent_kernel[:, :end], recurrent_kernel[:, end:]
        parts = [*zip(kernels, masks, strict=True)]
    times = [partial(project, kernel=kernel, bias=None, masks=mask) for kernel, mask in parts]
    x = projected[:, :end], projected[:, end:]
    gates = one_by_one(recurrent_activation, recurrent_activation)
    return gru_formula(x, h, times, recurrent_bias, reset_after, gates, activation)[0]


def simple_rnn_step(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Callable = jnp.tanh,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array]]:
    """One timestep of the simple RNN (Elman 1990): `h = activation(x W + h R + b)`."""
    recurrent = project(states[0], recurrent_kernel, None, drop.states)
    h = activation(project(x, kernel, bias, drop.inputs) + recurrent)
    return h, (h,)


# --- whole sequences ----------------------------------------------------------------------------


def lstm(
    x: Array | Lookup,
    h0: Array,
    c0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    mask: Array | None = None,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
    unroll: bool = False,
    return_sequences: bool = True,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array, ...]]:
    """LSTM over a whole sequence.

    `i, f, o = s(x W + h R + b)`, `c' = f c + i a(x W + h R + b)`, `h' = o a(c')`.

    Args:
        x: inputs, `(batch, steps, features)`, or a `Lookup` of them.
        h0, c0: initial states, `(batch, units)`.
        kernel: `(features, 4 * units)`, gates in the order i, f, c, o.
        recurrent_kernel: `(units, 4 * units)`.
        bias: `(4 * units,)` or None.
        activation, recurrent_activation: names in `ACTIVATIONS`; for others use `scan_steps`.
        mask: `(batch, steps)`, false at padding. A masked timestep keeps the states and repeats
            the previous output.
        reverse: run from the last timestep to the first; outputs come in that order.
        zero_output_for_mask: the output of a masked timestep is zero instead.
        unroll: unroll the loop.
        return_sequences: return the outputs of all timesteps instead of only the last.
        drop: dropout masks, one for each gate.

    Returns:
        Outputs `(batch, steps, units)` or `(batch, units)`, and the final `(h, c)`.
    """
    options = mask, reverse, zero_output_for_mask, unroll, return_sequences
    if wants_plain():
        activations = ACTIVATIONS[activation].function, ACTIVATIONS[recurrent_activation].function

        def step(x_t, states):
            return lstm_step(x_t, states, kernel, recurrent_kernel, bias, *activations, drop)

        return scan_steps(step, x, (h0, c0), *options)
    cell = lstm_cell(activation, recurrent_activation)
    return run(cell, x, (h0, c0), kernel, recurrent_kernel, bias, *options, drop)


def gru(
    x: Array | Lookup,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    reset_after: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    mask: Array | None = None,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
    unroll: bool = False,
    return_sequences: bool = True,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array, ...]]:
    """GRU over a whole sequence.

    `z, r = s(x W + h R + b)`, `h' = z h + (1 - z) a(x W + r (h R + b))`; with `reset_after=False`
    the last term is `(r h) R`.

    Args:
        x: inputs, `(batch, steps, features)`, or a `Lookup` of them.
        h0: initial state, `(batch, units)`.
        kernel: `(features, 3 * units)`, gates in the order z, r, h.
        recurrent_kernel: `(units, 3 * units)`.
        bias: `(2, 3 * units)` (input, recurrent) with `reset_after`, else `(3 * units,)`; or None.
        reset_after: apply the reset gate after the product with the recurrent kernel.

    The other arguments are those of `lstm`. Returns the outputs and `(h,)`.
    """
    options = mask, reverse, zero_output_for_mask, unroll, return_sequences
    if wants_plain():
        activations = ACTIVATIONS[activation].function, ACTIVATIONS[recurrent_activation].function

        def step(x_t, states):
            weights = kernel, recurrent_kernel, bias
            return gru_step(x_t, states, *weights, reset_after, *activations, drop)

        return scan_steps(step, x, (h0,), *options)
    cell = gru_cell(reset_after, activation, recurrent_activation)
    return run(cell, x, (h0,), kernel, recurrent_kernel, bias, *options, drop)


def simple_rnn(
    x: Array | Lookup,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    activation: str = "tanh",
    mask: Array | None = None,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
    unroll: bool = False,
    return_sequences: bool = True,
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array, ...]]:
    """Simple RNN over a whole sequence: `h' = a(x W + h R + b)`.

    Args:
        x: inputs, `(batch, steps, features)`, or a `Lookup` of them.
        h0: initial state, `(batch, units)`.
        kernel, recurrent_kernel, bias: `(features, units)`, `(units, units)`, `(units,)` or None.

    The other arguments are those of `lstm`. Returns the outputs and `(h,)`.
    """
    options = mask, reverse, zero_output_for_mask, unroll, return_sequences
    if wants_plain():

        def step(x_t, states):
            weights = kernel, recurrent_kernel, bias
            return simple_rnn_step(x_t, states, *weights, ACTIVATIONS[activation].function, drop)

        return scan_steps(step, x, (h0,), *options)
    cell = simple_rnn_cell(activation)
    return run(cell, x, (h0,), kernel, recurrent_kernel, bias, *options, drop)


def scan_steps(
    step: Callable,
    x: Array | Lookup,
    states: tuple[Array, ...],
    mask: Array | None = None,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
    unroll: bool = False,
    return_sequences: bool = True,
) -> tuple[Array, Any]:
    """Run one of the steps above over a sequence by `lax.scan`; jax derives the gradient.

    Args:
        step: `step(x_t, states) -> (output, new states)`, where the output is the first state.
        x: inputs, `(batch, steps, features)`, or a `Lookup` of them.
        states: initial states, `(batch, units)` each.
        mask, reverse, zero_output_for_mask, unroll, return_sequences: as for `lstm`.

    Returns:
        Outputs `(batch, steps, units)` or `(batch, units)`, and the final states.
    """

    def advance(states, inputs):
        x_t, keep = inputs
        output, new = step(x_t, states)
        if keep is not None:
            keep = keep[:, None]
            new = tuple(jnp.where(keep, n, s) for n, s in zip(new, states, strict=True))
            output = jnp.where(keep, output, 0 if zero_output_for_mask else states[0])
        return new, output

    x = lookup(*x) if isinstance(x, Lookup) else x
    inputs = jax.tree.map(
        lambda a: jnp.flip(a.swapaxes(0, 1), 0) if reverse else a.swapaxes(0, 1),
        (x, None if mask is None else as_mask(mask)),
    )
    states, outputs = lax.scan(advance, states, inputs, unroll=unroll)
    if return_sequences:
        return jnp.swapaxes(outputs, 0, 1), states
    return outputs[-1] if len(outputs) else states[0], states


def project(x: Array, kernel: Array, bias: Array | None, masks: Array | None) -> Array:
    """`x kernel + bias`, with dropout of `x` by one mask, or by one for each gate."""
    if masks is None:
        y = x @ kernel
    else:
        parts = zip(masks, jnp.split(kernel, len(masks), axis=-1), strict=True)
        y = jnp.concatenate([dropped(x, mask) @ part for mask, part in parts], axis=-1)
    return y if bias is None else y + bias


def dropped(x: Array, mask: Array) -> Array:
    """`x` times a mask `(batch, features)`, the same at each timestep."""
    mask = mask.astype(x.dtype)
    return x * (mask if x.ndim == 2 else mask[:, None])
