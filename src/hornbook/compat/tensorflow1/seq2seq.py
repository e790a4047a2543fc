"""`tf.contrib.legacy_seq2seq`: a recurrent network that reads a sequence, and one that writes one.

Sequences are lists of tensors, one for each step.
"""

import copy
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from hornbook.compat.tensorflow1.applying import cast, convert, lift
from hornbook.compat.tensorflow1.cells import EmbeddingWrapper, OutputProjectionWrapper
from hornbook.compat.tensorflow1.functions import shape
from hornbook.compat.tensorflow1.gradients import stop_gradient
from hornbook.compat.tensorflow1.nn import (
    embedding_lookup,
    sparse_softmax_cross_entropy_with_logits,
    xw_plus_b,
)
from hornbook.compat.tensorflow1.rnn import static_rnn
from hornbook.compat.tensorflow1.scopes import get_variable, get_variable_scope, variable_scope

reduce_sum = lift(lambda x: jnp.sum(jnp.asarray(x)), "Sum")
argmax = lift(lambda x: jnp.argmax(jnp.asarray(x), 1), "ArgMax")
LENGTHS = "Lengths of logits, weights, and targets must be the same {}, {}, {}."


def rnn_decoder(
    decoder_inputs: Any,
    initial_state: Any,
    cell: Any,
    loop_function: Callable | None = None,
    scope: Any = None,
) -> tuple[list, Any]:
    """The outputs of a cell for a sequence, and its last state.

    Args:
        decoder_inputs: the inputs of steps.
        initial_state: the state before the first step.
        cell: the cell.
        loop_function: a function of the last output and the number of the step, whose result takes
            the place of an input from the second step on.
        scope: of the variables, default `"rnn_decoder"`.
    """
    inputs = list(decoder_inputs)
    if loop_function is None:
        return static_rnn(cell, inputs, initial_state, scope=scope or "rnn_decoder")
    outputs: list = []
    state = initial_state
    with variable_scope(scope or "rnn_decoder"):
        for number, one in enumerate(inputs):
            if number:
                with variable_scope("loop_function", reuse=True):
                    one = loop_function(outputs[-1], number)
                get_variable_scope().reuse_variables()
            output, state = cell(one, state)
            outputs.append(output)
    return outputs, state


def basic_rnn_seq2seq(
    encoder_inputs: list, decoder_inputs: list, cell: Any, dtype: Any = "float32", scope: Any = None
) -> tuple[list, Any]:
    """Outputs and last state of a cell that starts where a copy of it has read another sequence."""
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def embedding_rnn_decoder(
    decoder_inputs: list,
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> tuple[list, Any]:
    """`rnn_decoder` of the rows of a table.

    Args:
        decoder_inputs: numbers of rows.
        initial_state: the state before the first step.
        cell: the cell.
        num_symbols, embedding_size: the sizes of the table.
        output_projection: weights and biases that make outputs logits, for `feed_previous`.
        feed_previous: whether the most probable symbol of a step is the input of the next one.
        update_embedding_for_previous: whether gradients pass to the rows of such symbols.
        scope: of the variables, default `"embedding_rnn_decoder"`.
    """
    with variable_scope(scope or "embedding_rnn_decoder"):
        table = get_variable("embedding", [num_symbols, embedding_size])

        def following(output: Any, number: int) -> Any:
            if output_projection is not None:
                output = xw_plus_b(output, *output_projection)
            rows = embedding_lookup(table, argmax(output))
            return rows if update_embedding_for_previous else stop_gradient(rows)

        rows = [embedding_lookup(table, one) for one in decoder_inputs]
        return rnn_decoder(rows, initial_state, cell, following if feed_previous else None)


def embedding_rnn_seq2seq(
    encoder_inputs: list,
    decoder_inputs: list,
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    dtype: Any = "float32",
    scope: Any = None,
) -> tuple[list, Any]:
    """`basic_rnn_seq2seq` of symbols, with a table for each sequence.

    Args:
        encoder_inputs, decoder_inputs: numbers of symbols.
        cell: the cell; a copy of it reads.
        num_encoder_symbols, num_decoder_symbols, embedding_size: the sizes of the tables.
        output_projection: weights and biases of logits; without them outputs are logits, by a layer
            of this function.
        feed_previous: see `embedding_rnn_decoder`.
        dtype: of the first state.
        scope: of the variables, default `"embedding_rnn_seq2seq"`.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq"):
        reader = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(reader, encoder_inputs, dtype=dtype or "float32")
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
        return embedding_rnn_decoder(
            decoder_inputs,
            state,
            cell,
            num_decoder_symbols,
            embedding_size,
            output_projection,
            feed_previous,
        )


def sequence_loss_by_example(
    logits: list,
    targets: list,
    weights: list,
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable | None = None,
    name: Any = None,
) -> Any:
    """The weighted crossentropy of sequences, for each of them.

    Args:
        logits: for each step, logits (N, symbols).
        targets: for each step, the numbers of the true symbols.
        weights: for each step, weights.
        average_across_timesteps: whether the sum is divided by that of the weights.
        softmax_loss_function: a function of labels and logits instead of the crossentropy.
        name: ignored.

    Raises:
        ValueError: for lists of different lengths.
    """
    if len({len(logits), len(targets), len(weights)}) > 1:
        raise ValueError(LENGTHS.format(len(logits), len(weights), len(targets)))
    loss = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
    weights = [convert(one) for one in weights]
    losses = [
        loss(labels=target, logits=one) * weight
        for one, target, weight in zip(logits, targets, weights, strict=True)
    ]
    total = sum(losses[1:], losses[0])
    return total / (sum(weights[1:], weights[0]) + 1e-12) if average_across_timesteps else total


def sequence_loss(
    logits: list,
    targets: list,
    weights: list,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable | None = None,
    name: Any = None,
) -> Any:
    """The sum over sequences of `sequence_loss_by_example`; by default their mean."""
    each = sequence_loss_by_example(
        logits, targets, weights, average_across_timesteps, softmax_loss_function
    )
    total = reduce_sum(each)
    count = cast(shape(convert(targets[0]))[0], total.dtype)
    return total / count if average_across_batch else total
