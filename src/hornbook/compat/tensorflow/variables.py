"""`tf.Variable` and `tf.Module`."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.values import constant
from hornbook.core.module import Module as Owner
from hornbook.core.module import all_modules
from hornbook.core.symbolic import Operators
from hornbook.core.variable import Variable as Today
from hornbook.core.variable import name_scope, unwrap

_last: dict[str, Any] = {"slice": None, "of": None}  # the slice that was read last


class _Variables(type):
    """The class of variables: calling it makes one of today's."""

    def __call__(
        cls,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Callable | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> Any:
        value = initial_value() if callable(initial_value) else initial_value
        if value is None:
            raise ValueError("tf.Variable: initial_value is missing")
        value = unwrap(value)
        value = value if hasattr(value, "dtype") and dtype is None else constant(value, dtype)
        named = name.split(":")[0].replace("/", "_") if name else None
        return Today(
            value,
            dtype=value.dtype.name if dtype is None else dtype,
            trainable=trainable is not False,
            name=named,
            constraint=constraint,
        )

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Today)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, Today)


class Variable(metaclass=_Variables):
    """`tf.Variable`: a value that can be assigned, with TensorFlow's arguments."""


# ---- what variables had


def _getitem(self: Today, key: Any) -> Any:
    """A part of the value, which `assign` knows the place of."""
    found = Operators.__getitem__(self, key)
    if not isinstance(found, jax.core.Tracer):
        _last.update(slice=found, of=(self, key))
    return found


def _assign_part(self: Any, value: Any, *ignored: Any, **options: Any) -> Any:
    """Assign the part of a variable that was just read: `v[0].assign(1)`.

    Raises:
        AttributeError: for any other array.
    """
    if _last["slice"] is not self:
        raise AttributeError("only variables, and a slice of one at once, can be assigned")
    variable, key = _last["of"]
    changed = jnp.asarray(variable.raw).at[key].set(unwrap(value))
    variable.assign(changed)
    return variable


def _scattered(method: str) -> Callable:
    def scatter(self: Today, indices: Any, updates: Any, name: str | None = None) -> Any:
        place = tuple(np.moveaxis(np.asarray(indices), -1, 0))
        self.assign(getattr(jnp.asarray(self.raw).at[place], method)(updates))
        return self

    scatter.__doc__ = f"Change elements or slices by `{method}`."
    return scatter


def _by_slices(method: str) -> Callable:
    def scatter(self: Today, sparse_delta: Any, *ignored: Any, **options: Any) -> Any:
        rows = np.asarray(sparse_delta.indices)
        changed = getattr(jnp.asarray(self.raw).at[rows], method)(sparse_delta.values)
        self.assign(changed)
        return self

    scatter.__doc__ = f"Change rows by `{method}`."
    return scatter


class IndexedSlices:
    """Some rows of an array.

    Args:
        values: the rows.
        indices: their numbers.
        dense_shape: the shape of the array.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self.values, self.indices, self.dense_shape = values, indices, dense_shape


def _read_value(self: Today) -> Any:
    """The value."""
    return self.value


def attributes() -> Table:
    """The attributes of variables and their slices during a run."""
    array: type = type(jnp.zeros(()))
    return {
        array: {"assign": _assign_part},
        Today: {
            "read_value": _read_value,
            "initialized_value": _read_value,
            "ref": lambda self: self,  # it is hashable
            "deref": lambda self: self,
            "scatter_nd_update": _scattered("set"),
            "scatter_nd_add": _scattered("add"),
            "scatter_nd_sub": _scattered("subtract"),
            "scatter_update": _by_slices("set"),
            "scatter_add": _by_slices("add"),
        },
    }


def replaced() -> Table:
    """The methods that are replaced during a run."""
    return {Today: {"__getitem__": _getitem}}


# ---- modules


class Module(Owner):
    """`tf.Module`: an owner of variables and of other modules.

    Args:
        name: a name; default the class's in snake case.
    """

    def __init__(self, name: str | None = None):
        super().__init__(name)

    def _owned(self) -> Iterator[tuple[str, Any]]:
        """Attribute names and values by name: the order of TensorFlow's variables."""
        return iter(sorted(super()._owned(), key=lambda pair: pair[0]))

    @property
    def variables(self) -> tuple:
        """All variables, each once."""
        return tuple(self._all_variables())

    @property
    def trainable_variables(self) -> tuple:
        """The variables that are trained."""
        return tuple(one for one in self._all_variables() if one.trainable)

    @property
    def non_trainable_variables(self) -> tuple:
        """The variables that are not."""
        return tuple(one for one in self._all_variables() if not one.trainable)

    @property
    def submodules(self) -> tuple:
        """All modules below."""
        return tuple(all_modules(self)[1:])

    @property
    def name_scope(self) -> Any:
        """A context in which the paths of new variables begin with the name."""
        return _scope(self)

    @classmethod
    def with_name_scope(cls, method: Callable) -> Callable:
        """A method in whose calls the paths of new variables begin with the module's name."""

        @functools.wraps(method)
        def call(self: Any, *args: Any, **options: Any) -> Any:
            with name_scope(self.name):
                return method(self, *args, **options)

        return call


@contextmanager
def _scope(module: Module) -> Iterator[str]:
    with name_scope(module.name):
        yield f"{module.name}/"
