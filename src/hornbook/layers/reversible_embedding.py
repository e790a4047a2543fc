"""ReversibleEmbedding: an embedding that also projects vectors back to logits over its rows."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook import formulas
from hornbook.core.mask import set_mask
from hornbook.core.variable import unwrap
from hornbook.layers.embedding import Embedding


class ReversibleEmbedding(Embedding):
    """An `Embedding` for language models; with `reverse=True`, it maps vectors to logits.

    `embeddings[ids]`, and in reverse `x @ embeddings.T`: the same weights, unless `tie_weights` is
    false.

    Args:
        input_dim: number of rows, the largest id plus one.
        output_dim: size of each vector.
        tie_weights: whether the reverse projection uses the table; otherwise it has a kernel of its
            own, `(output_dim, input_dim)`.
        embeddings_initializer: initial values of the table, `(input_dim, output_dim)`, and of that
            kernel.
        embeddings_regularizer: adds a penalty on the table to the loss.
        embeddings_constraint: applied to the table after each update.
        mask_zero: whether id 0 is padding that later layers skip.
        reverse_dtype: dtype of the reverse projection; default the layer's compute dtype.
        logit_soft_cap: bound of the logits: they become `cap * tanh(logits / cap)`.

    The call takes `inputs`, integers of any shape, and returns vectors `(..., output_dim)`; with
    `reverse=True` it takes vectors and returns logits `(..., input_dim)`.

    Source: Press and Wolf 2016, arXiv:1608.05859.

    Example:
        >>> import hornbook as keras
        >>> embedding = keras.layers.ReversibleEmbedding(100, 8)
        >>> x = embedding(np.array([[1, 2, 3]]))
        >>> x.shape, embedding(x, reverse=True).shape
        ((1, 3, 8), (1, 3, 100))
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ValueError(
                f"logit_soft_cap of {type(self).__name__} must be positive, not {logit_soft_cap!r}"
            )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: tuple | None = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            initializer = self.embeddings_initializer
            self.reverse_embeddings = self.add_weight(shape, initializer, name="reverse_embeddings")

    def call(self, inputs: Array, reverse: bool = False) -> Array:
        if not reverse:
            vectors = super().call(inputs)
            set_mask(vectors, super().compute_mask(inputs))
            return vectors
        if inputs.shape[-1] != self.output_dim:
            raise ValueError(
                f"layer {self.name!r} called with reverse=True takes vectors of output_dim="
                f"{self.output_dim} values; it got shape {inputs.shape}"
            )
        kernel = unwrap(self.embeddings).T if self.tie_weights else unwrap(self.reverse_embeddings)
        if self.reverse_dtype is not None:
            inputs, kernel = inputs.astype(self.reverse_dtype), kernel.astype(self.reverse_dtype)
        logits = formulas.dense(inputs, kernel, None, None)
        cap = self.logit_soft_cap
        return logits if cap is None else jnp.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None  # `call` sets it, because logits have none
