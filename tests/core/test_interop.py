"""Functions of JAX and numpy on symbolic tensors, in pickles and in files: always the very one."""

import inspect
import json
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers, ops
from hornbook.core import interop
from hornbook.core.graph import Graph
from hornbook.core.symbolic import BINARY, COMPARE, UNARY, SymbolicTensor, op
from hornbook.saving import deserialize_keras_object, serialize_keras_object

X = np.random.default_rng(0).normal(0, 2, (3, 3, 3)).astype("float32")


def functions(module):
    """The public functions of a module by name."""
    return {
        name: fn
        for name, fn in vars(module).items()
        if callable(fn) and not inspect.isclass(fn) and not name.startswith("_")
    }


@pytest.mark.parametrize("module", interop.MODULES, ids=lambda module: module.__name__)
def test_a_pickled_function_of_jax_comes_back_as_itself(module):
    hornbook.Input((1,))  # from here on the functions take symbols
    known = functions(module)
    assert len(known) > 10
    for name, fn in known.items():
        assert pickle.loads(pickle.dumps(fn)) is fn, name


def test_a_pickled_op_comes_back_as_itself():
    for name in ops.__all__:
        fn = getattr(ops, name)
        assert not inspect.isfunction(fn) or pickle.loads(pickle.dumps(fn)) is fn, name


BEFORE = """
import json, pickle
from jax.nn import gelu, relu, silu
from jax.numpy import add, reshape, result_type, shape, tanh, where
import jax, jax.numpy as jnp

inside = [tanh]
before = {m: dict(vars(m)) for m in (jnp, jnp.linalg, jnp.fft, jax.nn)}
made = [jax.jit(tanh), jnp.linalg.norm]
import hornbook
x = hornbook.Input((3,))
calls = {
    "add": add(x, 1), "gelu": gelu(x), "relu": relu(x), "reshape": reshape(x, (-1,)),
    "silu": silu(x), "tanh": tanh(x), "where": where(x > 0, x, 0),
}
same = {name for module, held in before.items() for name, fn in held.items()
        if getattr(module, name) is fn and callable(fn) and not isinstance(fn, type)}
print(json.dumps({
    "recorded": [name for name, y in calls.items() if y.node.name != name],
    "ufunc": type(jnp.add).__mro__[1] is jnp.ufunc and add is before[jnp]["add"],
    "left": sorted(same & {"result_type", "issubdtype", "zeros", "set_printoptions", "load"}),
    "shape": [shape(x), jnp.ndim(x)],
    "pickled": [pickle.loads(pickle.dumps(fn)) is fn for fn in (add, gelu, relu, silu, tanh)],
    "inside": pickle.loads(pickle.dumps(inside))[0] is tanh,
    "jit": made[0] is not jax.jit(tanh) and made[1] is before[jnp.linalg]["norm"],
}))
"""


def test_names_that_were_imported_before_the_first_symbol_take_symbols():
    done = subprocess.run([sys.executable, "-c", BEFORE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "recorded": [],
        "ufunc": True,
        "left": ["issubdtype", "load", "result_type", "set_printoptions", "zeros"],
        "shape": [[None, 3], 2],
        "pickled": [True] * 5,
        "inside": True,
        "jit": True,
    }


def test_a_ufunc_stays_one():
    x = hornbook.Input((1,))
    assert isinstance(jnp.add, jnp.ufunc) and jnp.add(x, x).node.op is jnp.add
    assert jnp.add.reduce(jnp.arange(4)) == 6
    assert jnp.add.outer(jnp.arange(2), jnp.arange(2)).tolist() == [[0, 1], [1, 2]]
    assert jnp.add.at(jnp.zeros(2), 0, 3.0, inplace=False).tolist() == [3, 0]
    assert isinstance(jax.nn.relu, jax.custom_jvp) and jax.grad(jax.nn.relu)(2.0) == 1


def test_two_names_of_one_function_stay_one():
    hornbook.Input((1,))
    assert jax.nn.swish is jax.nn.silu
    assert jnp.linalg.trace is not jnp.trace


def test_a_function_keeps_what_it_has_beside_its_call():
    hornbook.Input((1,))
    assert jnp.tanh.__name__ == "tanh" and jnp.tanh.__doc__.startswith("Calculate")
    assert list(inspect.signature(jnp.sum).parameters)[:2] == ["a", "axis"]
    assert jnp.tanh.lower(X).compile()(X).shape == X.shape


def test_arrays_and_variables_are_not_recorded():
    hornbook.Input((1,))
    v = hornbook.Variable([1.0, 4.0])
    for value in (v, [v], np.array([1.0, 4.0])):
        assert isinstance(jnp.sqrt(jnp.stack(value) if type(value) is list else value), jax.Array)
    assert jnp.add(x1 := jnp.ones(2), x1).tolist() == [2, 2]
    assert jnp.sum(X, axis=(0, 1), keepdims=True).shape == (1, 1, 3)


def test_a_function_taken_before_the_first_symbol_can_be_pickled():
    program = """
import pickle, jax
plain = [jax.nn.leaky_relu, jax.nn.relu, jax.nn.identity, jax.nn.softmax, jax.nn.hard_tanh]
import hornbook
from hornbook import layers
model = hornbook.Sequential([layers.Dense(2, activation=fn) for fn in plain])
model(jax.numpy.ones((1, 3)))
again = pickle.loads(pickle.dumps(model))
assert (again(jax.numpy.ones((1, 3))) == model(jax.numpy.ones((1, 3)))).all()
x = hornbook.Input((3,))
copy = hornbook.Model(x, hornbook.models.clone_model(again)(x))
assert (copy(jax.numpy.ones((1, 3)) * 2).shape) == (1, 2)
print([layer.activation.__name__ for layer in again.layers])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == str(["leaky_relu", "relu", "identity", "softmax", "hard_tanh"]), (
        done.stderr
    )


def test_a_pickled_model_finds_its_functions_in_a_new_process(tmp_path):
    x = hornbook.Input((3, 3))
    model = hornbook.Model(x, jax.nn.leaky_relu(jax.nn.identity(jnp.linalg.trace(x))))
    (tmp_path / "model").write_bytes(pickle.dumps((model, X)))
    program = """
import pickle, sys
model, x = pickle.load(open(sys.argv[1], "rb"))
import hornbook
print(hornbook.models.clone_model(model)(x).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")], capture_output=True, text=True
    )
    assert json.loads(done.stdout) == pytest.approx(np.asarray(model(X)).tolist())


JAX_S = {
    "jnp.linalg.trace": lambda x: jnp.linalg.trace(x),
    "jnp.linalg.diagonal": lambda x: jnp.linalg.diagonal(x),
    "jnp.linalg.matrix_transpose": lambda x: jnp.linalg.matrix_transpose(x),
    "jnp.fft.fft": lambda x: jnp.fft.fft(x),
    "jax.nn.identity": lambda x: jax.nn.identity(x),
    "jax.nn.tanh": lambda x: jax.nn.tanh(x),
    "jax.nn.leaky_relu": lambda x: jax.nn.leaky_relu(x),
    "jax.nn.gelu": lambda x: jax.nn.gelu(x),
    "jnp.std": lambda x: jnp.std(x, axis=-1, ddof=1),
    "np.linalg.trace": lambda x: np.linalg.trace(x),
    "np.linalg.norm": lambda x: np.linalg.norm(x, axis=-1),
    "np.linalg.matmul": lambda x: np.linalg.matmul(x, x),
    "np.fft.fft": lambda x: np.fft.fft(x),
    "np.tanh": lambda x: np.tanh(x),
    "np.trace": lambda x: np.trace(x),
}


@pytest.mark.parametrize(
    ("name", "batch"), [*((name, None) for name in JAX_S), ("jax.nn.gelu", 3), ("np.fft.fft", 3)]
)
def test_a_model_of_a_function_computes_it_pickled_and_saved_or_says_that_it_cannot(
    name, batch, tmp_path
):
    if name.startswith("np.linalg") and not hasattr(np.linalg, name.rpartition(".")[2]):
        pytest.skip("numpy 1 has no such function")
    wanted = JAX_S[name](X)
    x = hornbook.Input(batch_shape=(batch, 3, 3))
    model = hornbook.Model(x, JAX_S[name](x))
    np.testing.assert_allclose(model(X), wanted, 1e-4, 1e-5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(X), model(X))
    try:
        model.save(tmp_path / "model.keras")
    except ValueError as error:
        assert "cannot be saved: files name functions of `ops`" in str(error)
        assert name not in ("np.tanh", "jax.nn.tanh", "np.trace", "np.linalg.norm")
    else:
        loaded = hornbook.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded(X), model(X), 1e-5, 1e-6)


OPERATORS = {**BINARY, **COMPARE}


@pytest.mark.parametrize("name", [*OPERATORS, *UNARY])
def test_an_operator_is_the_op_that_a_file_names(name):
    whole = name in ("and_", "or_", "xor", "lshift", "rshift", "invert")
    values = np.arange(1, 10).reshape(3, 3).astype("int32" if whole else "float32")
    x = SymbolicTensor((3, 3), values.dtype.name)
    fn = OPERATORS[name] if name in OPERATORS else UNARY[name]
    found = fn(x, x) if name in OPERATORS else fn(x)
    named = getattr(ops, found.node.name)
    wanted = fn(jnp.asarray(values), values) if name in OPERATORS else fn(jnp.asarray(values))
    given = (values, values) if name in OPERATORS else (values,)
    np.testing.assert_allclose(named(*given), wanted, 1e-6)
    assert found.dtype == wanted.dtype.name


# ---- functions of one's own that have the name of one of ours


def relu(x):
    return 7 * x


@op
def tanh(x):
    return 7 * x


def relu_again():
    def relu(x):
        return jnp.maximum(x, 0)

    return relu


def test_a_function_with_the_name_of_another_is_not_saved_as_that_one(tmp_path):
    model = hornbook.Sequential([hornbook.Input((3,)), layers.Dense(2, activation=relu)])
    with pytest.raises(TypeError, match="'relu' of .* cannot be saved by its name"):
        model.save(tmp_path / "model.keras")
    x = hornbook.Input((3,))
    with pytest.raises(ValueError, match="'tanh' in the graph cannot be saved"):
        hornbook.Model(x, tanh(x)).save(tmp_path / "model.keras")


def test_it_is_copied_as_itself():
    layer = layers.Dense(2, activation=relu)
    assert layers.Dense.from_config(layer.get_config()).activation is relu
    x = hornbook.Input((3,))
    again = pickle.loads(pickle.dumps(hornbook.Model(x, tanh(x))))
    assert again(X[0]).tolist() == (7 * X[0]).tolist()


@pytest.mark.parametrize("fn", [jax.nn.leaky_relu, jax.nn.gelu, jax.nn.identity, ops.gelu])
def test_an_activation_that_no_name_stands_for_is_refused_by_files(fn):
    with pytest.raises(TypeError, match="cannot be saved.*register_keras_serializable"):
        serialize_keras_object(layers.Dense(1, activation=fn))


@pytest.mark.parametrize("fn", [jax.nn.relu, jax.nn.swish, jnp.tanh, ops.relu, relu_again()])
def test_an_activation_that_computes_what_its_name_stands_for_is_saved(fn):
    described = serialize_keras_object(layers.Dense(1, activation=fn))
    found = deserialize_keras_object(json.loads(json.dumps(described))).activation
    np.testing.assert_allclose(found(X), fn(X), 1e-6)


def test_numpy_functions_without_a_counterpart_say_so():
    x = hornbook.Input((3,))
    for call in (np.busday_count, np.result_type, np.can_cast, jnp.result_type):
        with pytest.raises(TypeError, match="no implementation found|Cannot determine dtype"):
            call(x, 1)
    assert np.shape(x) == (None, 3) and np.ndim(x) == 2


def test_a_graph_of_functions_runs_as_recorded():
    x = hornbook.Input((3, 3))
    assert x.node is not None
    y = jnp.linalg.trace(x)
    assert y.node.op is jnp.linalg.trace
    np.testing.assert_allclose(Graph(x, y).run([X]), np.trace(X, axis1=1, axis2=2), 1e-6)


def test_threads_that_build_models_patch_once(monkeypatch):
    made = []

    def slowly(*_):
        time.sleep(0.01)
        made.append(1)

    monkeypatch.setattr(interop, "_install", slowly)
    monkeypatch.setattr(interop, "_installed", threading.Event())
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: interop.install(None, ()), range(8)):
            assert made == [1]  # nobody goes on before it is done
