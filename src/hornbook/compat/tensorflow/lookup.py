"""`tf.lookup`: tables from keys to values, on the host."""

from typing import Any

import numpy as np

from hornbook.compat.tensorflow.arrays import is_text
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.files import content, path_of
from hornbook.compat.tensorflow.ragged import RaggedTensor
from hornbook.compat.tensorflow.sparse import SparseTensor
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.preprocessing.hashes import bins


def _key(value: Any) -> Any:
    return content(value) if isinstance(value, str | bytes) else np.asarray(value).item()


def _list(values: Any, dtype: Any = None) -> list:
    text = is_text(values) or dtype == "string"
    return [_key(one) for one in np.ravel(np.asarray(values, object if text else None))]


class KeyValueTensorInitializer:
    """Keys and values of a table, from arrays."""

    def __init__(
        self,
        keys: Any,
        values: Any,
        key_dtype: Any = None,
        value_dtype: Any = None,
        name: Any = None,
    ):
        self.pairs = list(zip(_list(keys, key_dtype), _list(values, value_dtype), strict=True))
        self.key_dtype = as_dtype(key_dtype or _dtype(keys))
        self.value_dtype = as_dtype(value_dtype or _dtype(values))


def _dtype(values: Any) -> Any:
    if is_text(values):
        return "string"
    kind = getattr(values, "dtype", None)
    return (
        kind if kind is not None else {"f": "float32", "i": "int32"}[np.asarray(values).dtype.kind]
    )


class TextFileIndex:
    """What a column of a text file is."""

    WHOLE_LINE, LINE_NUMBER = -2, -1


class TextFileInitializer(KeyValueTensorInitializer):
    """Keys and values of a table, from the lines of a file."""

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: Any = None,
        delimiter: str = "\t",
        name: Any = None,
        value_index_offset: int = 0,
    ):
        with open(path_of(filename), encoding="utf-8", newline="\n") as file:
            lines = [line.rstrip("\n") for line in file][:vocab_size]

        def column(index: int, dtype: Any) -> list:
            if index == TextFileIndex.LINE_NUMBER:
                return list(range(value_index_offset, len(lines) + value_index_offset))
            whole = index == TextFileIndex.WHOLE_LINE
            found = lines if whole else [line.split(delimiter)[index] for line in lines]
            return (
                found if dtype == "string" else [as_dtype(dtype).as_numpy_dtype(x) for x in found]
            )

        keys, values = column(key_index, key_dtype), column(value_index, value_dtype)
        super().__init__(keys, values, key_dtype, value_dtype)


class StaticHashTable:
    """Values by key, and a default for others.

    Args:
        initializer: the keys and values.
        default_value: of keys that the table lacks.
    """

    def __init__(self, initializer: Any, default_value: Any, name: Any = None, **_: Any):
        self._values = dict(initializer.pairs)
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        self._default = _key(default_value)

    def lookup(self, keys: Any, name: Any = None) -> Any:
        """The values of keys."""
        return self._looked_up(keys, lambda missing: [self._default] * len(missing))

    def _looked_up(self, keys: Any, others: Any) -> Any:
        if isinstance(keys, SparseTensor | RaggedTensor):
            return keys.with_values(self._looked_up(keys.values, others))
        given = np.asarray(keys, object if is_text(keys) else None)
        flat = _list(given)
        lost = [one for one in flat if one not in self._values]
        filled = iter(others(lost)) if lost else iter(())
        found = [self._values[one] if one in self._values else next(filled) for one in flat]
        made = np.empty(len(found), object)
        made[:] = found
        kind = self.value_dtype.as_numpy_dtype
        return tensor(made.astype(kind).reshape(given.shape))

    __getitem__ = lookup

    def size(self, name: Any = None) -> Any:
        """The number of keys."""
        return tensor(np.int64(len(self._values)))


class MutableHashTable(StaticHashTable):
    """A table that can be changed."""

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, name: Any = None, **_: Any
    ):
        super().__init__(KeyValueTensorInitializer([], [], key_dtype, value_dtype), default_value)

    def insert(self, keys: Any, values: Any, name: Any = None) -> None:
        """Set the values of keys."""
        self._values.update(zip(_list(keys), _list(values), strict=True))

    def remove(self, keys: Any, name: Any = None) -> None:
        """Remove keys."""
        for one in _list(keys):
            self._values.pop(one, None)

    def export(self, name: Any = None) -> tuple:
        """All keys and values."""
        kinds = self.key_dtype.as_numpy_dtype, self.value_dtype.as_numpy_dtype
        both = (list(self._values), list(self._values.values()))
        return tuple(tensor(np.array(one, kind)) for one, kind in zip(both, kinds, strict=True))


class StaticVocabularyTable(StaticHashTable):
    """Indices of keys; other keys get one of `num_oov_buckets` further indices, by their hash.

    Args:
        initializer: the keys and their indices; `None` for none.
        num_oov_buckets: the number of further indices.
        lookup_key_dtype: dtype of the keys, if there are none.
    """

    def __init__(
        self,
        initializer: Any,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: Any = None,
        **_: Any,
    ):
        given = initializer or KeyValueTensorInitializer([], [], lookup_key_dtype, "int64")
        super().__init__(given, -1)
        self._buckets = int(num_oov_buckets)

    def lookup(self, keys: Any, name: Any = None) -> Any:
        """The indices of keys."""

        def hashed(missing: list) -> list:
            texts = [one if isinstance(one, bytes) else str(one).encode() for one in missing]
            return (bins(texts, self._buckets) + len(self._values)).tolist()

        return self._looked_up(keys, hashed)

    __getitem__ = lookup

    def size(self, name: Any = None) -> Any:
        """The number of indices."""
        return tensor(np.int64(len(self._values) + self._buckets))
