"""Recurrent layers over whole sequences: LSTM, GRU, simple RNN, and a scan for any other cell.

The product of the input with its kernel does not depend on the state, so it is one large product
over all steps. What is left is the recurrence. Its gradient keeps the gates, runs backward through
time, and forms the gradient of the recurrent kernel by one large product afterwards; the gradient
that `lax.scan` derives by itself adds to that matrix at every step instead.

Each recurrence has a plain version, a `*_step` function under `scan_cell`, which is its definition.
Reverse-mode derivatives of any order work; forward mode (`jax.jvp`, `jax.hessian`) needs `plain()`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.kernels import wants_plain

# name: (function, its derivative written in terms of its value)
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "tanh": (jnp.tanh, lambda y: 1 - y * y),
    "sigmoid": (jax.nn.sigmoid, lambda y: y * (1 - y)),
    "relu": (jax.nn.relu, lambda y: (y > 0).astype(y.dtype)),
    "linear": (lambda x: x, jnp.ones_like),
    "hard_sigmoid": (
        jax.nn.hard_sigmoid,
        lambda y: jnp.where((y > 0) & (y < 1), 1 / 6, 0.0).astype(y.dtype),
    ),
}


# --- one step of each: the formulas -------------------------------------------------------------


def lstm_step(
    x: Array,
    states: tuple[Array, Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Callable = jnp.tanh,
    recurrent_activation: Callable = jax.nn.sigmoid,
) -> tuple[Array, tuple[Array, Array]]:
    """One step of the LSTM (Hochreiter and Schmidhuber, 1997): gates in the order i, f, c, o."""
    h, c = states
    z = _project(x, kernel, bias) + h @ recurrent_kernel
    i, f, g, o = jnp.split(z, 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    h = recurrent_activation(o) * activation(c)
    return h, (h, c)


def gru_step(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    reset_after: bool = True,
    activation: Callable = jnp.tanh,
    recurrent_activation: Callable = jax.nn.sigmoid,
) -> tuple[Array, tuple[Array]]:
    """One step of the GRU (Cho et al., 2014): gates in the order z, r, h."""
    (h,) = states
    units = h.shape[-1]
    input_bias, recurrent_bias = _gru_biases(bias, reset_after)
    xz, xr, xh = jnp.split(_project(x, kernel, input_bias), 3, axis=-1)
    if reset_after:
        hz, hr, hh = jnp.split(_project(h, recurrent_kernel, recurrent_bias), 3, axis=-1)
    else:
        hz, hr = jnp.split(h @ recurrent_kernel[:, : 2 * units], 2, axis=-1)
    z, r = recurrent_activation(xz + hz), recurrent_activation(xr + hr)
    hh = r * hh if reset_after else (r * h) @ recurrent_kernel[:, 2 * units :]
    h = z * h + (1 - z) * activation(xh + hh)
    return h, (h,)


def simple_rnn_step(
    x: Array,
    states: tuple[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Callable = jnp.tanh,
) -> tuple[Array, tuple[Array]]:
    """One step of the simple RNN (Elman, 1990): `h = activation(x W + h R + b)`."""
    h = activation(_project(x, kernel, bias) + states[0] @ recurrent_kernel)
    return h, (h,)


# --- whole sequences ----------------------------------------------------------------------------


def lstm(
    x: Array,
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
) -> tuple[Array, tuple[Array, Array]]:
    """LSTM over a whole sequence.

    `i, f, o = s(x W + h R + b)`, `c' = f c + i a(x W + h R + b)`, `h' = o a(c')`.

    Args:
        x: inputs, `(batch, steps, features)`.
        h0, c0: initial states, `(batch, units)`.
        kernel: `(features, 4 * units)`, gates in the order i, f, c, o.
        recurrent_kernel: `(units, 4 * units)`.
        bias: `(4 * units,)` or None.
        activation, recurrent_activation: names in `ACTIVATIONS`; for others use `scan_cell`.
        mask: `(batch, steps)`, true where a step counts. A masked step keeps the states and
            repeats the previous output.
        reverse: run from the last step to the first; outputs come in that order.
        zero_output_for_mask: the output of a masked step is zero instead.
        unroll: write the steps out instead of looping.

    Returns:
        Outputs `(batch, steps, units)`, and the final `(h, c)`.
    """
    if wants_plain():
        activations = ACTIVATIONS[activation][0], ACTIVATIONS[recurrent_activation][0]
        step = _bound(lstm_step, kernel, recurrent_kernel, bias, *activations)
        return scan_cell(step, x, (h0, c0), mask, reverse, zero_output_for_mask, unroll)
    cell = _lstm_cell(activation, recurrent_activation)
    projected = _project(_time_major(x, reverse), kernel, bias)
    return _run(
        cell, projected, (h0, c0), recurrent_kernel, None, mask, reverse, zero_output_for_mask, unroll
    )


def gru(
    x: Array,
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
) -> tuple[Array, tuple[Array]]:
    """GRU over a whole sequence.

    `z, r = s(x W + h R + b)`, `h' = z h + (1 - z) a(x W + r (h R + b))`; with `reset_after=False`
    the last term is `(r h) R`.

    Args:
        x: inputs, `(batch, steps, features)`.
        h0: initial state, `(batch, units)`.
        kernel: `(features, 3 * units)`, gates in the order z, r, h.
        recurrent_kernel: `(units, 3 * units)`.
        bias: `(2, 3 * units)` (input, recurrent) with `reset_after`, else `(3 * units,)`; or None.
        reset_after: apply the reset gate after the product with the recurrent kernel.

    The other arguments are those of `lstm`. Returns the outputs and `(h,)`.
    """
    if wants_plain():
        activations = ACTIVATIONS[activation][0], ACTIVATIONS[recurrent_activation][0]
        step = _bound(gru_step, kernel, recurrent_kernel, bias, reset_after, *activations)
        return scan_cell(step, x, (h0,), mask, reverse, zero_output_for_mask, unroll)
    cell = _gru_cell(reset_after, activation, recurrent_activation)
    input_bias, recurrent_bias = _gru_biases(bias, reset_after)
    projected = _project(_time_major(x, reverse), kernel, input_bias)
    return _run(
        cell, projected, (h0,), recurrent_kernel, recurrent_bias, mask, reverse,
        zero_output_for_mask, unroll,
    )  # fmt: skip


def simple_rnn(
    x: Array,
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
) -> tuple[Array, tuple[Array]]:
    """Simple RNN over a whole sequence: `h' = a(x W + h R + b)`.

    Args:
        x: inputs, `(batch, steps, features)`.
        h0: initial state, `(batch, units)`.
        kernel, recurrent_kernel, bias: `(features, units)`, `(units, units)`, `(units,)` or None.

    The other arguments are those of `lstm`. Returns the outputs and `(h,)`.
    """
    if wants_plain():
        step = _bound(simple_rnn_step, kernel, recurrent_kernel, bias, ACTIVATIONS[activation][0])
        return scan_cell(step, x, (h0,), mask, reverse, zero_output_for_mask, unroll)
    cell = _simple_rnn_cell(activation)
    projected = _project(_time_major(x, reverse), kernel, bias)
    return _run(
        cell, projected, (h0,), recurrent_kernel, None, mask, reverse, zero_output_for_mask, unroll
    )


def scan_cell(
    cell: Callable,
    x: Any,
    states: Any,
    mask: Array | None = None,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """Run any cell over a sequence; jax derives the gradient.

    Args:
        cell: `cell(x_t, states) -> (output, new_states)`.
        x: inputs, a tree of arrays `(batch, steps, ...)`.
        states: initial states, a tree of arrays `(batch, ...)`.
        mask, reverse, zero_output_for_mask, unroll: as for `lstm`. The previous output that a
            masked step repeats is the first state where that has the output's shape (of the last
            cell, where states are nested), else zero before the first step that counts.

    Returns:
        Outputs, a tree of arrays `(batch, steps, ...)`, and the final states.
    """
    xs = jax.tree.map(lambda a: _time_major(a, reverse), x)

    def run(states, x_t):
        output, new = cell(x_t, states)
        new = jax.tree.map(lambda n, s: jnp.asarray(n, s.dtype), new, states)
        return output, jax.tree.unflatten(jax.tree.structure(states), jax.tree.leaves(new))

    if mask is None:
        step = lambda states, x_t: run(states, x_t)[::-1]  # noqa: E731
        states, outputs = lax.scan(step, states, xs, unroll=unroll)
    else:
        first = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), xs)
        spec = jax.eval_shape(run, states, first)[0]
        previous = _previous_output(states, spec)

        def masked(carry, inputs):
            states, previous = carry
            x_t, keep = inputs
            output, new = run(states, x_t)
            new = jax.tree.map(partial(_select, keep), new, states)
            held = jax.tree.map(partial(_select, keep), output, previous)
            if zero_output_for_mask:
                output = jax.tree.map(lambda o: _select(keep, o, jnp.zeros_like(o)), output)
            else:
                output = held
            return (new, held), output

        inputs = (xs, _time_major_mask(mask, reverse))
        (states, _), outputs = lax.scan(masked, (states, previous), inputs, unroll=unroll)
    return jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), outputs), states


# --- the recurrence with its own gradient -------------------------------------------------------


class _Cell(NamedTuple):
    """The part of a step that depends on the state, and its derivative.

    forward: `(projected input, states, R, b) -> (new states, saved)`.
    backward: `(d new states, saved, old states, new states, R) -> (d old states, d projected, d inner)`
        where `d inner` is the gradient at the output of the product with R.
    weight_gradient: `(old h of all steps, saved, d inner) -> d R`.
    """

    forward: Callable
    backward: Callable
    weight_gradient: Callable


def _outer(h: Array, saved: Any, d_inner: Array) -> Array:
    return jnp.einsum("tbi,tbj->ij", h, d_inner)


def _lstm_cell(activation: str, recurrent_activation: str) -> _Cell:
    (act, d_act), (gate, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]

    def forward(xp, states, kernel, bias):
        h, c = states
        i, f, g, o = jnp.split(xp + h @ kernel, 4, axis=-1)
        i, f, g, o = gate(i), gate(f), act(g), gate(o)
        c = f * c + i * g
        return (o * act(c), c), (i, f, g, o)

    def backward(d_new, saved, old, new, kernel):
        (dh, dc), (i, f, g, o) = d_new, saved
        a = act(new[1])
        dc = dc + dh * o * d_act(a)
        dz = jnp.concatenate(
            [dc * g * d_gate(i), dc * old[1] * d_gate(f), dc * i * d_act(g), dh * a * d_gate(o)],
            axis=-1,
        )
        return (dz @ kernel.T, dc * f), dz, dz

    return _Cell(forward, backward, _outer)


def _gru_cell(reset_after: bool, activation: str, recurrent_activation: str) -> _Cell:
    (act, d_act), (gate, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]

    def forward(xp, states, kernel, bias):
        (h,) = states
        units = h.shape[-1]
        xz, xr, xh = jnp.split(xp, 3, axis=-1)
        if reset_after:
            hz, hr, hh = jnp.split(_project(h, kernel, bias), 3, axis=-1)
            z, r = gate(xz + hz), gate(xr + hr)
            inner = r * hh
        else:
            hz, hr = jnp.split(h @ kernel[:, : 2 * units], 2, axis=-1)
            z, r = gate(xz + hz), gate(xr + hr)
            hh = r * h
            inner = hh @ kernel[:, 2 * units :]
        a = act(xh + inner)
        return (z * h + (1 - z) * a,), (z, r, hh, a)

    def backward(d_new, saved, old, new, kernel):
        (dh,), (h,), (z, r, hh, a) = d_new, old, saved
        units = h.shape[-1]
        da = dh * (1 - z) * d_act(a)
        dz = dh * (h - a) * d_gate(z)
        if reset_after:
            dr = da * hh * d_gate(r)
            d_inner = jnp.concatenate([dz, dr, da * r], axis=-1)
            d_old = dh * z + d_inner @ kernel.T
            return (d_old,), jnp.concatenate([dz, dr, da], axis=-1), d_inner
        d_rh = da @ kernel[:, 2 * units :].T
        dr = d_rh * h * d_gate(r)
        d_old = dh * z + d_rh * r + jnp.concatenate([dz, dr], -1) @ kernel[:, : 2 * units].T
        d_inner = jnp.concatenate([dz, dr, da], axis=-1)
        return (d_old,), d_inner, d_inner

    def weight_gradient(h, saved, d_inner):
        if reset_after:
            return _outer(h, saved, d_inner)
        units = h.shape[-1]
        gates, candidate = d_inner[..., : 2 * units], d_inner[..., 2 * units :]
        return jnp.concatenate([_outer(h, None, gates), _outer(saved[2], None, candidate)], -1)

    return _Cell(forward, backward, weight_gradient)


def _simple_rnn_cell(activation: str) -> _Cell:
    act, d_act = ACTIVATIONS[activation]

    def forward(xp, states, kernel, bias):
        return (act(xp + states[0] @ kernel),), ()

    def backward(d_new, saved, old, new, kernel):
        dz = d_new[0] * d_act(new[0])
        return (dz @ kernel.T,), dz, dz

    return _Cell(forward, backward, _outer)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _recur(cell, unroll, projected, states, kernel, bias, mask):
    """All states h, `(steps, batch, units)`, and the final states."""

    def step(states, inputs):
        new = _held(inputs[1], cell.forward(inputs[0], states, kernel, bias)[0], states)
        return new, new[0]

    states, hs = lax.scan(step, states, (projected, mask), unroll=unroll)
    return hs, states


def _recur_forward(cell, unroll, projected, states, kernel, bias, mask):
    def step(states, inputs):
        new, saved = cell.forward(inputs[0], states, kernel, bias)
        new = _held(inputs[1], new, states)
        return new, (new, saved)

    final, (history, saved) = lax.scan(step, states, (projected, mask), unroll=unroll)
    return (history[0], final), (states, history, saved, kernel, bias, mask)


def _recur_backward(cell, unroll, residuals, d_out):
    states, history, saved, kernel, bias, mask = residuals
    d_hs, d_final = d_out
    old = jax.tree.map(lambda s, h: jnp.concatenate([s[None], h[:-1]]), states, history)

    def step(d_states, inputs):
        d_h, keep, saved, old, new = inputs
        d_states = (d_states[0] + d_h, *d_states[1:])
        d_new = _held(keep, d_states, jax.tree.map(jnp.zeros_like, d_states))
        d_old, d_projected, d_inner = cell.backward(d_new, saved, old, new, kernel)
        if keep is not None:
            d_old = jax.tree.map(lambda d, s: d + jnp.where(keep, 0, s), d_old, d_states)
        return d_old, (d_projected, d_inner)

    inputs = (d_hs, mask, saved, old, history)
    d_states, (d_projected, d_inner) = lax.scan(step, d_final, inputs, reverse=True, unroll=unroll)
    d_kernel = cell.weight_gradient(old[0], saved, d_inner)
    d_bias = None if bias is None else _sum_steps(d_inner)
    return d_projected, d_states, d_kernel, d_bias, None


_recur.defvjp(_recur_forward, _recur_backward)


def _run(cell, projected, states, kernel, bias, mask, reverse, zero_output_for_mask, unroll):
    keep = None if mask is None else _time_major_mask(mask, reverse)[..., None]
    unroll = projected.shape[0] or 1 if unroll else _UNROLL
    hs, states = _recur(cell, unroll, projected, states, kernel, bias, keep)
    if mask is not None and zero_output_for_mask:
        hs = jnp.where(keep, hs, 0)
    return jnp.swapaxes(hs, 0, 1), states


_UNROLL = 1


# --- helpers ------------------------------------------------------------------------------------


def _project(x: Array, kernel: Array, bias: Array | None) -> Array:
    return x @ kernel if bias is None else x @ kernel + bias


def _gru_biases(bias: Array | None, reset_after: bool) -> tuple[Array | None, Array | None]:
    return (bias, None) if bias is None or not reset_after else (bias[0], bias[1])


def _bound(step: Callable, *weights) -> Callable:
    return lambda x, states: step(x, states, *weights)


def _time_major(x: Array, reverse: bool) -> Array:
    x = jnp.swapaxes(x, 0, 1)
    return jnp.flip(x, 0) if reverse else x


def _time_major_mask(mask: Array, reverse: bool) -> Array:
    """`(batch, steps)` or `(batch, steps, n)` to booleans `(steps, batch)`: any of n counts."""
    mask = mask.astype(bool)
    return _time_major(mask.any(range(2, mask.ndim)) if mask.ndim > 2 else mask, reverse)


def _select(keep: Array, new: Array, old: Array) -> Array:
    return jnp.where(keep.reshape(keep.shape[:1] + (1,) * (new.ndim - 1)), new, old)


def _held(keep: Array | None, new: tuple, old: tuple) -> tuple:
    """The new states where the step counts, else the old ones."""
    return new if keep is None else tuple(jnp.where(keep, n, o) for n, o in zip(new, old, strict=True))


def _previous_output(states: Any, spec: Any) -> Any:
    """What a masked first step puts out: the (last cell's) first state if it fits, else zero."""
    first = states
    while isinstance(first, (tuple, list)) and first:
        first = first[-1] if isinstance(first[-1], (tuple, list)) else first[0]
    if isinstance(spec, jax.ShapeDtypeStruct) and getattr(first, "shape", None) == spec.shape:
        return first.astype(spec.dtype)
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), spec)


def _sum_steps(x: Array) -> Array:
    return jnp.sum(x, axis=(0, 1), dtype=jnp.promote_types(x.dtype, jnp.float32)).astype(x.dtype)
