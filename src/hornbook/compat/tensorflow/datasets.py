"""`tf.data.Dataset`, with the functions that read files."""

import glob
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.ragged import RaggedTensor, from_rows
from hornbook.data.elements import apply, leaves, stack_ragged


def cardinality(dataset: Any) -> Any:
    """The number of elements; -1 if infinite, -2 if unknown."""
    return dataset.cardinality()


def _rows(elements: list) -> Any:
    """A batch in which arrays are the rows of ragged tensors."""
    return apply(
        lambda one: from_rows(list(one)) if _has_rows(one) else one, stack_ragged(elements)
    )


def _has_rows(batch: Any) -> bool:
    return getattr(batch, "dtype", None) == "O" and np.ndim(batch[0]) > 0


def _ragged_batch(
    self: Any, batch_size: int, drop_remainder: bool = False, *ignored: Any, **options: Any
) -> data.Dataset:
    """Like `batch`, but arrays, which may differ in length, become ragged tensors."""
    return self._batched(_rows, batch_size, drop_remainder, "ragged_batch")


def dense_to_ragged_batch(
    batch_size: int, drop_remainder: bool = False, row_splits_dtype: Any = None
) -> Any:
    """`ragged_batch` for `Dataset.apply`."""
    return lambda dataset: dataset.ragged_batch(batch_size, drop_remainder)


def attributes() -> Table:
    """The attributes of data sets during a run: none."""
    return {}


def replaced() -> Table:
    """The methods that are replaced during a run."""
    return {
        data.Dataset: {"ragged_batch": _ragged_batch},
        data.TensorSpec: {"__repr__": _spec_repr},
    }


def _spec_repr(spec: Any) -> str:
    """A `TensorSpec` as TensorFlow shows it."""
    shape = spec.shape if spec.shape is None else tuple(spec.shape)
    return f"TensorSpec(shape={shape}, dtype={as_dtype(spec.dtype)!r}, name={spec.name!r})"


class Dataset(data.Dataset):
    """`hornbook.data.Dataset` with `list_files`, and with slices of ragged and sparse tensors."""

    @staticmethod
    def from_tensor_slices(tensors: Any, name: Any = None) -> data.Dataset:
        """The elements, or rows, of arrays."""
        parts = leaves(tensors)
        if not any(isinstance(one, RaggedTensor) for one in parts):
            return data.Dataset.from_tensor_slices(tensors)
        sizes = {len(one) for one in parts}
        if len(sizes) > 1:
            raise ValueError(f"Dataset.from_tensor_slices: lengths differ: {sorted(sizes)}")

        def rows() -> Iterator[Any]:
            return (apply(lambda one, k=k: one[k], tensors) for k in range(*sizes))

        return data.Dataset.from_generator(rows)

    @staticmethod
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: int | None = None, name: Any = None
    ) -> data.Dataset:
        """The paths of files, shuffled in each pass by default.

        Args:
            file_pattern: a pattern of `glob`, or several.
            shuffle: whether to shuffle them.
            seed: of their order.
            name: ignored.

        Raises:
            ValueError: if no file matches.
        """
        single = isinstance(file_pattern, str | os.PathLike)
        patterns = [file_pattern] if single else list(file_pattern)
        found = sorted({path for one in patterns for path in glob.glob(os.fspath(one))})
        if not found:
            raise ValueError(f"Dataset.list_files: no file matches {file_pattern!r}")
        paths = data.Dataset.from_tensor_slices(found)
        return paths if shuffle is False else paths.shuffle(len(found), seed)


def TextLineDataset(filenames: Any, *args: Any, **options: Any) -> data.Dataset:
    """The lines of text files, without their ends.

    Args:
        filenames: a path, or several.
        *args, **options: compression and buffers; must be `None`, or are ignored.
    """
    single = isinstance(filenames, str | os.PathLike)
    paths = [filenames] if single else [os.fspath(str(path)) for path in filenames]
    if args and args[0] or options.get("compression_type"):
        raise ValueError("TextLineDataset: compressed files are not supported; decompress them")

    def lines() -> Iterator[str]:
        for path in paths:
            with open(path, encoding="utf-8", newline="\n") as file:
                yield from (line.rstrip("\n").removesuffix("\r") for line in file)

    return data.Dataset.from_generator(lines)
