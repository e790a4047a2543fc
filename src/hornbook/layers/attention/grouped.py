"""GroupQueryAttention: multi-head attention whose heads share keys and values in groups."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.layers.arguments import positive
from hornbook.layers.attention.multi_head import Heads


class GroupQueryAttention(Heads):
    """Multi-head attention with fewer heads of keys and values than of queries.

    Query head `i` attends to the keys and values of head `i // (num_query_heads /
    num_key_value_heads)`: with as many of both it is `MultiHeadAttention`, with one of the latter
    multi-query attention. Called as `layer(query, value, key=value)`: query
    `(batch, queries, features)`, value and key `(batch, keys, features)`; the output has the shape
    of the query.

    Args:
        head_dim: size of each head.
        num_query_heads: number of heads of queries, a multiple of `num_key_value_heads`.
        num_key_value_heads: number of heads of keys and values.
        dropout: probability that a weight is dropped in training.
        use_bias: whether the projections have biases.
        sliding_window: a step attends to steps less than this far away; default no limit.
        flash_attention: whether a fused kernel that does not materialize the weights may be used;
            default `config.is_flash_attention_enabled()`.
        kernel_initializer, bias_initializer: initial values of the projections.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        activity_regularizer: adds a penalty on the projections' outputs to the loss.
        kernel_constraint, bias_constraint: applied after each update.
        use_gate: whether the head outputs are multiplied by a sigmoid of a projected query.
        seed: random seed, for reproducible results.

    The call also takes `attention_mask` (`(batch, queries, keys)`, true where attention may go),
    `use_causal_mask` (no step attends to later ones) and `return_attention_scores`.

    Raises:
        ValueError: if the query heads cannot be divided among those of keys and values, or inputs
            have more than three axes.

    Source: Ainslie et al. 2023, arXiv:2305.13245.

    Example:
        >>> import hornbook as keras
        >>> x = np.ones((2, 5, 16))
        >>> layer = keras.layers.GroupQueryAttention(8, num_query_heads=4, num_key_value_heads=2)
        >>> layer(x, x).shape
        (2, 5, 16)
    """

    _named_after = "GroupedQueryAttention"  # Keras's class has another name than its public one
    _given = ("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes")

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            num_query_heads,
            head_dim,
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        self.head_dim, self.num_query_heads = self.key_dim, self.num_heads
        self.num_key_value_heads = positive("num_key_value_heads", num_key_value_heads, self)
        self.num_repeats, rest = divmod(self.num_query_heads, self.num_key_value_heads)
        if rest:
            raise ValueError(
                f"num_query_heads of {type(self).__name__} must be a multiple of "
                f"num_key_value_heads, not {num_query_heads} and {num_key_value_heads}"
            )

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: Any = None) -> None:
        if len(query_shape) != 3 or len(value_shape) != 3:
            raise ValueError(
                f"layer {self.name!r} (GroupQueryAttention) takes a query and a value of shape "
                f"(batch, steps, features), not {query_shape} and {value_shape}"
            )
        super().build(query_shape, value_shape, key_shape)

    def _compute_attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> tuple[Array, Any]:
        """The query heads of a group are further queries of one head: no key is copied."""
        batch, steps, _, size = query.shape
        heads, repeats = self.num_key_value_heads, self.num_repeats
        query = query.reshape(batch, steps, heads, repeats, size).swapaxes(2, 3)
        query = query.reshape(batch, steps * repeats, heads, size)
        if attention_mask is not None:
            attention_mask = self._of_groups(attention_mask, steps, key.shape[1])
        given = query, key, value, attention_mask, training, return_attention_scores
        out, scores = super()._compute_attention(*given)
        out = out.reshape(batch, steps, repeats, heads, size).swapaxes(2, 3)
        if scores is not None:
            scores = scores.reshape(batch, heads, steps, repeats, -1).swapaxes(2, 3)
            scores = scores.reshape(batch, heads * repeats, steps, -1)
        return out.reshape(batch, steps, heads * repeats, size), scores

    def _of_groups(self, mask: Array, steps: int, keys: int) -> Array:
        """A mask with one row for each query of a group."""
        heads, repeats = self.num_key_value_heads, self.num_repeats
        mask = jnp.broadcast_to(mask, (*mask.shape[:-2], steps, keys))
        if mask.ndim < 4 or mask.shape[1] == 1:
            return jnp.repeat(mask, repeats, axis=-2)
        mask = mask.reshape(-1, heads, repeats, steps, keys).swapaxes(2, 3)
        return mask.reshape(-1, heads, steps * repeats, keys)
