"""Shapes and dtypes of ragged and sparse tensors, for signatures."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RaggedTensorSpec:
    """The shape and dtype of a ragged tensor.

    Args:
        shape: sizes; `None` for those that differ.
        dtype: of the elements.
        ragged_rank: the number of axes of rows; default all but the first.
        row_splits_dtype: ignored; splits are int64.
        flat_values_spec: ignored.
    """

    shape: Any = None
    dtype: Any = "float32"
    ragged_rank: int | None = None
    row_splits_dtype: Any = "int64"
    flat_values_spec: Any = None


@dataclass(frozen=True)
class SparseTensorSpec:
    """The shape and dtype of a sparse tensor.

    Args:
        shape: sizes; `None` where they differ.
        dtype: of the elements.
    """

    shape: Any = None
    dtype: Any = "float32"
