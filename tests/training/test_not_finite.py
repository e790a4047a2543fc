"""A non-finite gradient with a finite loss: weights are kept, and the layer is named."""

import warnings

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, ops
from hornbook.kernels.finite import sizes
from hornbook.kernels.product import dot


class Norm(layers.Layer):
    """Its derivative at zero is NaN."""

    def call(self, x):
        return ops.sqrt(ops.sum(x * x, -1, keepdims=True))


X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
X[40] = 0
Y = np.ones((64, 1), "float32")

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "sgd": lambda: keras.optimizers.SGD(0.01),
    "clipnorm": lambda: keras.optimizers.RMSprop(0.01, clipnorm=1.0),
    "clipvalue": lambda: keras.optimizers.SGD(0.01, clipvalue=0.5),
    "ema": lambda: keras.optimizers.Adam(0.01, use_ema=True),
    "accumulated": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "weight decay": lambda: keras.optimizers.AdamW(0.01),
}


def make(optimizer="sgd", units=3, **settings):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(units, use_bias=False, name="before"),
            Norm(name="norm"),
            layers.Dense(1, name="after"),
        ]
    )
    model.compile(optimizer, "mse", **settings)
    return model


# Adam does not write out the gradient of a large kernel.
@pytest.mark.parametrize(
    "optimizer, units", [*((name, 3) for name in OPTIMIZERS), ("adam", 70_000)]
)
def test_the_run_ends_at_that_batch_with_the_weights_before(optimizer, units):
    whole, wanted = make(OPTIMIZERS[optimizer](), units), make(OPTIMIZERS[optimizer](), units)
    wanted.set_weights(whole.get_weights())
    rows = np.r_[0:32, 48:64]  # all batches but the bad one
    with pytest.warns(RuntimeWarning, match="batch 2"):
        whole.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    wanted.fit(X[rows], Y[rows], batch_size=16, shuffle=False, verbose=0)
    assert int(whole.optimizer.iterations) == int(wanted.optimizer.iterations)
    for one, other in zip(
        [*whole.get_weights(), *whole.optimizer.variables],
        [*wanted.get_weights(), *wanted.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_what_is_said_is_true_and_names_the_layer():
    said = (
        r"batch 2: the loss is finite, but not all its gradients are; that of the weight "
        r"'before/kernel' of layer 'before' \(Dense\) is not.*left as they were"
    )
    with pytest.warns(RuntimeWarning, match=said) as caught:
        history = make().fit(X, Y, batch_size=16, shuffle=False, epochs=3, verbose=0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isfinite(history.history["loss"]).all()


def test_one_batch_is_watched_too():
    model = make("adam")
    before = model.get_weights()
    model.train_on_batch(X[40:48], Y[40:48])
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(model.optimizer.iterations) == 0


def test_the_rows_of_an_embedding_are_watched():
    model = keras.Sequential(
        [
            keras.Input((3,), dtype="int32"),
            layers.Embedding(1000, 4, embeddings_initializer="zeros", name="table"),
            layers.Flatten(),
            Norm(),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    ids = np.arange(24).reshape(8, 3)
    with pytest.warns(RuntimeWarning, match="gradients are; that of the weight 'table/embeddings'"):
        model.fit(ids, np.ones((8, 1)), batch_size=4, verbose=0)
    assert all(np.isfinite(value).all() for value in model.get_weights())
    assert int(model.optimizer.iterations) == 0


def test_an_optimizer_that_handles_them_itself_is_left_alone():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=8.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(optimizer)
        model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    assert float(optimizer.dynamic_scale) == 4.0
    assert all(np.isfinite(value).all() for value in model.get_weights())


def test_what_clipping_makes_finite_is_finite():
    class Steep(layers.Layer):
        def call(self, x):
            @jax.custom_vjp
            def same(x):
                return x

            same.defvjp(lambda x: (x, None), lambda _, d: (d * np.inf,))
            return same(x)

    model = keras.Sequential([keras.Input((4,)), layers.Dense(1), Steep()])
    model.compile(keras.optimizers.SGD(0.5, clipvalue=1.0), "mse")
    before = model.layers[0].bias.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(np.ones((4, 4)), np.full((4, 1), 9.0), batch_size=4, verbose=0)
    np.testing.assert_allclose(model.layers[0].bias.numpy() - before, 0.5)


def test_a_step_of_ones_own_is_watched():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.before, self.norm = layers.Dense(3, use_bias=False), Norm()

        def call(self, x):
            return self.norm(self.before(x))

        def train_step(self, state, data):
            return super().train_step(state, data)

    model = Model()
    model.compile("sgd", "mse")
    model.predict(X, verbose=0)
    with pytest.warns(
        RuntimeWarning, match="batch 2: the loss, or a weight after the step, is not"
    ):
        model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    assert all(np.isfinite(value).all() for value in model.get_weights())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (70_001,)])
def test_one_number_among_many_is_found(value, dtype, shape):
    arrays = [np.ones(4, "float32"), np.full(shape, 8192, dtype)]
    assert 8192 <= float(jax.jit(sizes)(arrays)) < np.inf
    arrays[1].reshape(-1)[-1] = value
    found = float(jax.jit(sizes)(arrays))
    assert np.isnan(found) if np.isnan(value) else found == np.inf


@pytest.mark.parametrize("place", [0, 1])
def test_one_number_in_a_factor_is_found(place):
    @jax.jit
    def found(x, kernel, d):
        _, back = jax.vjp(lambda kernel: dot(x, kernel), kernel)
        return sizes(back(d))

    pair = [np.ones((8, 300), "float32"), np.ones((8, 200), "float32")]
    kernel = np.ones((300, 200), "float32")
    assert 8 <= float(found(pair[0], kernel, pair[1])) < np.inf
    pair[place][7, -1] = np.nan
    assert np.isnan(float(found(pair[0], kernel, pair[1])))
