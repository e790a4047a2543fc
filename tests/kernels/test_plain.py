"""The switch to the plain versions."""

import jax
import pytest

from hornbook.kernels import conv, embedding, plain, pooling, product, recurrent, wants_plain
from tests.kernels.helper import random

SIX = (6, 6)
CALLS = {
    "conv": (lambda x: conv.conv(x, random(3, 2, 2), (1,), "same", (1,)), (2, 5, 2)),
    "max_pool": (lambda x: pooling.max_pool(x, (2,), (2,), "same"), (2, 5, 2)),
    "avg_pool": (lambda x: pooling.avg_pool(x, (2,), (2,), "same"), (2, 5, 2)),
    "lookup": (lambda x: embedding.lookup(x, jax.numpy.array([1])), SIX),
    "product": (lambda x: product.product(x, x), SIX),
    "simple_rnn": (lambda x: recurrent.simple_rnn(x[None], x[:1], x, x, None), SIX),
    "gru": (lambda x: recurrent.gru(x[None], x[:1, :2], x, x[:2], None), SIX),
    "lstm": (lambda x: recurrent.lstm(x[None, :, :2], x[:1, :1], x[:1, :1],
                                      x[:2, :4], x[:1, :4], None), SIX),
}  # fmt: skip
CPU_ONLY = ("conv", "max_pool", "avg_pool")


@pytest.mark.parametrize("name", CALLS)
def test_plain_leaves_no_gradient_of_our_own(name):
    function, shape = CALLS[name]
    x = random(*shape)
    # a new function each time, because JAX caches traces
    own = name not in CPU_ONLY or jax.default_backend() == "cpu"
    assert ("custom_vjp" in str(jax.make_jaxpr(lambda x: function(x))(x))) == own
    with plain():
        assert "custom_vjp" not in str(jax.make_jaxpr(lambda x: function(x))(x))


def test_plain_ends_with_its_context():
    with pytest.raises(RuntimeError, match="stop"), plain():
        assert wants_plain()
        raise RuntimeError("stop")
    assert not wants_plain()
