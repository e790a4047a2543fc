"""What ops do beside computing: lists, numbers, variables, symbols, control flow, errors."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import ops
from hornbook.core import settings
from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable

KERAS_NAMES = [name for name in dir(keras.ops) if not name.startswith("_")]


def test_every_public_name_of_keras_is_here():
    assert [name for name in KERAS_NAMES if not hasattr(ops, name)] == []


@pytest.mark.parametrize("family", ["numpy", "nn", "linalg", "image"])
def test_every_name_of_a_family_is_here(family):
    wanted = {n for n in dir(getattr(keras.ops, family)) if not n.startswith("_")}
    assert wanted <= set(dir(getattr(ops, family)))


FREE = {"multi_hot", "layer_normalization"}  # **kwargs there, named arguments here


def test_arguments_have_the_names_order_and_defaults_of_keras():
    def described(fn):
        parameters = inspect.signature(fn).parameters.values()
        return [(p.name, p.default) for p in parameters]

    for name in set(KERAS_NAMES) - FREE:
        theirs = getattr(keras.ops, name)
        if inspect.isfunction(theirs):
            assert described(getattr(ops, name)) == described(theirs), name


def test_an_op_knows_its_name_and_home():
    for name in KERAS_NAMES:
        fn = getattr(ops, name)
        if callable(fn):
            assert fn.__module__.startswith("hornbook.ops"), name
            assert getattr(ops, fn.__name__) is fn and fn.__doc__, name


# ---- what arguments may be


@pytest.mark.parametrize("name", ["sum", "tanh", "mean", "softmax", "sort", "relu", "transpose"])
def test_lists_are_arrays(name):
    fn = getattr(ops, name)
    np.testing.assert_array_equal(fn([[1.0, 2.0]]), fn(np.float32([[1, 2]])))


@pytest.mark.parametrize("name", ["add", "matmul", "concatenate", "where"])
def test_lists_are_arrays_in_every_place(name):
    a = [[1.0, 2.0], [3.0, 4.0]]
    array = np.float32(a)
    args, plain = {
        "concatenate": (([a, a],), ([array, array],)),
        "where": (([[True, False]] * 2, a, a), (np.array([[True, False]] * 2), array, array)),
    }.get(name, ((a, a), (array, array)))
    np.testing.assert_array_equal(getattr(ops, name)(*args), getattr(ops, name)(*plain))


def test_variables_are_arrays():
    v = Variable([1.0, 4.0])
    assert ops.sqrt(v).tolist() == [1.0, 2.0]
    assert ops.concatenate([v, v]).tolist() == [1.0, 4.0, 1.0, 4.0]
    assert ops.convert_to_tensor(v) is v.value
    assert ops.convert_to_numpy(v).tolist() == [1.0, 4.0]
    assert ops.stop_gradient(v).tolist() == [1.0, 4.0]


def test_python_numbers_are_floatx():
    try:
        settings.set_floatx("float16")
        assert ops.convert_to_tensor(1.5).dtype == "float16"
        assert ops.convert_to_tensor([1.5]).dtype == "float16"
        assert ops.zeros((2,)).dtype == "float16"
        assert ops.arange(0.0, 1.0, 0.5).dtype == "float16"
        assert ops.mean(jnp.arange(3)).dtype == "float32"
        assert ops.sqrt(jnp.arange(3)).dtype == "float16"
    finally:
        settings.set_floatx("float32")
    assert ops.convert_to_tensor(1).dtype == "int32"
    assert ops.convert_to_tensor(True).dtype == "bool"


def test_arguments_can_be_passed_by_the_names_of_keras():
    assert ops.add(x1=1, x2=2) == 3
    assert ops.sum(x=np.ones(3), axis=0, keepdims=True).shape == (1,)
    assert ops.reshape(x=np.ones(4), newshape=(2, 2)).shape == (2, 2)


# ---- shapes


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).flatmap(
        lambda sizes: st.tuples(st.just(sizes), st.permutations(sizes), st.integers(0, len(sizes)))
    )
)
def test_one_size_of_a_reshape_may_be_left_open(case):
    sizes, target, place = case
    x = np.zeros(sizes)
    for mark in (None, -1):
        opened = [mark if i == place else n for i, n in enumerate(target)]
        assert ops.reshape(x, opened).shape == tuple(target)


def test_a_further_none_of_a_reshape_is_the_size_of_the_same_axis():
    x = SymbolicTensor((None, 4, 3))
    assert ops.reshape(x, (ops.shape(x)[0], -1)).shape == (None, 12)
    assert ops.reshape(x, (-1, 6)).shape == (None, 6)


def test_shape_ndim_and_size_of_symbols():
    x = SymbolicTensor((None, 3))
    assert (ops.shape(x), ops.ndim(x), ops.size(x)) == ((None, 3), 2, None)
    assert ops.size(SymbolicTensor((2, 3))) == 6
    assert (ops.shape([[1, 2]]), ops.ndim(1.0), ops.size([1, 2])) == ((1, 2), 0, 2)


def test_a_graph_of_ops_computes_what_the_ops_compute():
    def model(x):
        h = ops.relu(ops.matmul(x, np.eye(3, dtype="float32")) - 0.5)
        left, right = ops.split(ops.concatenate([h, x], axis=1), 2, axis=1)
        return ops.where(ops.greater(left, 0), ops.mean(right, axis=1, keepdims=True), left)

    symbol, x = SymbolicTensor((None, 3)), np.random.default_rng(0).normal(size=(4, 3))
    graph = Graph(symbol, model(symbol))
    np.testing.assert_allclose(graph.run([jnp.asarray(x)]), model(x), rtol=1e-6)
    assert graph.outputs.shape == (None, 3)


def test_an_op_inside_jit_is_the_op():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for fn in (ops.softmax, ops.std, ops.normalize, ops.gelu):
        np.testing.assert_allclose(jax.jit(fn)(x), fn(x), rtol=1e-6)


# ---- control flow


def test_cond_calls_one_branch_where_the_condition_is_known():
    assert ops.cond(True, lambda: "yes", lambda: 1 / 0) == "yes"
    assert ops.cond(jnp.array(False), lambda: 1 / 0, lambda: "no") == "no"


def test_cond_is_traced_and_symbolic():
    def larger(x):
        return ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1)

    assert jax.jit(larger)(jnp.ones(2)).tolist() == [2, 2]
    assert jax.jit(larger)(-jnp.ones(2)).tolist() == [-2, -2]
    symbol = SymbolicTensor((2,))
    graph = Graph(symbol, larger(symbol))
    assert graph.run([jnp.ones(2)]).tolist() == [2, 2]
    assert graph.run([-jnp.ones(2)]).tolist() == [-2, -2]


@pytest.mark.parametrize("loop_vars", [(0, 1.0), [0, 1.0]])
def test_while_loop_counts_and_stops(loop_vars):
    def cond(i, x):
        return i < 5

    def body(i, x):
        return i + 1, x * 2

    assert [float(v) for v in ops.while_loop(cond, body, loop_vars)] == [5, 32]
    stopped = ops.while_loop(cond, body, loop_vars, maximum_iterations=2)
    assert [float(v) for v in stopped] == [2, 4]


def test_loops_of_symbols_have_shapes():
    x = SymbolicTensor((None, 3))
    last, sums = ops.scan(lambda c, v: (c + v, c), ops.zeros((3,)), x)
    assert (last.shape, sums.shape) == ((3,), (None, 3))
    assert ops.vectorized_map(ops.sum, x).shape == (None,)
    assert ops.map(lambda v: v[:2], x).shape == (None, 2)
    assert ops.fori_loop(0, 3, lambda i, v: v + i, x).shape == (None, 3)
    assert ops.associative_scan(ops.add, x).shape == (None, 3)


def test_scan_agrees_with_keras():
    def step(carry, x):
        return carry * x, carry + x

    xs = np.arange(1.0, 5.0, dtype="float32")
    for kwargs in ({}, {"reverse": True}):
        ours = ops.scan(step, jnp.array(1.0), xs, **kwargs)
        theirs = keras.ops.scan(step, jnp.array(1.0), xs, **kwargs)
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    assert ops.scan(lambda c, _: (c + 1, c), 0, length=3)[1].tolist() == [0, 1, 2]


def test_switch_and_map_of_several_arrays():
    branches = [lambda x: x, lambda x: -x, lambda x: x * 3]
    assert [int(ops.switch(i, branches, 2)) for i in range(3)] == [2, -2, 6]
    total = ops.vectorized_map(lambda ab: ab[0] + ab[1], [jnp.arange(3), jnp.arange(3)])
    assert total.tolist() == [0, 2, 4]


def test_custom_gradient_with_the_signature_of_keras():
    @ops.custom_gradient
    def clipped(x):
        def grad(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            return jnp.clip(upstream, -1, 1)

        return x * 100, grad

    assert float(clipped(2.0)) == 200
    assert float(jax.grad(clipped)(2.0)) == 1
    assert clipped(SymbolicTensor((None, 2))).shape == (None, 2)


def test_stop_gradient_stops():
    assert float(jax.grad(lambda x: x * ops.stop_gradient(x))(3.0)) == 3


def test_gradient_of_division_by_zero_is_zero():
    gradient = jax.grad(lambda x: ops.divide_no_nan(1.0, x).sum())(jnp.array([0.0, 2.0]))
    assert gradient.tolist() == [0, -0.25]


def test_jvp_is_the_derivative_in_a_direction():
    value, slope = ops.jvp(ops.square, [jnp.array(3.0)], [jnp.array(2.0)])
    assert (float(value), float(slope)) == (9, 12)


def test_a_vectorized_function_broadcasts_and_takes_symbols():
    fn = ops.vectorize(lambda a, b: jnp.where(a > b, a - b, a + b))
    assert fn(np.array([1, 3]), 2).tolist() == [3, 1]
    assert fn(SymbolicTensor((None, 2)), 1.0).shape == (None, 2)


# ---- against other oracles


def test_segment_ids_may_be_left_uncounted_where_they_are_known():
    assert ops.segment_sum(np.ones(3), np.array([0, 2, 2])).tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="num_segments"):
        jax.jit(ops.segment_sum)(jnp.ones(3), jnp.array([0, 2, 2]))


def test_stft_and_istft_are_inverse():
    x = np.random.default_rng(0).normal(size=(2, 64)).astype("float32")
    for center in (True, False):
        kwargs = {"sequence_length": 16, "sequence_stride": 4, "fft_length": 16, "center": center}
        again = ops.istft(ops.stft(x, **kwargs), **kwargs)
        inside = slice(8, 48)  # the ends of a window are zeros
        np.testing.assert_allclose(again[:, inside], x[:, inside], atol=1e-4)


def test_fold_counts_how_often_unfold_took_a_pixel():
    x = np.ones((1, 1, 4, 4), "float32")
    counted = ops.fold(ops.unfold(x, 3), 4, 3)
    assert counted[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize("cap", [0.5, 1e6])
def test_attention_with_capped_logits(cap):
    rng = np.random.default_rng(0)
    query, key, value = (rng.normal(size=(2, 3, 4, 5)).astype("float32") for _ in range(3))
    out = ops.dot_product_attention(query, key, value, is_causal=True, attn_logits_soft_cap=cap)
    logits = np.einsum("bqhd,bkhd->bhqk", query, key) / 5**0.5
    logits = np.where(np.tri(3, dtype=bool), cap * np.tanh(logits / cap), -np.inf)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(out, np.einsum("bhqk,bkhd->bqhd", weights, value), rtol=1e-3)


def test_attention_shares_keys_between_heads():
    rng = np.random.default_rng(0)
    query = rng.normal(size=(1, 3, 4, 5)).astype("float32")
    key, value = (rng.normal(size=(1, 3, 2, 5)).astype("float32") for _ in range(2))
    shared = ops.dot_product_attention(query, key, value)
    full = ops.dot_product_attention(query, key.repeat(2, 2), value.repeat(2, 2))
    np.testing.assert_allclose(shared, full, rtol=1e-5)


def test_bincount_inside_jit_takes_its_length_from_minlength():
    counted = jax.jit(lambda x: ops.bincount(x, minlength=4))(jnp.array([1, 1, 9]))
    assert counted.tolist() == [0, 2, 0, 0]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "float16", "bool"])
def test_a_saturating_cast_ends_at_the_extremes(dtype):
    out = ops.saturate_cast(np.float32([-1e30, 0, 1e30]), dtype)
    same = keras.ops.saturate_cast(np.float32([-1e30, 0, 1e30]), dtype)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, same)


# ---- errors


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.glu(jnp.ones((2, 3))), "must be even"),
        (lambda: ops.normalize(jnp.ones(2), order=0), "positive integer"),
        (lambda: ops.multi_hot(jnp.array([1])), "num_classes"),
        (lambda: ops.binary_crossentropy(jnp.ones((2, 1)), jnp.ones(2)), r"\(2, 1\).*\(2,\)"),
        (lambda: ops.categorical_crossentropy(jnp.ones((2, 1)), jnp.ones((2, 3))), "do not fit"),
        (lambda: ops.sparse_categorical_crossentropy(jnp.ones(3), jnp.ones((2, 3))), "do not fit"),
        (lambda: ops.psnr(jnp.ones(2), jnp.ones(3), 1.0), "do not fit"),
        (lambda: ops.searchsorted(jnp.ones((2, 2)), 1.0), "vector"),
        (lambda: ops.pad(jnp.ones(2), 1, "reflect", constant_values=1), "constant_values"),
        (lambda: ops.scatter_update(jnp.ones(2), [[0]], [1.0], "div"), "reduction"),
        (lambda: ops.rearrange(jnp.ones((2, 3)), "a b c -> c"), "does not fit"),
        (lambda: ops.rearrange(jnp.ones((2, 3)), "a (b c) -> a b c", b=2), "does not fit"),
        (lambda: ops.cdist(jnp.ones((2, 3)), jnp.ones((2, 4))), "cdist"),
        (lambda: ops.fft(jnp.ones(3)), "pair"),
        (lambda: ops.fft((jnp.ones(3), jnp.ones(2))), "differ"),
        (lambda: ops.stft(jnp.ones(9), 4, 2, 2), "fft_length"),
        (lambda: ops.stft(jnp.ones(9), 4, 2, 4, window="square"), "window"),
        (lambda: ops.stft(jnp.ones(9), 4, 2, 4, window=np.ones(3)), "sequence_length"),
        (lambda: ops.cholesky(-jnp.eye(2)), "positive definite"),
        (lambda: ops.qr(jnp.eye(2), "full"), "mode"),
        (lambda: ops.conv(jnp.ones((1, 5, 3)), jnp.ones((2, 2, 4))), "conv.*3 channels"),
        (lambda: ops.conv(jnp.ones((1, 2, 3)), jnp.ones((5, 3, 4))), "padding='same'"),
        (lambda: ops.depthwise_conv(jnp.ones((1, 5, 3)), jnp.ones((2, 2, 1))), "3 channels"),
        (lambda: ops.conv_transpose(jnp.ones((1, 5, 3)), jnp.ones((2, 4, 2))), "3 channels"),
        (lambda: ops.conv_transpose(jnp.ones((1, 5, 3)), jnp.ones((2, 4, 3)), 1, "full"), "full"),
        (lambda: ops.max_pool(jnp.ones((1, 5, 3)), 2, padding="causal"), "causal"),
        (lambda: ops.max_pool(jnp.ones((1, 5, 5, 3)), (2, 2, 2)), "2 of them"),
        (lambda: ops.depth_to_space(jnp.ones((1, 2, 2, 4)), 1), "block_size"),
        (lambda: ops.fold(jnp.ones((1, 5, 4)), 3, 2), "fold"),
        (lambda: ops.unfold(jnp.ones((5, 4)), 2), "unfold"),
        (lambda: ops.ctc_decode(jnp.ones((1, 2, 3)), [2], "wild"), "strategy"),
        (lambda: ops.dot_product_attention(*[jnp.ones((2, 3))] * 3), "dot_product_attention"),
        (lambda: ops.cast(jnp.ones(2), "float33"), "float33"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- shapes that do not fit


def test_the_slices_of_an_unknown_axis_are_counted_by_the_caller():
    x = SymbolicTensor((2, None, 4))
    assert [v.shape for v in ops.unstack(x, num=3, axis=1)] == [(2, 4)] * 3
    assert [v.shape for v in ops.unstack(x, axis=-1)] == [(2, None)] * 4
    for call in (
        lambda: ops.unstack(x, axis=1),
        lambda: ops.unstack(x, axis=3),
        lambda: ops.unstack(np.ones((2, 3)), num=2, axis=1),
    ):
        with pytest.raises(ValueError, match="unstack: "):
            call()


def test_a_model_with_unstack_is_saved():
    x = hornbook.Input((2, 3))
    model = hornbook.Model(x, ops.unstack(x, axis=1)[1])
    again = hornbook.Model.from_config(model.get_config())
    data = np.arange(6.0, dtype="float32").reshape(1, 2, 3)
    assert again(data).tolist() == [[3, 4, 5]]


SQUARE = ["cholesky", "cholesky_inverse", "det", "inv", "eig", "eigh"]


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("shape", [(2, 3), (3,), (4, 2, 3)])
def test_what_wants_square_matrices_says_so(name, shape):
    for x in (np.ones(shape, "float32"), SymbolicTensor(shape)):
        with pytest.raises(ValueError, match="got shape"):
            getattr(ops.linalg, name)(x)


@pytest.mark.parametrize("name", ["qr", "svd", "matrix_rank", "lu_factor"])
def test_what_wants_matrices_says_so(name):
    with pytest.raises(ValueError, match=r"expected matrices.*\(3,\)"):
        getattr(ops.linalg, name)(np.ones(3, "float32"))


@pytest.mark.parametrize("upper", [False, True])
def test_the_inverse_of_a_factor_keeps_the_batch(upper):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 3, 3)).astype("float32")
    a = a @ a.swapaxes(1, 2) + 3 * np.eye(3, dtype="float32")
    found = ops.linalg.cholesky_inverse(ops.cholesky(a, upper=upper), upper=upper)
    np.testing.assert_allclose(found, np.linalg.inv(a), atol=1e-4)
    assert ops.linalg.cholesky_inverse(SymbolicTensor((None, 3, 3))).shape == (None, 3, 3)


@pytest.mark.parametrize("solve", [ops.solve, ops.solve_triangular])
def test_a_vector_for_each_matrix_is_solved_for(solve):
    rng = np.random.default_rng(0)
    a = np.triu(rng.uniform(1, 2, size=(4, 3, 3))).astype("float32")
    b = rng.normal(size=(4, 3)).astype("float32")
    found = solve(a, b)
    assert found.shape == solve(SymbolicTensor(a.shape), SymbolicTensor(b.shape)).shape == (4, 3)
    np.testing.assert_allclose(np.einsum("bij,bj->bi", a, found), b, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ops.extract_sequences(np.ones(8), 3, 0), ValueError),
        (lambda: ops.extract_sequences(np.float32(1), 3, 1), ValueError),
        (lambda: ops.stft(np.ones(8), 4, -1, 4), ValueError),
        (lambda: ops.stft(np.ones(8), 4, 2.0, 4), ValueError),
        (lambda: ops.stft(np.ones(8, int), 4, 2, 4), TypeError),
        (lambda: ops.istft((np.ones((2, 3)),) * 2, 4, 0, 4), ValueError),
        (lambda: ops.istft((np.ones(3),) * 2, 4, 1, 4), ValueError),
        (lambda: ops.view_as_complex(np.ones(3)), ValueError),
        (lambda: ops.segment_sum(np.ones(0), np.array([0, 0, 1])), ValueError),
    ],
)
def test_signals_and_segments_that_do_not_fit_are_errors_of_keras_s_kind(call, error):
    with pytest.raises(error):
        call()


def test_a_window_of_one_point_is_one():
    x = np.arange(4, dtype="float32")
    assert ops.stft(x, 1, 1, 1)[0].ravel().tolist() == x.tolist()


def test_istft_without_a_window_gives_the_signal_back():
    """Keras multiplies it by how often windows overlap."""
    x = np.random.default_rng(0).normal(size=64).astype("float32")
    again = ops.istft(ops.stft(x, 16, 4, 16, window=None), 16, 4, 16, window=None)
    np.testing.assert_allclose(again, x, atol=1e-5)
    theirs = keras.ops.stft(x, 16, 4, 16, window=None)
    np.testing.assert_allclose(keras.ops.istft(theirs, 16, 4, 16, window=None), 4 * x, atol=1e-4)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_distances_of_halves_from_integers_are_halves(half):
    x, y = jnp.ones((2, 3), half), jnp.ones((4, 3), "int32")
    assert ops.cdist(x, y).dtype == half


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_gradient_of_a_normalized_zero_is_finite(dtype):
    for x in (np.zeros(3), np.full(3, 300.0)):
        x = jnp.asarray(x, dtype)
        slope = jax.grad(lambda x: ops.normalize(x, epsilon=1e-3).sum().astype("float32"))(x)
        assert bool(jnp.isfinite(slope).all())
    unit = ops.normalize(jnp.full(3, 300.0, dtype))
    np.testing.assert_allclose(unit.astype("float32"), 3**-0.5, rtol=1e-2)
    np.testing.assert_allclose(
        jax.grad(lambda x: ops.normalize(x, epsilon=0.5).sum())(jnp.zeros(3)), 2.0
    )


def test_a_softmax_over_one_class_is_told():
    for x in (np.ones((2, 1)), hornbook.Input((1,))):
        with pytest.warns(UserWarning, match=r"axis -1 .*\(.*, 1\).* always 1.*sigmoid"):
            ops.softmax(x)
    with pytest.warns(UserWarning, match="always 1"):
        hornbook.layers.Dense(1, activation="softmax")(np.ones((2, 3)))


def test_a_gated_axis_has_to_be_there():
    with pytest.raises(ValueError, match="out of bounds"):
        ops.glu(np.ones((2, 4)), axis=5)


X = np.arange(24.0, dtype="float32").reshape(2, 3, 4)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ops.swapaxes(x, 5, 0),
        lambda x: ops.split(x, 2, axis=5),
        lambda x: ops.diff(x, axis=5),
        lambda x: ops.take_along_axis(x, np.zeros((1, 1, 1), int), axis=5),
        lambda x: ops.diagonal(x, axis1=0, axis2=5),
        lambda x: ops.diagonal(x, axis1=2, axis2=-1),
        lambda x: ops.transpose(x, (0, 0, 1)),
        lambda x: ops.transpose(x, (0, 1)),
        lambda x: ops.reshape(x, (-2, 12)),
        lambda x: ops.reshape(x, (-1, -1, 4)),
    ],
)
def test_axes_and_sizes_that_an_array_does_not_have_are_value_errors(call):
    for x in (X, SymbolicTensor(X.shape)):
        with pytest.raises(ValueError, match=r"axis|axes|sizes"):
            call(x)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: ops.repeat(X, [1, 2], axis=0), np.repeat(X, [1, 2], axis=0)),
        (lambda: ops.repeat(X, [2]), np.repeat(X, [2])),
        (lambda: ops.meshgrid(X[0, :2], np.arange(3))[1], np.meshgrid(X[0, :2], np.arange(3))[1]),
        (lambda: ops.argsort(np.float32(3)), [0]),
        (lambda: ops.argsort(-X[0, 0], axis=None), [3, 2, 1, 0]),
        (lambda: ops.sort(ops.argpartition(X, 3, axis=None)), np.arange(24)),
        (lambda: ops.transpose(X, (-1, 0, 1)), X.transpose(2, 0, 1)),
    ],
)
def test_arguments_that_numpy_takes_are_taken(call, wanted):
    np.testing.assert_array_equal(call(), wanted)


def test_counts_of_repeats_are_known_to_symbols():
    assert ops.repeat(SymbolicTensor((None, 3)), [1, 2, 1], axis=1).shape == (None, 4)


@pytest.mark.parametrize("conv", [ops.conv, ops.depthwise_conv])
def test_an_unknown_padding_is_refused(conv):
    with pytest.raises(ValueError, match="not 'full'"):
        conv(np.ones((1, 5, 2), "float32"), np.ones((2, 2, 2), "float32"), padding="full")


def test_sizes_that_are_joined_while_tracing_stay_numbers():
    """Layers compute the arguments of `tile` and `zeros` from `ops.shape`, as with TensorFlow."""

    @jax.jit
    def parts(x):
        batch, length = ops.shape(x)
        counts = ops.concatenate(
            [ops.expand_dims(batch, -1), ops.convert_to_tensor([1, 1])], axis=0
        )
        sizes = ops.stack([batch, 1, ops.array(2)])
        rows = ops.reshape(ops.arange(length), (1, length, 1))
        return (
            ops.tile(rows, counts),
            ops.zeros(sizes),
            ops.ones(sizes),
            ops.full((ops.cast(batch, "int32"), 1, 2), 3),
            ops.broadcast_to(1, sizes),
            ops.reshape(x[:, :2], sizes),
        )

    x = np.arange(12.0, dtype="float32").reshape(3, 4)
    tiled, *others = parts(x)
    assert tiled.tolist() == np.tile(np.arange(4).reshape(1, 4, 1), (3, 1, 1)).tolist()
    assert [one.shape for one in others] == [(3, 1, 2)] * 5
    assert others[-1].tolist() == x[:, None, :2].tolist()
