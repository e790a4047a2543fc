"""CategoryEncoding: category indices to vectors."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.layers.arguments import positive
from hornbook.layers.base import Layer
from hornbook.preprocessing.encoding import encode_on_device, mode_of, only_dense


class CategoryEncoding(Layer):
    """Encodes integers from 0 to `num_tokens - 1` as vectors of `num_tokens` values.

    Args:
        num_tokens: number of categories.
        output_mode: `"one_hot"`: one vector per integer; or one vector per sample: `"multi_hot"`:
            1 for the integers it contains, `"count"`: their counts.
        sparse: must be `False`.

    Input: integers (N, M) or (N,); in mode `"count"` also `count_weights` of the same shape, the
    weight of each integer. Output: floats (N, num_tokens), or (N, M, num_tokens) for `"one_hot"`
    with M > 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.CategoryEncoding(4, "count")(np.array([[0, 1, 1]])).tolist()
        [[1.0, 2.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding needs num_tokens; IntegerLookup can learn which integers occur"
            )
        self.num_tokens = positive("num_tokens", num_tokens, self)
        self.output_mode = mode_of(self, output_mode, ("one_hot", "multi_hot", "count"))
        only_dense(self, sparse)
        self.sparse = sparse

    def call(self, inputs: jax.Array, count_weights: Any = None) -> jax.Array:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"layer {self.name!r} has output_mode={self.output_mode!r}; count_weights go with "
                "'count'"
            )
        numbers = jnp.asarray(inputs).astype("int32")
        dtype = self.compute_dtype
        return encode_on_device(numbers, self.output_mode, self.num_tokens, dtype, count_weights)

    def get_config(self) -> dict:
        """Constructor arguments as plain data."""
        return super().get_config() | {"output_mode": self.output_mode}
