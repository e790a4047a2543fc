"""Adam's kernels: for all variables at once, and for tables of which a step uses few rows.

A row of a table is updated lazily: the steps in which its gradient was zero are applied when the
row is next looked up. See `adam_rows.cc` for the formula.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.kernels.native import kernel_call
from hornbook.kernels.native.by_rows import Asked, ByRows, Table, step_rows, table_of


class Constants(NamedTuple):
    """Hyperparameters that are constant during training."""

    beta_1: float
    beta_2: float
    epsilon: float


class Moments(NamedTuple):
    """A variable's value, and the running means of its gradients and of their squares."""

    value: Array
    mean: Array
    square: Array


class Product(NamedTuple):
    """A gradient `left^T right`, with factors `(terms, rows)` and `(terms, columns)`."""

    left: Array
    right: Array


AT_ONCE = 32  # variables; XLA compiles a call in a time that grows with the square of its arrays


def adam(
    rate: Array, gradients: list[Array | Product], variables: list[Moments], constants: Constants
) -> list[Moments]:
    """One Adam step of all variables, in calls of up to `AT_ONCE`.

    Args:
        rate: learning rate of this step, bias-corrected, a float32 scalar.
        gradients: one for each variable: an array, or a `Product`.
        variables: their state before the step.
        constants: the optimizer's hyperparameters.
    """
    groups = [slice(i, i + AT_ONCE) for i in range(0, len(variables), AT_ONCE)]
    return [new for g in groups for new in _adam(rate, gradients[g], variables[g], constants)]


def _adam(
    rate: Array, gradients: list[Array | Product], variables: list[Moments], constants: Constants
) -> list[Moments]:
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


def by_rows(constants: Constants) -> ByRows:
    """Adam for tables; its slots are the mean and the square."""

    def look_up(step: Array, rate: Array, tables: list[Asked]) -> list[tuple[Array, Table]]:
        specs: list = []
        for ids, (values, last) in tables:
            rows = jax.ShapeDtypeStruct((*ids.shape, values[0].shape[1]), jnp.float32)
            specs += rows, *values, last
        arrays = [array for ids, table in tables for array in (ids, *table.values, table.last)]
        aliases = {2 + i: i for i in range(len(specs)) if i % 5}
        new = _call("adam_lookup", specs, aliases, constants)(step, rate, *arrays)
        return [(new[i], table_of(new[i + 1 : i + 5])) for i in range(0, len(new), 5)]

    def whole(step: Array, rate: Array, table: Table) -> Table:
        state = (*table.values, table.last)
        aliases = {2 + i: i for i in range(4)}
        return table_of(_call("adam_table", state, aliases, constants)(step, rate, *state))

    return ByRows(look_up, partial(step_rows, "adam_rows", _attributes(constants)), whole)


def _call(name: str, results: Iterable, aliases: dict, constants: Constants, **more: Any):
    call = kernel_call(name, results, aliases)
    return lambda *arrays: call(*map(jnp.asarray, arrays), **_attributes(constants), **more)


def _attributes(constants: Constants) -> dict[str, np.float64]:
    return {name: np.float64(number) for name, number in constants._asdict().items()}
