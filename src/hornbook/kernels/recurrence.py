"""The recurrences of LSTM, GRU and simple RNN with gradients of their own.

The loop over time carries whole buffers, `(steps, batch, width)`, and writes each step's slice in
place. Going forward the gates take the place of the projected input; going backward their gradients
take the place of the gates. So the largest array exists once, a step's slice is contiguous, and the
gradients of the weights are single products over all steps afterwards.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.kernels import cudnn, native, wants_plain
from hornbook.kernels.embedding import Lookup, lookup
from hornbook.kernels.product import as_bits, as_floats, dot_rows, multiplier, product, wide

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


class Compiled(NamedTuple):
    """A cell's kernels in C++, which take the input before it is projected.

    forward: `(x, states, (W, R), b, mask) -> saved, old states, final states`.
    backward: `(d outputs, d final states, saved, old, final, R, mask) -> d states, kept, d b`.
    add, part: from the cell's bias to that of the kernels, and from the gradient of that one back.
    """

    forward: Callable
    backward: Callable
    add: Callable = lambda bias: bias
    part: Callable = lambda d: d


class Cell(NamedTuple):
    """The part of a step that depends on the state, its derivative, and the sums over all steps.

    The projected input comes in blocks, which are arrays of their own where the gradients that
    they get differ from those of the recurrent product.

    blocks: how wide each block is, in units.
    products: how wide are the parts of R that a step multiplies by, in units.
    forward: `(blocks of projected x, states, times, b) -> new states, saved`, where `times` has a
        function `h -> h R` for each part of R. The first arrays saved are as wide as the blocks and
        take their place in memory; the others are as wide as h.
    backward: `(d new states, saved, old states, new states, back) -> d old states, kept`, where
        `back` has a function `d -> d R^T` for each part of R. What is kept takes the place of what
        was saved.
    finish: `(kept, old h, R, b) -> d blocks, d R, d b`, over all steps at once.
    extra: how many arrays are saved beside the blocks.
    compiled: compiled kernels for it, if there are any.
    by_cudnn: whether it is the LSTM that `cudnn` has.
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
    gates = (recurrent_activation, recurrent_activation, activation, recurrent_activation)

    def forward(xp, states, times, bias):
        h, c = states
        saved = _gates(_plus(xp[0] + times[0](h), bias), gates)
        i, f, g, o = jnp.split(saved, 4, axis=-1)
        c = f * c + i * g
        return (o * act(c), c), (saved,)

    def backward(d_new, saved, old, new, back):
        (dh, dc), (i, f, g, o) = d_new, jnp.split(saved[0], 4, axis=-1)
        a = act(new[1])
        dc = dc + dh * o * d_act(a)
        di, df = dc * g * d_gate(i), dc * old[1] * d_gate(f)
        dg, do = dc * i * d_act(g), dh * a * d_gate(o)
        dz = jnp.concatenate([di, df, dg, do], axis=-1)
        return (back[0](dz), dc * f), (dz,)

    usual = (activation, recurrent_activation) == ("tanh", "sigmoid")
    compiled = Compiled(native.lstm, native.lstm_back) if usual else None
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
    gates = (recurrent_activation, recurrent_activation)

    def forward(xp, states, times, bias):
        (h,), (x_zr, x_a) = states, xp
        units = h.shape[-1]
        input_bias, recurrent_bias = gru_biases(bias, reset_after)
        if bias is not None:
            x_zr, x_a = x_zr + input_bias[: 2 * units], x_a + input_bias[2 * units :]
        if reset_after:
            inner = _plus(times[0](h), recurrent_bias)
            zr = _gates(x_zr + inner[:, : 2 * units], gates)
            extra = inner[:, 2 * units :]
            candidate = zr[:, units:] * extra
        else:
            zr = _gates(x_zr + times[0](h), gates)
            extra = zr[:, units:] * h
            candidate = times[1](extra)
        z, a = zr[:, :units], act(x_a + candidate)
        return (z * h + (1 - z) * a,), (zr, a, extra)

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

    def finish(kept, old_h, kernel, bias):
        d_zr, da, extra = kept
        last = _weight_gradient(old_h, extra) if reset_after else _weight_gradient(extra, da)
        d_kernel = jnp.concatenate([_weight_gradient(old_h, d_zr), last], -1)
        if bias is None:
            return (d_zr, da), d_kernel, None
        d_zr_sum, da_sum = _sum_steps(d_zr), _sum_steps(da)
        d_bias = jnp.concatenate([d_zr_sum, da_sum])
        if reset_after:
            d_bias = jnp.stack([d_bias, jnp.concatenate([d_zr_sum, _sum_steps(extra)])])
        return (d_zr, da), d_kernel, d_bias

    def add(bias):
        (zr, a), (recurrent_zr, inner) = (jnp.split(b, [len(b) // 3 * 2]) for b in bias)
        return jnp.concatenate([zr + recurrent_zr, a, inner])

    def part(d):
        zr, a, inner = jnp.split(d, [len(d) // 2, len(d) // 4 * 3])
        return jnp.stack([jnp.concatenate([zr, last]) for last in (a, inner)])

    usual = reset_after and (activation, recurrent_activation) == ("tanh", "sigmoid")
    compiled = Compiled(native.gru, native.gru_back, add, part) if usual else None
    products = (3,) if reset_after else (2, 1)
    return Cell((2, 1), products, forward, backward, finish, extra=1, compiled=compiled)


def _finish(kept, old_h, kernel, bias):
    (dz,) = kept
    return kept, _weight_gradient(old_h, dz), None if bias is None else _sum_steps(dz)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
def _recur(cell, reverse, unroll, sequences, xp, states, kernel, bias, mask):
    """All h in the order of the run, `(steps, batch, units)`, if wanted, and the final states."""
    final, old, _ = _loop_forward(
        cell, reverse, unroll, xp, states, kernel, bias, mask, (), 1 if sequences else 0
    )
    return _outputs(sequences, old, final), final


def _recur_forward(cell, reverse, unroll, sequences, xp, states, kernel, bias, mask):
    final, old, saved = _loop_saving(cell, reverse, unroll, xp, states, kernel, bias, mask)
    return (_outputs(sequences, old, final), final), (old, final, saved, kernel, bias, mask)


def _outputs(sequences, old, final):
    return lax.concatenate([old[0][1:], final[0][None]], 0) if sequences else None


def _buffer(state, steps):
    return jnp.zeros((steps, *state.shape), state.dtype)


def _loop_saving(cell, reverse, unroll, xp, states, kernel, bias, mask):
    """`_loop_forward` that saves all that the way back needs."""
    extra = tuple(_buffer(states[0], xp[0].shape[0]) for _ in range(cell.extra))
    return _loop_forward(
        cell, reverse, unroll, xp, states, kernel, bias, mask, xp + extra, len(states)
    )


def _loop_forward(cell, reverse, unroll, xp, states, kernel, bias, mask, saved, history):
    """Final states, the first `history` states before each step, and what each step saved.

    Where nothing is saved, `xp` is only read; else it is in `saved`, and written over.
    """
    steps, dtype = xp[0].shape[0], xp[0].dtype
    times = [multiplier(part) for part in _parts(cell, kernel)]

    def time(k):
        return steps - 1 - k if reverse else k

    def read(k, saved):
        return _at(saved[: len(xp)] if saved else xp, time(k), dtype)

    def body(k, carry):
        states, old, saved, now = carry
        t = time(k)
        new, to_save = cell.forward(now, states, times, bias)
        new = new if mask is None else _where(mask[t], new, states)
        old = _put(old, states[:history], k, dtype)
        saved = _put(saved, to_save[: len(saved)], t, dtype)
        # The next slice is read here, after the write: read in the next round, beside its
        # write, it would make XLA copy the whole buffer at every step.
        return new, old, saved, read(jnp.minimum(k + 1, steps - 1), saved)

    old = tuple(as_bits(_buffer(state, steps)) for state in states[:history])
    saved = tuple(map(as_bits, saved))
    carry = (states, old, saved, read(0, saved))
    states, old, saved, _ = lax.fori_loop(0, steps, body, carry, unroll=unroll)
    return states, *(tuple(as_floats(b, dtype) for b in buffers) for buffers in (old, saved))


def _recur_backward(cell, reverse, unroll, sequences, residuals, d_out):
    old, final, saved, kernel, bias, mask = residuals
    d_hs = d_out[0] if sequences else None
    d_states, kept = _loop_backward(
        cell, reverse, unroll, d_hs, d_out[1], saved, old, final, kernel, mask
    )
    old_h = jnp.flip(old[0], 0) if reverse else old[0]
    d_xp, d_kernel, d_bias = cell.finish(kept, old_h, kernel, bias)
    return d_xp, d_states, d_kernel, d_bias, None


def _loop_backward(cell, reverse, unroll, d_hs, d_final, saved, old, final, kernel, mask):
    """The gradients of the states before the first step, and what the steps kept."""
    steps, dtype = old[0].shape[0], old[0].dtype
    back = [multiplier(part, transposed=True) for part in _parts(cell, kernel)]

    def time(k):
        return steps - 1 - k if reverse else k

    def body(i, carry):
        (dh, *d_rest), new, buffers, saved_now = carry
        k = steps - 1 - i
        d_states = (dh if d_hs is None else dh + _at(d_hs, k, dtype), *d_rest)
        d_new = d_states if mask is None else _where(mask[time(k)], d_states, _zeros(d_states))
        before = _at(old, k, dtype)
        d_old, keep = cell.backward(d_new, saved_now, before, new, back)
        if mask is not None:
            passed = _where(mask[time(k)], _zeros(d_states), d_states)
            d_old = tuple(d + p for d, p in zip(d_old, passed, strict=True))
        buffers = _put(buffers, keep, time(k), dtype)
        # read here for the reason given in `_loop_forward`
        return d_old, before, buffers, read(buffers, jnp.maximum(k - 1, 0))

    def read(buffers, k):
        return _at(buffers, time(k), dtype)

    old, d_hs, saved = jax.tree.map(as_bits, (old, d_hs, saved))
    carry = (d_final, final, saved, read(saved, steps - 1))
    d_states, _, kept, _ = lax.fori_loop(0, steps, body, carry, unroll=unroll)
    return d_states, tuple(as_floats(b, dtype) for b in kept)


_recur.defvjp(_recur_forward, _recur_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _compiled(cell, sequences, x, states, kernels, bias, mask):
    """As `_recur` of inputs that are not projected yet, by the compiled kernels.

    The products of a step's input and of its state are one, so that the projected input never
    goes through memory.
    """
    return _compiled_forward(cell, sequences, x, states, kernels, bias, mask)[0]


def _compiled_forward(cell, sequences, x, states, kernels, bias, mask):
    def fast(x, states, kernels, bias, mask):
        bias = None if bias is None else cell.compiled.add(bias)
        return cell.compiled.forward(x, states, kernels, bias, mask)

    def slow(x, states, kernels, bias, mask):
        xp = _project(cell, x, kernels[0])
        final, old, saved = _loop_saving(cell, False, False, xp, states, kernels[1], bias, mask)
        return saved, old, final

    saved, old, final = native.differentiated_as(slow, fast, x, states, kernels, bias, mask)
    return (_outputs(sequences, old, final), final), (x, old, final, saved, kernels, bias, mask)


def _compiled_backward(cell, sequences, residuals, d_out):
    x, old, final, saved, (kernel, recurrent_kernel), bias, mask = residuals

    def slow(d_hs, d_final, saved, old, final, kernel, mask):
        d_states, kept = _loop_backward(
            cell, False, False, d_hs, d_final, saved, old, final, kernel, mask
        )
        return d_states, kept, jnp.concatenate([_sum_steps(d) for d in kept])

    given = d_out[0] if sequences else None, d_out[1], saved, old, final, recurrent_kernel, mask
    d_states, kept, d_bias = native.differentiated_as(slow, cell.compiled.backward, *given)
    d_xp, d_recurrent, _ = cell.finish(kept, old[0], recurrent_kernel, None)
    d_x, d_kernel = jax.vjp(partial(_project, cell), x, kernel)[1](d_xp)
    d_bias = None if bias is None else cell.compiled.part(d_bias)
    return d_x, d_states, (d_kernel, d_recurrent), d_bias, None


_compiled.defvjp(_compiled_forward, _compiled_backward)


def _project(cell: Cell, x: Array, kernel: Array) -> tuple[Array, ...]:
    """The input times each block of its kernel; of integers, the rows with these numbers."""
    ends = np.cumsum(cell.blocks)[:-1] * (kernel.shape[1] // sum(cell.blocks))
    blocks = jnp.split(kernel, ends, axis=1)
    if jnp.issubdtype(x.dtype, jnp.integer):
        return tuple(lookup(block, x) for block in blocks)
    return tuple(product(x, block) for block in blocks)


def run(
    cell: Cell,
    x: Array | Lookup,
    states: tuple[Array, ...],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    reverse: bool,
    zero_output_for_mask: bool,
    unroll: bool,
    return_sequences: bool,
) -> tuple[Array, tuple[Array, ...]]:
    """A cell over a whole sequence: its outputs, `(batch, steps, units)`, or the last one alone,
    and its final states."""
    rows, ids = x if isinstance(x, Lookup) else (x, None)
    units, dtype = states[0].shape[1], jnp.promote_types(rows.dtype, kernel.dtype)
    rows, states, kernel, recurrent_kernel, bias = jax.tree.map(
        lambda a: a.astype(dtype), (rows, states, kernel, recurrent_kernel, bias)
    )
    if ids is not None:
        rows, kernel = ids.astype(jnp.int32), product(rows, kernel)
    x = jnp.swapaxes(rows, 0, 1)
    if x.shape[0] == 0:
        empty = jnp.zeros((x.shape[1], 0, units), dtype)
        return empty if return_sequences else states[0], states
    keep = None if mask is None else jnp.swapaxes(as_mask(mask), 0, 1)[..., None]
    in_order = jax.tree.map(lambda a: jnp.flip(a, 0) if reverse else a, (x, keep))
    kernels = kernel, recurrent_kernel

    def loop(reverse, sequences, x, states, kernels, bias):
        xp = _project(cell, x, kernels[0])
        return _recur(cell, reverse, unroll, sequences, xp, states, kernels[1], bias, keep)

    if cell.compiled and not wants_plain() and native.suits(*states, *kernels):
        outputs, states = _compiled(
            cell, return_sequences, in_order[0], states, kernels, bias, in_order[1]
        )
    elif cell.by_cudnn and keep is None and not wants_plain() and cudnn.suits(x, *states):
        formula = partial(loop, False, True)
        outputs, states = cudnn.lstm(formula, in_order[0], states, kernels, bias)
    else:
        outputs, states = loop(reverse, return_sequences, x, states, kernels, bias)
    if not return_sequences:
        outputs = states[0]
    if keep is not None and zero_output_for_mask:
        outputs = jnp.where(in_order[1] if return_sequences else in_order[1][-1], outputs, 0)
    return jnp.swapaxes(outputs, 0, 1) if return_sequences else outputs, states


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


def _at(buffers: Any, t: Any, dtype: Any) -> Any:
    """Step t of a buffer, or of each of several."""
    return jax.tree.map(
        lambda b: as_floats(lax.dynamic_index_in_dim(b, t, 0, False), dtype), buffers
    )


def _put(buffers: tuple, values: tuple, t: Any, dtype: Any) -> tuple:
    """The buffers with values, one for each, written at step t."""
    return tuple(
        lax.dynamic_update_index_in_dim(buffer, as_bits(value.astype(dtype)), t, axis=0)
        for buffer, value in zip(buffers, values, strict=True)
    )


def _where(keep: Array, new: tuple, old: tuple) -> tuple:
    return tuple(jnp.where(keep, n, o) for n, o in zip(new, old, strict=True))


def _zeros(arrays: tuple) -> tuple:
    return jax.tree.map(jnp.zeros_like, arrays)


def _weight_gradient(h: Array, d: Array) -> Array:
    """`sum over steps and batch of h^T d`, as one product."""
    return dot_rows(h.reshape(-1, h.shape[-1]), d.reshape(-1, d.shape[-1]))


def _sum_steps(x: Array) -> Array:
    return jnp.sum(x, axis=(0, 1), dtype=wide(x.dtype)).astype(x.dtype)


def _parts(cell: Cell, kernel: Array) -> list[Array]:
    """The parts of a recurrent kernel that a step multiplies by."""
    return jnp.split(kernel, np.cumsum(cell.products)[:-1] * kernel.shape[0], axis=1)


def _plus(z: Array, bias: Array | None) -> Array:
    return z if bias is None else z + bias


def as_mask(mask: Array) -> Array:
    """`(batch, steps)` or `(batch, steps, n)` to booleans `(batch, steps)`: any of n counts."""
    mask = mask.astype(bool)
    return mask.any(tuple(range(2, mask.ndim))) if mask.ndim > 2 else mask


def gru_biases(bias: Array | None, reset_after: bool) -> tuple[Array | None, Array | None]:
    return (bias, None) if bias is None or not reset_after else (bias[0], bias[1])
