"""Run a cell, or any layer, over the steps of a sequence."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.core.variable import bind, compute_dtype
from hornbook.layers.base import Layer, collect_losses
from hornbook.layers.calling import looping


def run_cell(
    cell: Any,
    x: Array,
    states: list,
    mask: Array | None = None,
    training: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> tuple[Array, list]:
    """Run a cell over a sequence.

    If the cell has a method `sequence`, that is used, unless a subclass overrides `call`, the step
    it is equivalent to.

    Args:
        cell: a layer or other object with `call(x_t, states) -> (output, new states)`.
        x: inputs, `(batch, steps, ...)`.
        states: initial states, arrays `(batch, ...)` or lists of them.
        mask: booleans `(batch, steps)`, true where a step counts. A masked step keeps the states
            and repeats the previous output.
        training: passed to the cell.
        unroll: unroll the loop over the steps.
        zero_output_for_mask: make the output of a masked step zero instead.
        return_sequences: whether to return the outputs of all steps, or only the last.

    Returns:
        Outputs `(batch, steps, ...)` or `(batch, ...)`, and the final states.
    """
    dtype = getattr(cell, "compute_dtype", None)
    if _brings_sequence(type(cell)):
        with compute_dtype(dtype):
            x = x.astype(dtype)
            options = mask, training, unroll, zero_output_for_mask, return_sequences
            return cell.sequence(x, states, *options)
    call = cell if callable(cell) else cell.call
    takes_training = "training" in inspect.signature(cell.call).parameters
    kwargs = {"training": training} if takes_training or isinstance(cell, Layer) else {}

    def step(x_t, states):
        output, new = call(x_t, states, **kwargs)
        return output, new if isinstance(new, list | tuple) else [new]

    with cell.holding(x, training) if hasattr(cell, "holding") else nullcontext():
        outputs, states, loss = scan(step, x, states, mask, unroll, zero_output_for_mask)
    if loss is not None:
        cell.add_loss(loss)
    return outputs if return_sequences else outputs[:, -1], states


def _brings_sequence(cls: type) -> bool:
    """Whether `sequence` is defined in the class that defines `call` or in a subclass of it."""
    owners = {
        name: next((c for c in cls.__mro__ if name in vars(c)), object)
        for name in ("sequence", "call")
    }
    return owners["sequence"] is not object and issubclass(owners["sequence"], owners["call"])


def scan(
    step: Callable,
    x: Any,
    states: list,
    mask: Array | None = None,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Any, list, Any]:
    """Scan a step function that may call layers over axis 1. Variables that it assigns (seeds,
    moving averages) are carried to the next step.

    Args:
        step: `step(x_t, states) -> (output, new states)`.
        x: an array `(batch, steps, ...)` or a structure of them.
        states, mask, unroll, zero_output_for_mask: as for `run_cell`.

    Returns:
        Outputs, final states, and the sum of the losses added in the loop (`None` if none).
    """
    steps = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), x)
    first = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), steps)
    with bind({}) as assigned, collect_losses():
        output, _ = jax.eval_shape(step, first, states)
    variables = list(assigned)
    previous = None if mask is None else _before_the_first(output, states)

    def advance(carry, inputs):
        states, previous, values = carry
        x_t, keep = inputs
        with bind(dict(zip(variables, values, strict=True))) as scope, collect_losses() as losses:
            output, new = step(x_t, states)
        new = _in_the_form_of(states, new)
        if keep is not None:
            new = _select(keep, new, states)
            previous = _select(keep, output, previous)
            zero = jax.tree.map(jnp.zeros_like, output)
            output = _select(keep, output, zero) if zero_output_for_mask else previous
        values = [scope[variable] for variable in variables]
        return (new, previous, values), (output, sum(losses) if losses else None)

    carry = (states, previous, [variable.raw for variable in variables])
    keep = None if mask is None else jnp.swapaxes(mask, 0, 1)
    with looping():
        carry, (outputs, losses) = lax.scan(advance, carry, (steps, keep), unroll=unroll)
    for variable, value in zip(variables, carry[2], strict=True):
        variable.assign(value)
    outputs = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), outputs)
    return outputs, carry[0], None if losses is None else jnp.sum(losses)


def _in_the_form_of(states: list, new: Any) -> list:
    """The new states in the structure and dtypes of the old ones."""
    old, form = jax.tree.flatten(states)
    fresh = jax.tree.leaves(new)
    if [jnp.shape(a) for a in fresh] != [jnp.shape(a) for a in old]:
        raise ValueError(
            f"a recurrent cell got states of shapes {[a.shape for a in old]} and returned "
            f"states of shapes {[jnp.shape(a) for a in fresh]}; they must be the same"
        )
    return jax.tree.unflatten(
        form, [jnp.asarray(a, b.dtype) for a, b in zip(fresh, old, strict=True)]
    )


def _before_the_first(output: Any, states: Any) -> Any:
    """The output of a masked first step: the (last cell's) first state if shapes match, else 0."""
    while isinstance(states, list | tuple) and states:
        states = states[-1] if isinstance(states[0], list | tuple) else states[0]
    if isinstance(output, jax.ShapeDtypeStruct) and getattr(states, "shape", None) == output.shape:
        return states.astype(output.dtype)
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), output)


def _select(keep: Array, new: Any, old: Any) -> Any:
    """`new` for the samples where `keep` is true, else `old`."""
    return jax.tree.map(
        lambda a, b: jnp.where(keep.reshape(keep.shape + (1,) * (a.ndim - 1)), a, b), new, old
    )
