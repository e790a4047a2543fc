"""Dense layers with relu over many rows, by the compiled kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook.core.variable import bind
from hornbook.kernels import native, plain


@pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
@pytest.mark.parametrize("shape", [(512, 20), (16, 40, 20), (2100, 300)])
def test_dense_with_relu_over_many_rows_is_one_kernel_with_every_derivative(shape):
    layer = keras.layers.Dense(33, activation="relu", bias_initializer="normal")
    x, change = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    layer.build(shape)

    def run(x, kernel, bias):
        with bind({layer.kernel: kernel, layer.bias: bias}):
            return layer(x)

    def loss(*args):
        return jnp.sum(run(*args) ** 2)

    given = x, layer.kernel.raw, layer.bias.raw

    def everything():
        one = jax.vmap(lambda x: run(x, *given[1:]))(jnp.stack([x, change]))
        slopes = jax.grad(loss, (0, 1, 2))(*given)
        ahead = jax.jvp(lambda x: run(x, *given[1:]), (x,), (change,))
        twice = jax.grad(lambda bias: jnp.sum(jax.grad(loss)(*given[:2], bias) ** 2))(given[2])
        return one, slopes, ahead, twice

    def text():
        return jax.jit(lambda *args: run(*args)).lower(*given).as_text()

    assert "hornbook_dense" in text()
    fast = everything()
    with plain():
        assert "hornbook_dense" not in text()
        slow = everything()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), fast, slow)
