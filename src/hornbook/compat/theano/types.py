"""Types of Theano's variables: a dtype, and for each axis whether it broadcasts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.compat.theano.config import config

KINDS = {0: "scalar", 1: "vector", 2: "matrix", 3: "3D", 4: "4D", 5: "5D"}
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "float16 float32 float64 complex64 complex128"
).split()


def dtype_of(dtype: Any) -> str:
    """The name of a dtype; `"floatX"` means the configured one.

    Raises:
        TypeError: for an unknown dtype.
    """
    if dtype == "floatX":
        return config.floatX
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise TypeError(f"{dtype!r} is not a dtype of tensors; they are {', '.join(DTYPES)}")
    return name


def is_float(dtype: str) -> bool:
    """Whether a dtype is differentiable."""
    return dtype.startswith(("float", "complex"))


def upcast(*dtypes: str) -> str:
    """The result dtype of arithmetic between dtypes.

    An integer and a float give the float's dtype, whatever its width; booleans count as int8.

    Example:
        >>> upcast("int64", "float32"), upcast("int8", "int32"), upcast("bool", "bool")
        ('float32', 'int32', 'int8')
    """
    floats = [dtype for dtype in dtypes if is_float(dtype)]
    kinds = floats or ["int8" if dtype == "bool" else dtype for dtype in dtypes]
    return np.result_type(*kinds).name


class TensorType:
    """The type of a tensor; calling it creates a variable.

    Args:
        dtype: such as `"float32"`.
        broadcastable: for each axis, whether its size is 1 and it broadcasts.
        name: accepted and ignored.

    Raises:
        TypeError: for an unknown dtype.

    Example:
        >>> TensorType("float32", (False, True))("x").ndim
        2
    """

    make: Any = None  # creates a variable of a type; set by `variable.py`

    def __init__(self, dtype: Any, broadcastable: Sequence[bool], name: str | None = None):
        self.dtype = dtype_of(dtype)
        self.broadcastable = tuple(bool(b) for b in broadcastable)
        self.name = name

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.broadcastable)

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype as a numpy dtype."""
        return np.dtype(self.dtype)

    def __call__(self, name: str | None = None) -> Any:
        return type(self).make(self, name)

    make_variable = __call__

    def clone(self, dtype: Any = None, broadcastable: Any = None) -> "TensorType":
        """A copy with another dtype or broadcasting pattern."""
        pattern = self.broadcastable if broadcastable is None else broadcastable
        return TensorType(dtype or self.dtype, pattern)

    def __eq__(self, other):
        return (
            isinstance(other, TensorType)
            and self.dtype == other.dtype
            and self.broadcastable == other.broadcastable
        )

    def __hash__(self):
        return hash((self.dtype, self.broadcastable))

    def __repr__(self):
        kind = {(True, False): "row", (False, True): "col"}.get(self.broadcastable)
        if not any(self.broadcastable):
            kind = KINDS.get(self.ndim)
        return f"TensorType({self.dtype}, {kind or self.broadcastable})"
