"""Optimizers for tables of which a step uses few rows.

Rows are updated lazily: row r is up to date as of step `last[r]`. What an optimizer does to rows
without a gradient, if anything, is applied when they are next looked up.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels import native


class Table(NamedTuple):
    """A table and the optimizer's slots for it, and how far each row is up to date.

    values: the table and its slots, `(rows, width)`.
    last: the step as of which each row is up to date, int32.
    """

    values: tuple[Array, ...]
    last: Array


Asked = tuple[Array, Table]  # row ids, int32, one axis; and the table
Moved = tuple[Array, Array, Table]  # row ids, their gradients `(ids, width)`, and the table


class ByRows(NamedTuple):
    """How an optimizer updates rows.

    The first arguments of each function are the number of steps so far, int32, and the learning
    rate, which has been constant since all rows were up to date.

    Attributes:
        look_up: returns rows brought up to date, NaN for ids out of range, and the tables with
            these rows updated.
        update: takes one more argument before the others: whether to take the step. Returns whether
            it was taken, which also requires finite gradients, and the updated tables. Gradients
            of equal ids are summed; ids are clipped.
        whole: returns a table with all rows brought up to date.
    """

    look_up: Callable[[Array, Array, list[Asked]], list[tuple[Array, Table]]]
    update: Callable[[Array, Array, Array, list[Moved]], tuple[Array, list[Table]]]
    whole: Callable[[Array, Array, Table], Table]


def descent(epsilon: float | None = None) -> ByRows:
    """Gradient descent, or with an `epsilon` Adagrad, whose slot is the sum of squares.

    Rows without a gradient do not change.
    """

    def look_up(step: Array, rate: Array, tables: list[Asked]) -> list[tuple[Array, Table]]:
        return [(native.take(table.values[0], ids, nan=True), table) for ids, table in tables]

    def whole(step: Array, rate: Array, table: Table) -> Table:
        return table

    numbers = {"slots": np.int64(epsilon is not None), "epsilon": np.float32(epsilon or 0)}
    return ByRows(look_up, partial(step_rows, "descent_rows", numbers), whole)


def step_rows(
    kernel: str,
    attributes: Mapping[str, Any],
    go: Array,
    step: Array,
    rate: Array,
    tables: list[Moved],
) -> tuple[Array, list[Table]]:
    """`ByRows.update` by a compiled kernel."""
    given = [go, step, rate]
    specs: list[Array] = []
    aliases: dict[int, int] = {}
    for ids, gradients, (values, last) in tables:
        given += ids, gradients
        aliases |= {len(given) + i: len(specs) + i for i in range(len(values) + 1)}
        given += *values, last
        specs += *values, last
    call = native.kernel_call(kernel, [*specs, go], aliases)
    *new, went = call(*map(jnp.asarray, given), **attributes)
    size = len(new) // len(tables)
    return went, [table_of(new[i : i + size]) for i in range(0, len(new), size)]


def table_of(arrays: list[Array]) -> Table:
    """A table from its arrays, `last` at the end."""
    return Table(tuple(arrays[:-1]), arrays[-1])
