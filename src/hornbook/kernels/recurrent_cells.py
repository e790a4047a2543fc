"""Recurrent cells: from pre-activations to new states, gradients, and sums over all timesteps.

The formulas of a timestep stand here once. The cells below, the plain versions in `recurrent.py`
and the cells of layers differ in how they apply the activations of the gates.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels import native
from hornbook.kernels.product import dot_rows, flat, wide


class Activation(NamedTuple):
    """An activation function, and its derivative as a function of its value."""

    function: Callable
    derivative: Callable


def _line(function: Callable, slope: float, low: float, high: float) -> Activation:
    """An activation that is linear with this slope between two bounds."""
    return Activation(
        function, lambda y: jnp.where((y > low) & (y < high), slope, 0.0).astype(y.dtype)
    )


# names as in `activations`, `gates.h` and Keras (whose hard_sigmoid was once the steep one)
ACTIVATIONS = {
    "tanh": Activation(jnp.tanh, lambda y: 1 - y * y),
    "sigmoid": Activation(jax.nn.sigmoid, lambda y: y * (1 - y)),
    "relu": _line(jax.nn.relu, 1, 0, np.inf),
    "linear": Activation(lambda x: x, jnp.ones_like),
    "hard_sigmoid": _line(jax.nn.hard_sigmoid, 1 / 6, 0, 1),
    "steep_hard_sigmoid": _line(lambda x: jnp.clip(0.2 * x + 0.5, 0, 1), 0.2, 0, 1),
}


# --- one timestep: the formulas -------------------------------------------------------------------

# A function of the gates' pre-activations: returns what to save, then the value of each gate.
Gates = Callable[[Array], tuple]


def lstm_formula(z: Array, c: Array, gates: Gates, activation: Callable) -> tuple[tuple, Any]:
    """The new (h, c) of an LSTM, and the gates to save.

    Args:
        z: pre-activations of the gates i, f, c, o, `(..., 4 * units)`.
        c: the old cell state, `(..., units)`.
        gates: applies their activations.
        activation: of the cell state in the output.
    """
    saved, i, f, g, o = gates(z)
    c = f * c + i * g
    return (o * activation(c), c), saved


def gru_formula(
    x: tuple[Array, Array],
    h: Array,
    times: Sequence[Callable],
    recurrent_bias: Array | None,
    reset_after: bool,
    gates: Gates,
    activation: Callable,
) -> tuple[Array, tuple]:
    """The new h of a GRU, and (gates, candidate, reset state) to save.

    Args:
        x: the projected input of the gates z, r and of the candidate.
        h: the old state, `(batch, units)`.
        times: functions `h -> h R`: one for all of R with `reset_after`, else one for the gates
            and one for the candidate.
        recurrent_bias: bias of `h R`, or `None`.
        reset_after: whether the reset gate is applied after the product.
        gates: applies their activation.
        activation: of the candidate.
    """
    x_zr, x_a = x
    units = h.shape[-1]
    inner = _plus(times[0](h), recurrent_bias)
    zr, z, r = gates(x_zr + inner[:, : 2 * units])
    extra = inner[:, 2 * units :] if reset_after else r * h
    a = activation(x_a + (r * extra if reset_after else times[1](extra)))
    return z * h + (1 - z) * a, (zr, a, extra)


def one_by_one(*functions: Callable) -> Gates:
    """Gates with any activations, which may mix the elements of a gate; nothing is saved."""

    def gates(z: Array) -> tuple:
        parts = jnp.split(z, len(functions), axis=-1)
        return None, *(function(part) for function, part in zip(functions, parts, strict=True))

    return gates


def together(*names: str) -> Gates:
    """Gates with activations of the table, applied to the whole array, which is saved."""

    def gates(z: Array) -> tuple:
        saved = _gates(z, names)
        return saved, *jnp.split(saved, len(names), axis=-1)

    return gates


class Compiled(NamedTuple):
    """A cell's kernels in C++, which take the input before projection.

    forward: `(x, states, (W, R), b, mask) -> saved, old states, final states`.
    backward: `(d outputs, d final states, saved, old, final, R, mask) -> d states, kept, d b`.
    add, part: convert the cell's bias to the kernels' form, and its gradient back.
    """

    forward: Callable
    backward: Callable
    add: Callable = lambda bias: bias
    part: Callable = lambda d: d


def _compiled(
    name: str, widths: tuple[int, ...], activation: str, recurrent_activation: str, *bias: Callable
) -> Compiled:
    """The kernels of this name; `widths` are those of the saved arrays, in units."""
    given = {"activation": activation, "recurrent_activation": recurrent_activation}
    return Compiled(
        partial(native.recurrence, name, widths, given),
        partial(native.recurrence_back, name, sum(widths), given),
        *bias,
    )


class Cell(NamedTuple):
    """The state-dependent part of a timestep, its derivative, and the sums over all timesteps.

    The projected input comes in blocks. Blocks are separate arrays where their gradients differ
    from those of the recurrent product.

    blocks: width of each block, in units.
    products: widths of the parts of R that a timestep multiplies by, in units.
    forward: `(blocks of projected x, states, times, b) -> new states, saved`, where `times` has a
        function `h -> h R` for each part of R. The first saved arrays are as wide as the blocks and
        overwrite them; the others are as wide as h.
    backward: `(d new states, saved, old states, new states, back) -> d old states, kept`, where
        `back` has a function `d -> d R^T` for each part of R. `kept` overwrites `saved`.
    finish: `(kept, old h, drop, b) -> d blocks, d R, d b`, over all timesteps at once; `drop` has
        the masks of the state, one for each gate, or is `None`.
    extra: number of arrays saved besides the blocks.
    compiled: the compiled kernels, if there are any.
    by_cudnn: whether `cudnn` implements this cell.
    """

    blocks: tuple[int, ...]
    products: tuple[int, ...]
    forward: Callable
    backward: Callable
    finish: Callable
    extra: int = 0
    compiled: Compiled | None = None
    by_cudnn: bool = False


@cache
def lstm_cell(activation: str, recurrent_activation: str) -> Cell:
    (act, d_act), (_, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    gates = together(recurrent_activation, recurrent_activation, activation, recurrent_activation)

    def forward(xp, states, times, bias):
        h, c = states
        new, saved = lstm_formula(_plus(xp[0] + times[0](h), bias), c, gates, act)
        return new, (saved,)

    def backward(d_new, saved, old, new, back):
        (dh, dc), (i, f, g, o) = d_new, jnp.split(saved[0], 4, axis=-1)
        a = act(new[1])
        dc = dc + dh * o * d_act(a)
        di, df = dc * g * d_gate(i), dc * old[1] * d_gate(f)
        dg, do = dc * i * d_act(g), dh * a * d_gate(o)
        dz = jnp.concatenate([di, df, dg, do], axis=-1)
        return (back[0](dz), dc * f), (dz,)

    usual = (activation, recurrent_activation) == ("tanh", "sigmoid")
    compiled = _compiled("lstm", (4,), activation, recurrent_activation)
    return Cell((4,), (4,), forward, backward, _finish, compiled=compiled, by_cudnn=usual)


@cache
def simple_rnn_cell(activation: str) -> Cell:
    act, d_act = ACTIVATIONS[activation]

    def forward(xp, states, times, bias):
        h = act(_plus(xp[0] + times[0](states[0]), bias))
        return (h,), (h,)

    def backward(d_new, saved, old, new, back):
        dz = d_new[0] * d_act(saved[0])
        return (back[0](dz),), (dz,)

    return Cell((1,), (1,), forward, backward, _finish)


@cache
def gru_cell(reset_after: bool, activation: str, recurrent_activation: str) -> Cell:
    (act, d_act), (_, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    gates = together(recurrent_activation, recurrent_activation)

    def forward(xp, states, times, bias):
        (h,), (x_zr, x_a) = states, xp
        input_bias, recurrent_bias = gru_biases(bias, reset_after)
        if bias is not None:
            of_gates = 2 * h.shape[-1]
            x_zr, x_a = x_zr + input_bias[:of_gates], x_a + input_bias[of_gates:]
        new, saved = gru_formula((x_zr, x_a), h, times, recurrent_bias, reset_after, gates, act)
        return (new,), saved

    def backward(d_new, saved, old, new, back):
        (dh,), (h,), (zr, a, extra) = d_new, old, saved
        z, r = jnp.split(zr, 2, axis=-1)
        da = dh * (1 - z) * d_act(a)
        dz = dh * (h - a) * d_gate(z)
        if reset_after:
            d_zr = jnp.concatenate([dz, da * extra * d_gate(r)], axis=-1)
            d_inner = jnp.concatenate([d_zr, da * r], axis=-1)
            return (dh * z + back[0](d_inner),), (d_zr, da, da * r)
        d_rh = back[1](da)
        d_zr = jnp.concatenate([dz, d_rh * h * d_gate(r)], axis=-1)
        d_old = dh * z + d_rh * r + back[0](d_zr)
        return (d_old,), (d_zr, da, extra)

    def finish(kept, old_h, drop, bias):
        d_zr, da, extra = kept
        first, second = (None, None) if drop is None else (drop[:2], drop[2:])
        last = (old_h, extra) if reset_after else (extra, da)
        d_kernel = weight_gradient(old_h, d_zr, first), weight_gradient(*last, second)
        d_kernel = jnp.concatenate(d_kernel, -1)
        if bias is None:
            return (d_zr, da), d_kernel, None
        d_zr_sum, da_sum = sum_steps(d_zr), sum_steps(da)
        d_bias = jnp.concatenate([d_zr_sum, da_sum])
        if reset_after:
            d_bias = jnp.stack([d_bias, jnp.concatenate([d_zr_sum, sum_steps(extra)])])
        return (d_zr, da), d_kernel, d_bias

    def add(bias):
        if not reset_after:
            return jnp.pad(bias, (0, len(bias) // 3))
        (zr, a), (recurrent_zr, inner) = (jnp.split(b, [len(b) // 3 * 2]) for b in bias)
        return jnp.concatenate([zr + recurrent_zr, a, inner])

    def part(d):
        zr, a, inner = jnp.split(d, [len(d) // 2, len(d) // 4 * 3])
        if not reset_after:
            return jnp.concatenate([zr, a])
        return jnp.stack([jnp.concatenate([zr, last]) for last in (a, inner)])

    name = "gru" if reset_after else "gru_before"
    compiled = _compiled(name, (2, 1, 1), activation, recurrent_activation, add, part)
    products = (3,) if reset_after else (2, 1)
    return Cell((2, 1), products, forward, backward, finish, extra=1, compiled=compiled)


def _finish(kept, old_h, drop, bias):
    (dz,) = kept
    return kept, weight_gradient(old_h, dz, drop), None if bias is None else sum_steps(dz)


def _gates(z: Array, names: tuple[str, ...]) -> Array:
    """Apply to each block of the last axis its activation.

    Since sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, tanh and sigmoid are one uniform expression over all
    blocks, which XLA compiles to one vectorized kernel.
    """
    if set(names) <= {"tanh", "sigmoid"}:
        is_tanh = np.repeat([float(n == "tanh") for n in names], z.shape[-1] // len(names))
        scale = jnp.asarray((1 + is_tanh) / 2, wide(z.dtype))
        return (jnp.tanh(z * scale) * scale + (1 - scale)).astype(z.dtype)
    parts = jnp.split(z, len(names), axis=-1)
    return jnp.concatenate(
        [ACTIVATIONS[n].function(p) for n, p in zip(names, parts, strict=True)], -1
    )


def weight_gradient(h: Array, d: Array, drop: Array | None = None) -> Array:
    """`h^T d` summed over timesteps and batch, as one product, or one for each mask of h."""
    if drop is not None:
        gates = zip(drop, jnp.split(d, len(drop), axis=-1), strict=True)
        return jnp.concatenate([weight_gradient(h * mask, part) for mask, part in gates], -1)
    return dot_rows(flat(h), flat(d))


def sum_steps(x: Array) -> Array:
    return jnp.sum(x, axis=(0, 1), dtype=wide(x.dtype)).astype(x.dtype)


def _plus(z: Array, bias: Array | None) -> Array:
    return z if bias is None else z + bias


def gru_biases(bias: Array | None, reset_after: bool) -> tuple[Array | None, Array | None]:
    return (bias, None) if bias is None or not reset_after else (bias[0], bias[1])
