"""Tensors that nothing computes: constants and placeholders."""

from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import DType
from hornbook.compat.tensorflow1.graph import Operation, Tensor
from hornbook.compat.tensorflow1.shapes import TensorShape


class Constant(Tensor):
    """A tensor whose value is known.

    Args:
        data: the value.
        dtype: its dtype.
        name: in the graph.
    """

    def __init__(self, data: np.ndarray, dtype: DType, name: str | None = None):
        node = Operation(None, name=name, kind="Const")
        super().__init__(np.shape(data), dtype, node)
        self.data = data
        node.outputs = self


class Placeholder(Tensor):
    """A tensor whose value is fed.

    Args:
        shape: its static shape.
        dtype: its dtype.
        name: in the graph.
        default: the value, as a tensor, if nothing is fed.
    """

    def __init__(self, shape: Any, dtype: Any, name: str | None = None, default: Any = None):
        kind = "Placeholder" if default is None else "PlaceholderWithDefault"
        fn = None if default is None else same
        node = Operation(fn, () if default is None else (default,), name=name, kind=kind)
        super().__init__(TensorShape(shape), dtype, node)
        node.outputs = self


def same(x: Any) -> Any:
    """Its argument."""
    return x
