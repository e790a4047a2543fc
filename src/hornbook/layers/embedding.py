"""Embedding: looks up a row of a table for each integer."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook import constraints, formulas, initializers, regularizers
from hornbook.layers.arguments import positive
from hornbook.layers.low_rank import Adaptable


class Embedding(Adaptable, adapts="embeddings"):
    """Turns non-negative integers into vectors: `embeddings[ids]`.

    An id outside the table is an error where values are known (an eager call on an array). In
    compiled code its vector is NaN, and `fit` names the layer.

    Args:
        input_dim: number of rows, the largest id plus one.
        output_dim: size of each vector.
        embeddings_initializer: initial values of the table, `(input_dim, output_dim)`.
        embeddings_regularizer: adds a penalty on the table to the loss.
        embeddings_constraint: applied to the table after each update.
        mask_zero: whether id 0 is padding that later layers skip.
        weights: the table's initial values, as an array or a list of one.
        input_length: number of ids per sample, if fixed; lets a `Sequential` build immediately.
        activity_regularizer: adds a penalty on the output to the loss.

    Input: integers of any shape; output: that shape plus a last axis of size `output_dim`.

    Raises:
        ValueError: for ids that are not integers or outside the table.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Embedding(100, 8)(np.array([[1, 2, 3]])).shape
        (1, 3, 8)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        input_length: int | None = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ):
        batched = {"batch_input_shape", "batch_shape"} & {*kwargs}  # these contain the length
        if input_length is not None and not batched:
            lengths = input_length if isinstance(input_length, list | tuple) else (input_length,)
            kwargs.setdefault("input_shape", tuple(lengths))
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.input_dim = positive("input_dim", input_dim, self)
        self.output_dim = positive("output_dim", output_dim, self)
        self.embeddings_initializer: Any = initializers.get(embeddings_initializer)
        if weights is not None:
            table = weights[0] if isinstance(weights, list) else weights
            self.embeddings_initializer = np.asarray(table)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero

    @property
    def input_dtype(self) -> str:
        """The dtype of symbolic inputs created for it: ids are integers."""
        return "int32"

    def build(self, input_shape: tuple | None = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs: Array) -> Array:
        self._check_ids(inputs)
        table: Any = getattr(self.embeddings, "raw", self.embeddings)
        return formulas.looked_up(table, inputs, self.compute_dtype)

    def compute_mask(self, inputs: Array, mask: Any = None) -> Any:
        return jnp.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict:
        """Constructor arguments as plain data, without the table."""
        return {key: value for key, value in super().get_config().items() if key != "weights"}

    def _check_ids(self, ids: Array) -> None:
        if isinstance(ids, jax.core.Tracer) or not ids.size:
            return
        ids = np.asarray(ids)
        if not np.issubdtype(ids.dtype, np.integer) and (ids != np.round(ids)).any():
            raise ValueError(
                f"layer {self.name!r} takes integer row ids; it got "
                f"{ids[ids != np.round(ids)].flat[0]} in an array of dtype {ids.dtype}"
            )
        if ids.min() < 0 or ids.max() >= self.input_dim:
            wrong = ids.min() if ids.min() < 0 else ids.max()
            raise ValueError(
                f"layer {self.name!r} has {self.input_dim} rows, ids 0 to {self.input_dim - 1}; "
                f"it got the id {int(wrong)}. input_dim must be the largest id plus one"
            )
