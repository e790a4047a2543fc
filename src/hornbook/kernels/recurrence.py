"""The recurrences of LSTM, GRU and simple RNN, with custom gradients.

The loop over time carries whole buffers, `(steps, batch, width)`, and writes each timestep's slice
in place. In the forward pass the gates overwrite the projected input; in the backward pass their
gradients overwrite the gates. So the largest array exists once, a timestep's slice is contiguous,
and each weight gradient is a single product over all timesteps afterwards.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.kernels import cudnn, native, wants_plain
from hornbook.kernels.embedding import Lookup, lookup
from hornbook.kernels.product import as_bits, as_floats, multiplier, product
from hornbook.kernels.recurrent_cells import Cell, sum_steps


class Masks(NamedTuple):
    """Dropout masks, the same at each timestep: `None`, one for all gates, or one for each gate.

    inputs: `(1 or gates, batch, features)`.
    states: `(gates, batch, units)`.
    """

    inputs: Array | None = None
    states: Array | None = None


NO_MASKS = Masks()


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
def _recur(cell, reverse, unroll, sequences, xp, states, kernel, bias, mask):
    """All h in iteration order, `(steps, batch, units)`, if `sequences`, and the final states.

    `kernel` is a pair: the kernel and the masks of the state, `(gates, batch, units)` or `None`.
    """
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
    """`_loop_forward` that saves the residuals of the backward pass."""
    extra = tuple(_buffer(states[0], xp[0].shape[0]) for _ in range(cell.extra))
    return _loop_forward(
        cell, reverse, unroll, xp, states, kernel, bias, mask, xp + extra, len(states)
    )


def _loop_forward(cell, reverse, unroll, xp, states, kernel, bias, mask, saved, history):
    """Final states, the first `history` states before each timestep, and the saved residuals.

    If nothing is saved, `xp` is only read; otherwise it is part of `saved` and overwritten.
    """
    steps, dtype = xp[0].shape[0], xp[0].dtype
    times = _multipliers(cell, *kernel)

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
        # Read the next slice here, after the write: a read in the next iteration, before its
        # write, would make XLA copy the whole buffer at every timestep.
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
    d_xp, d_kernel, d_bias = cell.finish(kept, old_h, kernel[1], bias)
    return d_xp, d_states, (d_kernel, None), d_bias, None


def _loop_backward(cell, reverse, unroll, d_hs, d_final, saved, old, final, kernel, mask):
    """The gradients of the initial states, and the buffers that the timesteps filled."""
    steps, dtype = old[0].shape[0], old[0].dtype
    back = _multipliers(cell, *kernel, transposed=True)

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
    """`_recur` by the compiled kernels, on inputs that are not projected yet.

    A timestep's input and state products are fused, so the projected input never goes to memory.
    """
    return _compiled_forward(cell, sequences, x, states, kernels, bias, mask)[0]


def _compiled_forward(cell, sequences, x, states, kernels, bias, mask):
    def fast(x, states, kernels, bias, mask):
        bias = None if bias is None else cell.compiled.add(bias)
        return cell.compiled.forward(x, states, kernels, bias, mask)

    def slow(x, states, kernels, bias, mask):
        xp = _project(cell, x, kernels[0])
        kernel = kernels[1], None
        final, old, saved = _loop_saving(cell, False, False, xp, states, kernel, bias, mask)
        return saved, old, final

    saved, old, final = native.differentiated_as(slow, fast, x, states, kernels, bias, mask)
    return (_outputs(sequences, old, final), final), (x, old, final, saved, kernels, bias, mask)


def _compiled_backward(cell, sequences, residuals, d_out):
    x, old, final, saved, (kernel, recurrent_kernel), bias, mask = residuals

    def slow(d_hs, d_final, saved, old, final, kernel, mask):
        d_states, kept = _loop_backward(
            cell, False, False, d_hs, d_final, saved, old, final, (kernel, None), mask
        )
        return d_states, kept, jnp.concatenate([sum_steps(d) for d in kept])

    given = d_out[0] if sequences else None, d_out[1], saved, old, final, recurrent_kernel, mask
    d_states, kept, d_bias = native.differentiated_as(slow, cell.compiled.backward, *given)
    d_xp, d_recurrent, _ = cell.finish(kept, old[0], None, None)
    d_x, d_kernel = jax.vjp(partial(_project, cell), x, kernel)[1](d_xp)
    d_bias = None if bias is None else cell.compiled.part(d_bias)
    return d_x, d_states, (d_kernel, d_recurrent), d_bias, None


_compiled.defvjp(_compiled_forward, _compiled_backward)


def _project(cell: Cell, x: Array, kernel: Array, drop: Array | None = None) -> tuple[Array, ...]:
    """The input times each block of its kernel; integer inputs select rows of the kernel.

    `drop` has one mask for each gate, or is `None`.
    """
    ends = np.cumsum(cell.blocks)[:-1]
    if drop is not None:
        gates = jnp.split(kernel, len(drop), axis=1)
        each = [product(x * mask, gate) for mask, gate in zip(drop, gates, strict=True)]
        return tuple(jnp.concatenate(b, -1) for b in _blocks(each, ends))
    blocks = jnp.split(kernel, ends * (kernel.shape[1] // sum(cell.blocks)), axis=1)
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
    drop: Masks = NO_MASKS,
) -> tuple[Array, tuple[Array, ...]]:
    """Run a cell over a whole sequence.

    Returns:
        The outputs, `(batch, steps, units)`, or only the last one, and the final states.
    """
    rows, ids = x if isinstance(x, Lookup) else (x, None)
    units, dtype = states[0].shape[1], jnp.promote_types(rows.dtype, kernel.dtype)
    rows, states, kernel, recurrent_kernel, bias, drop = jax.tree.map(
        lambda a: a.astype(dtype), (rows, states, kernel, recurrent_kernel, bias, drop)
    )
    if ids is not None:
        # masked timesteps are ignored, so their ids may be out of range
        ids = ids if mask is None else jnp.where(as_mask(mask), ids, 0)
        rows, kernel = ids.astype(jnp.int32), product(rows, kernel)
    x = jnp.swapaxes(rows, 0, 1)
    if x.shape[0] == 0:
        empty = jnp.zeros((x.shape[1], 0, units), dtype)
        return empty if return_sequences else states[0], states
    keep = None if mask is None else jnp.swapaxes(as_mask(mask), 0, 1)[..., None]
    in_order = jax.tree.map(lambda a: jnp.flip(a, 0) if reverse else a, (x, keep))
    kernels = kernel, recurrent_kernel

    def loop(reverse, sequences, x, states, kernels, bias):
        xp = _project(cell, x, kernels[0], drop.inputs)
        kernel = kernels[1], drop.states
        return _recur(cell, reverse, unroll, sequences, xp, states, kernel, bias, keep)

    if drop.inputs is not None or drop.states is not None:
        outputs, states = loop(reverse, return_sequences, x, states, kernels, bias)
    elif cell.compiled and not wants_plain() and native.suits(*states, *kernels):
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


def _at(buffers: Any, t: Any, dtype: Any) -> Any:
    """Timestep t of a buffer, or of each of several."""
    return jax.tree.map(
        lambda b: as_floats(lax.dynamic_index_in_dim(b, t, 0, False), dtype), buffers
    )


def _put(buffers: tuple, values: tuple, t: Any, dtype: Any) -> tuple:
    """The buffers with one value each written at timestep t."""
    return tuple(
        lax.dynamic_update_index_in_dim(buffer, as_bits(value.astype(dtype)), t, axis=0)
        for buffer, value in zip(buffers, values, strict=True)
    )


def _where(keep: Array, new: tuple, old: tuple) -> tuple:
    return tuple(jnp.where(keep, n, o) for n, o in zip(new, old, strict=True))


def _zeros(arrays: tuple) -> tuple:
    return jax.tree.map(jnp.zeros_like, arrays)


def _multipliers(
    cell: Cell, kernel: Array, drop: Array | None, transposed: bool = False
) -> list[Callable[[Array], Array]]:
    """For each part of a recurrent kernel, a function that multiplies by it or its transpose."""
    ends = np.cumsum(cell.products)[:-1]
    if drop is None:
        parts = jnp.split(kernel, ends * len(kernel), axis=1)
        return [multiplier(part, transposed) for part in parts]
    gates = [multiplier(gate, transposed) for gate in jnp.split(kernel, len(drop), axis=1)]

    def times(some: list, h: Array) -> Array:
        return jnp.concatenate([gate(h * mask) for gate, mask in some], -1)

    def back(some: list, d: Array) -> Array:
        parts = jnp.split(d, len(some), axis=-1)
        return sum(gate(part) * mask for (gate, mask), part in zip(some, parts, strict=True))

    of_each = _blocks(list(zip(gates, drop, strict=True)), ends)
    return [partial(back if transposed else times, some) for some in of_each]


def _blocks(gates: list, ends: Iterable[int]) -> list[list]:
    """A list split into parts at `ends`."""
    return [gates[a:b] for a, b in pairwise([0, *ends, len(gates)])]


def as_mask(mask: Array) -> Array:
    """A mask `(batch, steps)` or `(batch, steps, n)` as booleans `(batch, steps)`, any over n."""
    mask = mask.astype(bool)
    return mask.any(tuple(range(2, mask.ndim))) if mask.ndim > 2 else mask
