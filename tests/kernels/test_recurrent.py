"""Recurrent kernels against the scan over their steps, and against Keras."""

import re
from functools import cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.kernels import embedding, native, plain, product, recurrent
from tests.kernels.helper import assert_close, check, random, value_and_gradients

pytestmark = pytest.mark.usefixtures("kernels")

BATCH, STEPS, FEATURES, UNITS = 3, 5, 4, 6
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], bool)


@pytest.fixture(autouse=True)
def once(request, kernels):
    """A layer without compiled kernels, and a dtype, is tried once."""
    case = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    without = case.get("name") == "simple_rnn" or case.get("dtype") == "bfloat16"
    if case.get("kernels") == "compiled" and without:
        pytest.skip("no compiled kernels: the same as XLA")


# name: (function, number of gates, number of states, shape of the bias)
LAYERS = {
    "lstm": (recurrent.lstm, 4, 2, (4 * UNITS,)),
    "gru": (recurrent.gru, 3, 1, (2, 3 * UNITS)),
    "gru_before": (partial(recurrent.gru, reset_after=False), 3, 1, (3 * UNITS,)),
    "simple_rnn": (recurrent.simple_rnn, 1, 1, (UNITS,)),
}


def arguments(name, dtype="float32", bias=True):
    _, gates, count, bias_shape = LAYERS[name]
    width = gates * UNITS
    return (
        random(BATCH, STEPS, FEATURES, dtype=dtype),
        *(random(BATCH, UNITS, dtype=dtype, seed=i) for i in range(count)),
        random(FEATURES, width, dtype=dtype, scale=0.5),
        random(UNITS, width, dtype=dtype, scale=0.4),
        *([random(*bias_shape, dtype=dtype, scale=0.5)] if bias else []),
    )


def call(name, *arguments, bias=True, **options):
    return LAYERS[name][0](*arguments, *([] if bias else [None]), **options)


@pytest.mark.parametrize(
    ("reverse", "masked", "dtype"),
    [
        (False, None, "float32"),
        (True, "repeat", "float32"),
        (False, "zero", "float32"),
        (True, "zero", "bfloat16"),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_agrees_with_the_scan(name, reverse, masked, dtype):
    options = {"reverse": reverse, "zero_output_for_mask": masked == "zero"}
    mask = None if masked is None else jnp.asarray(MASK)
    check(partial(call, name, mask=mask, **options), *arguments(name, dtype))


@pytest.mark.parametrize("masked", [None, "repeat", "zero"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_last_output_alone_agrees_with_the_scan(name, masked):
    options = {"return_sequences": False, "zero_output_for_mask": masked == "zero"}
    mask = None if masked is None else jnp.asarray(MASK)
    check(partial(call, name, mask=mask, **options), *arguments(name))


@pytest.mark.parametrize("name", LAYERS)
def test_without_bias_and_unrolled(name):
    check(partial(call, name, bias=False, unroll=True), *arguments(name, bias=False))


# the gates use the next activation of the table, so each one is tested in both roles
PAIRS = list(pairwise([*recurrent.ACTIVATIONS, "tanh"]))


def activations(name, pair):
    roles = ("activation", "recurrent_activation")
    return dict(zip(roles[: 1 if name == "simple_rnn" else 2], pair))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("name", LAYERS)
def test_every_activation(name, pair):
    options = {"mask": jnp.asarray(MASK), "reverse": True}
    small = [array / 2 for array in arguments(name)]  # products of unbounded gates grow
    check(partial(call, name, **options, **activations(name, pair)), *small)


@pytest.mark.parametrize("dropped", ["inputs", "states", "both"])
@pytest.mark.parametrize("name", LAYERS)
def test_dropout_that_differs_between_gates_agrees_with_the_scan(name, dropped):
    gates = LAYERS[name][1]
    of_inputs, of_states = (
        jnp.round(1.5 * jax.random.uniform(jax.random.key(seed), (gates, BATCH, width)))
        for seed, width in enumerate((FEATURES, UNITS))
    )
    drop = recurrent.Masks(
        None if dropped == "states" else of_inputs, None if dropped == "inputs" else of_states
    )
    check(partial(call, name, drop=drop), *arguments(name))
    if dropped != "both":
        return
    options = {"mask": jnp.asarray(MASK), "reverse": True, "return_sequences": False}
    check(partial(call, name, drop=drop, **options), *arguments(name, "bfloat16"))


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_one_step_and_no_step(name):
    x, *rest = arguments(name)
    check(partial(call, name), x[:, :1], *rest)
    outputs, states = call(name, x[:, :0], *rest)
    assert outputs.shape == (BATCH, 0, UNITS)
    assert_close(states, rest[: LAYERS[name][2]], 0)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_under_vmap_and_inside_loops(name):
    @jax.jit
    def run(*args):
        function = partial(value_and_gradients, partial(call, name))
        alone = function(*args)
        both = jax.vmap(function)(*jax.tree.map(lambda a: jnp.stack([a, a]), args))

        def body(_, total):
            return jax.tree.map(jnp.add, total, function(*args)[1])

        start = jax.tree.map(jnp.zeros_like, alone[1])
        return alone, both, jax.lax.fori_loop(0, 2, body, start)

    expected, both, total = run(*arguments(name))
    assert_close(jax.tree.map(lambda a: np.asarray(a)[1], both), expected, 1e-5)
    assert_close(total, jax.tree.map(lambda g: 2 * np.asarray(g), expected[1]), 1e-5)


def loops_of(name, dtype="float32", **options):
    """The bodies of the compiled loops over time, forward and backward."""
    given = arguments(name, dtype)

    def loss(*given):
        outputs, *_ = call(name, *given, **options)
        return jnp.sum(outputs * outputs)

    compiled = jax.jit(jax.grad(loss, range(len(given)))).lower(*given).compile().as_text()
    names = re.findall(r"body=%?([\w.-]+)", compiled)
    bodies = (re.search(rf"^%?{re.escape(n)} .*?^}}", compiled, re.M | re.S) for n in names)
    return [body.group() for body in bodies]


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_step_copies_the_buffer_of_all_steps(name, activation):
    loops = loops_of(name, activation=activation)
    compiled = native.available() and name != "simple_rnn"  # the kernel has no loop
    assert bool(loops) != compiled
    for body in loops:
        assert not re.search(rf"\[{STEPS},{BATCH},\d+\]\S* copy\(", body)


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("name", LAYERS)
def test_no_step_widens_a_narrow_buffer_of_all_steps(name):
    loops = loops_of(name, "bfloat16")
    assert any(f"u16[{STEPS},{BATCH}," in body for body in loops)
    assert not any(f"f32[{STEPS},{BATCH}," in body for body in loops)


@pytest.mark.parametrize("name", LAYERS)
def test_large_narrow_kernels_agree_with_the_scan(name, monkeypatch):
    monkeypatch.setattr(product, "LARGE", 0)
    check(partial(call, name), *arguments(name, "bfloat16"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_rows_that_are_not_looked_up_yet_are_as_good_as_those_that_are(name, dtype):
    table, ids = random(7, FEATURES, dtype=dtype), jnp.arange(BATCH * STEPS) * 3 % 7
    ids = ids.reshape(BATCH, STEPS)

    def looked_up(table, *rest):
        return call(name, embedding.Lookup(table, ids), *rest, mask=jnp.asarray(MASK))

    def first(table, *rest):
        return call(name, embedding.lookup(table, ids), *rest, mask=jnp.asarray(MASK))

    given = table, *arguments(name, dtype)[1:]
    check(looked_up, *given)
    if dtype == "float32":

        @jax.jit
        def run(*given):
            return value_and_gradients(looked_up, *given), value_and_gradients(first, *given)

        assert_close(*run(*given), 1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_an_index_without_a_row_gives_nan_from_its_step_on_unless_masked(name, masked):
    given = random(7, FEATURES), *arguments(name)[1:]
    known = (jnp.arange(BATCH * STEPS) * 3 % 7).reshape(BATCH, STEPS)
    unknown = known.at[1, 1].set(7).at[2, 0].set(-1)

    def of(ids):
        mask = jnp.asarray(MASK) if masked else None
        return lambda table, *rest: call(name, embedding.Lookup(table, ids), *rest, mask=mask)

    if masked:
        assert not MASK[1, 1] and not MASK[2, 0]
        run = jax.jit(lambda ids, *given: value_and_gradients(of(ids), *given))
        assert_close(run(unknown, *given), run(known, *given), 1e-6)
        return
    (outputs, states), gradients = jax.jit(partial(value_and_gradients, of(unknown)))(*given)
    wanted = [[False] * 5, [False, *[True] * 4], [True] * 5]
    for unit in range(UNITS):
        np.testing.assert_array_equal(np.isnan(outputs[..., unit]), wanted)
    for state in states:
        np.testing.assert_array_equal(np.isnan(state).all(1), [False, True, True])
    assert all(np.isnan(gradient).any() for gradient in gradients)


@cache
def by_the_scan(name, looked_up):
    """The second derivative of the plain version, compiled once for both kinds of kernels."""
    with plain():
        return second_derivative(name, looked_up)


def second_derivative(name, looked_up):
    x, *rest = arguments(name)
    ids = jnp.arange(STEPS * 2).reshape(2, STEPS) % BATCH

    def total(x):
        given = embedding.Lookup(x, jnp.concatenate([ids, ids[:1]])) if looked_up else x
        return jnp.sum(call(name, given, *rest)[0] ** 2)

    def norm(x):
        return jnp.sum(jax.grad(total)(x) ** 2)

    return jax.jit(jax.grad(norm))(x[:, 0] if looked_up else x)


@pytest.mark.parametrize("looked_up", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_second_derivative(name, looked_up, long):
    if looked_up and name != "gru" and not long:
        pytest.skip("a lookup comes before all cells alike: --long")
    assert_close(second_derivative(name, looked_up), by_the_scan(name, looked_up), 1e-4)


def test_float32_weights_with_bfloat16_inputs():
    x, *rest = arguments("gru")
    outputs, _ = call("gru", x.astype("bfloat16"), *rest)
    assert outputs.dtype == "float32"


def test_bfloat16_weight_gradients_are_summed_in_float32():
    steps, units = 512, 2
    x = jnp.ones((1, steps, 1), "bfloat16")
    weights = jnp.zeros((1, units), "bfloat16"), jnp.zeros((units, units), "bfloat16")
    bias = jnp.zeros((units,), "bfloat16")
    h0 = jnp.zeros((1, units), "bfloat16")

    def loss(kernel, bias):
        out = recurrent.simple_rnn(x, h0, kernel, weights[1], bias, activation="linear")[0]
        return jnp.sum(out)

    # Summed in bfloat16 the count would stop at 256.
    d_kernel, d_bias = jax.jit(jax.grad(loss, (0, 1)))(weights[0], bias)
    assert d_kernel[0, 0] == steps
    assert d_bias[0] == steps


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_agrees_with_keras(name, go_backwards):
    keras = pytest.importorskip("keras")
    layer = {
        "lstm": keras.layers.LSTM,
        "gru": keras.layers.GRU,
        "gru_before": partial(keras.layers.GRU, reset_after=False),
        "simple_rnn": keras.layers.SimpleRNN,
    }[name](UNITS, return_sequences=True, return_state=True, go_backwards=go_backwards)
    x, *rest = arguments(name)
    count = LAYERS[name][2]
    states, weights = rest[:count], rest[count:]
    layer.build(x.shape)
    layer.set_weights([np.asarray(w) for w in weights])
    expected = layer(x, initial_state=list(states), mask=jnp.asarray(MASK))
    outputs, final = call(name, x, *rest, mask=jnp.asarray(MASK), reverse=go_backwards)
    assert_close([outputs, *final], [jnp.asarray(e) for e in expected], 2e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_unknown_batch(name):
    (batch,) = jax.export.symbolic_shape("batch")
    x, *rest = arguments(name)
    count = LAYERS[name][2]
    states = [jax.ShapeDtypeStruct((batch, UNITS), "float32")] * count
    x = jax.ShapeDtypeStruct((batch, STEPS, FEATURES), "float32")
    outputs, final = jax.eval_shape(partial(call, name), x, *states, *rest[count:])
    assert outputs.shape == (batch, STEPS, UNITS)
    assert [s.shape for s in final] == [(batch, UNITS)] * count


@pytest.mark.parametrize("name", LAYERS)
def test_unknown_batch_and_steps(name):
    batch, steps = jax.export.symbolic_shape("batch, steps")
    x, *rest = arguments(name)
    count = LAYERS[name][2]
    states = [jax.ShapeDtypeStruct((batch, UNITS), "float32")] * count
    x = jax.ShapeDtypeStruct((batch, steps, FEATURES), "float32")
    mask = jax.ShapeDtypeStruct((batch, steps), "bool")
    run = lambda mask, *a: call(name, *a, mask=mask)  # noqa: E731
    outputs, _ = jax.eval_shape(run, mask, x, *states, *rest[count:])
    assert outputs.shape == (batch, steps, UNITS)
