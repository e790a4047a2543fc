"""TensorFlow's dtypes: names of dtypes with attributes."""

import builtins
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import ops


class DType(str):
    """The name of a dtype, with the attributes of TensorFlow's; it equals numpy's dtype.

    Example:
        >>> float32.is_floating, float32.as_numpy_dtype, float32 == np.dtype("float32")
        (True, <class 'numpy.float32'>, True)
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name."""
        return str.__str__(self)

    @property
    def as_numpy_dtype(self) -> Any:
        """numpy's type; that of text is `object`."""
        return object if self == "string" else jnp.dtype(self.name).type

    base_dtype = property(lambda self: self)
    is_floating = property(lambda self: self._kind in "fV")
    is_integer = property(lambda self: self._kind in "iu")
    is_unsigned = property(lambda self: self._kind == "u")
    is_complex = property(lambda self: self._kind == "c")
    is_bool = property(lambda self: self._kind == "b")
    is_numpy_compatible = True

    @property
    def _kind(self) -> str:
        return "S" if self == "string" else jnp.dtype(self.name).kind

    @property
    def real_dtype(self) -> "DType":
        """The dtype of the real part."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def size(self) -> int:
        """Bytes of an element; 1 for text."""
        return 1 if self == "string" else jnp.dtype(self.name).itemsize

    @property
    def min(self) -> Any:
        """The smallest finite number."""
        return self.limits[0]

    @property
    def max(self) -> Any:
        """The largest finite number."""
        return self.limits[1]

    @property
    def limits(self) -> tuple:
        """The smallest and largest finite numbers."""
        if self._kind == "b":
            return False, True
        kind = jnp.dtype(self.name)
        found: Any = jnp.iinfo(kind) if self.is_integer else jnp.finfo(kind)
        return kind.type(found.min), kind.type(found.max)

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """Whether another dtype is the same."""
        return self == other

    def __eq__(self, other: object) -> builtins.bool:
        if isinstance(other, str):
            return str.__eq__(self, other)
        try:
            return as_dtype(other).name == self.name
        except TypeError:
            return False

    def __ne__(self, other: object) -> builtins.bool:
        return not self == other

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return f"tf.{self.name}"


def as_dtype(type_value: Any) -> DType:
    """A dtype of numpy, a name or a Python type as a `DType`.

    Raises:
        TypeError: if it is none.
    """
    if type_value in (str, object, "string") or getattr(type_value, "kind", "") in ("O", "S", "U"):
        return DType("string")
    if type_value is None:
        raise TypeError("None is no dtype")
    short = {float: "float32", int: "int32", builtins.bool: "bool"}
    return DType(jnp.dtype(short.get(type_value, type_value)).name)


bool, bfloat16, float16, float32, float64 = map(
    DType, "bool bfloat16 float16 float32 float64".split()
)
int8, int16, int32, int64 = map(DType, "int8 int16 int32 int64".split())
uint8, uint16, uint32, uint64 = map(DType, "uint8 uint16 uint32 uint64".split())
complex64, complex128, string = map(DType, "complex64 complex128 string".split())
half, double = float16, float64


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """Complex numbers from their parts."""
    return real + 1j * imag


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """Cast numbers; those out of range become the nearest limit."""
    if isinstance(value, np.ndarray):
        low, high = as_dtype(dtype).limits
        return np.clip(value, low, high).astype(dtype)
    return ops.saturate_cast(value, dtype)
