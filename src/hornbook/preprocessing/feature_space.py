"""FeatureSpace: columns of a table to numbers, each in the way of its kind."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
from hornbook.core.config import deserialize, serialize
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.base import Layer
from hornbook.layers.host import host_array, is_text
from hornbook.layers.input import Input
from hornbook.preprocessing.adapting import TEXTS, Adapting
from hornbook.preprocessing.category_encoding import CategoryEncoding
from hornbook.preprocessing.discretization import Discretization
from hornbook.preprocessing.features import KINDS, Cross, Feature, Kinds, TFDConcat, mode_of_output
from hornbook.preprocessing.hashing import HashedCrossing, Hashing
from hornbook.preprocessing.index_lookup import IndexLookup
from hornbook.preprocessing.normalization import Normalization
from hornbook.preprocessing.text_vectorization import TextVectorization
from hornbook.saving import kinds

# layer that can adapt -> whether what it would learn was given
GIVEN: dict[type, Callable[[Any], bool]] = {
    Normalization: lambda layer: layer.input_mean is not None,
    Discretization: lambda layer: layer.num_bins is None,
    IndexLookup: lambda layer: layer._is_static,
    TextVectorization: lambda layer: layer._lookup_layer._is_static,
}
# layer that returns integers -> how many there are
COUNT: dict[type, Callable[[Any], int]] = {
    IndexLookup: lambda layer: layer.vocabulary_size(),
    Discretization: lambda layer: layer.num_bins or len(layer.bin_boundaries) + 1,
    Hashing: lambda layer: layer.num_bins,
    HashedCrossing: lambda layer: layer.num_bins,
}

NOT_ADAPTED = "feature space {!r} has to learn {} from data before it is used: call adapt(data)"
NO_COLUMNS = (
    "feature space {!r} takes a dict of columns or a DataFrame, and adapts to batches of these, "
    "too; it got {}"
)
OTHER_COLUMNS = "feature space {!r} has the features {}; its {}"
OTHER_ROWS = "feature space {!r} takes columns of equal length, or one value each; it got {}"
NOT_INTEGERS = (
    "feature {!r} has output_mode='one_hot', which needs integers of a known range; its "
    "preprocessor {!r} ({}) returns {}. Use output_mode='int' or 'float'"
)
NOT_ENCODED = (
    "feature {!r} cannot be concatenated: it is not encoded, but has the dtype {}. Use "
    "output_mode='one_hot' for it, or output_mode='dict' for the feature space"
)


class FeatureSpace(Kinds, Layer):
    """Turns the columns of a table into numbers: each by its kind, and crosses of them.

    Kinds of features, by name or by the method of the same name, which takes arguments: `"float"`,
    `"float_rescaled"`, `"float_normalized"`, `"float_discretized"`, `"integer_categorical"`,
    `"string_categorical"`, `"integer_hashed"`, `"string_hashed"`. `FeatureSpace.feature` makes one
    of any layer.

    Called on a dict of columns, `(samples,)` or `(samples, 1)`, or of the values of one sample. In
    a model, `get_inputs()` and `get_encoded_features()` are its inputs and the first tensors.

    Args:
        features: maps names of columns to kinds.
        output_mode: `"concat"`: one array, the features in the order of their names and then the
            crosses; `"dict"`: one for each.
        crosses: tuples of names of features to cross, or what `cross` returned.
        crossing_dim: number of bins of crosses given as tuples.
        hashing_dim: number of bins of features given as `"..._hashed"`.
        num_discretization_bins: number of bins of features given as `"float_discretized"`.
        name: name of the layer.

    Raises:
        ValueError: for an unknown kind or mode, or a cross of unknown features.

    Example:
        >>> import hornbook as keras
        >>> space = keras.utils.FeatureSpace({"colour": "string_categorical", "size": "float"})
        >>> data = {"colour": ["red", "blue", "red"], "size": [1.0, 2.0, 3.0]}
        >>> space.adapt(data)
        >>> space({"colour": "red", "size": 0.5}).tolist()
        [0.0, 1.0, 0.0, 0.5]
        >>> outputs = keras.layers.Dense(1)(space.get_encoded_features())
        >>> model = keras.Model(space.get_inputs(), outputs)
        >>> model.predict(data, verbose=0).shape
        (3, 1)
    """

    _stated_class = {"module": "keras.utils"}

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Any = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise ValueError("FeatureSpace needs at least one feature")
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.output_mode = mode_of_output(self, output_mode, ("dict", "concat"))
        self.features = {name: self._feature(name, kind) for name, kind in features.items()}
        self.crosses = [
            one if isinstance(one, Cross) else Cross(one, crossing_dim) for one in crosses or ()
        ]
        for cross in self.crosses:
            wrong = set(cross.feature_names) - set(self.features)
            self._require(not wrong, f"crosses name {sorted(wrong)}")
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.inputs = {
            name: Input(shape=(1,), dtype=feature.dtype, name=name)
            for name, feature in self.features.items()
        }
        self.preprocessors = {name: one.preprocessor for name, one in self.features.items()}
        self.crossers = {
            cross.name: HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self.concat = TFDConcat(axis=-1) if output_mode == "concat" else None
        self.encoded_features: Any = None
        self.built = not self._to_adapt()

    def _feature(self, name: str, kind: Any) -> Feature:
        if isinstance(kind, Feature):
            return kind
        sizes = {
            "float_discretized": (self.num_discretization_bins,),
            "integer_hashed": (self.hashing_dim,),
            "string_hashed": (self.hashing_dim,),
        }
        if kind not in KINDS:
            raise ValueError(
                f"feature {name!r} of FeatureSpace is of one of the kinds {', '.join(KINDS)}, or "
                f"what their methods return; not {kind!r}"
            )
        return getattr(self, kind)(*sizes.get(kind, ()), name=name)

    # ---- adapting

    def _to_adapt(self) -> list[str]:
        """The names of the features whose preprocessor has to learn from data."""
        return [
            name
            for name, layer in self.preprocessors.items()
            if hasattr(layer, "adapt")
            and not any(given(layer) for kind, given in GIVEN.items() if isinstance(layer, kind))
        ]

    def adapt(self, dataset: Any) -> None:
        """Learn what the preprocessors need from data, in one pass.

        Args:
            dataset: a dict of columns, a DataFrame, or an iterable of batches or of samples, each a
                dict or `(dict, targets)`. Other columns are ignored.

        Raises:
            ValueError: for data without columns, or without one of the features.
        """
        names = self._to_adapt()
        learning = [name for name in names if isinstance(self.preprocessors[name], Adapting)]
        kept: dict[str, list] = {name: [] for name in names if name not in learning}
        for name in learning:
            self.preprocessors[name].reset_state()
        batch: dict | None = None
        for batch in self._batches(dataset):
            self._require(set(self.features) <= set(batch), f"data have {sorted(batch)}")
            for name in names:
                column = _column(batch[name], f"feature {name!r}")
                if name in kept:
                    kept[name].append(column)
                else:
                    self.preprocessors[name].update_state(column)
        if batch is None:
            raise ValueError(f"feature space {self.name!r} got no data to adapt to")
        for name in names:
            if name in kept:
                self.preprocessors[name].adapt(kept[name])
            else:
                self.preprocessors[name].finalize_state()
        self.encoded_features, self.one_hot_encoders = None, {}
        self.built = True
        self.get_encoded_features()

    def _batches(self, data: Any) -> Iterator[dict]:
        if not isinstance(data, dict) and not hasattr(data, "iloc"):
            if not isinstance(data, Iterable) or hasattr(data, "shape"):
                raise ValueError(NO_COLUMNS.format(self.name, type(data)))
            for batch in data:
                yield self._columns(batch[0] if isinstance(batch, tuple | list) else batch)
            return
        columns = self._columns(data)
        for start in range(0, self._rows(columns) or 1, TEXTS):
            stop = start + TEXTS
            yield {n: one[start:stop] if np.ndim(one) else one for n, one in columns.items()}

    def _columns(self, data: Any) -> dict:
        if hasattr(data, "iloc"):
            return {name: data[name].to_numpy() for name in data.columns}
        if not isinstance(data, dict):
            raise ValueError(NO_COLUMNS.format(self.name, type(data)))
        return data

    def _rows(self, columns: dict) -> int | None:
        """The number of samples in columns; `None` for the values of one sample."""
        rows = {name: len(one) if np.ndim(one) else None for name, one in columns.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(OTHER_ROWS.format(self.name, rows))
        return next(iter(rows.values()), None)

    def _require(self, right: bool, said: str) -> None:
        if not right:
            raise ValueError(OTHER_COLUMNS.format(self.name, sorted(self.features), said))

    # ---- encoding

    def get_inputs(self) -> dict[str, SymbolicTensor]:
        """The inputs of a model, by name of the feature."""
        self._check_adapted()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """The symbolic tensors that a model computes from `get_inputs()`: one, or a dict."""
        self._check_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
        return self.encoded_features

    def __call__(self, data: Any) -> Any:
        """Encode a dict of columns or of the values of one sample, or symbolic inputs.

        Raises:
            ValueError: if it has to adapt first, or for other columns than the features.
        """
        self._check_adapted()
        data = self._columns(data)
        self._require(set(data) == set(self.features), f"data have {sorted(data)}")
        if any(isinstance(value, SymbolicTensor) for value in data.values()):
            return self._encoded(data)
        one = self._rows(data) is None
        columns = {name: _column(value, f"feature {name!r}") for name, value in data.items()}
        encoded = self._encoded(columns)
        return tree.map_structure(lambda array: array[0], encoded) if one else encoded

    def _encoded(self, values: dict) -> Any:
        found = {name: self.preprocessors[name](value) for name, value in values.items()}
        crossed = {
            cross.name: self.crossers[cross.name]([found[name] for name in cross.feature_names])
            for cross in self.crosses
        }
        outputs = [(name, found[name]) for name in sorted(found)]
        outputs += [(name, crossed[name]) for name in sorted(crossed)]
        encoded = {name: self._one_hot(name, value) for name, value in outputs}
        if self.concat is None:
            return encoded
        for name, value in encoded.items():
            if not jnp.issubdtype(_dtype(value), jnp.floating):
                raise ValueError(NOT_ENCODED.format(name, value.dtype))
        return self.concat(list(encoded.values()))

    def _one_hot(self, name: str, value: Any) -> Any:
        """A feature or cross as vectors, if its `output_mode` says so."""
        spec: Any = {**self.features, **self.crosses_by_name}[name]
        if spec.output_mode != "one_hot":
            return value
        if name not in self.one_hot_encoders:
            layer: Any = {**self.preprocessors, **self.crossers}[name]
            counts = [count for kind, count in COUNT.items() if isinstance(layer, kind)]
            if not counts or not jnp.issubdtype(_dtype(value), jnp.integer):
                said = name, layer.name, type(layer).__name__, value.dtype
                raise ValueError(NOT_INTEGERS.format(*said))
            self.one_hot_encoders[name] = CategoryEncoding(counts[0](layer), "multi_hot")
        return self.one_hot_encoders[name](value)

    def _check_adapted(self) -> None:
        if not self.built:
            raise ValueError(NOT_ADAPTED.format(self.name, ", ".join(self._to_adapt())))

    # ---- files

    def get_config(self) -> dict:
        """Constructor arguments as plain data, features as they are made of their kinds."""
        return {
            "features": serialize(self.features, strict=False),
            "output_mode": self.output_mode,
            "crosses": serialize(self.crosses, strict=False),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create a feature space from what `get_config` returned."""
        return cls(**{key: deserialize(value) for key, value in config.items()})

    def get_build_config(self) -> dict:
        """The shapes that each preprocessor was built with, by name of the feature."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict) -> None:
        """Build the preprocessors as `get_build_config` says; they count as adapted."""
        for name, layer in self.preprocessors.items():
            if config.get(name) and not layer.built:
                layer.build_from_config(config[name])
        self.built = True

    def save(self, filepath: Any) -> None:
        """Write it to a `.keras` file, which `saving.load_model` reads.

        Args:
            filepath: path that ends in `.keras`.
        """
        kinds.save_model(self, filepath)


def _column(value: Any, what: str) -> np.ndarray:
    """A column, or a value of one sample, as an array `(samples, ...)` of at least two axes."""
    array = host_array(value, what)
    return array.reshape(1, 1) if array.ndim == 0 else array[:, None] if array.ndim == 1 else array


def _dtype(value: Any) -> Any:
    return np.dtype("U") if is_text(value) else jnp.dtype(value.dtype)
