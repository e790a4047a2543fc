"""`tf.feature_column`: descriptions of columns, and `layers.DenseFeatures`, which joins them."""

import itertools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import layers
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.column_kinds import (
    BucketizedColumn,
    Categorical,
    Column,
    CrossedColumn,
    EmbeddingColumn,
    HashedCategoricalColumn,
    IdentityCategoricalColumn,
    IndicatorColumn,
    NumericColumn,
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
    fields,
    lines,
)
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.core.symbolic import SymbolicTensor
from hornbook.initializers import TruncatedNormal
from hornbook.layers.host import HostLayer, host_array
from hornbook.layers.input import Input
from hornbook.models import Model

NOT_DENSE = (
    "DenseFeatures takes numeric, bucketized, indicator and embedding columns, not {}. "
    "Wrap it: indicator_column({}) or embedding_column({}, dimension)"
)
COMBINERS = ("mean", "sqrtn", "sum")


def numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: Any = None,
    dtype: Any = "float32",
    normalizer_fn: Callable | None = None,
) -> NumericColumn:
    """Numbers of a key, of any shape, which `normalizer_fn` may change."""
    shape = tuple(np.ravel(shape).tolist())
    if default_value is not None:
        flat = np.broadcast_to(np.asarray(default_value, "float32"), shape).ravel().tolist()
        default_value = tuple(flat)
    return NumericColumn(key, shape, default_value, as_dtype(dtype), normalizer_fn)


def bucketized_column(source_column: NumericColumn, boundaries: Any) -> BucketizedColumn:
    """The intervals of numbers, one more than boundaries.

    Raises:
        ValueError: if the source is not a numeric column of one axis, or boundaries do not rise.
    """
    if not isinstance(source_column, NumericColumn) or len(source_column.shape) != 1:
        raise ValueError(
            "bucketized_column takes a numeric_column whose shape has one axis, not "
            f"{source_column!r}"
        )
    edges = tuple(float(one) if isinstance(one, np.generic) else one for one in boundaries)
    if not edges or any(a >= b for a, b in itertools.pairwise(edges)):
        raise ValueError(f"boundaries must be a sorted list of different numbers, not {edges}")
    return BucketizedColumn(source_column, edges)


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = "string"
) -> HashedCategoricalColumn:
    """Strings or integers as bins of their hashes, as TensorFlow computes them."""
    return HashedCategoricalColumn(key, hash_bucket_size, as_dtype(dtype))


def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Any,
    dtype: Any = None,
    default_value: int = -1,
    num_oov_buckets: int = 0,
) -> VocabularyListCategoricalColumn:
    """Values as places in a list; others are missing, the default, or in additional bins.

    Raises:
        ValueError: for an empty list, or one with a value twice.
    """
    words = tuple(one.item() if isinstance(one, np.generic) else one for one in vocabulary_list)
    if not words or len(set(words)) != len(words):
        raise ValueError(f"vocabulary_list of {key!r} needs different values; it got {words}")
    kind = "string" if isinstance(words[0], str | bytes) else "int64"
    made = as_dtype(dtype or kind)
    return VocabularyListCategoricalColumn(key, words, made, default_value, num_oov_buckets)


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: Any,
    vocabulary_size: int | None = None,
    dtype: Any = "string",
    default_value: int | None = None,
    num_oov_buckets: int = 0,
    file_format: Any = None,
) -> VocabularyFileCategoricalColumn:
    """Values as the numbers of lines of a text file."""
    path = str(vocabulary_file)
    size = len(lines(path)) if vocabulary_size is None else vocabulary_size
    other = -1 if default_value is None else default_value
    return VocabularyFileCategoricalColumn(
        key, path, size, num_oov_buckets, as_dtype(dtype), other, file_format
    )


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityCategoricalColumn:
    """Integers from 0 to `num_buckets - 1`."""
    return IdentityCategoricalColumn(key, num_buckets, default_value)


def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> CrossedColumn:
    """Combinations of the values of keys of strings and of categorical columns.

    Raises:
        ValueError: for fewer than two keys, or a hashed column, whose key can be crossed instead.
    """
    keys = tuple(keys)
    for key in keys:
        if not isinstance(key, str | Categorical) or isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "crossed_column takes keys and categorical columns that are not hashed (use the "
                f"key of a hashed column), not {key!r}"
            )
    if len(keys) < 2:
        raise ValueError(f"crossed_column takes two or more keys, not {keys}")
    return CrossedColumn(keys, hash_bucket_size, hash_key)


def indicator_column(categorical_column: Any) -> IndicatorColumn:
    """How often each id of a categorical column occurs in a sample."""
    return IndicatorColumn(categorical_column)


def embedding_column(
    categorical_column: Any,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    ckpt_to_load_from: Any = None,
    tensor_name_in_ckpt: Any = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:
    """A row of a table for each id; `combiner` joins the rows of several.

    Raises:
        ValueError: for another combiner, or weights from a checkpoint.
    """
    if combiner not in COMBINERS:
        raise ValueError(f"combiner is one of {', '.join(COMBINERS)}, not {combiner!r}")
    if ckpt_to_load_from is not None:
        raise ValueError("ckpt_to_load_from is not supported: set the weights of the layer instead")
    initializer = initializer or TruncatedNormal(0.0, dimension**-0.5)
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer,
        None,
        None,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )


def make_parse_example_spec(feature_columns: Any) -> dict:
    """How the fields of columns are parsed from an `Example`."""
    return {key: spec for one in feature_columns for key, spec in one.parse_example_spec.items()}


# ---- the layer


class Ids(HostLayer):
    """The ids of categorical columns, on the host.

    Args:
        columns: the columns.
        keys: the keys of the inputs, in order.
    """

    several = True

    def __init__(self, columns: list, keys: list[str], **kwargs: Any):
        super().__init__(**kwargs)
        self.columns, self.keys = tuple(columns), keys

    def call(self, inputs: list) -> list:
        """The ids of each column (N, n)."""
        data = dict(zip(self.keys, inputs, strict=True))
        return [np.asarray(one.ids(data, np), "int64") for one in self.columns]

    def compute_output_spec(self, inputs: list) -> list:
        """Symbolic tensors with the output shapes and dtypes."""
        return [SymbolicTensor((inputs[0].shape[0], None), "int64") for _ in self.columns]


class Columns(layers.Layer):
    """Columns joined to one array (N, size), with the tables of embeddings.

    Args:
        columns: dense columns.
        keys: what the inputs are: keys of the data, and categorical columns for their ids.
    """

    def __init__(self, columns: list, keys: list, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns, self.keys = tuple(columns), keys

    def build(self, input_shape: Any) -> None:
        """Create the tables."""
        self.tables: dict[Any, Any] = {}
        for one in self.columns:
            if isinstance(one, EmbeddingColumn):
                self.tables[one.name] = self.add_weight(
                    shape=(one.categorical_column.num_buckets, one.dimension),
                    initializer=one.initializer,
                    trainable=one.trainable,
                    name=f"{one.name}_weights",
                )

    def call(self, inputs: list) -> Any:
        """The dense columns of the data."""
        data = dict(zip(self.keys, inputs, strict=True))
        tables = {name: jnp.asarray(table) for name, table in self.tables.items()}
        return jnp.concatenate([one.dense(data, tables.get(one.name)) for one in self.columns], -1)


class DenseFeatures(Model):
    """A layer that turns a dict of arrays into one array, as columns of `tf.feature_column` say.

    Args:
        feature_columns: one or several numeric, bucketized, indicator or embedding columns; they
            are joined in the order of their names.
        trainable: whether training changes the embeddings.
        name: name of the layer.

    Raises:
        ValueError: for other columns, or two of one name.
    """

    def __init__(
        self, feature_columns: Any, trainable: bool = True, name: str | None = None, **kwargs: Any
    ):
        one = isinstance(feature_columns, Column)
        columns = [feature_columns] if one else list(feature_columns)
        for column in columns:
            if not hasattr(column, "dense"):
                short = getattr(column, "name", column)
                raise ValueError(NOT_DENSE.format(repr(column), short, short))
        columns = sorted(columns, key=lambda column: column.name)
        names = [column.name for column in columns]
        if len(set(names)) != len(names):
            raise ValueError(f"DenseFeatures needs columns of different names; it got {names}")
        found = {key: one for column in columns for key, one in fields(column).items()}
        inputs = {key: Input(one.shape, dtype=one.dtype, name=key) for key, one in found.items()}
        grouped = [getattr(column, "categorical_column", None) for column in columns]
        hosted = list(dict.fromkeys(one for one in grouped if one is not None and one.on_host))
        pairs = zip(columns, grouped, strict=True)
        read = {key for column, inner in pairs if inner not in hosted for key in fields(column)}
        values: dict[Any, Any] = {key: inputs[key] for key in sorted(read)}
        if hosted:
            keys = sorted({key for column in hosted for key in fields(column)})
            ids = Ids(hosted, keys)([inputs[key] for key in keys])
            values |= dict(zip(hosted, ids, strict=True))
        outputs = Columns(columns, list(values))(list(values.values()))
        super().__init__(inputs, outputs, name=name, **kwargs)
        self._strict_shapes = False
        self._columns = tuple(columns)
        self.trainable = trainable

    def __call__(self, features: Any, *args: Any, **kwargs: Any) -> Any:
        """The columns of a dict of arrays (N, ...), of which other keys are ignored."""
        if isinstance(features, dict):
            known = self._recorded.inputs
            features = {
                key: host_array(value, repr(key)) if isinstance(value, list | tuple) else value
                for key, value in features.items()
                if key in known
            }
        return super().__call__(features, *args, **kwargs)

    def get_config(self) -> dict:
        """Refused: columns are written in the program.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"{self.name!r}: a DenseFeatures layer cannot be saved in a file, as its columns are "
            "part of the program. Save the weights: model.save_weights(path)"
        )


def attributes() -> Table:
    """What is added during a run."""
    return {layers: {"DenseFeatures": DenseFeatures}}


def replaced() -> Table:
    """What is replaced during a run."""
    return {}
