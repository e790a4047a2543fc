"""Attention and AdditiveAttention: a single head, without projections."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.random import SeedGenerator
from hornbook.kernels.attention import causal_mask
from hornbook.layers.base import Layer
from hornbook.layers.dropout import dropout


class Attention(Layer):
    """Dot-product attention: `softmax(query @ key.T) @ value`.

    Called on `[query, value]` or `[query, value, key]` (default: the key is the value), of shapes
    `(batch, queries, features)`, `(batch, keys, features)`.

    Args:
        use_scale: whether the scores are multiplied by a learned scalar.
        score_mode: `"dot"`, or `"concat"`: `v * sum(tanh(query + key))`.
        dropout: probability that a weight is dropped in training.
        seed: random seed, for reproducible results.
        causal: whether every call masks later steps, as `use_causal_mask` does for one call; the
            argument in TensorFlow 2.0 to 2.9.

    The call also takes `mask` (a list: the query's, the value's), `use_causal_mask` and
    `return_attention_scores`.

    Source: Luong et al. 2015, arXiv:1508.04025.

    Example:
        >>> import hornbook as keras
        >>> query, value = np.ones((1, 2, 4)), np.ones((1, 3, 4))
        >>> keras.layers.Attention()([query, value]).shape
        (1, 2, 4)
    """

    ignores_masked_steps = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        causal: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"score_mode of Attention is 'dot' or 'concat', not {score_mode!r}")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        self.causal = causal
        self.supports_masking = True
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self,
        inputs: list[Array],
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        query, value, key = (*inputs, inputs[1])[:3]
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        scores = self.scores(query, key)
        allowed = None if value_mask is None else value_mask[:, None, :] != 0
        if use_causal_mask or self.causal:
            causal = causal_mask(*scores.shape[-2:])
            allowed = causal if allowed is None else causal & allowed
        if allowed is not None:
            far = 65504.0 if scores.dtype == "float16" else 1e9
            scores = jnp.where(allowed, scores, scores - far)
        weights = jax.nn.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = dropout(weights, self.dropout, self.seed_generator.next())
        out = weights @ value
        if query_mask is not None:
            out = jnp.where(query_mask[..., None] != 0, out, 0)
        return (out, weights) if return_attention_scores else out

    def scores(self, query: Array, key: Array) -> Array:
        """The attention scores before the softmax, `(batch, queries, keys)`."""
        scale = 1.0 if self.scale is None else self.scale.value
        if self.score_mode == "dot":
            return (query @ jnp.swapaxes(key, -2, -1)) * scale
        summed = jnp.tanh(scale * (query[..., :, None, :] + key[..., None, :, :]))
        return self.concat_score_weight.value * jnp.sum(summed, axis=-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else mask[0]

    def _check(self, inputs: Any) -> None:
        several = isinstance(inputs, list | tuple) and len(inputs) in (2, 3)
        if not several or any(one is None or isinstance(one, int) for one in inputs):
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) takes a list of arrays, [query, "
                "value] or [query, value, key]"
            )


class AdditiveAttention(Attention):
    """Additive attention: `softmax(sum(scale * tanh(query + key))) @ value`.

    Called on `[query, value]` or `[query, value, key]`, like `Attention`.

    Args:
        use_scale: whether the features are multiplied by learned weights before the sum.
        dropout: probability that a weight is dropped in training.
        seed: random seed, for reproducible results.

    Source: Bahdanau et al. 2014, arXiv:1409.0473.

    Example:
        >>> import hornbook as keras
        >>> query, value = np.ones((1, 2, 4)), np.ones((1, 3, 4))
        >>> keras.layers.AdditiveAttention()([query, value]).shape
        (1, 2, 4)
    """

    def __init__(
        self, use_scale: bool = True, dropout: float = 0.0, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        features = input_shape[0][-1]
        self.scale = (
            self.add_weight((features,), "glorot_uniform", name="scale") if self.use_scale else None
        )

    def scores(self, query: Array, key: Array) -> Array:
        scale = 1.0 if self.scale is None else self.scale.value
        return jnp.sum(scale * jnp.tanh(query[..., :, None, :] + key[..., None, :, :]), axis=-1)
