"""Variables: arrays that can be assigned, and `bind`, which puts other values in their place."""

import copy
import threading

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import hornbook
from hornbook.core.variable import (
    KINDS,
    Variable,
    bind,
    compute_dtype,
    current_scope,
    name_scope,
    unwrap,
)

# ---- made from


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"),
        ([1.0, 2.0], "float32"),
        ([[1, 2], [3, 4]], "int32"),
        (True, "bool"),
        (np.ones(2, "float16"), "float16"),
        (np.ones(2, "float64"), "float32"),
        (jnp.ones(2, "bfloat16"), "bfloat16"),
    ],
)
def test_the_dtype_is_the_values_own_narrowed_to_what_arrays_have(value, dtype):
    v = Variable(value)
    assert v.dtype == dtype == v.value.dtype.name
    assert v.shape == np.shape(value)
    assert (v.ndim, v.size) == (np.ndim(value), np.size(value))


def test_a_callable_initializer_gets_shape_and_dtype():
    v = Variable(lambda shape, dtype: jnp.full(shape, 7, dtype), (2, 3), "float16")
    assert v.shape == (2, 3)
    assert v.dtype == "float16"
    assert (v.numpy() == 7).all()


def test_a_variable_may_start_from_another_ones_value():
    first = Variable([1.0, 2.0])
    second = Variable(first)
    first.assign([3.0, 4.0])
    assert second.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Variable(jnp.zeros), "has an initializer and no shape"),
        (lambda: Variable([1.0, 2.0], shape=(3,)), r"wants shape \(3,\).*has shape \(2,\)"),
        (lambda: Variable(1.0, name="a/b"), "has no '/': 'a/b'"),
        (lambda: Variable(1.0, kind="wieght"), "must be one of .*not 'wieght'"),
        (lambda: Variable(1.0, dtype="floot"), "'floot' is not a dtype"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_kind_follows_from_trainable_unless_given():
    assert Variable(1.0).kind == "weight"
    assert Variable(1.0, trainable=False).kind == "state"
    assert [Variable(1.0, kind=kind).kind for kind in KINDS] == list(KINDS)


def test_a_path_begins_with_the_scopes_around_it():
    assert current_scope() == ""
    with name_scope("model"), name_scope("dense"):
        assert current_scope() == "model/dense"
        assert Variable(1.0, name="kernel").path == "model/dense/kernel"
    assert Variable(1.0, name="kernel").path == "kernel"


def test_a_variable_made_inside_a_trace_has_a_real_value():
    made = []

    @jax.jit
    def f(x):
        made.append(Variable(lambda shape, dtype: jnp.ones(shape, dtype), (2,)))
        return x * made[0].value.sum()

    assert f(3.0) == 6.0
    assert not isinstance(made[0].value, jax.core.Tracer)
    assert made[0].numpy().tolist() == [1.0, 1.0]


# ---- assigning


def test_assign_casts_and_returns_the_new_value():
    v = Variable([1.0, 2.0])
    assert v.assign(np.array([3, 4], "int64")).tolist() == [3.0, 4.0]
    assert v.assign_add([1, 1]).tolist() == [4.0, 5.0]
    assert v.assign_sub(Variable([0.5, 0.5])).tolist() == [3.5, 4.5]
    assert v.dtype == v.value.dtype == "float32"


@pytest.mark.parametrize("value", [1.0, [1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_assigning_another_shape_is_refused_not_broadcast(value):
    v = Variable([0.0, 0.0], name="v")
    with pytest.raises(ValueError, match=r"'v' has shape \(2,\).*of shape"):
        v.assign(value)
    assert v.numpy().tolist() == [0.0, 0.0]


def test_assigning_in_a_foreign_trace_is_refused():
    v = Variable(1.0, name="counter")
    with pytest.raises(ValueError, match="'counter' was assigned inside a function that JAX"):
        jax.jit(lambda x: v.assign(x))(2.0)
    assert float(v) == 1.0


# ---- bind


def test_inside_bind_the_bound_value_is_read_and_afterwards_the_own_one():
    v, w = Variable([1.0, 2.0]), Variable(5.0)
    with bind({v: jnp.array([10.0, 20.0])}) as scope:
        assert v.value.tolist() == [10.0, 20.0]
        assert float(w) == 5.0
        assert w not in scope
    assert v.value.tolist() == [1.0, 2.0]
    assert scope[v].tolist() == [10.0, 20.0]


def test_assignments_are_collected_and_do_not_reach_the_variable():
    v, w = Variable(1.0), Variable(2.0)
    with bind({v: jnp.asarray(10.0)}) as scope:
        v.assign_add(1.0)
        w.assign_add(1.0)
        assert (float(v), float(w)) == (11.0, 3.0)
    assert {variable: float(value) for variable, value in scope.items()} == {v: 11.0, w: 3.0}
    assert (float(v), float(w)) == (1.0, 2.0)


def test_binds_nest_and_the_inner_one_collects():
    v, w = Variable(1.0), Variable(2.0)
    with bind({v: jnp.asarray(10.0)}) as outer:
        with bind({w: jnp.asarray(20.0)}) as inner:
            assert (float(v), float(w)) == (10.0, 20.0)
            v.assign(11.0)
        assert float(v) == 10.0
        assert float(w) == 2.0
    assert float(inner[v]) == 11.0
    assert float(outer[v]) == 10.0


def test_bind_ends_when_an_error_does():
    v = Variable(1.0)
    with pytest.raises(ZeroDivisionError), bind({v: jnp.asarray(2.0)}):
        raise ZeroDivisionError
    assert float(v) == 1.0
    v.assign(3.0)
    assert float(v) == 3.0


def test_the_passed_dictionary_is_not_changed():
    v = Variable(1.0)
    given = {v: jnp.asarray(2.0)}
    with bind(given):
        v.assign(3.0)
    assert float(given[v]) == 2.0


def test_the_same_code_runs_eagerly_under_jit_and_under_grad():
    kernel, count = Variable([1.0, 2.0]), Variable(0, trainable=False)

    def layer(x):
        count.assign_add(1)
        return (x * kernel).sum()

    def pure(values, x):
        with bind(values) as scope:
            return layer(x), scope

    x = jnp.array([3.0, 4.0])
    assert layer(x) == 11.0
    assert int(count) == 1
    gradient, scope = jax.jit(
        lambda k, c: jax.grad(
            lambda k: (lambda y, s: (y, [s[kernel], s[count]]))(*pure({kernel: k, count: c}, x)),
            has_aux=True,
        )(k)
    )(kernel.value, count.value)
    assert gradient.tolist() == [3.0, 4.0]
    assert int(scope[1]) == 2
    assert int(count) == 1
    assert not isinstance(kernel.value, jax.core.Tracer)


def test_bind_belongs_to_its_thread():
    v, seen = Variable(1.0), []
    with bind({v: jnp.asarray(2.0)}):
        thread = threading.Thread(target=lambda: seen.append(float(v)))
        thread.start()
        thread.join()
    assert seen == [1.0]


# ---- reading in another dtype


def test_compute_dtype_casts_floats_that_allow_it_and_nothing_else():
    v, exact, whole = Variable([1.0]), Variable([1.0], autocast=False), Variable([1])
    with compute_dtype("bfloat16"):
        assert v.value.dtype == "bfloat16"
        assert (v * 2).dtype == "bfloat16"
        assert v.raw.dtype == "float32"
        assert exact.value.dtype == "float32"
        assert whole.value.dtype == "int32"
        with compute_dtype(None):
            assert v.value.dtype == "float32"
        v.assign_add([0.001])  # not rounded to bfloat16 on the way
    np.testing.assert_allclose(v.numpy(), [1.001])


# ---- as an array

M = np.array([[1.0, -2.0], [3.0, 4.0]], "float32")


@pytest.mark.parametrize(
    "expression",
    [
        lambda v: v + 1,
        lambda v: 1 - v,
        lambda v: v * v,
        lambda v: 2 / v,
        lambda v: v // 2,
        lambda v: v % 2,
        lambda v: v**2,
        lambda v: 2**v,
        lambda v: v @ M,
        lambda v: M @ v,
        lambda v: M - v,
        lambda v: np.float32(2) * v,
        lambda v: -v,
        lambda v: abs(v),
        lambda v: v < 0,
        lambda v: v >= M,
        lambda v: v != 1,
        lambda v: v[0],
        lambda v: v[:, -1:],
        lambda v: v[..., None],
        lambda v: v[v > 0],
        lambda v: v.sum(axis=0),
        lambda v: v.reshape(4),
        lambda v: v.astype("int32"),
        lambda v: np.tanh(v),
        lambda v: np.add(v, 1),
        lambda v: np.add(M, v),
        lambda v: np.concatenate([v, M], axis=1),
        lambda v: np.mean(v, axis=-1),
        lambda v: np.where(v > 0, v, 0),
        lambda v: jnp.tanh(v),
        lambda v: jnp.stack([v, v]),
        lambda v: jax.nn.relu(v),
        lambda v: jnp.einsum("ij,jk->ik", v, v),
    ],
)
def test_expressions_give_what_they_give_on_the_array(expression):
    found, wanted = expression(Variable(M)), expression(jnp.asarray(M))
    assert isinstance(found, jax.Array)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_numpy_functions_read_the_bound_value():
    v = Variable(1.0)
    with bind({v: jnp.asarray(2.0)}):
        assert np.add(v, 1) == 3.0
        assert jnp.add(v, 1) == 3.0
        assert np.asarray(v) == 2.0


def test_python_numbers_lengths_and_formats():
    v = Variable([1.0, 2.0, 3.0])
    assert len(v) == 3
    assert [float(x) for x in v] == [1.0, 2.0, 3.0]
    assert int(Variable(3)) == 3
    assert f"{Variable(0.123):.2f}" == "0.12"
    assert bool(Variable(0)) is False
    with pytest.raises(TypeError, match="is a scalar"):
        len(Variable(1.0))


def test_repr_shows_path_shape_and_dtype():
    assert repr(Variable(M, name="m")) == "<Variable path=m, shape=(2, 2), dtype=float32>"


def test_variables_are_keys_by_identity():
    a, b = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    assert len({a, b, a}) == 2
    assert ({a: 1, b: 2}[a], {a: 1, b: 2}[b]) == (1, 2)


COMPARED = {
    "number": 3,
    "list": [1.0, 3.0],
    "numpy": np.array([1.0, 2.0]),
    "jax": jnp.array([3.0, 3.0]),
    "numpy scalar": np.float32(1),
    "variable": Variable([0.0, 3.0]),
}


@pytest.mark.parametrize("other", COMPARED.values(), ids=COMPARED)
def test_equality_is_by_element_as_in_keras(other):
    v, theirs = Variable([1.0, 3.0]), keras.Variable([1.0, 3.0])
    plain = other.numpy() if isinstance(other, Variable) else other
    for found, wanted in [(v == other, theirs == plain), (v != other, theirs != plain)]:
        assert found.dtype == bool
        assert found.tolist() == np.asarray(wanted).tolist()
    assert (other == v).tolist() == (v == other).tolist()
    assert (other != v).tolist() == (v != other).tolist()


def test_a_step_can_be_asked_for_its_number():
    step = Variable(0, dtype="int32")
    assert bool(step == 0) and not bool(step != 0)
    assert int(hornbook.ops.where(step == 0, 1, 2)) == 1
    assert int(jax.jit(lambda: hornbook.ops.where(step == 0, 1, 2))()) == 1


def test_what_is_no_array_is_not_equal_to_a_variable():
    v = Variable([1.0, 3.0])
    assert (v == None, v != None) == (False, True)  # noqa: E711
    assert (v == "adam", v != "adam") == (False, True)


def test_a_list_of_variables_is_searched_as_in_keras():
    for made in (Variable, keras.Variable):
        v, w = made([1.0, 2.0]), made([1.0, 3.0])
        assert v in [v, w]  # the very object is found before elements are compared
        with pytest.raises(ValueError, match="ambiguous"):
            w in [v, w]  # noqa: B015


def test_numpy_gives_a_copy():
    v = Variable([1.0, 2.0])
    v.numpy()[0] = 9.0
    np.asarray(v)[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]


def test_a_deep_copy_is_another_variable_with_the_same_value():
    v = Variable([1.0], name="v", trainable=False)
    w = copy.deepcopy(v)
    w.assign([2.0])
    assert v.numpy().tolist() == [1.0]
    assert (w.name, w.path, w.kind) == ("v", "v", "state")


def test_a_pytree_of_variables_opens_to_arrays():
    leaves = jax.tree.leaves({"a": Variable(1.0), "b": [Variable(2.0)]})
    assert [float(leaf) for leaf in leaves] == [1.0, 2.0]
    assert jax.jit(lambda t: t["a"] + 1)({"a": Variable(1.0)}) == 2.0


def test_unwrap_takes_the_array_out_of_a_variable_and_leaves_the_rest():
    assert isinstance(unwrap(Variable(1.0)), jax.Array)
    assert unwrap("text") == "text"


# ---- initializers by name


@pytest.mark.parametrize("name", ["uniform", "zeros", "he_normal", "RandomNormal"])
def test_an_initializer_may_be_named(name):
    v = hornbook.Variable(shape=(2, 3), initializer=name, dtype="float16")
    assert (v.shape, v.dtype) == ((2, 3), "float16")
    assert bool((v.numpy() != 0).all()) == (name != "zeros")


def test_an_initializer_may_be_a_config():
    described = hornbook.initializers.serialize(hornbook.initializers.Constant(3.0))
    assert hornbook.Variable(described, shape=(2,)).numpy().tolist() == [3.0, 3.0]


def test_an_initializer_needs_a_shape_and_a_known_name():
    with pytest.raises(ValueError, match="has an initializer and no shape"):
        hornbook.Variable("uniform")
    with pytest.raises(ValueError, match="'uniforn' is not an initializer. Did you mean 'uniform'"):
        hornbook.Variable("uniforn", shape=(2,))
