"""Theano's names, each created from its row on first use."""

from collections.abc import Callable, Iterator
from typing import Any

from hornbook.compat.theano import basic, function, indexing
from hornbook.compat.theano.ops import made_from
from hornbook.compat.theano.variable import TensorVariable, methods
from hornbook.dialects import theano


class Names:
    """Theano's names.

    Example:
        >>> Names().get("floats", "exp")(Names().get("types", "iscalar")("x")).dtype
        'float64'
    """

    dialect = theano

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}

    def get(self, family: str, name: str) -> Any:
        """The function or class for a name.

        Args:
            family: a family in `dialects/theano.py`.
            name: Theano's name.

        Raises:
            KeyError: for a name that is not in the table.
        """
        if (family, name) not in self._made:
            row = theano.FAMILIES[family][name]
            self._made[family, name] = made_from(theano.RULES[family], name, row)
        return self._made[family, name]


NAMES = Names()


def _of_variables(table: dict[str, str]) -> Iterator[tuple[str, Callable]]:
    for family, listed in table.items():
        for one in listed.split():
            method, _, name = one.partition("=")
            yield method, _late(family, name or method)


def _late(family: str, name: str) -> Callable:
    def method(self, *args, **kwargs):
        return NAMES.get(family, name)(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`theano.tensor.{name}` of this."
    return method


WITH_METHODS = (basic, indexing, function)  # importing these adds methods to variables
methods(**dict(_of_variables(theano.OF_VARIABLES)))
for _name, _method in _of_variables(theano.PROPERTIES):
    setattr(TensorVariable, _name, property(_method))
