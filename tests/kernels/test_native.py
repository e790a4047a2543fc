"""The compiled kernels against numpy, with every shape of edge, and what stands in where there
are none."""

import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.variable import Variable, bind
from hornbook.kernels import native, plain
from hornbook.kernels.conv import conv
from hornbook.kernels.embedding import Lookup, lookup
from hornbook.kernels.native.adam import AT_ONCE
from hornbook.kernels.native.sources import digest
from hornbook.kernels.product import dot, multiplier
from hornbook.kernels.recurrent import gru, lstm
from hornbook.optimizers import Adam, AdamW

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
sizes = st.integers(1, 150)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def assert_product(actual, a, b):
    exact = a.astype("float64") @ b
    scale = np.abs(a).astype("float64") @ np.abs(b)
    assert np.all(np.abs(actual - exact) <= 1e-6 * scale + 1e-30)


@needs_kernels
@given(sizes, sizes, sizes, st.booleans(), st.booleans())
def test_product_of_any_shape(rows, depth, columns, a_transposed, b_transposed):
    a, b = draw(rows, depth), draw(depth, columns, seed=1)
    out = native.product(
        jnp.asarray(a.T if a_transposed else a),
        jnp.asarray(b.T if b_transposed else b),
        a_transposed,
        b_transposed,
    )
    assert_product(out, a, b)


@needs_kernels
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("rows", "depth", "columns"), [(64, 256, 1024), (300, 2100, 70), (1000, 33, 257), (9, 3000, 33)]
)
def test_large_products_in_blocks_and_parts(rows, depth, columns, transposed):
    a, b = draw(rows, depth), draw(depth, columns, seed=1)
    given_b = jnp.asarray(b.T if transposed else b)
    assert_product(native.product(jnp.asarray(a), given_b, False, transposed), a, b)
    assert_product(native.product(jnp.asarray(a.T), given_b, True, transposed), a, b)
    packed = native.pack(given_b, transposed)
    assert_product(native.product_packed(jnp.asarray(a), packed, columns), a, b)


@needs_kernels
@given(sizes, sizes, sizes, st.booleans(), st.booleans(), st.sampled_from([0.2, 0.6, 0.95, 1.0]))
def test_products_with_many_zeros_are_the_same(rows, depth, columns, a_transposed, relu, zeros):
    """Terms that are zero in eight rows at once are skipped, wherever they are."""
    a, b = draw(rows, depth), draw(depth, columns, seed=1)
    random = np.random.default_rng(rows)
    a[np.repeat(random.random((rows // 8 + 1, depth)) < zeros, 8, 0)[:rows]] = 0
    a[:, random.random(depth) < 0.1] = -0.0
    if relu:
        out = native.dense(jnp.asarray(a), jnp.asarray(b), jnp.zeros(columns))
        exact = np.maximum(a.astype("float64") @ b, 0)
        np.testing.assert_allclose(out, exact, rtol=1e-5, atol=1e-5)
    else:
        left = jnp.asarray(a.T if a_transposed else a)
        assert_product(native.product(left, jnp.asarray(b), a_transposed), a, b)


@needs_kernels
def test_zeros_are_left_out_of_a_product_and_nan_is_not():
    a, b = np.zeros((16, 64), "float32"), draw(64, 96)
    a[:, 3] = 1
    b[9] = np.nan
    np.testing.assert_array_equal(native.product(jnp.asarray(a), jnp.asarray(b)), b[[3] * 16])
    a[10, 20] = np.nan
    out = np.asarray(native.product(jnp.asarray(a), jnp.asarray(b)))
    assert np.isnan(out[10]).all() and not np.isnan(out[:8]).any()


@needs_kernels
@given(sizes, sizes, sizes, st.booleans())
def test_packed_product_of_any_shape(rows, depth, columns, transposed):
    a, b = draw(rows, depth), draw(depth, columns, seed=1)
    packed = native.pack(jnp.asarray(b.T if transposed else b), transposed)
    assert_product(native.product_packed(jnp.asarray(a), packed, columns), a, b)


@needs_kernels
def test_a_product_is_the_same_at_every_call():
    a, b = jnp.asarray(draw(64, 700)), jnp.asarray(draw(700, 900))
    product = jax.jit(native.product)
    first = np.asarray(product(a, b))
    for _ in range(200):
        np.testing.assert_array_equal(product(a, b), first)


@needs_kernels
def test_products_from_many_threads_at_once():
    product = jax.jit(native.product)
    a, b = draw(64, 256), draw(256, 300, seed=1)

    def work(seed):
        mine = a + seed
        return all(
            np.allclose(product(jnp.asarray(mine), jnp.asarray(b)), mine @ b, rtol=1e-4, atol=1e-2)
            for _ in range(30)
        )

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(12)))


@needs_kernels
def test_shapes_that_do_not_fit_are_an_error():
    call = jax.ffi.ffi_call("hornbook_product", jax.ShapeDtypeStruct((1, 4, 4), jnp.float32))
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        call(jnp.ones((1, 4, 3)), jnp.ones((1, 5, 4)), a_transposed=False, b_transposed=False)


def by_kernel(function, *args) -> bool:
    return "hornbook_" in jax.jit(function).lower(*args).as_text()


@needs_kernels
@pytest.mark.parametrize("b_axis", [0, 1])
@pytest.mark.parametrize("a_axis", [0, 1])
def test_dot_by_kernel_agrees_with_xla_in_every_derivative(a_axis, b_axis):
    a, b = draw(*((80, 64) if a_axis else (64, 80))), draw(*((48, 64) if b_axis else (64, 48)))
    tangents = draw(*a.shape, seed=2), draw(*b.shape, seed=3)
    function = partial(dot, a_axis=a_axis, b_axis=b_axis)
    assert by_kernel(function, a, b)

    def everything(a, b):
        def loss(a, b):
            return jnp.sum(jnp.sin(function(a, b) / 20))

        def norm(a, b):
            return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 1))(a, b))

        return (
            function(a, b),
            jax.grad(loss, (0, 1))(a, b),
            jax.jvp(loss, (a, b), tangents),
            jax.grad(norm, (0, 1))(a, b),
            jax.vmap(function, (None, 0))(a, jnp.stack([b, 2 * b])),
            jax.vmap(function, (-1, None))(jnp.stack([a, 2 * a], -1), b),
        )

    @jax.jit
    def run(a, b):
        fast = everything(a, b)
        with plain():
            return fast, everything(a, b)

    fast, slow = run(a, b)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), fast, slow)


@needs_kernels
@pytest.mark.parametrize("transposed", [False, True])
def test_multiplier_and_its_gradient_agree_with_the_product(transposed):
    a, b = draw(16, 64), draw(*((96, 64) if transposed else (64, 96)), seed=1)

    def loss(times, a, b):
        return jnp.sum(jnp.sin(times(b)(a) / 10))

    @jax.jit
    def run(a, b):
        gradients = jax.value_and_grad(loss, (1, 2))
        product = lambda b: lambda a: a @ (b.T if transposed else b)  # noqa: E731
        return gradients(partial(multiplier, transposed=transposed), a, b), gradients(product, a, b)

    fast, slow = run(a, b)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), fast, slow)
    assert by_kernel(lambda a, b: multiplier(b, transposed)(a), a, b)


@needs_kernels
def test_what_the_kernels_do_not_take_goes_to_xla():
    a = draw(64, 64)
    assert by_kernel(dot, a, a)
    with plain():
        assert not by_kernel(lambda a, b: dot(a, b), a, a)
    assert not by_kernel(dot, a.astype("bfloat16"), a.astype("bfloat16"))
    assert not by_kernel(dot, a[:4], a)  # too few rows
    assert not by_kernel(dot, a[:, :8], a[:8])  # too little work
    assert by_kernel(partial(dot, a_axis=0), a[:, :8], a)  # sums over rows pay with little work
    assert by_kernel(partial(dot, a_axis=0), draw(512, 256), draw(512, 1024))
    large = draw(1024, 256), draw(1024, 1024)
    assert by_kernel(partial(dot, a_axis=0), *large) == (native.lanes() < 16)
    few = draw(1100, 400), draw(1100, 400)  # columns
    assert by_kernel(partial(dot, a_axis=0), *few)
    assert by_kernel(dot, draw(512, 256), draw(256, 80))
    assert not by_kernel(dot, a, draw(64, 8192))  # a large matrix for few rows


@needs_kernels
def test_calls_from_many_threads_at_once_do_not_meet():
    """Each on its own data; there are more threads than jobs (`team.h`), so the last run alone."""
    x, kernel = draw(96, 300), draw(300, 400)
    states = draw(64, 128), draw(64, 128)
    sequence = draw(64, 5, 40), *states, draw(40, 512) / 6, draw(128, 512) / 11, draw(512)
    run = jax.jit(lambda x, kernel, *sequence: (dot(x, kernel), lstm(*sequence)))
    mine = [(x + i, kernel, sequence[0] * i, *sequence[1:]) for i in range(12)]
    wanted = [jax.tree.map(np.asarray, run(*given)) for given in mine]

    def again(i):
        for _ in range(20):
            jax.tree.map(np.testing.assert_array_equal, run(*mine[i]), wanted[i])
        return i

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(again, range(12))) == list(range(12))


CELLS = {  # gates, states, bias in units
    "lstm": (lstm, 4, 2, (4,)),
    "gru": (gru, 3, 1, (2, 3)),
    "gru_before": (partial(gru, reset_after=False), 3, 1, (3,)),
}
USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid"}
cells = pytest.mark.parametrize("name", CELLS)


def assert_recurrence_agrees(
    name, steps, batch, units, masked, reverse, bias, features=7, rows=0, **activations
):
    """Outputs, final states and every gradient, with the kernel and without.

    Where there are `rows`, the input is looked up in a table of so many.
    """
    function, gates, states, bias_shape = CELLS[name]
    x = draw(rows, features) if rows else draw(batch, steps, features)
    ids = np.random.default_rng(7).integers(0, rows, (batch, steps)) if rows else None
    kernel = draw(features, gates * units, seed=1) / np.sqrt(features).astype("float32")
    initial = [draw(batch, units, seed=2 + i) for i in range(states)]
    recurrent = draw(units, gates * units, seed=4) / np.sqrt(units).astype("float32")
    bias_shape = (*bias_shape[:-1], bias_shape[-1] * units)
    given = [x, *initial, kernel, recurrent, draw(*bias_shape, seed=5) if bias else None]
    mask = draw(batch, steps, seed=6) > -0.5 if masked else None

    def loss(x, *given):
        x = x if ids is None else Lookup(x, jnp.asarray(ids))
        outputs, final = function(x, *given, mask=mask, reverse=reverse, **activations)
        total = sum(jnp.sum(jnp.sin(i * state)) for i, state in enumerate(final, 2))
        return jnp.sum(jnp.cos(outputs)) + total, (outputs, final)

    @jax.jit  # both in one program
    def run(*given):
        fast = jax.value_and_grad(loss, range(3 + states + bias), has_aux=True)(*given)
        with plain():
            return fast, jax.value_and_grad(loss, range(3 + states + bias), has_aux=True)(*given)

    lowered = run.lower(*given)
    text = lowered.as_text()
    assert f"hornbook_{name}" in text and f"hornbook_{name}_back" in text
    fast, slow = lowered.compile()(*given)
    scale = np.sqrt(batch * steps)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * scale),
        fast,
        slow,
    )


@needs_kernels
@cells
@settings(max_examples=settings().max_examples // 2)
@given(
    steps=st.integers(1, 6),
    batch=st.integers(1, 40),
    units=st.integers(1, 70),
    masked=st.booleans(),
    reverse=st.booleans(),
    bias=st.booleans(),
    rows=st.sampled_from([0, 1, 9]),
)
def test_recurrences_of_any_shape_agree_with_the_scan(name, **given):
    assert_recurrence_agrees(name, **given)


@needs_kernels
@cells
@pytest.mark.parametrize(
    ("batch", "units", "features", "rows", "masked"),
    [
        (64, 128, 7, 0, False),
        (53, 250, 7, 0, True),
        (64, 250, 7, 20, True),
        (5, 300, 7, 0, False),
        (60, 40, 300, 0, False),
        (130, 200, 9, 40, True),
    ],
)
def test_large_recurrences_in_parts_of_samples_and_of_units(
    name, batch, units, features, rows, masked
):
    assert_recurrence_agrees(name, 7, batch, units, masked, True, True, features, rows)


@needs_kernels
@cells
@pytest.mark.parametrize(("batch", "units"), [(3, 5), (53, 250)])
def test_nan_goes_from_a_step_of_a_sample_to_its_later_ones_and_to_no_other(name, batch, units):
    function, gates, states, bias_shape = CELLS[name]
    x = draw(batch, 6, 7)
    x[1, 2, 3] = np.nan
    initial = [draw(batch, units, seed=i) for i in range(states)]
    kernels = draw(7, gates * units), draw(units, gates * units)
    bias = draw(*bias_shape[:-1], bias_shape[-1] * units)
    outputs, final = jax.jit(function)(x, *initial, *kernels, bias)
    expected = np.zeros((batch, 6), bool)
    expected[1, 2:] = True
    np.testing.assert_array_equal(np.isnan(outputs), expected[..., None].repeat(units, -1))
    for state in final:
        np.testing.assert_array_equal(np.isnan(state).all(-1), expected[:, -1])


@needs_kernels
@cells
@pytest.mark.parametrize(
    ("activation", "gates"),
    [("tanh", "steep_hard_sigmoid"), ("relu", "hard_sigmoid"), ("linear", "sigmoid")],
)
def test_recurrences_of_other_activations_agree_with_the_scan(name, activation, gates):
    given = {"activation": activation, "recurrent_activation": gates}
    assert_recurrence_agrees(name, 4, 9, 37, True, False, True, **given)


@needs_kernels
@pytest.mark.parametrize("which", ["activation", "recurrent_activation"])
def test_an_activation_that_the_kernels_do_not_know_is_an_error(which):
    names = {"activation": "tanh", "recurrent_activation": "sigmoid", which: "swish"}
    kernels = jnp.ones((7, 32)), jnp.ones((8, 32))
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not know"):
        native.recurrence(
            "lstm", (4,), names, draw(5, 3, 7), (draw(3, 8),) * 2, kernels, None, None
        )


@needs_kernels
def test_an_lstm_multiplies_its_input_within_the_kernel():
    x, states = draw(3, 5, 7), (draw(3, 8), draw(3, 8))
    text = jax.jit(lstm).lower(x, *states, draw(7, 32), draw(8, 32), draw(32)).as_text()
    assert "hornbook_lstm" in text and "dot_general" not in text


@needs_kernels
@cells
@pytest.mark.parametrize(
    ("x", "ids", "rows"),
    [
        ((5, 3, 7), 0, 6),  # another kernel
        ((5, 3, 7), 15, 7),  # both
        ((5, 3, 0), 14, 9),  # too few elements
        ((5, 3, 0), 15, 0),  # no rows
    ],
)
def test_inputs_of_a_recurrence_that_do_not_fit_are_an_error(name, x, ids, rows):
    _, gates, states, _ = CELLS[name]
    kept = {"lstm": [4], "gru": [2, 1, 1], "gru_before": [2, 1, 1]}[name]
    results = [(5, 3, 8 * width) for width in kept + [1] * states] + [(3, 8)] * states
    call = jax.ffi.ffi_call(
        f"hornbook_{name}", [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in results]
    )
    initial = [jnp.ones((3, 8))] * states
    kernels = jnp.ones((rows, 8 * gates)), jnp.ones((8, 8 * gates))
    rest = jnp.ones(0), jnp.ones(0, bool)
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        call(jnp.ones(x), jnp.zeros(ids, jnp.int32), *kernels, *rest, *initial, **USUAL)


@needs_kernels
def test_the_gates_of_an_lstm_are_right_from_large_numbers_to_small():
    z = np.concatenate([np.linspace(-40, 40, 4001), np.logspace(-12, 0, 400)]).astype("float32")
    zero = jnp.zeros((z.size, 1))
    kernel = jnp.ones((1, 4))
    (gates,), *_ = native.recurrence(
        *("lstm", (4,), USUAL, jnp.asarray(z[None, :, None])),
        *((zero, zero), (kernel, 0 * kernel), None, None),
    )
    i, _, g, _ = np.asarray(gates)[0].T
    np.testing.assert_allclose(g, np.tanh(z.astype("float64")), rtol=5e-7)
    np.testing.assert_allclose(i, 1 / (1 + np.exp(-z.astype("float64"))), rtol=0, atol=3e-7)


def adam_steps(optimizer, shapes, steps=4) -> tuple[list, str]:
    """All variables after a few steps in one loop, and the compiled program."""
    variables = [Variable(draw(*shape, seed=i)) for i, shape in enumerate(shapes)]
    optimizer.build(variables)
    everything = [*variables, *optimizer.variables]

    def run(values):
        def step(i, values):
            with bind(dict(zip(everything, values, strict=True))) as scope:
                optimizer.apply([jnp.sin(v.raw * (i + 1)) for v in variables])
                return [scope[v] for v in everything]

        return jax.lax.fori_loop(0, steps, step, values)

    values = [v.raw for v in everything]
    lowered = jax.jit(run).lower(values)
    return lowered.compile()(values), lowered.as_text()


def assert_almost_equal(actual, exact):
    """Equal within a few roundings; 1 - 0.999 in float32 would be five times as far off."""
    np.testing.assert_allclose(actual, exact, rtol=2e-6, atol=2e-6 * np.abs(exact).max())


@needs_kernels
@given(st.lists(st.lists(st.integers(1, 40), max_size=3), min_size=1, max_size=5))
def test_adam_of_any_variables_agrees_with_its_formula(shapes):
    fast, text = adam_steps(Adam(0.01), shapes)
    with plain():
        slow, plain_text = adam_steps(Adam(0.01), shapes)
    assert "hornbook_adam" in text and "hornbook_adam" not in plain_text
    jax.tree.map(assert_almost_equal, fast, slow)


@needs_kernels
def test_adam_of_large_variables_in_parts():
    shapes = [(300, 200), (5,), (33, 1001), (1,)]
    fast, _ = adam_steps(AdamW(0.01, weight_decay=0.1), shapes)
    with plain():
        slow, _ = adam_steps(AdamW(0.01, weight_decay=0.1), shapes)
    jax.tree.map(assert_almost_equal, fast, slow)


@needs_kernels
def test_adam_of_many_variables_is_several_calls():
    shapes = [(n % 3 + 1,) for n in range(AT_ONCE + 3)]
    fast, text = adam_steps(Adam(0.01), shapes)
    assert text.count("@hornbook_adam") == 2
    with plain():
        slow, _ = adam_steps(Adam(0.01), shapes)
    jax.tree.map(assert_almost_equal, fast, slow)


@needs_kernels
def test_adam_leaves_arrays_that_are_still_needed_as_they_are():
    w = Variable(draw(50, 50))
    before, kept = w.raw, np.array(w.raw)
    Adam(0.1).apply([jnp.ones((50, 50))], [w])
    np.testing.assert_array_equal(before, kept)
    np.testing.assert_allclose(w.raw, kept - 0.1, rtol=1e-4, atol=1e-4)


class Halved(Adam):
    """An Adam with a formula of its own."""

    def update(self, gradient, value, rate, **slots):
        return super().update(gradient, value, rate / 2, **slots)


@needs_kernels
@pytest.mark.parametrize("optimizer", [partial(Adam, amsgrad=True), Halved])
def test_what_is_not_quite_adam_keeps_its_own_formula(optimizer):
    fast, text = adam_steps(optimizer(), [(4, 4)])
    with plain():
        slow, _ = adam_steps(optimizer(), [(4, 4)])
    assert "hornbook_adam" not in text
    jax.tree.map(np.testing.assert_array_equal, fast, slow)


def test_a_library_from_other_sources_is_not_used(monkeypatch):
    monkeypatch.setattr(native, "digest", lambda folder: digest(folder) + 1)
    if native.available():
        with pytest.warns(UserWarning, match=r"other sources.*pip install -e"):
            assert native.library.__wrapped__() is None


@needs_kernels
def test_a_library_for_a_later_jax_is_not_used(monkeypatch):
    def refuse(*args, **kwargs):
        raise jax.errors.JaxRuntimeError("API version (0.5) is incompatible")

    monkeypatch.setattr(jax.ffi, "register_ffi_target", refuse)
    with pytest.warns(UserWarning, match=rf"another JAX than {jax.__version__}.*0\.5.*pip install"):
        assert native.library.__wrapped__() is None


@needs_kernels
def test_float32_layers_train_where_float64_is_the_default():
    program = """
import numpy as np, hornbook as keras
from hornbook import layers
keras.config.set_floatx("float64")
narrow = {"dtype": "float32"}
ids = keras.Input((4,), dtype="int32")
words = layers.LSTM(5, use_bias=False, **narrow)(layers.Embedding(400, 6, **narrow)(ids))
image = keras.Input((8, 8, 3), dtype="float32")
seen = layers.Flatten()(layers.Conv2D(4, 3, **narrow)(image))
out = layers.Dense(1, **narrow)(layers.Concatenate(**narrow)([words, seen]))
model = keras.Model([ids, image], out)
model.compile(keras.optimizers.Adam(0.01), "mse")
random = np.random.default_rng(0)
x = random.integers(0, 400, (16, 4)), random.random((16, 8, 8, 3), "float32")
y = random.random((16, 1), "float32")
losses = model.fit(list(x), y, batch_size=8, epochs=8, verbose=0).history["loss"]
print(losses[-1] < losses[0], {str(w.dtype) for w in model.weights})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "True {'float32'}", done.stderr


def test_without_kernels_the_same_program_runs():
    program = (
        "import jax.numpy as jnp; from hornbook.kernels import native, product; "
        "assert not native.available(); "
        "print(product.multiplier(jnp.ones((64, 64)))(jnp.ones((64, 64))).sum(), "
        "product.dot(jnp.ones((64, 64)), jnp.ones((64, 64))).sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"HORNBOOK_NATIVE": "0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["262144.0", "262144.0"], done.stderr


def test_programs_for_a_gpu_hold_no_kernels_for_processors(monkeypatch):
    calls = [
        (dot, (draw(512, 256), draw(256, 80))),
        (lambda x, w: conv(x, w, (1, 1), "same", (1, 1)), (draw(4, 8, 8, 3), draw(3, 3, 3, 4))),
        (lstm, (draw(3, 5, 7), draw(3, 8), draw(3, 8), draw(7, 32), draw(8, 32), draw(32))),
        (gru, (draw(3, 5, 7), draw(3, 8), draw(7, 24), draw(8, 24), draw(2, 24))),
        (lambda table: lookup(table, jnp.zeros((64, 8), int)), (draw(84, 32),)),
    ]

    def text(function, given, *platforms):
        step = jax.jit(
            jax.grad(lambda *given: sum(map(jnp.sum, jax.tree.leaves(function(*given)))))
        )
        return step.trace(*given).lower(lowering_platforms=platforms).as_text()

    assert all(("hornbook_" in text(*call, "cpu")) == native.available() for call in calls)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not any("hornbook_" in text(*call, "cuda") for call in calls)


def test_a_library_is_not_taken_for_a_processor_without_its_instructions(monkeypatch):
    monkeypatch.setattr(native, "flags", lambda: {"sse2"})
    monkeypatch.setattr(native.platform, "machine", lambda: "x86_64")
    assert native.library.__wrapped__() is None


def test_kernels_are_compiled_where_there_is_a_compiler():
    machine = platform.machine().lower()
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    fits = any(needed <= native.flags() for needed in native.BUILDS.values())
    if not compiler or machine not in {"x86_64", "aarch64"} or not fits:
        pytest.skip("no compiler, or a processor that no library is made for")
    if os.environ.get("HORNBOOK_NATIVE") == "0":
        pytest.skip("HORNBOOK_NATIVE=0")
    assert native.library() is not None, "compile them: python -m pip install -e ."


def test_sources_that_change_have_another_number(tmp_path):
    (tmp_path / "a.cc").write_text("one")
    (tmp_path / "a.h").write_text("two")
    before = digest(tmp_path)
    (tmp_path / "a.h").write_text("three")
    assert digest(tmp_path) != before < 2**64


# --- convolutions -------------------------------------------------------------------------------


def conv_by_numpy(x, kernel, strides, pairs, dilation):
    """In float64: the sum over taps of products with the shifted, padded input."""
    x = np.pad(x.astype("float64"), ((0, 0), *pairs, (0, 0)))
    taps = kernel.shape[:2]
    out = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:3], taps, strides, dilation, strict=True)
    ]
    total = 0.0
    for tap in np.ndindex(*taps):
        start = [i * d for i, d in zip(tap, dilation, strict=True)]
        rows, columns = (
            slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(start, out, strides, strict=True)
        )
        total = total + x[:, rows, columns] @ kernel[tap].astype("float64")
    return total


@st.composite
def convolutions(draw_one):
    def pick(low, high):
        return draw_one(st.integers(low, high))

    taps, strides, dilation = ((pick(1, 3), pick(1, 3)) for _ in range(3))
    pairs = tuple((pick(0, 3), pick(0, 3)) for _ in range(2))
    reach = [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]
    size = [pick(r, r + 20) for r in reach]
    return (
        (pick(1, 9), *size, pick(1, 40)),
        (*taps, pick(1, 70)),
        (strides, pairs, dilation),
    )


@needs_kernels
@given(convolutions())
def test_convolution_and_gradients_of_any_shape(case):
    shape, (*taps, filters), (strides, pairs, dilation) = case
    x, kernel = draw(*shape), draw(*taps, shape[3], filters, seed=1)
    expected = conv_by_numpy(x, kernel, strides, pairs, dilation)
    scale = conv_by_numpy(np.abs(x), np.abs(kernel), strides, pairs, dilation)
    d = draw(*expected.shape, seed=2)

    @jax.jit
    def run(x, kernel, d):
        window = {"strides": strides, "padding": pairs, "dilation": dilation}
        actual, pull = jax.vjp(partial(conv, **window), x, kernel)
        return actual, pull(d)

    actual, gradients = run(x, kernel, d)
    assert np.all(np.abs(actual - expected) <= 2e-6 * scale + 1e-6)

    # both gradients, by their meaning: <d, conv(e, k)> = <d_x, e> and <d, conv(x, e)> = <d_k, e>
    d_x, d_kernel = (np.asarray(g, "float64") for g in gradients)
    e_x, e_kernel = draw(*shape, seed=3), draw(*kernel.shape, seed=4)
    for gradient, e, moved, absolute in (
        (d_x, e_x, (e_x, kernel), (np.abs(e_x), np.abs(kernel))),
        (d_kernel, e_kernel, (x, e_kernel), (np.abs(x), np.abs(e_kernel))),
    ):
        wanted = np.sum(d * conv_by_numpy(*moved, strides, pairs, dilation))
        size = np.sum(np.abs(d) * conv_by_numpy(*absolute, strides, pairs, dilation))
        assert abs(np.sum(gradient * e) - wanted) <= 2e-6 * size + 1e-6


@needs_kernels
def test_a_convolution_is_the_same_at_every_call():
    x, kernel = jnp.asarray(draw(16, 13, 13, 20)), jnp.asarray(draw(3, 3, 20, 40))

    def loss(x, kernel):
        return jnp.sum(conv(x, kernel, (1, 1), "same", (1, 1)) ** 2)

    run = jax.jit(jax.grad(loss, (0, 1)))
    first = jax.tree.map(np.asarray, run(x, kernel))
    for _ in range(50):
        jax.tree.map(np.testing.assert_array_equal, run(x, kernel), first)


@needs_kernels
@pytest.mark.parametrize("name", ["conv", "conv_kernel"])
def test_convolutions_whose_shapes_do_not_fit_are_an_error(name):
    ones = {
        f"{what}_{way}": np.int64(what != "before")
        for what in ("stride", "before", "dilation")
        for way in ("down", "across")
    }
    bias, more = ((jnp.zeros(0),), {"turned": False}) if name == "conv" else ((), {})
    out = jax.ShapeDtypeStruct((2, 4, 4, 7), jnp.float32)
    call = jax.ffi.ffi_call(f"hornbook_{name}", out)
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        call(jnp.ones((2, 4, 4, 3)), jnp.ones((1, 1, 5, 6)), *bias, **ones, **more)
