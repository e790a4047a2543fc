"""Adam's kernels: for all variables at once, and for tables of which a step needs few rows.

A table is right for some rows only: row r had its last step at `last[r]`. What a row has missed
since, steps in which its gradient was zero, is made up for when it is next asked for. See
`adam_rows.cc` for how.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels.native import kernel_call


class Constants(NamedTuple):
    """What does not change from step to step."""

    beta_1: float
    beta_2: float
    epsilon: float


class Moments(NamedTuple):
    """A variable's value, the mean of its gradients and the mean of their squares."""

    value: Array
    mean: Array
    square: Array


class Product(NamedTuple):
    """A gradient that is `left^T right`, of `(terms, rows)` and `(terms, columns)`."""

    left: Array
    right: Array


class Table(NamedTuple):
    """`Moments` of shape `(rows, width)`, and after which step each row is as they say."""

    moments: Moments
    last: Array


def adam(
    rate: Array, gradients: list[Array | Product], variables: list[Moments], constants: Constants
) -> list[Moments]:
    """One step of all variables.

    Args:
        rate: of this step, with the correction of the start, a float32 scalar.
        gradients: one a variable, or two matrices of which it is the product.
        variables: as they are before the step.
        constants: the optimizer's.
    """
    given, counts = [rate], []
    aliases: dict[int, int] = {}
    for gradient, moments in zip(gradients, variables, strict=True):
        arrays = [*gradient] if isinstance(gradient, Product) else [gradient]
        counts.append(len(arrays))
        given += arrays
        aliases |= {len(given) + i: 3 * len(counts) - 3 + i for i in range(3)}
        given += moments
    specs = [array for moments in variables for array in moments]
    call = _call("adam", specs, aliases, constants, arrays=np.array(counts, np.int64))
    new = call(*given)
    return [Moments(*new[i : i + 3]) for i in range(0, len(new), 3)]


def lookup(
    step: Array, rate: Array, tables: list[tuple[Array, Table]], constants: Constants
) -> list[tuple[Array, Table]]:
    """Rows of tables as they are after a step, and the tables with these rows right.

    Args:
        step: how many there were, int32.
        rate: the learning rate of all of them since the tables were right.
        tables: for each the numbers of rows, int32, one axis, clipped to the table; and itself.
        constants: the optimizer's.
    """
    specs: list = []
    for ids, (moments, last) in tables:
        rows = jax.ShapeDtypeStruct((*ids.shape, moments.value.shape[1]), jnp.float32)
        specs += rows, *moments, last
    arrays = [array for ids, table in tables for array in (ids, *table.moments, table.last)]
    aliases = {2 + i: i for i in range(len(specs)) if i % 5}
    new = _call("adam_lookup", specs, aliases, constants)(step, rate, *arrays)
    return [(new[i], _table(new[i + 1 : i + 5])) for i in range(0, len(new), 5)]


def update(
    go: Array,
    step: Array,
    rate: Array,
    tables: list[tuple[Array, Array, Table]],
    constants: Constants,
) -> list[Table]:
    """One step more for the rows of tables that have a gradient.

    Args:
        go: whether to do it at all.
        step, rate: as for `lookup`.
        tables: for each the numbers of rows, their gradients, `(ids, width)`, of which those of
            equal numbers are added up, and itself.
        constants: the optimizer's.
    """
    arrays = [
        array
        for ids, gradients, table in tables
        for array in (ids, gradients, *table.moments, table.last)
    ]
    specs = [array for *_, table in tables for array in (*table.moments, table.last)]
    aliases = {3 + 6 * (i // 4) + 2 + i % 4: i for i in range(len(specs))}
    new = _call("adam_rows", specs, aliases, constants)(go, step, rate, *arrays)
    return [_table(new[i : i + 4]) for i in range(0, len(new), 4)]


def whole(step: Array, rate: Array, table: Table, constants: Constants) -> Table:
    """The table with all rows right after a step; see `lookup`."""
    state = (*table.moments, table.last)
    aliases = {2 + i: i for i in range(4)}
    return _table(_call("adam_table", state, aliases, constants)(step, rate, *state))


def _table(arrays: list[Array]) -> Table:
    return Table(Moments(*arrays[:3]), arrays[3])


def _call(name, results, aliases, constants, **more):
    call = kernel_call(name, results, aliases)
    numbers = {name: np.float64(number) for name, number in constants._asdict().items()}
    return lambda *arrays: call(*map(jnp.asarray, arrays), **numbers, **more)
