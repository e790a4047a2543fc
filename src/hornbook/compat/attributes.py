"""Old attributes of arrays, variables and symbolic tensors, patched in while a program runs."""

import functools
import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.shapes import Dimension, TensorShape
from hornbook.core.graph import Graph
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, unwrap
from hornbook.training.dataset import PyDataset

Table = dict[Any, dict[str, Any]]


class Shape(tuple):
    """A shape with the methods of TensorFlow's.

    Example:
        >>> Shape((None, 3)).as_list()
        [None, 3]
    """

    def __repr__(self) -> str:
        return f"TensorShape({self.as_list()})"

    def __str__(self) -> str:
        return str(tuple(self.as_list()))

    def as_list(self) -> list:
        """The sizes in a list; `None` where one is unknown."""
        return [size if isinstance(size, int) else None for size in self]

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, int):
            return Dimension(found)
        return Shape(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Any:
        """Other sizes appended; an array is added to the sizes, as to `tf.shape(x)`."""
        return Shape((*self, *other)) if isinstance(other, list | tuple) else np.add(self, other)

    def __mul__(self, other: Any) -> Any:
        """The sizes times those of an array, as of `tf.shape(x)`; repeated by an `int`."""
        return super().__mul__(other) if isinstance(other, int) else np.multiply(self, other)

    def concatenate(self, other: Any) -> "Shape":
        """These sizes and then others."""
        return Shape((*self, *(other if hasattr(other, "__iter__") else (other,))))

    def num_elements(self) -> int | None:
        """The product of the sizes; `None` if one is unknown."""
        return math.prod(self) if self.is_fully_defined() else None

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return all(isinstance(size, int) for size in self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    rank = ndims


class Release(str):
    """A version that is compared by its numbers.

    Programs compare the text of `tf.__version__`, and `"2.16.1" >= "2.4"` is false as text. Others
    parse it and ask for 2.10 or later, so that no plain text passes both.

    Example:
        >>> Release("2.16.1") >= "2.4", Release("2.16.1") < "2.4"
        (True, False)
    """

    def __lt__(self, other: str) -> bool:
        return _numbers(self) < _numbers(other)

    def __le__(self, other: str) -> bool:
        return _numbers(self) <= _numbers(other)

    def __gt__(self, other: str) -> bool:
        return _numbers(self) > _numbers(other)

    def __ge__(self, other: str) -> bool:
        return _numbers(self) >= _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def get_shape(self: Any) -> Shape:
    """The shape, `None` where a size is unknown."""
    return Shape(self.shape)


def get_static_shape(self: Any) -> TensorShape:
    """The shape as in TensorFlow 1, whose sizes have a `value`, also where they are unknown."""
    return TensorShape(Shape(self.shape).as_list())


def set_shape(self: Any, shape: Any) -> None:
    """Nothing: the shape is known."""


def known(value: Any) -> Any:
    """The value that JAX differentiates and does not compile; others stay as they are."""
    while hasattr(value, "primal"):
        value = value.primal
    return value


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
    return np.array(unwrap(self))


def value_for(self: SymbolicTensor, inputs_to_values: Any = None, **session: Any) -> np.ndarray:
    """The value, given values for the symbolic tensors it depends on.

    Args:
        inputs_to_values: a dictionary from symbolic tensor to value.
        session: accepted and ignored.

    Raises:
        ValueError: if it depends on a tensor that is not among them.
    """
    given = dict(inputs_to_values or session.get("feed_dict") or {})
    values = [jnp.asarray(value, symbol.dtype) for symbol, value in given.items()]
    return np.array(unwrap(Graph([*given], self).run(values)))


BOTH = {
    "get_shape": get_static_shape,
    "set_shape": set_shape,
    "_keras_shape": property(lambda self: tuple(self.shape)),
    "_uses_learning_phase": False,
}
KERAS: Table = {
    SymbolicTensor: {**BOTH, "_keras_history": property(_history)},
    Variable: {**BOTH, "get_value": get_value, "set_value": set_value},
    PyDataset: {"endless": True},  # an epoch may be longer than a pass
}
MASK = property(get_mask, set_mask)


def traced(generation: str) -> tuple[Table, Table]:
    """What tensors have while JAX traces a layer's call: the attributes, and those replaced."""
    getter = get_shape if generation == "tfkeras" else get_static_shape
    shape = jax.core.Tracer.shape.fget
    return (
        {jax.core.Tracer: {"get_shape": getter, "set_shape": set_shape}},
        {jax.core.Tracer: {"shape": property(lambda self: Shape(shape(self)))}},
    )


@functools.cache
def masked() -> Table:
    """The classes that get `_keras_mask`, which Keras's guide of masking reads."""
    array: type = type(jnp.zeros(()))
    return {cls: {"_keras_mask": MASK} for cls in (array, jax.core.Tracer, SymbolicTensor)}


@functools.cache
def evaluated() -> Table:
    """The classes that get `eval`; importing the engine gives the class of its arrays."""
    of_values: dict[str, Any] = {"eval": value_of}
    array: type = type(jnp.zeros(()))
    return {
        array: of_values | {"get_shape": get_shape},
        Variable: of_values,
        SymbolicTensor: {"eval": value_for},
    }


def put_on(table: Table) -> None:
    """Add old attributes to classes; existing names are kept.

    Args:
        table: the attributes of each class.
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
