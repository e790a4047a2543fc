"""Shared variables: values that functions read and update."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.config import config, wide
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.values import fitted
from hornbook.compat.theano.variable import TensorVariable


class SharedVariable(TensorVariable):
    """A variable with a value, which functions may update.

    Args:
        value: an array; it is copied.
        type: its type; default: the array's dtype and axes, without broadcasting.
        name: for messages.

    Attributes:
        default_update: the update applied by each function that uses it, unless overridden;
            `None` for none.
    """

    default_update: TensorVariable | None = None

    def __init__(self, value: Any, type: TensorType | None = None, name: str | None = None):
        array = np.asarray(value)
        super().__init__(type or TensorType(array.dtype, (False,) * array.ndim), name)
        self.array = on_device(array)

    @property
    def value(self) -> Any:
        """The value, as a copy."""
        return self.get_value()

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The value.

        Args:
            borrow: return a read-only view where possible, instead of a copy.
            return_internal_type: accepted and ignored.
        """
        return np.asarray(self.array) if borrow else np.array(self.array)

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Replace the value.

        Args:
            value: an array with the same number of axes.
            borrow: accepted and ignored: the value is copied.

        Raises:
            TypeError: for a wrong number of axes, or a dtype that would lose precision.
        """
        try:
            self.array = on_device(fitted(value, self.type))
        except TypeError as error:
            error.args = (f"shared variable {self}: {error}",)
            raise

    def zero(self, borrow: bool = False) -> None:
        """Make all elements 0."""
        with wide():
            self.array = jnp.zeros_like(self.array)

    def clone(self) -> "SharedVariable":
        """A new shared variable with the current value."""
        made = type(self)(self.get_value(), self.type, self.name)
        made.default_update = self.default_update
        return made

    def __str__(self):
        return self.name or f"<{self.type}>"

    __repr__ = __str__

    def __copy__(self):
        return self.clone()

    def __getstate__(self):
        return {**vars(self), "array": self.get_value()}

    def __setstate__(self, state):
        vars(self).update(state, array=on_device(state["array"]))


def on_device(array: Any) -> jax.Array:
    """A copy of an array, on the device."""
    with wide():
        return jnp.array(array, copy=True)


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    broadcastable: Any = None,
    **ignored: Any,
) -> SharedVariable:
    """A shared variable.

    Args:
        value: a number or an array. A Python float becomes `floatX`; an array keeps its dtype.
        name: for messages.
        strict, allow_downcast: accepted and ignored.
        borrow: accepted and ignored: the value is copied.
        broadcastable: for each axis, whether it broadcasts; default: none does.
        ignored: `target` and the like.

    Raises:
        TypeError: for anything but numbers, including symbolic variables.

    Example:
        >>> w = shared(np.zeros(2, "float32"), name="w")
        >>> w.set_value([1.0, 2.0]); w.get_value().tolist()
        [1.0, 2.0]
    """
    if isinstance(value, TensorVariable):
        raise TypeError(f"shared takes a value; {value} is a symbolic variable")
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"shared takes numbers, not {value!r} of dtype {array.dtype}")
    if isinstance(value, float) and not isinstance(value, np.generic):
        array = array.astype(config.floatX)
    pattern = (False,) * array.ndim if broadcastable is None else broadcastable
    return SharedVariable(array, TensorType(array.dtype, pattern), name)
