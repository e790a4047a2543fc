"""Recurrent layers over whole sequences: LSTM, GRU, simple RNN, and a scan for any other cell.

The product of the input with its kernel does not depend on the state, so it is one large product
over all steps. What is left is the recurrence. Its gradient keeps the gates, runs backward through
time, and forms the gradient of the recurrent kernel by one large product afterwards; the gradient
that `lax.scan` derives by itself adds to that matrix at every step instead.

Each recurrence has a plain version, a `*_step` function under `scan_cell`, which is its definition.
Reverse-mode derivatives of any order work; forward mode (`jax.jvp`, `jax.hessian`) needs `plain()`.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.kernels import wants_plain
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

        def step(x_t, states):
            return lstm_step(x_t, states, kernel, recurrent_kernel, bias, *activations)

        return scan_cell(step, x, (h0, c0), mask, reverse, zero_output_for_mask, unroll)
    cell = _lstm_cell(activation, recurrent_activation)
    return _run(
        cell,
        x,
        (h0, c0),
        kernel,
        recurrent_kernel,
        bias,
        mask,
        reverse,
        zero_output_for_mask,
        unroll,
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

        def step(x_t, states):
            return gru_step(x_t, states, kernel, recurrent_kernel, bias, reset_after, *activations)

        return scan_cell(step, x, (h0,), mask, reverse, zero_output_for_mask, unroll)
    cell = _gru_cell(reset_after, activation, recurrent_activation)
    return _run(
        cell, x, (h0,), kernel, recurrent_kernel, bias, mask, reverse, zero_output_for_mask, unroll
    )


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

        def step(x_t, states):
            return simple_rnn_step(
                x_t, states, kernel, recurrent_kernel, bias, ACTIVATIONS[activation][0]
            )

        return scan_cell(step, x, (h0,), mask, reverse, zero_output_for_mask, unroll)
    cell = _simple_rnn_cell(activation)
    return _run(
        cell, x, (h0,), kernel, recurrent_kernel, bias, mask, reverse, zero_output_for_mask, unroll
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

        inputs = (xs, _time_major(_as_mask(mask), reverse))
        (states, _), outputs = lax.scan(masked, (states, previous), inputs, unroll=unroll)
    return jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), outputs), states


# --- the recurrence with its own gradient -------------------------------------------------------


class _Cell(NamedTuple):
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
def _lstm_cell(activation: str, recurrent_activation: str) -> _Cell:
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

    return _Cell(forward, backward, _finish)


@cache
def _simple_rnn_cell(activation: str) -> _Cell:
    act, d_act = ACTIVATIONS[activation]

    def forward(xp, states, kernel, bias):
        h = act(xp + _affine(states[0], kernel, bias))
        return (h,), (h,)

    def backward(d_new, saved, old, new, kernel_t):
        dz = d_new[0] * d_act(saved[0])
        return (dot(dz, kernel_t),), (dz,)

    return _Cell(forward, backward, _finish)


@cache
def _gru_cell(reset_after: bool, activation: str, recurrent_activation: str) -> _Cell:
    (act, d_act), (gate, d_gate) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]

    def forward(xp, states, kernel, bias):
        (h,) = states
        units = h.shape[-1]
        input_bias, recurrent_bias = _gru_biases(bias, reset_after)
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

    return _Cell(forward, backward, finish, extra=1)


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


def _run(cell, x, states, kernel, recurrent_kernel, bias, mask, reverse, zero_output, unroll):
    batch, steps = x.shape[:2]
    xp = product(x, kernel)
    states = tuple(s.astype(xp.dtype) for s in states)
    if steps == 0:
        return jnp.zeros((batch, 0, states[0].shape[1]), xp.dtype), states
    keep = None if mask is None else _as_mask(mask)[..., None]
    hs, states = _recur(cell, reverse, unroll, xp, states, recurrent_kernel, bias, keep)
    if mask is not None and zero_output:
        hs = jnp.where(jnp.flip(keep, 1) if reverse else keep, hs, 0)
    return hs, states


# --- helpers ------------------------------------------------------------------------------------


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


def _project(x: Array, kernel: Array, bias: Array | None) -> Array:
    return x @ kernel if bias is None else x @ kernel + bias


def _gru_biases(bias: Array | None, reset_after: bool) -> tuple[Array | None, Array | None]:
    return (bias, None) if bias is None or not reset_after else (bias[0], bias[1])


def _time_major(x: Array, reverse: bool) -> Array:
    x = jnp.swapaxes(x, 0, 1)
    return jnp.flip(x, 0) if reverse else x


def _as_mask(mask: Array) -> Array:
    """`(batch, steps)` or `(batch, steps, n)` to booleans `(batch, steps)`: any of n counts."""
    mask = mask.astype(bool)
    return mask.any(tuple(range(2, mask.ndim))) if mask.ndim > 2 else mask


def _select(keep: Array, new: Array, old: Array) -> Array:
    return jnp.where(keep.reshape(keep.shape[:1] + (1,) * (new.ndim - 1)), new, old)


def _previous_output(states: Any, spec: Any) -> Any:
    """What a masked first step puts out: the (last cell's) first state if it fits, else zero."""
    first = states
    while isinstance(first, (tuple, list)) and first:
        first = first[-1] if isinstance(first[-1], (tuple, list)) else first[0]
    if isinstance(spec, jax.ShapeDtypeStruct) and getattr(first, "shape", None) == spec.shape:
        return first.astype(spec.dtype)
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), spec)
