"""Functions of `keras.backend` over sequences: loops, folds and CTC."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook import ops
from hornbook.core import settings
from hornbook.core.symbolic import op
from hornbook.layers.recurrent.loop import scan


@op
def rnn(
    step_function: Callable,
    inputs: Any,
    initial_states: list,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
) -> tuple[Array, Array, list]:
    """Loop a step over axis 1 of the inputs.

    Args:
        step_function: maps `(x_t, states)`, where constants follow the states, to the output and
            the new states.
        inputs: `(batch, steps, ...)`.
        initial_states: the states before the first step.
        go_backwards: process the steps in reverse; outputs are in that order.
        mask: `(batch, steps)`; masked steps repeat the previous states and output.
        constants: passed to each step.
        unroll: unroll the loop.
        input_length: ignored; known from the inputs.

    Returns:
        The last output, the outputs `(batch, steps, ...)`, and the last states.
    """
    more = list(constants or [])

    def step(x_t, states):
        output, new = step_function(x_t, [*states, *more])
        return jnp.asarray(output), [jnp.asarray(one) for one in new]

    x = jnp.asarray(inputs)
    x = jnp.flip(x, 1) if go_backwards else x
    if mask is not None:
        mask = jnp.asarray(mask, bool).reshape(x.shape[:2])
        mask = jnp.flip(mask, 1) if go_backwards else mask
    states = [jnp.asarray(state) for state in initial_states]
    states = _as_returned(step, x, states)
    outputs, states, _ = scan(step, x, states, mask, unroll)
    return outputs[:, -1], outputs, list(states)


def _as_returned(step: Callable, x: Array, states: list) -> list:
    """Broadcast initial states to the shapes that a step returns."""
    if not states:
        return states
    _, new = jax.eval_shape(step, x[:, 0], states)
    return [jnp.broadcast_to(a, b.shape).astype(b.dtype) for a, b in zip(states, new, strict=True)]


@op
def map_fn(fn: Callable, elems: Any, name: Any = None, dtype: Any = None) -> Any:
    """Map a function over the first axis.

    Args:
        fn: takes one element, or a list if `elems` is a list.
        elems: an array, or a list of arrays.
        name: ignored.
        dtype: of the result.
    """
    made = lax.map(fn, elems)
    return made if dtype is None else jax.tree.map(lambda a: a.astype(dtype), made)


def foldl(fn: Callable, elems: Any, initializer: Any = None, name: Any = None) -> Any:
    """`fn(fn(first, x0), x1) ...` over the first axis.

    Args:
        fn: takes the accumulated value and the next element.
        elems: an array.
        initializer: the initial value; default: the first element.
        name: ignored.
    """
    return _fold(fn, elems, initializer, False)


def foldr(fn: Callable, elems: Any, initializer: Any = None, name: Any = None) -> Any:
    """`foldl` from the last element to the first."""
    return _fold(fn, elems, initializer, True)


@op
def _fold(fn, elems, initializer, backwards):
    elems = jnp.flip(elems, 0) if backwards else jnp.asarray(elems)
    if initializer is None:
        initializer, elems = elems[0], elems[1:]
    initializer = jnp.asarray(initializer, elems.dtype)
    return lax.scan(lambda so_far, x: (fn(so_far, x), None), initializer, elems)[0]


# ---- CTC


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss, `-log p(labels)` (Graves et al., 2006); the last class is the blank.

    Args:
        y_true: labels `(batch, longest)`.
        y_pred: probabilities `(batch, steps, classes)`.
        input_length: number of valid steps, `(batch, 1)`.
        label_length: number of labels, `(batch, 1)`.

    Returns:
        `(batch, 1)`.
    """
    classes = y_pred.shape[-1]
    scores = ops.log(y_pred + settings.epsilon())
    labels, steps = (ops.reshape(ops.cast(n, "int32"), (-1,)) for n in (label_length, input_length))
    cost = ops.ctc_loss(ops.cast(y_true, "int32"), scores, labels, steps, classes - 1)
    return ops.expand_dims(cost, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list, Any]:
    """The most likely label sequences; the last class is the blank.

    Args:
        y_pred: probabilities `(batch, steps, classes)`.
        input_length: number of valid steps, `(batch,)`.
        greedy: take the most likely class at each step instead of a beam search.
        beam_width: number of sequences the search keeps.
        top_paths: number of sequences it returns.

    Returns:
        A list of sequences `(batch, steps)`, padded with -1, and their scores.
    """
    scores = ops.log(y_pred + settings.epsilon())
    lengths = ops.reshape(ops.cast(input_length, "int32"), (-1,))
    decoded, score = ops.ctc_decode(
        scores,
        lengths,
        strategy="greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=1 if greedy else top_paths,
        mask_index=y_pred.shape[-1] - 1,
    )
    return [decoded[i] for i in range(1 if greedy else top_paths)], score
