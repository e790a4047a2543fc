"""The kinds of columns of `tf.feature_column`: what they read, their ids, and their numbers.

Strings, hashes and crosses become ids on the host, numbers and integers on the device. Ids are
padded with -1, which stands for a missing value.
"""

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.examples import FixedLenFeature, VarLenFeature
from hornbook.core.dtype import STRING
from hornbook.layers.host import is_text
from hornbook.preprocessing.hashes import CROSS_SEED, bins, cross, fingerprint64


class _Field(NamedTuple):
    """What a column reads: a key of the data, the shape of a sample, and a dtype."""

    shape: tuple
    dtype: str


def fields(column: Any) -> dict[str, _Field]:
    """The fields of a column, by key."""
    if isinstance(column, str):
        return {column: _Field((1,), STRING)}
    if isinstance(column, NumericColumn):
        return {column.key: _Field(column.shape, column.dtype)}
    inner = _inner(column)
    if inner:
        return {key: field for one in inner for key, field in fields(one).items()}
    return {column.key: _Field((1,), getattr(column, "dtype", "int64"))}


def _inner(column: Any) -> tuple:
    """The columns that a column is made of."""
    if isinstance(column, CrossedColumn):
        return column.keys
    found = getattr(column, "categorical_column", getattr(column, "source_column", None))
    return () if found is None else (found,)


def _spec(column: Any) -> dict:
    """How a column's fields are parsed from an `Example`."""
    if isinstance(column, str):
        return {column: VarLenFeature(as_dtype("string"))}
    return column.parse_example_spec


class Column:
    """Base of columns."""

    on_host = False
    name = property(lambda self: self.key)

    @property
    def parse_example_spec(self) -> dict:
        """How the fields are parsed from an `Example`."""
        inner = _inner(self)
        if inner:
            return {key: spec for one in inner for key, spec in _spec(one).items()}
        return {self.key: VarLenFeature(as_dtype(getattr(self, "dtype", "int64")))}  # type: ignore[attr-defined]


class NumericColumn(
    Column,
    NamedTuple(
        "NumericColumn",
        [
            ("key", str),
            ("shape", tuple),
            ("default_value", Any),
            ("dtype", Any),
            ("normalizer_fn", Any),
        ],
    ),
):
    """Numbers, see `numeric_column`."""

    @property
    def parse_example_spec(self) -> dict:
        """How the field is parsed from an `Example`."""
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def numbers(self, data: dict, xp: Any) -> Any:
        """The normalized numbers (N, *shape)."""
        values = xp.asarray(data[self.key])
        return values if self.normalizer_fn is None else xp.asarray(self.normalizer_fn(values))

    def dense(self, data: dict, table: Any) -> Any:
        """The numbers of each sample as a row."""
        values = self.numbers(data, jnp).astype("float32")
        return values.reshape(values.shape[0], -1)

    @property
    def size(self) -> int:
        """Numbers for each sample."""
        return int(np.prod(self.shape))


class Categorical(Column):
    """Base of columns with ids."""

    def missing(self, data: dict) -> np.ndarray:
        """Which values (N, n) are missing: empty strings and -1."""
        values = data[self.key]  # type: ignore[attr-defined]
        return values == ("" if is_text(values) else -1)


class BucketizedColumn(
    Categorical, NamedTuple("BucketizedColumn", [("source_column", Any), ("boundaries", tuple)])
):
    """Numbers as the interval that they are in, see `bucketized_column`."""

    name = property(lambda self: f"{self.source_column.name}_bucketized")
    num_buckets = property(lambda self: (len(self.boundaries) + 1) * self.source_column.shape[0])
    size = num_buckets

    def ids(self, data: dict, xp: Any) -> Any:
        """The ids (N, n)."""
        values = self.source_column.numbers(data, xp)
        edges = xp.asarray(self.boundaries, values.dtype)
        found = xp.searchsorted(edges, values, side="right").reshape(values.shape[0], -1)
        return found + xp.arange(found.shape[1]) * (len(self.boundaries) + 1)

    def missing(self, data: dict) -> np.ndarray:
        """Which numbers (N, n) are missing: none."""
        return np.zeros((len(data[self.source_column.key]), self.source_column.shape[0]), bool)

    def dense(self, data: dict, table: Any) -> Any:
        """A one-hot vector for each number of a sample."""
        return _counts(self.ids(data, jnp), self.num_buckets)


class _Given(Categorical):
    """Base of columns whose field holds strings or integers."""

    on_host = True

    def ids(self, data: dict, xp: Any) -> Any:
        """The ids (N, n), -1 where a value is missing."""
        return np.where(self.missing(data), -1, self.found(data[self.key]))  # type: ignore[attr-defined]

    def found(self, values: np.ndarray) -> np.ndarray:
        """The ids of values."""
        raise NotImplementedError


class HashedCategoricalColumn(
    _Given,
    NamedTuple(
        "HashedCategoricalColumn", [("key", str), ("hash_bucket_size", int), ("dtype", Any)]
    ),
):
    """Values as bins of their hashes, see `categorical_column_with_hash_bucket`."""

    num_buckets = property(lambda self: self.hash_bucket_size)

    def found(self, values: np.ndarray) -> np.ndarray:
        """The bins."""
        return _bins(values, self.hash_bucket_size)


class _Vocabulary(_Given):
    """Base of columns with a vocabulary."""

    @property
    def words(self) -> list:
        """The vocabulary."""
        raise NotImplementedError

    @property
    def num_buckets(self) -> int:
        """Words, and bins for other values."""
        return len(self.words) + self.num_oov_buckets  # type: ignore[attr-defined]

    def found(self, values: np.ndarray) -> np.ndarray:
        """The places of values in the vocabulary."""
        words = self.words
        places = {word: i for i, word in enumerate(words)}
        flat = values.ravel().tolist()
        if self.num_oov_buckets:  # type: ignore[attr-defined]
            others = _bins(values.ravel(), self.num_oov_buckets) + len(words)  # type: ignore[attr-defined]
        else:
            others = itertools.repeat(self.default_value)  # type: ignore[attr-defined]
        found = [places.get(word, other) for word, other in zip(flat, others, strict=False)]
        return np.array(found, "int64").reshape(values.shape)


class VocabularyListCategoricalColumn(
    _Vocabulary,
    NamedTuple(
        "VocabularyListCategoricalColumn",
        [
            ("key", str),
            ("vocabulary_list", tuple),
            ("dtype", Any),
            ("default_value", int),
            ("num_oov_buckets", int),
        ],
    ),
):
    """Values as places in a list, see `categorical_column_with_vocabulary_list`."""

    @property
    def words(self) -> list:
        """The vocabulary."""
        return [one.decode() if isinstance(one, bytes) else one for one in self.vocabulary_list]


class VocabularyFileCategoricalColumn(
    _Vocabulary,
    NamedTuple(
        "VocabularyFileCategoricalColumn",
        [
            ("key", str),
            ("vocabulary_file", str),
            ("vocabulary_size", int),
            ("num_oov_buckets", int),
            ("dtype", Any),
            ("default_value", int),
            ("file_format", Any),
        ],
    ),
):
    """Values as lines of a file, see `categorical_column_with_vocabulary_file`."""

    @property
    def words(self) -> list:
        """The vocabulary."""
        return lines(self.vocabulary_file, self.vocabulary_size)


class IdentityCategoricalColumn(
    Categorical,
    NamedTuple(
        "IdentityCategoricalColumn", [("key", str), ("number_buckets", int), ("default_value", Any)]
    ),
):
    """Integers as ids, see `categorical_column_with_identity`."""

    num_buckets = property(lambda self: self.number_buckets)

    def ids(self, data: dict, xp: Any) -> Any:
        """The ids (N, n); without a default value, other integers count as missing."""
        values = xp.asarray(data[self.key])
        values = values.reshape(values.shape[0], -1)
        outside = (values < 0) | (values >= self.number_buckets)
        other = -1 if self.default_value is None else self.default_value
        return xp.where(values == -1, -1, xp.where(outside, other, values))


class CrossedColumn(
    Categorical,
    NamedTuple("CrossedColumn", [("keys", tuple), ("hash_bucket_size", int), ("hash_key", Any)]),
):
    """Combinations of values as bins of their hashes, see `crossed_column`."""

    on_host = True
    num_buckets = property(lambda self: self.hash_bucket_size)

    @property
    def name(self) -> str:
        """The names of its columns, in alphabetical order."""
        return "_X_".join(sorted(one if isinstance(one, str) else one.name for one in self.leaves))

    @property
    def leaves(self) -> list:
        """The columns and keys, those of crossed columns in their place."""
        nested = [one.leaves if isinstance(one, CrossedColumn) else [one] for one in self.keys]
        return [one for group in nested for one in group]

    def ids(self, data: dict, xp: Any) -> Any:
        """The bins (N, n) of all combinations of a sample's values."""
        # TensorFlow crosses columns before plain keys, of which no value is missing.
        leaves = sorted(self.leaves, key=lambda one: isinstance(one, str))
        values = [self._values(one, data) for one in leaves]
        places = itertools.product(*(range(words.shape[1]) for words, _ in values))
        combined = []
        for place in places:
            columns = [words[:, i] for (words, _), i in zip(values, place, strict=True)]
            absent = [gone[:, i] for (_, gone), i in zip(values, place, strict=True)]
            seed = CROSS_SEED if self.hash_key is None else np.uint64(self.hash_key)
            hashed = cross(columns, seed) % np.uint64(self.hash_bucket_size)
            combined.append(np.where(np.any(absent, axis=0), -1, hashed.astype("int64")))
        return np.stack(combined, 1)

    @staticmethod
    def _values(leaf: Any, data: dict) -> tuple:
        """64 bits for each value, and which are missing."""
        if not isinstance(leaf, str):
            return leaf.ids(data, np).astype("int64").view("uint64"), leaf.missing(data)
        values, none = data[leaf], np.zeros(data[leaf].shape, bool)
        if not is_text(values):
            return values.astype("int64").view("uint64"), none
        words = fingerprint64([one.encode() for one in values.ravel().tolist()])
        return words.reshape(values.shape), none


class IndicatorColumn(Column, NamedTuple("IndicatorColumn", [("categorical_column", Any)])):
    """How often each id occurs in a sample, see `indicator_column`."""

    name = property(lambda self: f"{self.categorical_column.name}_indicator")
    size = property(lambda self: self.categorical_column.num_buckets)

    def dense(self, data: dict, table: Any) -> Any:
        """A vector of counts for each sample."""
        return _counts(_ids(self.categorical_column, data), self.size)


class EmbeddingColumn(
    Column,
    NamedTuple(
        "EmbeddingColumn",
        [
            ("categorical_column", Any),
            ("dimension", int),
            ("combiner", str),
            ("initializer", Any),
            ("ckpt_to_load_from", Any),
            ("tensor_name_in_ckpt", Any),
            ("max_norm", Any),
            ("trainable", bool),
            ("use_safe_embedding_lookup", bool),
        ],
    ),
):
    """A vector of weights for each id, see `embedding_column`."""

    name = property(lambda self: f"{self.categorical_column.name}_embedding")
    size = property(lambda self: self.dimension)

    def dense(self, data: dict, table: Any) -> Any:
        """The mean or sum of the rows of a sample's ids; zeros if it has none."""
        ids = _ids(self.categorical_column, data)
        known = (ids >= 0).astype(table.dtype)[..., None]
        rows = jnp.take(table, jnp.maximum(ids, 0), axis=0)
        if self.max_norm is not None:
            norm = jnp.sqrt(jnp.sum(rows**2, -1, keepdims=True))
            rows = rows * self.max_norm / jnp.maximum(norm, self.max_norm)
        found, count = jnp.sum(rows * known, 1), jnp.maximum(jnp.sum(known, 1), 1)
        powers: dict[str, Any] = {"mean": count, "sqrtn": jnp.sqrt(count), "sum": 1}
        return found / powers[self.combiner]


def _bins(values: np.ndarray, count: int) -> np.ndarray:
    found = bins([str(one).encode() for one in values.ravel().tolist()], count)
    return found.reshape(values.shape)


def lines(path: str, count: int | None = None) -> list[str]:
    return Path(path).read_text("utf-8").splitlines()[:count]


def _counts(ids: Any, size: int) -> Any:
    return jnp.sum(ids[..., None] == jnp.arange(size), 1).astype("float32")


def _ids(column: Any, data: dict) -> Any:
    """The ids of a column, from the host if it computes there."""
    return jnp.asarray(data[column] if column in data else column.ids(data, jnp))
