"""MultiHeadAttention: several attention heads in parallel, each with its own projections."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook import constraints, initializers, regularizers
from hornbook.core.settings import is_flash_attention_enabled
from hornbook.kernels.attention import attend, causal_mask
from hornbook.layers.arguments import WHOLE, positive
from hornbook.layers.base import Layer
from hornbook.layers.dropout import Dropout
from hornbook.layers.einsum_dense import EinsumDense

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Heads(Layer):
    """Base of layers with several attention heads; see `MultiHeadAttention` for its arguments.

    Attributes:
        num_key_value_heads: number of heads of keys and values.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        super().__init__(**kwargs)
        self.num_heads = self.num_key_value_heads = positive("num_heads", num_heads, self)
        self.key_dim = positive("key_dim", key_dim, self)
        self.value_dim = positive("value_dim", value_dim or key_dim, self)
        self.dropout = dropout
        self.use_bias = use_bias
        self._output_shape = (output_shape,) if isinstance(output_shape, WHOLE) else output_shape
        axes = (attention_axes,) if isinstance(attention_axes, WHOLE) else attention_axes
        self.attention_axes = None if axes is None else tuple(map(int, axes))
        if sliding_window is not None:
            positive("sliding_window", sliding_window, self)
        self.sliding_window = sliding_window
        self.use_gate = use_gate
        self.seed = seed
        asked = is_flash_attention_enabled() if flash_attention is None else flash_attention
        self._fused = asked is not False
        self._weight_arguments = {
            "kernel_initializer": initializers.get(kernel_initializer),
            "bias_initializer": initializers.get(bias_initializer),
            "kernel_regularizer": regularizers.get(kernel_regularizer),
            "bias_regularizer": regularizers.get(bias_regularizer),
            "activity_regularizer": regularizers.get(activity_regularizer),
            "kernel_constraint": constraints.get(kernel_constraint),
            "bias_constraint": constraints.get(bias_constraint),
        }
        self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype_policy)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether it attends over all axes between batch and features."""
        return self.attention_axes is None

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) takes a value and a key of equal "
                f"sizes except for the features, not {value_shape} and {key_shape}"
            )
        ndim = len(value_shape)
        if self.attention_axes is None:
            self._axes = tuple(range(1, ndim - 1))
        else:
            self._axes = tuple(axis % ndim for axis in self.attention_axes)
        heads, shared = self.num_heads, self.num_key_value_heads
        attended = (*query_shape[:-1], heads, self.value_dim)
        self._query_dense = self._projection("query", query_shape, 1, (heads, self.key_dim))
        self._key_dense = self._projection("key", key_shape, 1, (shared, self.key_dim))
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, attended[-2:], "sigmoid")
        self._value_dense = self._projection("value", value_shape, 1, (shared, self.value_dim))
        out = tuple(self._output_shape or query_shape[-1:])
        self._output_dense = self._projection("attention_output", attended, 2, out)

    def _projection(
        self, name: str, shape: tuple, bound: int, out: tuple, activation: Any = None
    ) -> EinsumDense:
        """An einsum over the last `bound` axes of `shape`, which are replaced by the axes `out`."""
        free = LETTERS[: len(shape) - bound]
        summed = LETTERS[len(free) : len(shape)]
        new = LETTERS[len(shape) : len(shape) + len(out)]
        layer = EinsumDense(
            f"{free}{summed},{summed}{new}->{free}{new}",
            output_shape=(*(None,) * (len(free) - 1), *out),
            bias_axes=new if self.use_bias else None,
            activation=activation,
            name=name,
            dtype=self.dtype_policy,
            **self._weight_arguments,
        )
        layer.supports_masking = True  # `call` applies the mask; it is not dropped here
        layer._build({"input_shape": tuple(shape)})
        return layer

    def call(
        self,
        query: Array,
        value: Array,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        steps = query.shape[1], value.shape[1]
        allowed = merged_mask(
            steps,
            query_mask,
            value_mask,
            key_mask,
            attention_mask,
            use_causal_mask,
            self.sliding_window,
        )
        heads, scores = self._compute_attention(
            self._query_dense(query),
            self._key_dense(key),
            self._value_dense(value),
            attention_mask=allowed,
            training=training,
            return_attention_scores=return_attention_scores,
        )
        if self.use_gate:
            heads = heads * self._gate_dense(query)
        out = self._output_dense(heads)
        return (out, scores) if return_attention_scores else out

    def _compute_attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> tuple[Array, Any]:
        """The head outputs, and the attention weights if asked; subclasses may override it."""
        drop: Callable | None = self._dropout_layer if training and self.dropout > 0 else None
        heads, weights = attend(query, key, value, self._axes, attention_mask, drop, self._fused)
        return heads, weights() if return_attention_scores else None

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return previous_mask


class MultiHeadAttention(Heads):
    """Multi-head attention: `concat(softmax(Q_i K_i.T / sqrt(key_dim)) V_i) W`.

    Called as `layer(query, value, key=value)`: query `(batch, queries, features)`, value and key
    `(batch, keys, features)`; by default the output has the shape of the query.

    Args:
        num_heads: number of heads.
        key_dim: size of each head's queries and keys.
        value_dim: size of each head's values; default `key_dim`.
        dropout: probability that a weight is dropped in training.
        use_bias: whether the projections have biases.
        output_shape: features of the output; default the query's.
        attention_axes: the axes to attend over; default all between batch and features.
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

    Source: Vaswani et al. 2017, arXiv:1706.03762.

    Example:
        >>> import hornbook as keras
        >>> x = np.ones((2, 5, 16))
        >>> keras.layers.MultiHeadAttention(num_heads=2, key_dim=8)(x, x).shape
        (2, 5, 16)
    """

    @property
    def query_dense(self) -> EinsumDense:
        """The projection of the query."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The projection of the key."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The projection of the value."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The projection of the heads' outputs."""
        return self._output_dense


def merged_mask(
    steps: tuple[int, int],
    query_mask: Any,
    value_mask: Any,
    key_mask: Any,
    attention_mask: Any,
    causal: bool,
    window: int | None,
) -> Any:
    """All attention masks combined, `(batch or 1, queries, keys)`; `None` if there are none."""
    parts = [mask[:, None, :] != 0 for mask in (value_mask, key_mask) if mask is not None]
    if query_mask is not None:
        parts.append(query_mask[:, :, None] != 0)
    if causal:
        parts.append(causal_mask(*steps))
    if window is not None:
        distance = jnp.arange(steps[0])[:, None] - jnp.arange(steps[1])
        parts.append(jnp.abs(distance)[None] < window)
    if attention_mask is not None:
        if attention_mask.ndim == 4:  # one mask per head
            parts = [part[:, None] for part in parts]
        parts.append(attention_mask != 0)
    merged = None
    for part in parts:
        merged = part if merged is None else merged & part
    return merged
