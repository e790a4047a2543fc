"""`import theano` and its submodules while installed; operations of variables."""

import importlib
import inspect

import numpy as np
import pytest

from hornbook.compat.install import installed
from hornbook.compat.theano import environment
from hornbook.compat.theano.names import NAMES
from hornbook.compat.theano.types import TensorType
from hornbook.dialects import theano as table
from hornbook.dialects.row import Row


@pytest.mark.parametrize("generation", ["keras1", "keras2", "theano"])
def test_every_path_and_every_name_is_found(generation):
    with installed(generation):
        for path, families in table.MODULES.items():
            module = importlib.import_module(path)
            for family in families.split():
                assert all(hasattr(module, name) for name in table.FAMILIES[family]), (path, family)


def test_nothing_in_the_table_is_without_use():
    reached = {family for families in table.MODULES.values() for family in families.split()}
    assert reached == set(table.FAMILIES)


@pytest.mark.parametrize("family", table.FAMILIES)
def test_arguments_are_those_of_the_function(family):
    for name, row in table.FAMILIES[family].items():
        made = NAMES.get(family, name)
        if not callable(made) or not row.arguments or table.RULES[family] != "variables":
            continue
        known = inspect.signature(made).parameters
        if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in known.values()):
            continue
        wanted = {argument.new or argument.old[0] for argument in row.arguments}
        assert wanted <= set(known), (name, wanted - set(known))


def test_names_by_attribute_and_by_import():
    with installed("theano"):
        import theano
        import theano.tensor as T
        from theano.tensor.nnet import conv2d
        from theano.tensor.signal.downsample import max_pool_2d

        assert T.nnet.conv2d is conv2d
        assert T.signal.pool.max_pool_2d is max_pool_2d
        assert theano.__version__ == table.VERSION
        assert theano.tensor.fmatrix("x").type == T.TensorType("float32", (False, False))
        with pytest.raises(AttributeError, match="no 'softmaxx' among the names of Theano"):
            _ = T.nnet.softmaxx


def test_what_a_program_sets_is_not_the_next_ones():
    with installed("theano"):
        import theano

        theano.config.floatX = "float64"
        assert theano.tensor.matrix().dtype == "float64"
    with installed("theano"):
        import theano

        assert theano.tensor.matrix().dtype == "float32"


def test_tensors_of_keras_have_eval_for_a_time():
    from hornbook import Input, KerasTensor, Variable, ops

    y = np.eye(3)
    with installed("keras1"):
        from keras import backend as K
        from keras.metrics import categorical_accuracy

        np.testing.assert_array_equal(categorical_accuracy(y, y).eval(), [1, 1, 1])
        np.testing.assert_array_equal(K.variable(y).eval(), y)
        x = Input((3,))
        np.testing.assert_array_equal((x * 2).eval({x: y}), 2 * y)
        with pytest.raises(ValueError, match="which is not among the inputs"):
            (x * 2).eval()
    kinds = (type(ops.ones(())), Variable, KerasTensor)
    assert not any(hasattr(kind, "eval") for kind in kinds)


def test_types_by_names():
    get = lambda name: NAMES.get("types", name)  # noqa: E731
    assert get("matrix")("m").type == TensorType("float32", (False, False))
    assert get("matrix")("m", dtype="int32").dtype == "int32"
    assert get("dcol")("c").type == TensorType("float64", (False, True))
    assert get("ltensor4")().ndim == 4
    x, y = get("ivectors")("x", "y")
    assert (x.name, y.name, x.dtype) == ("x", "y", "int32")
    assert len(get("scalars")(3)) == 3
    assert get("tensor")("float32", (True, False)).broadcastable == (True, False)


X = np.arange(6.0).reshape(2, 3) + 1
METHODS = {
    "sum": (1,),
    "max": (0,),
    "argmax": (1,),
    "reshape": ((3, 2),),
    "flatten": (),
    "swapaxes": (0, 1),
    "clip": (2, 4),
    "repeat": (2, 1),
    "cumsum": (1,),
    "take": ([0, 1],),
    "dot": (np.ones(3),),
    "trace": (),
    "diagonal": (),
    "ravel": (),
    "std": (),
    "round": (),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_numpy(name):
    x = TensorType("float64", (False, False))("x")
    made = getattr(x, name)(*METHODS[name]).eval({x: X})
    np.testing.assert_allclose(made, getattr(X, name)(*METHODS[name]))


def test_methods_that_numpy_has_not():
    x = TensorType("float64", (False, False))("x")
    np.testing.assert_allclose(x.exp().eval({x: X}), np.exp(X))
    assert x[:1].sum(0, keepdims=True).squeeze().ndim == 1
    np.testing.assert_array_equal(x.nonzero_values().eval({x: X}), X.ravel())
    np.testing.assert_array_equal((x > 2).nonzero()[1].eval({x: X}), (X > 2).nonzero()[1])


def test_dtypes_are_theanos():
    i8, i32 = (TensorType(d, (False,))() for d in ("int8", "int32"))
    f32 = TensorType("float32", (False,))()
    get = NAMES.get
    assert get("floats", "exp")(i8).dtype == "float32"
    assert get("floats", "exp")(i32).dtype == "float64"
    assert get("arrays", "sum")(i8).dtype == "int64"
    assert get("arrays", "mean")(i32).dtype == "float64"
    assert get("arrays", "argmax")(f32).dtype == "int64"
    assert get("numbers", "maximum")(f32, 0).dtype == "float32"
    assert get("choices", "switch")(i8, f32, 0.0).dtype == "float32"
    assert get("sigmoids", "sigmoid")(f32).dtype == "float32"


def test_the_gradient_of_ties_is_theanos():
    x = TensorType("float64", (False,))("x")
    grad = NAMES.get("gradient", "grad")
    largest = grad(x.max(), x).eval({x: np.array([1.0, 3.0, 3.0])})
    np.testing.assert_array_equal(largest, [0, 1, 1])
    rectified = grad(NAMES.get("rectifiers", "relu")(x).sum(), x)
    np.testing.assert_array_equal(rectified.eval({x: np.array([-1.0, 0.0, 1.0])}), [0, 0.5, 1])
    size = grad(abs(x).sum(), x).eval({x: np.array([-1.0, 0.0, 1.0])})
    np.testing.assert_array_equal(size, [-1, 0, 1])
    cut = grad(NAMES.get("numbers", "maximum")(x, 0).sum(), x)
    np.testing.assert_array_equal(cut.eval({x: np.array([-1.0, 0.0, 1.0])}), [0, 1, 1])
    window = NAMES.get("pool", "pool_2d")(x.reshape((1, 2)), (1, 2), ignore_border=True)
    np.testing.assert_array_equal(grad(window.sum(), x).eval({x: np.ones(2)}), [1, 0])


def test_parts_are_set_and_added_to():
    x = TensorType("float64", (False, False))("x")
    i = TensorType("int64", ())("i")
    change, add = (NAMES.get("variables", f"{n}_subtensor") for n in ("set", "inc"))
    want = X.copy()
    want[1:] = 9
    np.testing.assert_array_equal(change(x[i:], 9).eval({x: X, i: 1}), want)
    twice = add(x[[0, 0]], 1.0).eval({x: X})
    np.testing.assert_array_equal(twice - X, [[2, 2, 2], [0, 0, 0]])
    column = change(x[:, 1], np.zeros(2)).eval({x: X})
    np.testing.assert_array_equal(column[:, 1], [0, 0])
    with pytest.raises(TypeError, match="was not made by indexing"):
        change(x * 2, 0)
    with pytest.raises(TypeError, match="has 2 axes, the part it goes to 1"):
        change(x[0], np.zeros((1, 3)))


def test_how_many_are_chosen_may_differ_from_call_to_call():
    from hornbook.compat.theano.function import function

    x = TensorType("float64", (False,))("x")
    chosen = function([x], x[NAMES.get("variables", "nonzero")(x > 1)])
    for given in ([1.0, 2.0, 3.0], [0.0, 1.0, 5.0], [0.0, 0.0, 0.0]):
        np.testing.assert_array_equal(chosen(given), [v for v in given if v > 1])


def test_devices_are_told_of_once():
    environment._told.clear()
    with pytest.warns(UserWarning, match="are ignored"):
        environment.use("gpu0")
    environment.use("gpu0")


@pytest.mark.parametrize(
    ("border_mode", "shape"),
    [("valid", (4, 3)), ("full", (8, 7)), ("half", (6, 5)), (1, (6, 5)), ((1, (2, 0)), (6, 5))],
)
def test_borders_by_name_and_by_size(border_mode, shape):
    x, w = (TensorType("float64", (False,) * 4)() for _ in range(2))
    made = NAMES.get("conv2d", "conv2d")(x, w, border_mode=border_mode)
    values = {x: np.ones((1, 2, 6, 5)), w: np.ones((3, 2, 3, 3))}
    assert made.shape.eval(values).tolist() == [1, 3, *shape]
    with pytest.raises(ValueError, match="border_mode is 'valid', 'full', 'half'"):
        NAMES.get("conv2d", "conv2d")(x, w, border_mode="same").eval(values)


def test_sizes_may_be_computed():
    n = TensorType("int32", ())("n")
    get = lambda name, *args: NAMES.get("arrays", name)(*args).eval({n: 3})  # noqa: E731
    np.testing.assert_array_equal(get("arange", n), np.arange(3))
    np.testing.assert_array_equal(get("zeros", (n, 2)), np.zeros((3, 2)))
    np.testing.assert_array_equal(get("eye", n), np.eye(3))
    np.testing.assert_array_equal(get("alloc", 5.0, n, n + 1), np.full((3, 4), 5))
    made = NAMES.get("variables", "mgrid")[0:n, 0:2]
    np.testing.assert_array_equal([one.eval({n: 3}) for one in made], np.mgrid[0:3, 0:2])


def test_rows_are_rows():
    assert all(isinstance(row, Row) for rows in table.FAMILIES.values() for row in rows.values())
