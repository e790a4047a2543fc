"""Attention in heads, compiled and written out, against numpy and against each other."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.kernels import native, plain
from hornbook.kernels.attention import attend, causal_mask
from tests.kernels.helper import assert_close, random, value_and_gradients

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
steps, sizes = st.integers(1, 150), st.integers(1, 70)


def heads(query, key, value, mask=None, causal=False):
    mask = causal_mask(query.shape[1], key.shape[1]) if causal else mask
    return attend(query, key, value, (1,), mask, None)[0]


def arguments(batch, queries, keys, count, size, values, **kind):
    shapes = (queries, count, size), (keys, count, size), (keys, count, values)
    return [random(batch, *shape, seed=i, **kind) for i, shape in enumerate(shapes)]


def by_numpy(query, key, value, causal):
    """The formula in float64, one head of one sample at a time."""
    q, k, v = (np.asarray(x, "float64").transpose(0, 2, 1, 3) for x in (query, key, value))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(*scores.shape[2:], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True) @ v).transpose(0, 2, 1, 3)


def assert_agrees(*given, causal=False, tolerance=2e-5):
    """Outputs and gradients of the kernel are those of the formula."""

    @jax.jit  # both in one program
    def run(*given):
        function = partial(heads, causal=causal)
        fast = value_and_gradients(function, *given)
        with plain():
            return fast, value_and_gradients(function, *given)

    lowered = run.lower(*given)
    assert "hornbook_attention_back" in lowered.as_text()
    fast, slow = lowered.compile()(*given)
    assert_close(fast, slow, tolerance)
    out = np.asarray(fast[0], "float32")
    np.testing.assert_allclose(out, by_numpy(*given, causal), rtol=5 * tolerance, atol=tolerance)


@needs_kernels
@given(st.integers(1, 3), steps, steps, st.integers(1, 3), sizes, sizes, st.booleans())
def test_kernel_of_any_shape_agrees_with_the_formula(
    batch, queries, keys, count, size, values, causal
):
    assert_agrees(*arguments(batch + 3, queries, keys, count, size, values), causal=causal)


@needs_kernels
@pytest.mark.parametrize("causal, queries, keys", [(False, 700, 300), (True, 200, 260)])
def test_many_queries_in_blocks(causal, queries, keys):
    assert_agrees(*arguments(1, queries, keys, 4, 32, 32), causal=causal)


@needs_kernels
def test_narrow_floats_are_widened_for_the_kernel():
    given = arguments(2, 60, 70, 2, 16, 16, dtype="bfloat16")
    assert_agrees(*given, causal=True, tolerance=1e-2)


@needs_kernels
def test_scores_far_from_each_other():
    assert_agrees(*arguments(2, 40, 60, 2, 16, 16, scale=6))


@needs_kernels
def test_no_number_stays_none():
    query, key, value = arguments(2, 20, 33, 2, 16, 16)
    out, gradients = value_and_gradients(heads, query.at[1, 4, 1, 2].set(jnp.nan), key, value)
    assert np.isnan(out[1, 4, 1]).all() and np.isnan(gradients[1][1, :, 1]).all()
    assert np.isfinite(out.at[1, 4, 1].set(0)).all() and np.isfinite(gradients[1][0]).all()


@needs_kernels
def test_steps_along_several_axes():
    query, key, value = (x.reshape(2, 3, 4, 2, 8) for x in arguments(2, 12, 12, 2, 8, 8))
    out = attend(query, key, value, (1, 2), None, None)[0]
    with plain():
        np.testing.assert_allclose(
            out, attend(query, key, value, (1, 2), None, None)[0], rtol=1e-5, atol=1e-6
        )


@needs_kernels
@pytest.mark.parametrize("causal", [False, True])
def test_gradients_of_gradients(causal):
    def norm(*given):
        loss = lambda *given: jnp.sum(jnp.sin(heads(*given, causal=causal)))  # noqa: E731
        gradients = jax.grad(loss, (0, 1, 2))(*given)
        return sum(jnp.sum(g**2) for g in gradients)

    given = arguments(2, 9, 11, 2, 8, 8)
    fast = jax.jit(jax.grad(norm, (0, 1, 2)))(*given)
    with plain():
        slow = jax.jit(jax.grad(lambda *given: norm(*given), (0, 1, 2)))(*given)
    assert_close(fast, slow, 1e-4)


@needs_kernels
def test_the_weights_are_told_as_well():
    given = arguments(2, 9, 11, 2, 8, 8)
    _, weights = attend(*given, (1,), None, None)
    with plain():
        np.testing.assert_allclose(
            weights(), attend(*given, (1,), None, None)[1](), rtol=1e-5, atol=1e-7
        )


@needs_kernels
def test_what_the_kernel_does_not_take_is_written_out():
    def compiled(*given, **options):
        return (
            "hornbook_attention" in jax.jit(lambda *x: heads(*x, **options)).lower(*given).as_text()
        )

    given = arguments(2, 9, 11, 2, 8, 8)
    assert compiled(*given)
    assert compiled(*given, causal=True)
    assert not compiled(*given, mask=jnp.ones((2, 9, 11), bool))
    assert not compiled(*given, mask=causal_mask(9, 11) & True)  # another mask, for all it knows
    assert not compiled(*arguments(1, 9, 11, 2, 8, 8))  # too few heads to share
    drop = attend(*given, (1,), None, lambda weights, training: weights)[0]
    np.testing.assert_allclose(drop, heads(*given), rtol=1e-4, atol=1e-6)


@needs_kernels
def test_shapes_that_do_not_fit_are_an_error():
    query, key, value = arguments(2, 9, 11, 2, 8, 8)
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        native.attention(query, key[:, :5], value)
