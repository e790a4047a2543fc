"""Tensors and variables as TensorFlow shows them, which notebooks and books print."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.attributes import Table
from hornbook.core.variable import Variable

SIZES: Any = np.ndarray.shape


def plain(value: Any) -> Any:
    """An array as a plain numpy array or scalar, with text as bytes."""
    array = np.asarray(value)
    return _in_bytes(array) if array.dtype.kind in "OU" else array[()]


_in_bytes = np.frompyfunc(lambda text: text.encode() if isinstance(text, str) else text, 1, 1)


def as_repr(value: Any) -> str:
    """`repr` of a tensor.

    Example:
        >>> as_repr(np.float32(8))
        '<tf.Tensor: shape=(), dtype=float32, numpy=8.0>'
    """
    return f"<tf.Tensor: {_sizes(value)}, {_values(value)}>"


def as_text(value: Any) -> str:
    """`str` of a tensor.

    Example:
        >>> as_text(np.array(["a", "b"]))
        "tf.Tensor([b'a' b'b'], shape=(2,), dtype=string)"
    """
    return f"tf.Tensor({_below(str(plain(value)))}, {_sizes(value)})"


def as_formatted(value: Any, spec: str) -> str:
    """The values alone, as in an f-string."""
    return format(plain(value), spec)


def _sizes(value: Any, comma: str = ",") -> str:
    array = np.asarray(value)
    name = "string" if array.dtype.kind in "OUS" else array.dtype.name
    return f"shape={tuple(SIZES.__get__(array))}{comma} dtype={name}"


def _values(value: Any) -> str:
    found = plain(value)
    shown = repr(found) if isinstance(found, np.ndarray | bytes) else str(found)
    shown = re.sub(r"dtype=dtype\((\w+)\)", r"dtype=\1", shown)  # of bfloat16, since ml_dtypes 0.7
    return f"numpy={_below(shown)}"


def _below(text: str) -> str:
    """Several lines begin on a line of their own."""
    return f"\n{text}" if "\n" in text else text


def _variable_repr(self: Variable) -> str:
    """A variable with its value, if that is known."""
    name = "Variable" if self.path == "variable" else self.path
    value = self.raw
    if not isinstance(value, jax.Array) or isinstance(value, jax.core.Tracer):
        return f"<tf.Variable '{name}:0' shape={tuple(self.shape)} dtype={self.dtype}>"
    return f"<tf.Variable '{name}:0' {_sizes(value, '')}, {_values(value)}>"


def _variable_formatted(self: Variable, spec: str) -> str:
    return format(plain(self), spec) if spec else repr(self)


def attributes() -> Table:
    """No attributes."""
    return {}


def replaced() -> Table:
    """The methods that are replaced during a run."""
    array: Any = type(jnp.zeros(()))
    deleted = array.__repr__

    def of_live(shown: Any) -> Any:
        return lambda self: deleted(self) if self.is_deleted() else shown(self)

    return {
        array: {"__repr__": of_live(as_repr), "__str__": of_live(as_text)},
        Variable: {"__repr__": _variable_repr, "__format__": _variable_formatted},
    }
