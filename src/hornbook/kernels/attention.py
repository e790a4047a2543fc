"""Multi-head attention: each query's mean of the values, weighted by a softmax over the keys.

In the plain version the weights are the layer's largest arrays, and each head's queries, keys and
values must be made contiguous for its products. The compiled kernel reads them in place, one head
at a time, keeps the weights in cache and recomputes them in the backward pass. Of masks it knows
the causal one, of which it skips the keys that no query of a block may attend to; other masks and
dropout take the plain version. Narrow floats are widened for it.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook.core.origins import Origins
from hornbook.kernels import native, wants_plain
from hornbook.kernels.product import dots, wide

FEW = 4  # heads over all samples, which the threads divide

# A mask -> true if it is the causal one, which the compiled kernel applies without reading it.
causal_masks = Origins()


def causal_mask(queries: int, keys: int) -> Array:
    """Booleans `(1, queries, keys)`: each step may attend to itself and to earlier steps."""
    mask = (jnp.arange(queries)[:, None] >= jnp.arange(keys))[None]
    causal_masks.note(mask, True)
    return mask


def attend(
    query: Array,
    key: Array,
    value: Array,
    axes: tuple[int, ...],
    mask: Any,
    drop: Callable | None,
    fused: bool = True,
) -> tuple[Array, Callable[[], Array]]:
    """`softmax(query @ key.T / sqrt(size)) @ value` for each head.

    Reverse-mode derivatives of any order work; forward mode (`jax.jvp`) needs `plain()`.

    Args:
        query, key, value: `(batch, ..., steps, ..., heads, size)`.
        axes: the axes of the timesteps.
        mask: true where a query may attend, `(batch, queries, keys)` or with a head axis; or
            `None`.
        drop: dropout applied to the weights, or `None`.
        fused: whether the compiled kernel may be used.

    Returns:
        The output, of the query's shape, and a function that returns the weights,
        `(batch, heads, queries, keys)`.
    """
    given, dtype = (query, key, value), value.dtype
    causal = causal_masks.of(mask) or False
    whole = axes == tuple(range(1, query.ndim - 2)) and (mask is None or causal) and drop is None
    widened = tuple(x.astype(wide(x.dtype)) for x in given)
    if not fused or wants_plain() or not whole or not native.suits(*widened) or _heads(query) < FEW:
        return plain_attend(*given, axes, mask, drop)
    flat = (x.reshape(x.shape[0], math.prod(x.shape[1:-2]), *x.shape[-2:]) for x in widened)
    each = _formula, native.attention, native.attention_back
    out, _ = native.with_gradients(*(partial(function, causal=causal) for function in each), *flat)
    out = out.reshape(*query.shape[:-1], value.shape[-1]).astype(dtype)
    return out, lambda: plain_attend(*given, axes, mask, None)[1]()


def _heads(query):
    return query.shape[0] * query.shape[-2]


def _formula(query, key, value, causal):
    """The kernel's results: the output, and the base-2 logarithm of each softmax denominator."""
    mask = causal_mask(query.shape[1], key.shape[1]) if causal else None
    out, _ = plain_attend(query, key, value, (1,), mask, None)
    scores = jnp.einsum("bqhs,bkhs->bhqk", query, key) / math.sqrt(query.shape[-1])
    scores = scores if mask is None else jnp.where(mask, scores, -1e9)
    return out, jax.nn.logsumexp(scores, -1) / math.log(2)


def plain_attend(
    query: Array,
    key: Array,
    value: Array,
    axes: tuple[int, ...],
    mask: Any,
    drop: Callable | None,
) -> tuple[Array, Callable[[], Array]]:
    """`attend` in plain jax.

    Heads are moved before the timesteps, so that both products are plain matrix products. The
    softmax denominator divides the output instead of the weights: one pass less over the largest
    array.
    """
    rest = [axis for axis in range(query.ndim - 1) if axis not in axes]  # batch and heads
    order = [*rest, *axes, query.ndim - 1]
    q, k, v = (x.transpose(order) for x in (query, key, value))
    queries, keys = q.shape[len(rest) : -1], k.shape[len(rest) : -1]
    q, k, v = (
        x.reshape(*x.shape[: len(rest)], math.prod(x.shape[len(rest) : -1]), x.shape[-1])
        for x in (q, k, v)
    )
    q = q * jnp.asarray(1 / math.sqrt(max(q.shape[-1], 1)), q.dtype)
    scores = dots(q, k, b_axis=1)
    if mask is not None:
        scores = jnp.where(_flat(mask, len(rest), queries, keys), scores, -1e9)
    largest = jnp.max(scores, -1, keepdims=True, initial=-jnp.inf)
    powers = jnp.exp(scores - lax.stop_gradient(largest))
    total = jnp.sum(powers, -1, keepdims=True, initial=1 if 0 in keys else 0)
    used = powers if drop is None else drop(powers, training=True)
    out = (dots(used.astype(v.dtype), v) / total).astype(v.dtype)
    out = out.reshape(*out.shape[: len(rest)], *queries, out.shape[-1])

    def weights() -> Array:
        shares = (powers / total).astype(query.dtype)
        return shares.reshape(*shares.shape[: len(rest)], *queries, *keys)

    return out.transpose([order.index(axis) for axis in range(out.ndim)]), weights


def _flat(mask: Array, before: int, queries: tuple, keys: tuple) -> Array:
    """A mask with as many leading axes as the scores, and one axis each for queries and keys."""
    ends = len(queries) + len(keys)
    mask = jnp.expand_dims(mask, tuple(range(mask.ndim - ends, before)))
    front = mask.shape[:before]
    mask = jnp.broadcast_to(mask, (*front, *queries, *keys))
    return mask.reshape(*front, math.prod(queries), math.prod(keys))
