"""Steps so small that a run of them is compiled into one loop."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import jaxprs_in_params
from jax.extend.random import threefry_2x32

import hornbook as keras
from hornbook import layers
from hornbook.core.compiler import as_one, can_be_one, compiler_options
from hornbook.kernels import native, one_function
from hornbook.kernels.product import dots
from hornbook.training.small import SIMPLE, Runs

pytestmark = pytest.mark.skipif(not can_be_one([]), reason="on processors, with the JAX it is for")


def dense(*units, inputs=8, activation="relu", last=None):
    hidden = [layers.Dense(n, activation=activation) for n in units[:-1]]
    return [keras.Input((inputs,)), *hidden, layers.Dense(units[-1], activation=last)]


def normalized():
    return [
        keras.Input((8,)),
        layers.Dense(6, use_bias=False),
        layers.BatchNormalization(),
        layers.Dense(1),
    ]


def gelu_after_layer_norm():
    return [keras.Input((8,)), layers.LayerNormalization(), *dense(6, 1, activation="gelu")[1:]]


def dropped():
    return [keras.Input((8,)), layers.GaussianNoise(0.1), layers.Dropout(0.4), layers.Dense(1)]


def penalized():
    return [keras.Input((8,)), layers.Dense(6, "elu", kernel_regularizer="l1_l2"), layers.Dense(1)]


def embedded():
    return [keras.Input((8,)), layers.Embedding(9, 2), layers.Flatten(), layers.Dense(1)]


def recurrent():
    return [keras.Input((8,)), layers.Reshape((4, 2)), layers.SimpleRNN(3), layers.Dense(1)]


def largest():
    steps = [layers.Reshape((4, 2)), layers.Dense(3, "tanh"), layers.GlobalMaxPooling1D()]
    return [keras.Input((8,)), *steps, layers.Dense(1)]


def convolved():
    return [keras.Input((8,)), layers.Reshape((4, 2)), layers.Conv1D(2, 3), layers.Flatten()]


@pytest.fixture
def answers(monkeypatch) -> list:
    """The answers to whether steps are small, in order."""
    seen = []
    are_small = Runs.are_small

    def watched(self, *args):
        seen.append(are_small(self, *args))
        return seen[-1]

    monkeypatch.setattr(Runs, "are_small", watched)
    return seen


def trained(make, loss="mse", optimizer="adam", rows=75, batch=16, metrics=(), integers=False):
    """The history, the evaluation and all variables after three epochs; the last batch is smaller.

    Args:
        make: gives the layers.
        integers: whether the inputs are small integers.
    """
    keras.utils.set_random_seed(3)
    model = keras.Sequential(make())
    optimizer = optimizer() if callable(optimizer) else optimizer
    model.compile(optimizer, loss, metrics=list(metrics))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    x = rng.integers(0, 9, size=x.shape).astype("float32") if integers else x
    outputs = model.output_shape[1:]
    y = rng.normal(size=(rows, *outputs)) if "entropy" not in loss else rng.random(rows) < 0.5
    history = model.fit(x, y.astype("float32"), batch, epochs=3, verbose=0).history
    results = model.evaluate(x, y.astype("float32"), 16, verbose=0, return_dict=True)
    values = [np.asarray(v.value) for v in (*model.variables, *model.optimizer.variables)]
    return history, results, [v for v in values if v.dtype != np.uint32]


def assert_as_usual(run, monkeypatch):
    fast = run()
    with monkeypatch.context() as patch:
        patch.setattr(Runs, "are_small", lambda *args: False)
        usual = run()
    for one, other in zip(jax.tree.leaves(fast), jax.tree.leaves(usual), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    "run",
    [
        partial(trained, partial(dense, 30, 1)),
        partial(trained, partial(dense, 40, 1), metrics=["mae"]),
        partial(trained, partial(dense, 10, 8, 3, activation="tanh", last="sigmoid")),
        partial(trained, partial(dense, 9, 1, last="sigmoid"), "binary_crossentropy"),
        partial(
            trained,
            partial(dense, 9, 4, last="softmax"),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        ),
        partial(trained, partial(dense, 7, 1), "huber", "rmsprop"),
        partial(trained, partial(dense, 7, 1), "mae", partial(keras.optimizers.SGD, 0.1, 0.9)),
        partial(trained, partial(dense, 7, 1), "mse", partial(keras.optimizers.Adam, clipnorm=0.1)),
        partial(trained, normalized),
        partial(trained, gelu_after_layer_norm),
        partial(trained, dropped),
        partial(trained, penalized),
    ],
    ids=[
        *("regression", "wide", "deep", "binary", "classes", "rmsprop", "momentum", "clipped"),
        *("batch norm", "layer norm", "dropout", "penalty"),
    ],
)
def test_a_small_model_trains_as_usual(run, answers, monkeypatch, request):
    assert_as_usual(run, monkeypatch)
    compares = request.node.callspec.id in ("classes", "batch norm")  # floats, going back
    assert answers == [not compares, True]  # for training and evaluation


@settings(max_examples=1 + settings.default.max_examples // 5)  # each compiles four programs
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(1, 20))
def test_sizes_of_all_kinds_are_compiled(inputs, units, outputs, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hornbook.training.small.WORK", 1 << 20)
        run = partial(trained, partial(dense, units, outputs, inputs=inputs, activation="tanh"))
        assert_as_usual(partial(run, batch=batch, rows=2 * batch + 1), patch)


@pytest.mark.parametrize(
    "make",
    [embedded, recurrent, convolved, largest, partial(dense, 300, 100, 10)],
    ids=["scatter", "loop", "convolution", "equal floats", "large"],
)
def test_what_is_not_small_or_not_simple_is_compiled_as_usual(make, answers):
    trained(make, integers=make is embedded)
    assert not any(answers[:1])  # whether to train; an embedding is simple going forward


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("make", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_a_small_recurrent_layer_is_traced_anew_to_be_compiled_as_usual(
    make, policy, answers, monkeypatch
):
    """Changed since it was decided whether its steps can be one function."""
    called, real = [], native.kernel_call
    monkeypatch.setattr(native, "kernel_call", lambda *a: called.append(a[0]) or real(*a))
    first = layers.Reshape((4, 2)), make(3, dtype=policy, return_sequences=True)
    trained(lambda: [keras.Input((8,)), *first, layers.Flatten(), layers.Dense(1)])
    assert not any(answers[:1])
    compiled = native.available() and policy == "float32" and make is not layers.SimpleRNN
    assert (make.__name__.lower() in called) == compiled


def test_a_larger_batch_is_find_out_for_anew(answers):
    model = keras.Sequential(dense(30, 1))
    model.compile("sgd", "mse")
    x = np.ones((2048, 8), "float32")
    for batch in (16, 1024, 16):
        model.fit(x, x[:, :1], batch, verbose=0)
    assert answers == [True, False]


def test_a_step_of_ones_own_is_small_too(answers):
    class Own(keras.Sequential):
        def train_step(self, state, data):
            trainable, *rest = state
            x, y = data
            gradients = jax.grad(lambda w: ((x @ w[0] - y) ** 2).mean())(trainable)
            new = [w - 0.1 * g for w, g in zip(trainable, gradients, strict=True)]
            return {"loss": jax.numpy.float32(0.5)}, (new, *rest)

    model = Own([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    wanted = np.float32([[1], [2], [3], [4]])
    history = model.fit(x, x @ wanted, 16, epochs=100, verbose=0).history
    assert answers == [True] and history["loss"][-1] == 0.5
    np.testing.assert_allclose(model.get_weights()[0], wanted, atol=1e-3)


def test_with_run_eagerly_nothing_is_compiled(answers):
    model = keras.Sequential(dense(3, 1))
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.ones((8, 8)), np.ones((8, 1)), verbose=0)
    assert answers == []  # it was not asked


X = np.random.default_rng(7).uniform(-0.9, 0.9, (3, 5)).astype("float32")
N = np.arange(15, dtype="int32").reshape(3, 5)
BITS = N.astype("uint32")
FORMS: dict = {  # each operation that counts as simple, of such arguments
    **{
        name: (getattr(lax, name), X)
        for name in """abs ceil cos erf erf_inv erfc exp exp2 expm1 floor is_finite log1p logistic
        neg round sign sin square tan tanh""".split()
    },
    **{name: (getattr(lax, name), X + 1) for name in ("log", "rsqrt", "sqrt")},
    **{
        name: (getattr(lax, name), X, np.float32(X[::-1] + 0.01))
        for name in "add div eq ge gt le lt max min mul ne rem sub".split()
    },
    "add_any": (jax.grad(lambda x: (jnp.sin(x) * jnp.tanh(x)).sum()), X),
    "and": (lax.bitwise_and, BITS, BITS[::-1]),
    "argmax": (partial(jnp.argmax, axis=1), X),
    "argmin": (partial(jnp.argmin, axis=0), X),
    "bitcast_convert_type": (partial(lax.bitcast_convert_type, new_dtype="uint32"), X),
    "broadcast_in_dim": (
        partial(lax.broadcast_in_dim, shape=(2, 3, 5), broadcast_dimensions=(1, 2)),
        X,
    ),
    "clamp": (partial(lax.clamp, np.float32(-0.3), max=np.float32(0.3)), X),
    "concatenate": (lambda x: lax.concatenate([x, x + 1], 1), X),
    "convert_element_type": (partial(lax.convert_element_type, new_dtype="int32"), X * 9),
    "copy": (partial(jnp.array, copy=True), X),
    "dot_general": (lambda x: lax.dot(x, x.T), X),
    "dynamic_slice": (lambda x, n: lax.dynamic_slice(x, (n[0, 1], n[0, 2]), (1, 2)), X, N),
    "dynamic_update_slice": (lambda x, n: lax.dynamic_update_slice(x, x[:1], (n[0, 2], 0)), X, N),
    "gather": (lambda x, n: x[n[0, :3]], X, N),
    "hornbook_dots": (lambda x: dots(x, x, 0, 0), X),
    "integer_pow": (lambda x: lax.integer_pow(x, 3), X),
    "iota": (lambda x: x + lax.iota("float32", 5), X),
    "not": (lax.bitwise_not, N > 3),
    "optimization_barrier": (lax.optimization_barrier, X),
    "or": (lax.bitwise_or, BITS, BITS[::-1]),
    "pad": (lambda x: lax.pad(x, np.float32(0), [(1, 2, 0), (0, 0, 1)]), X),
    "pow": (lax.pow, X + 1, X),
    "random_bits": (lambda: jax.random.bits(jax.random.key(3), (7,)),),
    "random_fold_in": (lambda: jax.random.bits(jax.random.fold_in(jax.random.key(3), 4), (7,)),),
    "random_seed": (lambda: jax.random.bits(jax.random.key(jnp.int32(9)), (7,)),),
    "random_split": (lambda: jax.random.bits(jax.random.split(jax.random.key(3))[1], (7,)),),
    "random_unwrap": (lambda: jax.random.key_data(jax.random.fold_in(jax.random.key(3), 4)),),
    "random_wrap": (lambda b: jax.random.bits(jax.random.wrap_key_data(b[0, :2]), (7,)), BITS),
    "reduce_and": (partial(jnp.all, axis=1), X > -0.5),
    "reduce_max": (partial(jnp.max, axis=1), X),
    "reduce_min": (partial(jnp.min, axis=0), X),
    "reduce_or": (partial(jnp.any, axis=0), X > 0.5),
    "reduce_sum": (partial(jnp.sum, axis=1), X),
    "reshape": (lambda x: x.reshape(5, 3), X),
    "rev": (lambda x: lax.rev(x, (0, 1)), X),
    "select_n": (lax.select_n, X > 0, X, -X),
    "shift_left": (lax.shift_left, BITS, BITS % 4),
    "shift_right_arithmetic": (lax.shift_right_arithmetic, N - 7, N % 4),
    "shift_right_logical": (lax.shift_right_logical, BITS, BITS % 4),
    "slice": (lambda x: lax.slice(x, (0, 1), (3, 5), (2, 1)), X),
    "squeeze": (lambda x: lax.squeeze(x[:1], (0,)), X),
    "stop_gradient": (lambda x: lax.stop_gradient(x) * 2, X),
    "threefry2x32": (lambda b: threefry_2x32(b[0, :2], b[1]), BITS),
    "transpose": (lambda x: x.T, X),
    "xor": (lax.bitwise_xor, BITS, BITS[::-1]),
}


def test_what_turns_out_not_to_be_needed_does_no_harm():
    def loop(x, y, turns):
        def body(carry):
            lax.dynamic_slice(y, (carry[0],), (3,))  # and is dropped
            return carry[0] + 1, jnp.sin(carry[1]) + x

        return lax.while_loop(lambda carry: carry[0] < turns, body, (0, x))

    compiled = jax.jit(
        lambda *args: as_one(loop, *args), compiler_options=compiler_options(whole=True)
    )
    (_, found), _ = compiled(X, X[0], 2)
    np.testing.assert_allclose(found, np.sin(np.sin(X) + X) + X, rtol=1e-5)


def operations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jaxprs_in_params(equation.params):
            yield from operations(inner)


@pytest.mark.parametrize("name", sorted(SIMPLE))
def test_an_operation_that_counts_as_simple_can_be_part_of_the_function(name):
    function, *args = FORMS[name]

    def twice(*args):  # in a loop, as all of them are
        def body(carry):
            return carry[0] + 1, function(*args)

        zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(function, *args))
        return lax.while_loop(lambda carry: carry[0] < 2, body, (0, zeros))[1]

    with one_function():
        assert name in operations(jax.make_jaxpr(function)(*args).jaxpr)
        compiled = jax.jit(
            lambda *args: as_one(twice, *args), compiler_options=compiler_options(whole=True)
        )
        found, _ = compiled(*args)
    np.testing.assert_allclose(found, function(*args), rtol=1e-5, atol=1e-6)
