"""`tf.nn.dynamic_rnn` and other loops over time: JAX's `scan` of what a cell records."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.compat.tensorflow1.applying import Spec, apply, convert, like
from hornbook.compat.tensorflow1.control import Part, flat_of, rebuilt, stand_in, traced
from hornbook.compat.tensorflow1.functions import concat, shape, transpose, unstack
from hornbook.compat.tensorflow1.scopes import variable_scope


class _Loop:
    __name__ = "rnn"

    def __init__(self, part: Part, captured: list, states: int):
        self.part, self.captured, self.states = part, captured, states

    def __call__(self, starts: list, inputs: list, lengths: Any, values: list) -> list:
        outside = dict(zip(self.captured, values, strict=True))
        xs = [jnp.asarray(x) for x in inputs]
        first = [jnp.asarray(s) for s in starts]
        ends = None if lengths is None else jnp.asarray(lengths)

        def turn(carry: list, pair: tuple) -> tuple:
            number, now = pair
            given = outside | dict(zip(self.part.inputs, [*carry, *now], strict=True))
            found = [jnp.asarray(v) for v in self.part.run(given, number)]
            after, outputs = found[: self.states], found[self.states :]
            after = [a.astype(c.dtype) for a, c in zip(after, carry, strict=True)]
            if ends is not None:  # past the end of a row the state stays, the output is zero
                goes = number < ends

                def chosen(new: Any, old: Any) -> Any:
                    return jnp.where(jnp.reshape(goes, (-1,) + (1,) * (new.ndim - 1)), new, old)

                after = [chosen(a, c) for a, c in zip(after, carry, strict=True)]
                outputs = [chosen(o, jnp.zeros_like(o)) for o in outputs]
            return after, outputs

        numbers = jnp.arange(xs[0].shape[0], dtype="int32")
        outputs: Any
        last, outputs = jax.lax.scan(turn, first, (numbers, xs))
        return [*last, *outputs]


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple:
    """`tf.nn.dynamic_rnn`: the outputs of all steps, and the last state.

    Args:
        cell: a cell.
        inputs: `(batch, time, ...)`, or `(time, batch, ...)` if `time_major`.
        sequence_length: the number of steps of each row.
        initial_state: default zeros of `dtype`.
        dtype: of the initial state.
        time_major: the order of axes.
        scope: of the variables, default `"rnn"`.
        parallel_iterations, swap_memory: ignored.
    """
    with variable_scope(scope or "rnn"):
        flat = [convert(one) for one in flat_of(inputs)]
        by_time = flat if time_major else [_swapped(one) for one in flat]
        batch = tuple(by_time[0].shape)[1]
        if initial_state is None:
            if dtype is None:
                raise ValueError("If there is no initial_state, you must give a dtype.")
            initial_state = cell.zero_state(shape(by_time[0])[1] if batch is None else batch, dtype)
        starts = [convert(one) for one in flat_of(initial_state)]
        inside = [stand_in(one) for one in starts]
        now = [stand_in(one, tuple(one.shape)[1:]) for one in by_time]
        made, mark = traced(cell, rebuilt(inputs, list(now)), rebuilt(initial_state, list(inside)))
        output, state = made
        states, outputs = ([convert(one) for one in flat_of(part)] for part in (state, output))
        part = Part([*inside, *now], [*states, *outputs], mark)
        lengths = None if sequence_length is None else convert(sequence_length)
        fn = _Loop(part, part.captured, len(states))
        steps = tuple(by_time[0].shape)[0]
        specs = [like(one) for one in starts] + [
            Spec(
                (
                    steps,
                    batch if tuple(o.shape)[:1] == (None,) else tuple(o.shape)[0],
                    *tuple(o.shape)[1:],
                ),
                o.dtype,
            )
            for o in outputs
        ]
        found = list(
            apply(
                fn,
                (starts, by_time, lengths, part.captured),
                name="while",
                kind="While",
                specs=specs,
            )
        )
        last, outs = found[: len(states)], found[len(states) :]
        outs = outs if time_major else [_swapped(one) for one in outs]
        return rebuilt(output, outs), rebuilt(state, last)


def _swapped(x: Any) -> Any:
    order = (
        [1, 0, *range(2, x.shape.ndims)]
        if hasattr(x.shape, "ndims")
        else [1, 0, *range(2, len(x.shape))]
    )
    return transpose(x, order)


def static_rnn(
    cell: Any,
    inputs: list,
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple:
    """`tf.nn.static_rnn`: a list of outputs for a list of inputs, and the last state."""
    inputs = [convert(one) for one in inputs]
    if initial_state is None:
        size = tuple(inputs[0].shape)[0]
        initial_state = cell.zero_state(
            shape(inputs[0])[0] if size is None else size, dtype or inputs[0].dtype
        )
    if len({tuple(one.shape) for one in inputs}) == 1 and len(inputs) > 1:
        stacked = apply(_stacked, (inputs,), kind="Pack")
        outputs, state = dynamic_rnn(
            cell, stacked, sequence_length, initial_state, time_major=True, scope=scope or "rnn"
        )
        count = len(inputs)
        parts = [unstack(one, count) for one in flat_of(outputs)]
        return [rebuilt(outputs, [p[k] for p in parts]) for k in range(count)], state
    outputs, state = [], initial_state
    with variable_scope(scope or "rnn") as entered:
        for number, one in enumerate(inputs):
            if number:
                entered.reuse_variables()
            output, state = cell(one, state)
            outputs.append(output)
    return outputs, state


def _stacked(xs: list) -> Any:
    return jnp.stack([jnp.asarray(x) for x in xs])


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple:
    """`tf.nn.bidirectional_dynamic_rnn`: outputs and states of both directions."""
    lengths = None if sequence_length is None else convert(sequence_length)
    with variable_scope(scope or "bidirectional_rnn"):
        options = {"time_major": time_major, "dtype": dtype}
        with variable_scope("fw") as fw:
            forward = dynamic_rnn(cell_fw, inputs, lengths, initial_state_fw, scope=fw, **options)
        with variable_scope("bw") as bw:
            turned = _turned(convert(inputs), lengths, time_major)
            backward, last = dynamic_rnn(
                cell_bw, turned, lengths, initial_state_bw, scope=bw, **options
            )
        backward = _turned(backward, lengths, time_major)
    return (forward[0], backward), (forward[1], last)


def _turned(x: Any, lengths: Any, time_major: bool) -> Any:
    return apply(_reverse, (x, lengths, 0 if time_major else 1), kind="Reverse", specs=like(x))


def _reverse(x: Any, lengths: Any, axis: int) -> Any:
    x = jnp.asarray(x)
    if lengths is None:
        return jnp.flip(x, axis)
    steps = jnp.arange(x.shape[axis])
    ends = jnp.asarray(lengths)[:, None]
    places = jnp.where(steps < ends, ends - 1 - steps, steps)  # (batch, time)
    places = places.T if axis == 0 else places
    return jnp.take_along_axis(x, jnp.reshape(places, places.shape + (1,) * (x.ndim - 2)), axis)


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: list,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple:
    """`tf.nn.static_bidirectional_rnn`: outputs side by side, and both last states."""
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            forward, state_fw = static_rnn(
                cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw
            )
        with variable_scope("bw") as bw:
            backward, state_bw = static_rnn(
                cell_bw, inputs[::-1], initial_state_bw, dtype, sequence_length, bw
            )
    pairs = zip(forward, backward[::-1], strict=True)
    return [concat([f, b], 1) for f, b in pairs], state_fw, state_bw
