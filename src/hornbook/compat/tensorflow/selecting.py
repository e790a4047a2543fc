"""Functions that select and order the elements of arrays; matrices made from their diagonals."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow.arrays import boolean_mask, is_text, sizes
from hornbook.compat.tensorflow.math import norm
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.core.symbolic import op


class UniqueWithCounts(NamedTuple):
    """Distinct values, the index of each element's value, and how often each occurs."""

    y: Any
    idx: Any
    count: Any


class Unique(NamedTuple):
    """Distinct values in order of appearance, and the index of each element's value."""

    y: Any
    idx: Any


@op
def reverse(tensor: Any, axis: Any, name: str | None = None) -> jax.Array:
    """An array with the order along axes reversed."""
    return jnp.flip(jnp.asarray(tensor), tuple(np.ravel(axis).tolist()))


@op
def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int = 1, batch_axis: int = 0, name: str | None = None
) -> jax.Array:
    """Sequences reversed up to their lengths."""
    x = jnp.moveaxis(jnp.asarray(input), (batch_axis, seq_axis), (0, 1))
    place, count = jnp.arange(x.shape[1]), jnp.asarray(seq_lengths)[:, None]
    index = jnp.where(place < count, count - 1 - place, place)
    found = jax.vmap(lambda rows, order: rows[order])(x, index)
    return jnp.moveaxis(found, (0, 1), (batch_axis, seq_axis))


@op
def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None
) -> jax.Array:
    """Which positions are within each length: `positions < lengths`."""
    count = jnp.asarray(lengths)
    longest = int(count.max()) if maxlen is None else int(maxlen)
    return (jnp.arange(longest) < count[..., None]).astype(str(dtype))


@op
def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """Sorted elements."""
    array = jnp.asarray(values)
    return jnp.sort(array, axis, descending=direction == "DESCENDING")


@op
def argsort(
    values: Any,
    axis: int = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> jax.Array:
    """The indices that sort."""
    return jnp.argsort(jnp.asarray(values), axis, descending=direction == "DESCENDING")


def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Unique:
    """Distinct values in order of appearance, and the index of each element's value."""
    return Unique(*_distinct(x)[:2])


def unique_with_counts(x: Any, out_idx: Any = "int32", name: str | None = None) -> UniqueWithCounts:
    """Distinct values, the index of each element's value, and how often each occurs."""
    return UniqueWithCounts(*_distinct(x))


def _distinct(x: Any) -> tuple:
    text = is_text(x)
    array = np.asarray(x, object if text else None)
    found, first, index, count = np.unique(array, True, True, True)
    order = np.argsort(first)
    values = found[order]
    made = tensor(values) if text else jnp.asarray(values)
    return made, jnp.asarray(np.argsort(order)[index]), jnp.asarray(count[order])


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list:
    """The slices of an array in each of several groups."""
    return [boolean_mask(data, np.asarray(partitions) == k) for k in range(num_partitions)]


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """Arrays put together; `indices` has the place of each of their slices."""
    places = [np.asarray(one) for one in indices]
    flat = np.concatenate([one.ravel() for one in places])
    pieces = [
        jnp.asarray(one).reshape(-1, *np.shape(one)[np.ndim(k) :])
        for k, one in zip(places, data, strict=True)
    ]
    rows = jnp.concatenate(pieces)
    return jnp.zeros((int(flat.max()) + 1, *rows.shape[1:]), rows.dtype).at[flat].set(rows)


@op
def diag(diagonal: Any, k: int = 0, name: str | None = None, **_: Any) -> jax.Array:
    """Matrices with these diagonals."""
    values = jnp.asarray(diagonal)
    make = jnp.vectorize(lambda row: jnp.diag(row, k), signature="(n)->(m,m)")
    return make(values)


@op
def set_diag(input: Any, diagonal: Any, name: str | None = None) -> jax.Array:
    """Matrices with other diagonals."""
    matrix = jnp.asarray(input)
    index = jnp.arange(min(matrix.shape[-2:]))
    return matrix.at[..., index, index].set(diagonal)


@op
def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> jax.Array:
    """Matrices without the diagonals beyond a number below and above; a negative one keeps all."""
    matrix = jnp.asarray(input)
    row, column = jnp.arange(matrix.shape[-2])[:, None], jnp.arange(matrix.shape[-1])
    low, high = int(num_lower), int(num_upper)
    keep = ((low < 0) | (row - column <= low)) & ((high < 0) | (column - row <= high))
    return jnp.where(keep, matrix, jnp.zeros((), matrix.dtype))


class TopK(NamedTuple):
    """The largest elements of each row, and their indices."""

    values: Any
    indices: Any


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = None, name: str | None = None
) -> TopK:
    """The largest elements of each row, and their indices."""
    return TopK(*ops.top_k(input, int(k), sorted))


@op
def xdivy(x: Any, y: Any, name: str | None = None) -> jax.Array:
    """`x / y`, and 0 where `x` is 0."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    return jnp.where(x == 0, 0, x / jnp.where(x == 0, 1, y))


@op
def diag_part(input: Any, name: str | None = None, k: int = 0, **_: Any) -> jax.Array:
    """The diagonals of matrices."""
    return jnp.diagonal(jnp.asarray(input), k, -2, -1)


@op
def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> jax.Array:
    """Matrices transposed."""
    turned = jnp.swapaxes(jnp.asarray(a), -1, -2)
    return turned.conj() if conjugate else turned


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: Any = None) -> tuple:
    """An array divided by its norm, and the norm."""
    length = norm(tensor, ord, axis, True)
    return ops.divide(tensor, length), length


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """The positions of flat indices in an array of a shape, a row for each axis."""
    return jnp.stack(jnp.unravel_index(jnp.asarray(indices), sizes(dims)))


@op
def bitcast(input: Any, type: Any, name: str | None = None) -> jax.Array:
    """The bits of numbers as another dtype."""
    return jax.lax.bitcast_convert_type(jnp.asarray(input), str(type))
