"""Ops: eager on arrays, traced in JAX, recorded on symbolic tensors, whose shapes are inferred."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import ops
from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor, infer, op
from hornbook.core.variable import Variable

M = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.0]], "float32")


def evaluate(expression, *arrays, batch=None):
    """(symbolic result, its values, the values of the expression on the arrays)."""
    inputs = [hornbook.Input(batch_shape=(batch, *a.shape[1:]), dtype=a.dtype) for a in arrays]
    symbol = expression(*inputs)
    values = Graph(inputs, symbol).run([jnp.asarray(a) for a in arrays])
    return symbol, values, expression(*map(jnp.asarray, arrays))


# ---- an op in its three uses


@op
def halves(x, *, parts=2):
    """Divided."""
    return x / parts


def test_an_op_is_the_function_itself_on_arrays():
    assert halves(jnp.asarray(4.0)) == 2.0
    assert halves(jnp.asarray(4.0), parts=4) == 1.0
    assert halves(Variable(4.0)) == 2.0
    assert (halves.__name__, halves.__doc__) == ("halves", "Divided.")


def test_an_op_is_traced_under_jit_and_grad():
    assert jax.jit(halves)(4.0) == 2.0
    assert jax.grad(halves)(4.0) == 0.5


def test_an_op_is_recorded_on_symbols():
    x = hornbook.Input((3,))
    y = halves(x, parts=4)
    assert isinstance(y, SymbolicTensor)
    assert (y.shape, y.dtype, y.node.name) == ((None, 3), "float32", "halves")
    assert y.node.inputs == [x]
    assert Graph(x, y).run([jnp.ones((2, 3))]).tolist() == [[0.25] * 3] * 2


def test_symbols_are_found_inside_lists_dicts_and_keywords():
    @op
    def total(parts, extra):
        return parts[0] + parts[1]["b"] + extra["c"][0]

    a, b, c = (hornbook.Input((2,)) for _ in range(3))
    y = total([a, {"b": b}], extra={"c": (c,)})
    assert y.node.inputs == [a, b, c]
    assert Graph([a, b, c], y).run([1.0, 2.0, 3.0]) == 6.0


def test_a_tensor_used_twice_is_one_input():
    x = hornbook.Input((2,))
    y = ops.add(x, x)
    assert y.node.inputs in ([x], [x, x])
    assert Graph(x, y).run([jnp.asarray(3.0)]) == 6.0


def test_several_outputs_keep_their_structure():
    @op
    def both(x):
        return {"sum": x.sum(-1), "parts": (x, [x.astype("int32")])}

    x = hornbook.Input((3,))
    out = both(x)
    assert out["sum"].shape == (None,)
    assert isinstance(out["parts"], tuple)
    assert out["parts"][1][0].dtype == "int32"
    values = Graph(x, out).run([jnp.asarray(M)])
    assert values["sum"].tolist() == [-0.5, 6.0]
    assert values["parts"][1][0].tolist() == M.astype("int32").tolist()


def test_only_the_output_that_is_asked_for_is_needed():
    x = hornbook.Input((4,))
    first, _second = ops.split(x, 2, axis=-1)
    assert first.shape == (None, 2)
    assert Graph(x, first).run([jnp.arange(4.0)[None]]).tolist() == [[0.0, 1.0]]


# ---- expressions: operators, slices, methods, numpy, jax.numpy

EXPRESSIONS = {
    "add": lambda x: x + 1,
    "radd": lambda x: 1 + x,
    "rsub": lambda x: 1 - x,
    "mul": lambda x: x * M[0],
    "rmul": lambda x: M[0] * x,
    "truediv": lambda x: x / 2,
    "rtruediv": lambda x: 2 / (x + 3),
    "floordiv": lambda x: x // 2,
    "mod": lambda x: x % 2,
    "pow": lambda x: x**2,
    "rpow": lambda x: 2**x,
    "matmul": lambda x: x @ M.T,
    "rmatmul": lambda x: M.T @ x,
    "neg": lambda x: -x,
    "abs": lambda x: abs(x),
    "less": lambda x: x < 1,
    "ge": lambda x: x >= M[0],
    "eq": lambda x: x == 1,
    "eq of an array": lambda x: x == M[0],
    "eq of a variable": lambda x: Variable(M[0]) == x,
    "ne": lambda x: x != 1,
    "and": lambda x: (x > 0) & (x < 2),
    "invert": lambda x: ~(x > 0),
    "scalar of numpy": lambda x: np.float32(2) * x,
    "array of jax": lambda x: jnp.asarray(M[0]) * x,
    "variable": lambda x: x * Variable(M[0]),
    "of variable": lambda x: Variable(M[0]) - x,
    "slice": lambda x: x[:, 1:],
    "slice step": lambda x: x[:, ::2],
    "reversed": lambda x: x[:, ::-1],
    "last": lambda x: x[..., -1],
    "new axis": lambda x: x[:, None],
    "fancy": lambda x: x[:, [0, 2]],
    "indexed by an array": lambda x: x[:, np.array([2, 0])],
    "rows": lambda x: x[1:],
    "transposed": lambda x: x.T,
    "sum": lambda x: x.sum(axis=-1),
    "mean": lambda x: x.mean(0, keepdims=True),
    "max": lambda x: x.max(),
    "reshape": lambda x: x.reshape((-1, 1)),
    "flatten": lambda x: x.flatten(),
    "astype": lambda x: x.astype("int32"),
    "argmax": lambda x: x.argmax(axis=1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "clip": lambda x: x.clip(0, 1),
    "np.tanh": lambda x: np.tanh(x),
    "np.add": lambda x: np.add(x, M[0]),
    "np.multiply of an array first": lambda x: np.multiply(M[0], x),
    "np.concatenate": lambda x: np.concatenate([x, x], axis=-1),
    "np.mean": lambda x: np.mean(x, axis=-1),
    "np.where": lambda x: np.where(x > 0, x, 0.0),
    "np.expand_dims": lambda x: np.expand_dims(x, 1),
    "np.einsum": lambda x: np.einsum("bi,bi->b", x, x),
    "np.sum of a generator's list": lambda x: sum([x, x]),
    "jnp.tanh": lambda x: jnp.tanh(x),
    "jnp.add": lambda x: jnp.add(M[0], x),
    "jnp.concatenate": lambda x: jnp.concatenate([x, x], axis=0),
    "jnp.where": lambda x: jnp.where(x > 0, x, 0.0),
    "jnp.sum": lambda x: jnp.sum(x, axis=-1, keepdims=True),
    "jnp.einsum": lambda x: jnp.einsum("bi,ji->bj", x, M),
    "jnp.linalg.norm": lambda x: jnp.linalg.norm(x, axis=-1),
    "jax.nn.relu": lambda x: jax.nn.relu(x),
    "jax.nn.softmax": lambda x: jax.nn.softmax(x, axis=-1),
    "ops.softmax": lambda x: ops.softmax(x),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_on_symbols_gives_what_it_gives_on_arrays(name):
    symbol, values, wanted = evaluate(EXPRESSIONS[name], M, batch=None if "rmat" not in name else 2)
    assert isinstance(symbol, SymbolicTensor)
    np.testing.assert_allclose(values, wanted, rtol=1e-6)
    assert symbol.dtype == wanted.dtype.name
    assert len(symbol.shape) == wanted.ndim
    assert all(s in (None, size) for s, size in zip(symbol.shape, wanted.shape))


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        (lambda x: x[1:], (None, 3)),
        (lambda x: x[0], (3,)),
        (lambda x: x.T, (3, None)),
        (lambda x: x.reshape((-1, 1)), (None, 1)),
        (lambda x: x.sum(0), (3,)),
        (lambda x: jnp.concatenate([x, x]), (None, 3)),
        (lambda x: ops.expand_dims(x, 0), (1, None, 3)),
        (lambda x: x @ x.T, (None, None)),
    ],
)
def test_what_depends_on_an_unknown_size_is_unknown(expression, shape):
    assert expression(hornbook.Input((3,))).shape == shape


def test_two_symbols_meet():
    symbol, values, wanted = evaluate(lambda a, b: np.maximum(a, b) - a @ b.T @ b, M[:1], M[1:])
    assert symbol.shape == (None, 3)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_lists_are_operands_as_for_numpy():
    assert (hornbook.Input((3,)) + [1.0, 2.0, 3.0]).shape == (None, 3)
    assert (Variable(M[0]) - [1.0, 1.0, 1.0]).tolist() == (M[0] - 1).tolist()


def test_integers_and_promotion_follow_jax():
    whole = hornbook.Input((2,), dtype="int32")
    assert (whole + 1).dtype == "int32"
    assert (whole * 1.5).dtype == "float32"
    assert (whole + hornbook.Input((2,), dtype="bfloat16")).dtype == "bfloat16"
    assert (whole == 1).dtype == "bool"


def test_jax_functions_still_are_functions_after_the_first_symbol():
    hornbook.Input((1,))
    assert jax.jit(jnp.tanh)(0.0) == 0.0
    assert jax.vmap(jnp.dot)(jnp.ones((2, 3)), jnp.ones((2, 3))).tolist() == [3.0, 3.0]
    assert jnp.add.__name__ == "add"
    assert jnp.add.reduce(jnp.arange(4)) == 6
    assert isinstance(jnp.float32, type) or callable(jnp.float32)
    assert jax.nn.initializers is not None


# ---- unknown sizes


def test_both_probes_are_tried():
    # 10 strides of 2 need a size that the first pair of probes does not have
    @op
    def deep(x):
        for _ in range(9):
            x = x[:, ::2][:, : x.shape[1] // 2 - 1]
            if x.shape[1] < 1:
                raise ValueError("too small")
        return x

    y = deep(SymbolicTensor((None, None, 3)))
    assert y.shape == (None, None, 3)


def test_where_both_probes_fail_the_error_names_the_op_and_the_shapes():
    with pytest.raises(ValueError) as caught:
        jnp.matmul(hornbook.Input((3,)), hornbook.Input((4,)))
    assert "'matmul' was applied to symbolic tensors of shape (None, 3), (None, 4)" in "".join(
        caught.value.__notes__
    )


def test_python_code_sees_plain_integers_for_unknown_sizes():
    @op
    def by_python(x):
        assert isinstance(x.shape[1], int)
        return sum(x[:, i] for i in range(3)) / np.sqrt(x.shape[1]) if x.shape[1] > 2 else x

    assert by_python(SymbolicTensor((None, None))).shape == (None,)


def test_infer_makes_no_values():
    def explode(x):
        assert isinstance(x, jax.core.Tracer)
        return x

    spec = infer(explode, (SymbolicTensor((None, 2), "bfloat16"),), {})
    assert (spec.shape, spec.dtype) == ((None, 2), "bfloat16")
    assert "None" in repr(spec)


SHAPED = {
    "sum": lambda k, x, axis: k.sum(x, axis=axis),
    "argmax": lambda k, x, axis: k.argmax(x, axis=axis),
    "cumsum": lambda k, x, axis: k.cumsum(x, axis=axis),
    "expand_dims": lambda k, x, axis: k.expand_dims(x, axis),
    "concatenate": lambda k, x, axis: k.concatenate([x, x], axis=axis),
    "stack": lambda k, x, axis: k.stack([x, x, x], axis=axis),
    "flip": lambda k, x, axis: k.flip(x, axis=axis),
    "repeat": lambda k, x, axis: k.repeat(x, 2, axis=axis),
    "roll": lambda k, x, axis: k.roll(x, 1, axis=axis),
    "moveaxis": lambda k, x, axis: k.moveaxis(x, axis, 0),
    "take": lambda k, x, axis: k.take(x, [0, 0], axis=axis),
    "transpose": lambda k, x, axis: k.transpose(x),
    "add": lambda k, x, axis: k.add(x, k.sum(x, axis=axis, keepdims=True)),
    "ravel": lambda k, x, axis: k.ravel(x),
    "tensordot": lambda k, x, axis: k.tensordot(x, x, axes=((axis,), (axis,))),
}


@given(st.sampled_from(sorted(SHAPED)), st.data())
def test_inferred_shapes_are_numpy_s_and_unknown_only_where_they_may_differ(name, data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4), label="shape")
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    hidden = data.draw(st.sets(st.integers(0, len(shape) - 1)), label="unknown axes")
    wanted = SHAPED[name](np, np.zeros(shape, "float32"), axis).shape
    found = SHAPED[name](ops, SymbolicTensor(shape), axis)
    assert found.shape == wanted
    partly = [None if i in hidden else s for i, s in enumerate(shape)]
    found = SHAPED[name](ops, SymbolicTensor(partly), axis).shape
    assert len(found) == len(wanted)
    assert all(a in (None, b) for a, b in zip(found, wanted))
    if not hidden:
        assert found == wanted


@given(st.data())
def test_broadcasting_is_numpy_s(data):
    big = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    cut = data.draw(st.integers(0, len(big)))
    small = [data.draw(st.sampled_from([1, size])) for size in big[cut:]]
    wanted = np.broadcast_shapes(tuple(big), tuple(small))
    a, b = SymbolicTensor(big), SymbolicTensor(small)
    assert (a + b).shape == (b * a).shape == np.subtract(a, b).shape == wanted
    assert ops.where(a > b, a, b).shape == wanted


@given(st.data())
def test_basic_slices_have_numpy_s_shapes(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    key = tuple(
        data.draw(
            st.slices(size)
            | st.integers(-size, size - 1)
            | st.just(None)
            | st.just([0, size - 1])
            | st.just(slice(None))
        )
        for size in shape
        if data.draw(st.booleans())
    )
    lists = sum(isinstance(k, list) for k in key)
    used = sum(k is not None for k in key)
    if lists > 1 or used > len(shape):
        return
    sizes = iter(shape)
    clipped = tuple(k if k is None else _inside(k, next(sizes)) for k in key)
    assert SymbolicTensor(shape)[clipped].shape == np.zeros(shape)[clipped].shape


def _inside(key, size):
    """The part of a key that fits an axis of this size."""
    if isinstance(key, int):
        return key % size
    return [k % size for k in key] if isinstance(key, list) else key


# ---- equality


def test_comparing_symbols_is_recorded():
    a, b = hornbook.Input((2,)), hornbook.Input((2,))
    values = Graph([a, b], [a == b, a != 1.0, b == 1.0]).run([jnp.ones((1, 2)), jnp.zeros((1, 2))])
    assert [v.tolist() for v in values] == [[[False] * 2], [[False] * 2], [[False] * 2]]
    assert (a == b).node.name == "equal"
    assert (a != b).node.name == "not_equal"


def test_a_list_of_symbols_can_be_searched_as_in_keras():
    a, b, c = hornbook.Input((2,)), hornbook.Input((2,)), hornbook.Input((3,))
    assert a in [c, b, a] and a not in [b, c]
    assert [c, b, a].index(a) == 2
    assert [a, b] == [a, b] and [a, b] != [b, a] and [a] != [c]
    assert {a: 1, b: 2}[b] == 2


def test_what_is_no_array_is_not_equal_to_a_symbol():
    a = hornbook.Input((2,))
    assert (a == None, a != None) == (False, True)  # noqa: E711
    assert (a == "a", a != "a") == (False, True)


def test_the_truth_of_a_comparison_with_values_is_not_known():
    a = hornbook.Input((2,))
    for unknown in (a == 1.0, a != np.ones(2), (a == a) & (a == a)):
        with pytest.raises(TypeError, match="has no value yet"):
            bool(unknown)
    with pytest.raises((TypeError, ValueError), match="broadcast"):
        a == np.ones(5)  # noqa: B015


# ---- what a symbol is not

NO_VALUE = {
    "if": lambda x: 1 if x else 0,
    "if a comparison": lambda x: 1 if x > 0 else 0,
    "float": float,
    "int": int,
    "range": range,
    "np.asarray": np.asarray,
    "max of python": lambda x: max(x[:, 0], x[:, 1]),
}


@pytest.mark.parametrize("name", NO_VALUE)
def test_branching_on_a_symbol_says_what_to_write_instead(name):
    x = hornbook.Input((3,), name="price")
    with pytest.raises(TypeError) as caught:
        NO_VALUE[name](x)
    message = str(caught.value)
    assert "has no value yet" in message
    assert "Wrong:  if x > 0" in message
    assert "Right:  x = ops.where(x > 0" in message


def test_the_error_names_the_symbol():
    with pytest.raises(TypeError, match="'price' shape=\\(None, 3\\)"):
        bool(hornbook.Input((3,), name="price"))


def test_length_and_iteration_need_a_known_first_size():
    assert len(SymbolicTensor((2, 3))) == 2
    assert [row.shape for row in SymbolicTensor((2, 3))] == [(3,), (3,)]
    a, b = SymbolicTensor((2, 3))
    assert a.shape == b.shape == (3,)
    with pytest.raises(TypeError, match="length of .* is not known"):
        len(hornbook.Input((3,)))
    with pytest.raises(TypeError, match="not known"):
        list(hornbook.Input((3,)))


def test_operator_nodes_have_keras_s_names():
    x = hornbook.Input((3,))
    names = [t.node.name for t in (x + 1, x - 1, x * 2, x / 2, x**2, x > 0, -x, abs(x), x[0])]
    assert names == [
        *("add", "subtract", "multiply", "divide", "power", "greater", "negative", "absolute"),
        "get_item",
    ]


def test_a_shape_is_made_of_integers_and_none():
    assert SymbolicTensor((np.int64(2), None)).shape == (2, None)
    with pytest.raises(TypeError):
        SymbolicTensor((2.5,))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: x + y,
        lambda x, y: x @ y,
        lambda x, y: ops.tensordot(x, y, axes=1),
        lambda x, y: ops.inner(x, y),
        lambda x, y: ops.concatenate([x, y], axis=0),
        lambda x, y: ops.reshape(x, (5, 5)),
        lambda x, y: ops.where(x > 0, x, y),
        lambda x, y: jnp.maximum(x, y),
    ],
)
def test_shapes_that_do_not_fit_are_value_errors_as_in_keras(call):
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        call(SymbolicTensor((2, 3)), SymbolicTensor((2, 4)))
