"""What arrays, variables and symbolic tensors had: put on their classes for a time."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, unwrap
from hornbook.training.dataset import PyDataset

Table = dict[type, dict[str, Any]]


class Shape(tuple):
    """A shape, with the methods that TensorFlow's had.

    Example:
        >>> Shape((None, 3)).as_list()
        [None, 3]
    """

    def as_list(self) -> list:
        """The sizes in a list."""
        return list(self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)


def get_shape(self: Any) -> Shape:
    """The sizes, `None` where unknown."""
    return Shape(self.shape)


def get_value(self: Variable, borrow: bool = False, return_internal_type: bool = False) -> Any:
    """The value of a variable."""
    return self.numpy()


def set_value(self: Variable, new_value: Any, borrow: bool = False) -> None:
    """Assign a variable."""
    self.assign(np.asarray(new_value))


def _history(self: SymbolicTensor) -> tuple:
    nodes = getattr(self.node.op, "_nodes", [self.node])
    index = next((i for i, node in enumerate(nodes) if node is self.node), 0)
    place = next(i for i, one in enumerate(self.node.output_list) if one is self)
    return self.node.op, index, place


def value_of(self: Any, *ignored: Any, **session: Any) -> np.ndarray:
    """The value."""
    return np.asarray(unwrap(self))


def value_for(self: SymbolicTensor, inputs_to_values: Any = None, **session: Any) -> np.ndarray:
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


BOTH = {
    "get_shape": get_shape,
    "_keras_shape": property(lambda self: tuple(self.shape)),
    "_uses_learning_phase": False,
}
KERAS: Table = {
    SymbolicTensor: {**BOTH, "_keras_history": property(_history)},
    Variable: {**BOTH, "get_value": get_value, "set_value": set_value},
    PyDataset: {"endless": True},  # an epoch may be longer than a pass
}


@functools.cache
def evaluated() -> Table:
    """What has `eval`; it takes the engine to know the class of its arrays."""
    of_values = dict.fromkeys((type(jnp.zeros(())), Variable), {"eval": value_of})
    return {**of_values, SymbolicTensor: {"eval": value_for}}


def put_on(table: Table) -> None:
    """Give classes what they had; names that they have today stay as they are.

    Args:
        table: by class, its attributes.
    """
    for cls, attributes in table.items():
        for name, value in attributes.items():
            if not hasattr(cls, name):
                setattr(cls, name, value)


def take_off(table: Table) -> None:
    """Undo `put_on`."""
    for cls, attributes in table.items():
        for name, value in attributes.items():
            if vars(cls).get(name) is value:
                delattr(cls, name)
