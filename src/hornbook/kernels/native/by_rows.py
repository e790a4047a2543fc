"""Optimizers for tables of which a step needs few rows.

A table is right for some rows only: row r had its last step at `last[r]`. What an optimizer does to
rows without a gradient it makes up for when they are next asked for, if it does anything.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels import native


class Table(NamedTuple):
    """A table and the optimizer's slots for it, `(rows, width)`, and after which step each row is
    as they say, int32."""

    values: tuple[Array, ...]
    last: Array


Asked = tuple[Array, Table]  # the numbers of rows, int32, one axis; and it
Moved = tuple[Array, Array, Table]  # the same with gradients, `(ids, width)`, between them


class ByRows(NamedTuple):
    """How an optimizer moves rows. The number of the steps there were, int32, and the learning rate
    of all of them since tables were right come first in each.

    Attributes:
        look_up: rows of tables as they are after a step, NaN where a table has none of a number,
            and the tables with these rows right.
        update: whether to make a step more comes before all. Whether it was made, as it is if all
            gradients are finite too, and the tables as they are after it. The gradients of equal
            numbers are added up; numbers are clipped.
        whole: a table with all rows right.
    """

    look_up: Callable[[Array, Array, list[Asked]], list[tuple[Array, Table]]]
    update: Callable[[Array, Array, Array, list[Moved]], tuple[Array, list[Table]]]
    whole: Callable[[Array, Array, Table], Table]


def descent(epsilon: float | None = None) -> ByRows:
    """Gradient descent; with an `epsilon` Adagrad, whose slot is the sum of squares.

    A row without a gradient stays as it is.
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
    """`ByRows.update` by a kernel."""
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
    """A table from its arrays, `last` being the last."""
    return Table(tuple(arrays[:-1]), arrays[-1])
