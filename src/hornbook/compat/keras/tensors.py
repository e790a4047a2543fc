"""What symbolic tensors and variables had: put on their classes while an old Keras is installed."""

from typing import Any

import numpy as np

from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable


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


BOTH = {
    "get_shape": get_shape,
    "_keras_shape": property(lambda self: tuple(self.shape)),
    "_uses_learning_phase": False,
}
OLD: dict[type, dict[str, Any]] = {
    SymbolicTensor: {**BOTH, "_keras_history": property(_history)},
    Variable: {**BOTH, "get_value": get_value, "set_value": set_value},
}


def put_on() -> None:
    """Give the classes what they had; names that they have today stay as they are."""
    for cls, attributes in OLD.items():
        for name, value in attributes.items():
            if not hasattr(cls, name):
                setattr(cls, name, value)


def take_off() -> None:
    """Undo `put_on`."""
    for cls, attributes in OLD.items():
        for name, value in attributes.items():
            if vars(cls).get(name) is value:
                delattr(cls, name)
