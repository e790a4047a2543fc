"""`.eval()` of arrays, variables and symbolic tensors, which programs on Theano call."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, unwrap


def of_array(self: Any, *ignored: Any, **session: Any) -> np.ndarray:
    """The value."""
    return np.asarray(unwrap(self))


def of_symbol(self: SymbolicTensor, inputs_to_values: Any = None, **session: Any) -> np.ndarray:
    """The value for values of the symbolic tensors it depends on.

    Args:
        inputs_to_values: a dictionary.
        session: accepted: there is none.

    Raises:
        ValueError: if it depends on one that is not there.
    """
    given = dict(inputs_to_values or session.get("feed_dict") or {})
    values = [jnp.asarray(value, symbol.dtype) for symbol, value in given.items()]
    return np.asarray(unwrap(Graph([*given], self).run(values)))


def give() -> dict[type, Any]:
    """Give what has no `eval` one; returns what `take` takes away again."""
    methods = {type(jnp.zeros(())): of_array, Variable: of_array, SymbolicTensor: of_symbol}
    new = {kind: method for kind, method in methods.items() if "eval" not in vars(kind)}
    for kind, method in new.items():
        kind.eval = method  # type: ignore[attr-defined]
    return new


def take(given: dict[type, Any]) -> None:
    """Take away what `give` gave."""
    for kind in given:
        del kind.eval  # type: ignore[attr-defined]
