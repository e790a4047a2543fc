"""Features of a `FeatureSpace`: what a column holds, and how it becomes numbers."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.config import Configurable
from hornbook.core.module import auto_name
from hornbook.layers.base import Layer
from hornbook.layers.identity import Identity
from hornbook.layers.rescaling import Rescaling
from hornbook.preprocessing.discretization import Discretization
from hornbook.preprocessing.hashing import Hashing
from hornbook.preprocessing.integer_lookup import IntegerLookup
from hornbook.preprocessing.normalization import Normalization
from hornbook.preprocessing.string_lookup import StringLookup

HOME = "keras.src.layers.preprocessing.feature_space"


def mode_of_output(thing: Any, mode: str, allowed: tuple[str, ...]) -> str:
    """The output mode, if it is allowed; else a `ValueError`."""
    if mode not in allowed:
        raise ValueError(
            f"output_mode of {type(thing).__name__} is one of {', '.join(allowed)}, not {mode!r}"
        )
    return mode


def _named(kind: str, name: str | None) -> str:
    """The name of a feature's preprocessor."""
    return f"{name or auto_name(kind)}_preprocessor"


class Cross(Configurable):
    """Several features, hashed together into one; see `FeatureSpace.cross`."""

    _stated_class = {"module": HOME, "registered_name": "Cross"}

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot"):
        self.name = "_X_".join(feature_names)
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = mode_of_output(self, output_mode, ("int", "one_hot"))


class Feature(Configurable):
    """A column: its dtype, and how it becomes numbers; see `FeatureSpace.feature`."""

    _stated_class = {"module": HOME, "registered_name": "Feature"}

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        self.dtype = dtype
        self.preprocessor = preprocessor
        self.output_mode = mode_of_output(self, output_mode, ("int", "one_hot", "float"))


class TFDIdentity(Identity):
    """The preprocessor of a feature that is already a number."""

    _stated_class = {"module": HOME, "registered_name": "TFDIdentity"}


class TFDConcat(Layer):
    """Concatenates encoded features, of which there may be only one.

    Args:
        axis: the axis.
    """

    _stated_class = {"module": HOME, "registered_name": "TFDConcat"}

    def __init__(self, axis: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, xs: list[Array]) -> Array:
        return jnp.concatenate(xs, axis=self.axis)


class Kinds:
    """The kinds of features that `FeatureSpace` knows, each a method that makes one."""

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """A cross of features: a hash of the values of all of them.

        Args:
            feature_names: names of the features, which must return integers or strings.
            crossing_dim: number of bins.
            output_mode: `"one_hot"` or `"int"`.
        """
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A feature of any layer.

        Args:
            dtype: dtype of the column, such as `"string"`.
            preprocessor: a layer; `adapt` of the feature space adapts it.
            output_mode: `"float"` if the layer returns floats, else `"one_hot"` or `"int"`.
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers, unchanged.

        Args:
            name: prefix of the preprocessor's name.
        """
        return Feature("float32", TFDIdentity(dtype="float32", name=_named("float", name)), "float")

    @classmethod
    def float_rescaled(
        cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None
    ) -> Feature:
        """Numbers, as `x * scale + offset`.

        Args:
            scale, offset: numbers.
            name: prefix of the preprocessor's name.
        """
        layer = Rescaling(scale, offset, name=_named("float_rescaled", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers, shifted and scaled to mean 0 and variance 1.

        Args:
            name: prefix of the preprocessor's name.
        """
        layer = Normalization(axis=-1, name=_named("float_normalized", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Any = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Numbers, as bins.

        Args:
            num_bins: number of bins to learn; `None` if the boundaries are given.
            bin_boundaries: lower bounds of all bins but the first.
            output_mode: `"one_hot"` or `"int"`.
            name: prefix of the preprocessor's name.
        """
        prefix = _named("float_discretized", name)
        layer = Discretization(bin_boundaries, num_bins, name=prefix)
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Integers, as indices of a vocabulary.

        Args:
            max_tokens: maximum size of the vocabulary to learn.
            num_oov_indices: number of indices for other integers.
            output_mode: `"one_hot"` or `"int"`.
            name: prefix of the preprocessor's name.
        """
        prefix = _named("integer_categorical", name)
        layer = IntegerLookup(max_tokens, num_oov_indices, name=prefix)
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Strings, as indices of a vocabulary; arguments as for `integer_categorical`."""
        prefix = _named("string_categorical", name)
        layer = StringLookup(max_tokens, num_oov_indices, name=prefix)
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Strings, as hash bins; arguments as for `integer_hashed`."""
        return Feature("string", Hashing(num_bins, name=_named("string_hashed", name)), output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Integers, as hash bins.

        Args:
            num_bins: number of bins.
            output_mode: `"one_hot"` or `"int"`.
            name: prefix of the preprocessor's name.
        """
        return Feature("int32", Hashing(num_bins, name=_named("integer_hashed", name)), output_mode)


KINDS = [name for name in vars(Kinds) if name[0] != "_" and name not in ("cross", "feature")]
