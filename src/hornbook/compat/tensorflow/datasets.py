"""`tf.data.Dataset`, with the functions that read files."""

import builtins
import functools
import glob
import os
from collections.abc import Callable, Iterator
from inspect import isfunction
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow import pipelines
from hornbook.compat.tensorflow.csv_files import lines_of, paths_of
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.ragged import RaggedTensor, from_rows
from hornbook.compat.tensorflow.tensors import AnyTensor
from hornbook.data.elements import apply, leaves, stack_ragged


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


def _batch(today: Callable) -> Callable:
    """`batch`, which gives ragged tensors for the rows of ragged tensors."""

    @functools.wraps(today)
    def batch(
        self: Any, batch_size: int, drop_remainder: bool = False, *args: Any, **options: Any
    ) -> data.Dataset:
        if _is_ragged(self):
            return _ragged_batch(self, batch_size, drop_remainder)
        return today(self, batch_size, drop_remainder, *args, **options)

    return batch


def _is_ragged(dataset: Any) -> bool:
    own = vars(dataset).get("_of_ragged", False)
    return own or any(map(_is_ragged, dataset._sources))


OWN = [name for name in vars(data.Dataset) if not name.startswith("_")]


def attributes() -> Table:
    """The methods of data sets during a run."""
    methods = {one.__name__: pipelines.named(one) for one in pipelines.METHODS}
    return {data.Dataset: methods, data.TensorSpec: {"value_type": AnyTensor}}


def replaced() -> Table:
    """The methods that are replaced during a run."""
    own = {name: vars(data.Dataset)[name] for name in OWN}
    methods = {k: pipelines.named(one) for k, one in own.items() if isfunction(one)}
    return {
        data.Dataset: methods
        | {
            "batch": pipelines.named(_batch(data.Dataset.batch)),
            "ragged_batch": pipelines.named(_ragged_batch),
        },
        data.TensorSpec: {"__repr__": _spec_repr},
    }


def _spec_repr(spec: Any) -> str:
    """A `TensorSpec` as TensorFlow shows it."""
    shape = spec.shape if spec.shape is None else tuple(spec.shape)
    return f"TensorSpec(shape={shape}, dtype={as_dtype(spec.dtype)!r}, name={spec.name!r})"


class _AnyDataset(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, data.Dataset)


class Dataset(data.Dataset, metaclass=_AnyDataset):
    """`hornbook.data.Dataset` with TensorFlow's ways to make one; every data set is an instance."""

    choose_from_datasets = staticmethod(pipelines.named(pipelines.choose_from_datasets))
    counter = staticmethod(pipelines.named(pipelines.counter))
    from_generator = staticmethod(pipelines.named(data.Dataset.from_generator))
    from_tensors = staticmethod(pipelines.named(data.Dataset.from_tensors))
    random = staticmethod(pipelines.named(pipelines.random))
    range = staticmethod(pipelines.named(data.Dataset.range))
    sample_from_datasets = staticmethod(pipelines.named(pipelines.sample_from_datasets))
    zip = staticmethod(pipelines.named(data.Dataset.zip))

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
            return (apply(lambda one, k=k: one[k], tensors) for k in builtins.range(*sizes))

        made = data.Dataset.from_generator(rows)
        made._of_ragged = True  # type: ignore[attr-defined]
        return made

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


def TextLineDataset(
    filenames: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    num_parallel_reads: Any = None,
    name: Any = None,
) -> data.Dataset:
    """The lines of text files, without their ends.

    Args:
        filenames: a path, or several.
        compression_type: `None`, `"GZIP"` or `"ZLIB"`.
        buffer_size, num_parallel_reads, name: ignored.
    """
    paths = paths_of(filenames)
    return data.Dataset.from_generator(
        lambda: (line for path in paths for line in lines_of(path, compression_type))
    )
