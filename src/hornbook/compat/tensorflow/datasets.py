"""`tf.data.Dataset`, with the functions that read files."""

import glob
import os
from collections.abc import Iterator
from typing import Any

from hornbook import data
from hornbook.compat.tensorflow.ragged import RaggedTensor
from hornbook.data.elements import apply, leaves


def cardinality(dataset: Any) -> Any:
    """The number of elements; -1 if infinite, -2 if unknown."""
    return dataset.cardinality()


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
