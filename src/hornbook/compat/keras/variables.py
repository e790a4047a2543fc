"""More of `keras.backend`: random variables, updates and type checks."""

import builtins
import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hornbook import ops, random
from hornbook.compat.keras.backend import variable
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, unwrap

_uids: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))


def get_uid(prefix: str = "") -> int:
    """The next number for a prefix: 1, 2, 3, ..."""
    return next(_uids[prefix])


def reset_uids() -> None:
    """Count from 1 again."""
    _uids.clear()


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """No-op: there is no graph of tensor names."""
    yield name


def manual_variable_initialization(value: bool) -> None:
    """No-op: variables are initialized when created."""


def random_uniform_variable(
    shape: Any,
    low: float,
    high: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """A variable with uniformly distributed values."""
    return variable(random.uniform(tuple(shape), low, high, seed=seed), dtype, name)


def random_normal_variable(
    shape: Any,
    mean: float,
    scale: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """A variable with normally distributed values."""
    return variable(random.normal(tuple(shape), mean, scale, seed=seed), dtype, name)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtract from a variable."""
    return x.assign(x.raw - unwrap(decrement))


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """Set a variable to `momentum * x + (1 - momentum) * value`."""
    return x.assign(x.raw * momentum + unwrap(value) * (1.0 - momentum))


def is_sparse(tensor: Any) -> bool:
    """Always False: arrays are dense."""
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself."""
    return tensor


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor: symbolic, a variable or an array of the engine."""
    return isinstance(x, SymbolicTensor | Variable) or ops.is_tensor(x)


def is_placeholder(x: Any) -> bool:
    """Whether `x` is a symbolic input."""
    return isinstance(x, SymbolicTensor) and not x.node.inputs


def identity(x: Any, name: str | None = None) -> Any:
    """The same values."""
    return x + 0 if isinstance(x, SymbolicTensor) else ops.convert_to_tensor(unwrap(x))


def slice(x: Any, start: Any, size: Any) -> Any:
    """A slice of an array.

    Args:
        x: an array.
        start: the start index along each axis.
        size: the length along each axis; -1: to the end.
    """
    pairs = zip(np.ravel(start).tolist(), np.ravel(size).tolist(), strict=True)
    return x[tuple(builtins.slice(a, None if n == -1 else a + n) for a, n in pairs)]
