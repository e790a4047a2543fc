"""The recurrences of LSTM, GRU and simple RNN with gradients of their own.

The loop over time carries whole buffers, `(batch, steps, width)`, and writes each step's slice in
place. Going forward the gates take the place of the projected input; going backward their gradients
take the place of the gates. So the largest array exists once, no array is filled with zeros first
or transposed, and the gradients of the weights are single products over all steps afterwards.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.kernels.product import dot, dot_rows, product, wide

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


class Cell(NamedTuple):
    """The part of a step that depends on the state, its derivative, and the sums over all steps.

    forward: `(projected x, states, R, b) -> new states, saved`. The first array saved is as wide
        as the projected input and takes its place in memory; the others are as wide as h.
    backward: `(d new states, saved, old states, new states, R^T) -> d old states, kept`. What is
        kept takes the place of what was saved.
    finish: `(kept, old h, R, b) -> d projected x, d R, d b`, over all steps at once.
    extra: how many arrays are saved beside the first.
    """

    forward: Callable
    backward: Callable
    finish: Callable
    extra: int = 0


@cache
def lstm_cell(activation: str, recurrent_activation: str) -> Cell:
    (act, d_act), (_, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    gates = (recurrent_activation, recurrent_activation, activation, recurrent_activation)

    def forward(xp, states, kernel, bias):
        h, c = states
        saved = _gates(xp + _affine(h, kernel, bias), gates)
        i, f, g, o = jnp.split(saved, 4, axis=-1)
        c = f * c + i * g
        return (o * act(c), c), (saved,)

    def backward(d_new, saved, old, new, kernel_t):
        (dh, dc), (i, f, g, o) = d_new, jnp.split(saved[0], 4, axis=-1)
        a = act(new[1])
        dc = dc + dh * o * d_act(a)
        di, df = dc * g * d_gate(i), dc * old[1] * d_gate(f)
        dg, do = dc * i * d_act(g), dh * a * d_gate(o)
        dz = jnp.concatenate([di, df, dg, do], axis=-1)
        return (dot(dz, kernel_t), dc * f), (dz,)

    return Cell(forward, backward, _finish)


@cache
def simple_rnn_cell(activation: str) -> Cell:
    act, d_act = ACTIVATIONS[activation]

    def forward(xp, states, kernel, bias):
        h = act(xp + _affine(states[0], kernel, bias))
        return (h,), (h,)

    def backward(d_new, saved, old, new, kernel_t):
        dz = d_new[0] * d_act(saved[0])
        return (dot(dz, kernel_t),), (dz,)

    return Cell(forward, backward, _finish)


@cache
def gru_cell(reset_after: bool, activation: str, recurrent_activation: str) -> Cell:
    (act, d_act), (gate, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]

    def forward(xp, states, kernel, bias):
        (h,) = states
        units = h.shape[-1]
        input_bias, recurrent_bias = gru_biases(bias, reset_after)
        xp = xp if bias is None else xp + input_bias
        if reset_after:
            inner = _affine(h, kernel, recurrent_bias)
            zr = gate(xp[:, : 2 * units] + inner[:, : 2 * units])
            extra = inner[:, 2 * units :]
            candidate = zr[:, units:] * extra
        else:
            zr = gate(xp[:, : 2 * units] + dot(h, kernel[:, : 2 * units]))
            extra = zr[:, units:] * h
            candidate = dot(extra, kernel[:, 2 * units :])
        z, a = zr[:, :units], act(xp[:, 2 * units :] + candidate)
        return (z * h + (1 - z) * a,), (jnp.concatenate([zr, a], axis=-1), extra)

    def backward(d_new, saved, old, new, kernel_t):
        (dh,), (h,), (gates, extra) = d_new, old, saved
        units = h.shape[-1]
        z, r, a = jnp.split(gates, 3, axis=-1)
        da = dh * (1 - z) * d_act(a)
        dz = dh * (h - a) * d_gate(z)
        if reset_after:
            d_inner = jnp.concatenate([dz, da * extra * d_gate(r), da * r], axis=-1)
            return (dh * z + dot(d_inner, kernel_t),), (d_inner, da)
        d_rh = dot(da, kernel_t[2 * units :])
        d_zr = jnp.concatenate([dz, d_rh * h * d_gate(r)], axis=-1)
        d_old = dh * z + d_rh * r + dot(d_zr, kernel_t[: 2 * units])
        return (d_old,), (jnp.concatenate([d_zr, da], axis=-1), extra)

    def finish(kept, old_h, kernel, bias):
        units = old_h.shape[-1]
        if reset_after:
            d_inner, da = kept
            d_xp = jnp.concatenate([d_inner[..., : 2 * units], da], axis=-1)
            d_bias = None if bias is None else jnp.stack([_sum_steps(d_xp), _sum_steps(d_inner)])
            return d_xp, _weight_gradient(old_h, d_inner), d_bias
        d_xp, rh = kept
        d_zr, da = d_xp[..., : 2 * units], d_xp[..., 2 * units :]
        d_kernel = jnp.concatenate([_weight_gradient(old_h, d_zr), _weight_gradient(rh, da)], -1)
        return d_xp, d_kernel, None if bias is None else _sum_steps(d_xp)

    return Cell(forward, backward, finish, extra=1)


def _finish(kept, old_h, kernel, bias):
    (dz,) = kept
    return dz, _weight_gradient(old_h, dz), None if bias is None else _sum_steps(dz)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _recur(cell, reverse, unroll, xp, states, kernel, bias, mask):
    """All h in the order of the run, `(batch, steps, units)`, and the final states."""
    (hs, *_), final, _ = _loop_forward(cell, reverse, unroll, xp, states, kernel, bias, mask, False)
    return hs, final


def _recur_forward(cell, reverse, unroll, xp, states, kernel, bias, mask):
    history, final, saved = _loop_forward(
        cell, reverse, unroll, xp, states, kernel, bias, mask, True
    )
    return (history[0], final), (states, history, saved, kernel, bias, mask)


def _loop_forward(cell, reverse, unroll, xp, states, kernel, bias, mask, save):
    """The loop carries whole buffers and writes a step's slice of them in place."""
    steps = xp.shape[1]

    def new_buffer(like):
        return jnp.zeros((like.shape[0], steps, like.shape[1]), like.dtype)

    def body(k, carry):
        states, history, saved = carry
        t = steps - 1 - k if reverse else k
        new, to_save = cell.forward(_at(xp if not save else saved[0], t), states, kernel, bias)
        new = new if mask is None else _where(_at(mask, t), new, states)
        history = tuple(_put(b, n, k) for b, n in zip(history, new, strict=False))
        saved = tuple(_put(b, s, t) for b, s in zip(saved, to_save, strict=False))
        return new, history, saved

    history = tuple(new_buffer(s) for s in (states if save else states[:1]))
    saved = (xp, *(new_buffer(states[0]) for _ in range(cell.extra))) if save else ()
    final, history, saved = lax.fori_loop(0, steps, body, (states, history, saved), unroll=unroll)
    return history, final, saved


def _recur_backward(cell, reverse, unroll, residuals, d_out):
    states, history, saved, kernel, bias, mask = residuals
    d_hs, d_final = d_out
    steps = d_hs.shape[1]
    old = tuple(
        lax.concatenate([s[:, None], h[:, :-1]], 1) for s, h in zip(states, history, strict=True)
    )
    kernel_t = kernel.T

    def time(k):
        return steps - 1 - k if reverse else k

    def body(i, carry):
        (dh, *d_rest), buffers, saved_now = carry
        k = steps - 1 - i
        d_states = (dh + _at(d_hs, k), *d_rest)
        d_new = d_states if mask is None else _where(_at(mask, time(k)), d_states, _zeros(d_states))
        now = partial(jax.tree.map, lambda b: _at(b, k))
        d_old, keep = cell.backward(d_new, saved_now, now(old), now(history), kernel_t)
        if mask is not None:
            passed = _where(_at(mask, time(k)), _zeros(d_states), d_states)
            d_old = tuple(d + p for d, p in zip(d_old, passed, strict=True))
        buffers = tuple(_put(b, v, time(k)) for b, v in zip(buffers, keep, strict=True))
        # The next slice is read here, after the write: read in the next round, beside its
        # write, it would make XLA copy the whole buffer at every step.
        return d_old, buffers, read(buffers, jnp.maximum(k - 1, 0))

    def read(buffers, k):
        return tuple(_at(b, time(k)) for b in buffers)

    carry = (d_final, saved, read(saved, steps - 1))
    d_states, kept, _ = lax.fori_loop(0, steps, body, carry, unroll=unroll)
    old_h = jnp.flip(old[0], 1) if reverse else old[0]
    d_xp, d_kernel, d_bias = cell.finish(kept, old_h, kernel, bias)
    return d_xp, d_states, d_kernel, d_bias, None


_recur.defvjp(_recur_forward, _recur_backward)


def run(
    cell: Cell,
    x: Array,
    states: tuple[Array, ...],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    reverse: bool,
    zero_output_for_mask: bool,
    unroll: bool,
) -> tuple[Array, tuple[Array, ...]]:
    """A cell over a whole sequence: its outputs, `(batch, steps, units)`, and its final states."""
    xp = product(x, kernel)
    states, recurrent_kernel, bias = jax.tree.map(
        lambda a: a.astype(xp.dtype), (states, recurrent_kernel, bias)
    )
    if x.shape[1] == 0:
        return jnp.zeros((x.shape[0], 0, states[0].shape[1]), xp.dtype), states
    keep = None if mask is None else as_mask(mask)[..., None]
    hs, states = _recur(cell, reverse, unroll, xp, states, recurrent_kernel, bias, keep)
    if keep is not None and zero_output_for_mask:
        hs = jnp.where(jnp.flip(keep, 1) if reverse else keep, hs, 0)
    return hs, states


def _gates(z: Array, names: tuple[str, ...]) -> Array:
    """Each block of the last axis through its activation.

    For tanh and sigmoid(x) = tanh(x / 2) / 2 + 1 / 2 it is one uniform expression over all blocks,
    which XLA turns into one vectorized kernel.
    """
    if set(names) <= {"tanh", "sigmoid"}:
        is_tanh = np.repeat([float(n == "tanh") for n in names], z.shape[-1] // len(names))
        scale = jnp.asarray((1 + is_tanh) / 2, wide(z.dtype))
        return (jnp.tanh(z * scale) * scale + (1 - scale)).astype(z.dtype)
    parts = jnp.split(z, len(names), axis=-1)
    return jnp.concatenate([ACTIVATIONS[n][0](p) for n, p in zip(names, parts, strict=True)], -1)


def _at(buffer: Array, t: Any) -> Array:
    return lax.dynamic_index_in_dim(buffer, t, axis=1, keepdims=False)


def _put(buffer: Array, value: Array, t: Any) -> Array:
    return lax.dynamic_update_index_in_dim(buffer, value.astype(buffer.dtype), t, axis=1)


def _where(keep: Array, new: tuple, old: tuple) -> tuple:
    return tuple(jnp.where(keep, n, o) for n, o in zip(new, old, strict=True))


def _zeros(arrays: tuple) -> tuple:
    return jax.tree.map(jnp.zeros_like, arrays)


def _weight_gradient(h: Array, d: Array) -> Array:
    """`sum over batch and steps of h^T d`, as one product."""
    return dot_rows(h.reshape(-1, h.shape[-1]), d.reshape(-1, d.shape[-1]))


def _sum_steps(x: Array) -> Array:
    return jnp.sum(x, axis=(0, 1), dtype=wide(x.dtype)).astype(x.dtype)


def _affine(h: Array, kernel: Array, bias: Array | None) -> Array:
    return dot(h, kernel) if bias is None else dot(h, kernel) + bias


def as_mask(mask: Array) -> Array:
    """`(batch, steps)` or `(batch, steps, n)` to booleans `(batch, steps)`: any of n counts."""
    mask = mask.astype(bool)
    return mask.any(tuple(range(2, mask.ndim))) if mask.ndim > 2 else mask


def gru_biases(bias: Array | None, reset_after: bool) -> tuple[Array | None, Array | None]:
    return (bias, None) if bias is None or not reset_after else (bias[0], bias[1])
