"""`function`: inputs, outputs, updates, givens, defaults, compilations and errors."""

from collections import OrderedDict

import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.compat.theano.config import config
from hornbook.compat.theano.function import In, Out, UnusedInputError, function
from hornbook.compat.theano.graph import MissingInputError, clone
from hornbook.compat.theano.shared import shared
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import apply
from tests.compat.theano.tensors import (
    arange,
    integer,
    integers,
    matrix,
    scalar,
    tanh,
    total,
    vector,
    zeros,
)


@pytest.fixture
def floatX_is_set():
    before = config.floatX, config.floatX_is_set
    config.floatX = "float32"
    yield
    config._floatX, config.floatX_is_set = before


@pytest.fixture
def x():
    return matrix("x")


def programs(fn):
    return sum(len(found) for found in fn._programs.values())


# ---- outputs


def test_outputs_come_as_they_were_asked_for(x):
    array = np.arange(6, dtype="float32").reshape(2, 3)
    assert function([x], x + 1)(array).tolist() == (array + 1).tolist()
    assert [a.tolist() for a in function([x], [x, Out(x * 2)])(array)] == [
        array.tolist(),
        (array * 2).tolist(),
    ]
    assert function([x], {"a": x[0], "b": x[1]})(array)["b"].tolist() == [3, 4, 5]
    assert function([], None)() is None and function([], [])() == []
    assert function([], 3)() == 3


def test_results_belong_to_the_caller(x):
    s = shared(np.zeros(3, "float32"))
    made = function([], s)()
    made += 1
    assert s.get_value().tolist() == [0, 0, 0]


def test_a_scalar_is_an_array_without_axes():
    made = function([], shared(np.float32(2)) * 2)()
    assert isinstance(made, np.ndarray) and made.shape == () and made.dtype == "float32"


# ---- inputs


def test_arguments_by_name_and_defaults():
    a, b = scalar("a"), scalar("b")
    fn = function([a, In(b, value=2.0)], a - b)
    assert fn(5.0) == 3 and fn(5.0, 1.0) == 4 and fn(b=1.0, a=2.0) == 1
    named = function([In(a, name="first")], a)
    assert named(first=3.0) == 3


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing required input: a"),
        ((1, 2), {}, "takes 1 arguments, not 2"),
        ((1,), {"a": 2}, "twice"),
        ((), {"z": 2}, r"no input 'z'; it has \['a'\]"),
    ],
)
def test_wrong_arguments_are_told(args, kwargs, message):
    a = scalar("a")
    with pytest.raises(TypeError, match=message):
        function([a], a, name="f")(*args, **kwargs)


def test_a_wrong_number_of_axes_is_told_with_the_name(x):
    with pytest.raises(TypeError, match=r"argument x: Wrong number .* expected 2, got 1"):
        function([x], x)(np.ones(3))


def test_what_loses_digits_is_told():
    n = TensorType("int32", (False,))("n")
    with pytest.raises(TypeError, match=r"argument n: .*int32.* float64 .*allow_input_downcast"):
        function([n], n)(np.ones(2))
    assert function([n], n, allow_input_downcast=True)(np.ones(2)).dtype == "int32"
    assert function([n], n)([1, 2]).tolist() == [1, 2]


def test_wider_floats_fit_until_the_program_sets_floatx(x):
    assert function([x], x)(np.ones((1, 1), "float64")).dtype == "float32"


@pytest.mark.usefixtures("floatX_is_set")
def test_wider_floats_are_told_once_it_has_set_floatx(x):
    with pytest.raises(TypeError, match="argument x"):
        function([x], x)(np.ones((1, 1), "float64"))
    a = scalar("a")
    assert function([a], a)(0.1).dtype == "float32"  # Python's own floats fit


def test_64_bits_are_64_bits():
    d, n = TensorType("float64", (False,))("d"), integer("n")
    assert function([d], d + 1e-12)(np.ones(1))[0] != 1
    assert function([n], n * 2)(2**40) == 2**41
    assert shared(np.ones(2)).get_value().dtype == "float64"


def test_numbers_of_python_and_numpy_are_of_floatx(x):
    assert shared(0.1).dtype == (x * np.float64(0.1)).dtype == (x * 0.1).dtype == "float32"
    assert shared(np.float64(0.1)).dtype == "float64"


def test_a_missing_input_is_told_with_its_line(x):
    y = matrix("y")
    with pytest.raises(MissingInputError, match=r"variable y, .*function.py, line \d+: y = mat"):
        function([x], x + y)


def test_an_unused_input_is_told(x):
    y = matrix("y")
    with pytest.raises(UnusedInputError, match="input y"):
        function([x, y], x)
    with pytest.warns(UserWarning, match="input y"):
        function([x, y], x, on_unused_input="warn")
    assert function([x, y], x, on_unused_input="ignore")([[1]], [[2]]) == 1


def test_shapes_that_do_not_fit_are_told_with_the_line_of_the_op(x):
    y = apply(jnp.dot, x, x)
    with pytest.raises(ValueError) as told:
        function([x], y)(np.ones((2, 3)))
    assert "dot of shapes (2, 3), (2, 3)" in told.value.__notes__[0]
    assert "y = apply(jnp.dot, x, x)" in told.value.__notes__[0]


def test_axes_that_are_not_said_to_broadcast_do_not(x):
    y = matrix("y")
    with pytest.raises(ValueError, match="mis-match: add .*axis 0"):
        function([x, y], x + y)(np.ones((1, 3)), np.ones((2, 3)))


# ---- shared variables and updates


@pytest.mark.parametrize("kind", [list, dict, OrderedDict])
def test_updates_see_the_values_before(kind):
    a, b = shared(np.float32(1), "a"), shared(np.float32(2), "b")
    swap = function([], a + b, updates=kind([(a, b), (b, a)]))
    assert swap() == 3
    assert (a.get_value(), b.get_value()) == (2, 1)
    swap()
    assert (a.get_value(), b.get_value()) == (1, 2)


def test_updates_do_not_copy_the_arrays():
    w = shared(np.zeros(4096, "float32"))
    fn = function([], None, updates=[(w, w + 1)])
    fn()
    place = w.array.unsafe_buffer_pointer()
    fn()
    assert w.array.unsafe_buffer_pointer() == place and w.get_value()[0] == 2


def test_a_value_that_was_borrowed_stays():
    w = shared(np.zeros(4096, "float32"))
    fn = function([], None, updates=[(w, w + 1)])
    fn()
    seen = w.get_value(borrow=True)
    fn()
    assert seen[0] == 1 and w.get_value()[0] == 2
    with pytest.raises(ValueError, match="read-only"):
        seen[0] = 5


def test_shared_values_are_copies():
    array = np.zeros(3, "float32")
    w = shared(array, borrow=True)
    array += 1
    w.get_value()[:] = 7
    assert w.get_value().tolist() == [0, 0, 0]
    w.set_value([1, 2, 3])
    assert w.get_value().tolist() == [1, 2, 3]
    with pytest.raises(TypeError, match="expected 1, got 2"):
        w.set_value(np.zeros((2, 2), "float32"))


def test_shared_values_may_get_another_shape():
    w = shared(np.zeros(3, "float32"))
    fn = function([], w.shape[0])
    assert fn() == 3
    w.set_value(np.zeros(5, "float32"))
    assert fn() == 5


def test_an_update_of_another_type_is_told(x):
    w, n = shared(np.zeros(3, "float32"), "w"), shared(0, "n")
    with pytest.raises(TypeError, match="shared_var=w.*number of axes"):
        function([x], None, updates=[(w, x)])
    with pytest.raises(TypeError, match="shared variable n.*int64.*float32.*cast"):
        function([], None, updates=[(n, n * 0.5)])
    with pytest.raises(TypeError, match="updates are for shared"):
        function([x], None, updates=[(x, x)])
    with pytest.raises(ValueError, match="twice"):
        function([], None, updates=[(n, n + 1), (n, n + 2)])


def test_default_updates():
    n = shared(0, "n")
    n.default_update = n + 1
    fn, still = function([], n), function([], n, no_default_updates=True)
    own = function([], n, updates=[(n, n + 10)])
    assert [int(fn()), int(fn()), int(still()), int(own()), int(fn())] == [0, 1, 2, 2, 12]


def test_an_input_can_keep_what_it_is_updated_with():
    a, b = scalar("a"), scalar("b")
    add = function([a, In(b, value=0.0, update=a + b)], b)
    assert [float(add(1.0)), float(add(1.0)), float(add(1.0, 10.0)), float(add(1.0))] == [
        0,
        1,
        10,
        11,
    ]


def test_givens_put_variables_in_the_place_of_others(x):
    w = shared(np.full((2, 2), 3, "float32"))
    assert function([], total(x * 2), givens={x: w})() == 24
    h = tanh(x)
    assert function([x], total(h * 2), givens=[(h, x)])(np.ones((2, 2))) == 8
    with pytest.raises(TypeError, match="number of axes"):
        function([], x, givens={x: w[0]})


def test_clone_and_copy(x):
    w, v = shared(np.float32(2), "w"), shared(np.float32(5), "v")
    y = x * w
    assert total(clone(y, replace={w: v})).eval({x: [[1, 1]]}) == 10
    fn = function([x], total(y), updates=[(w, w + 1)])
    other = fn.copy(swap={w: v}, delete_updates=True)
    assert fn([[1]]) == 2 and other([[1]]) == 5 and (w.get_value(), v.get_value()) == (3, 5)


# ---- integers that decide about shapes


def test_minibatches_are_cut_without_compiling_anew():
    data = shared(np.arange(50, dtype="float32").reshape(25, 2))
    i, x = integer("i"), matrix("x")
    fn = function([i], x, givens={x: data[i * 10 : (i + 1) * 10]})
    found = [fn(k) for k in (0, 1, 2)]
    assert np.array_equal(np.concatenate(found), data.get_value())
    assert found[2].shape == (5, 2)  # the last one is shorter, as in numpy
    assert programs(fn) == 2
    fn(0)
    assert programs(fn) == 2


def test_slices_from_one_argument_to_another_are_compiled_for_each_length():
    data = shared(np.arange(50))
    a, b = integer("a"), integer("b")
    fn = function([a, b], data[a:b])
    for first, last in ((0, 7), (3, 10), (20, 27), (5, 6), (40, 60), (-3, 50), (8, 4)):
        assert fn(first, last).tolist() == list(range(50))[first:last], (first, last)
    assert programs(fn) == 5


def test_sizes_may_be_arguments():
    n = integer("n")
    fn = function([n], zeros(n, n * 2 + 1))
    assert fn(2).shape == (2, 5) and fn(3).shape == (3, 7) and fn(2).shape == (2, 5)
    assert programs(fn) == 2


def test_sizes_may_be_shared(x):
    n = shared(2)
    fn = function([], zeros(n), updates=[(n, n + 1)])
    assert [fn().shape for _ in range(3)] == [(2,), (3,), (4,)]


def test_sizes_may_be_computed_first():
    v = vector("v")
    kept = total((v > 0).astype("int64"))
    fn = function([v], [zeros(kept), v[:kept]])
    for array in ([1, -1, 2], [1, -1, -2], [3, 2, 1], [4, -5, 6]):
        made = fn(array)
        assert made[0].shape == made[1].shape == (sum(a > 0 for a in array),)


def test_arithmetic_with_shapes_is_done_before(x):
    y = zeros(x.shape[0] // 2, x.shape[1] - 1, x.size % 4)
    assert function([x], y)(np.ones((5, 3))).shape == (2, 2, 3)
    assert function([x], arange(x.shape[1]))(np.ones((5, 3))).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "index",
    [
        lambda i, n: (i,),
        lambda i, n: (slice(None), i),
        lambda i, n: (slice(i, i + 3), slice(None, None, -1)),
        lambda i, n: (slice(i, None), None, 0),
        lambda i, n: (slice(None, -i),),
        lambda i, n: (slice(None, None, 2), slice(i, i + 2)),
        lambda i, n: (Ellipsis, i),
        lambda i, n: (n,),
        lambda i, n: (n, n),
        lambda i, n: (slice(i, i + 2), n),
        lambda i, n: (i, n),
        lambda i, n: (np.array([True, False, True, False, False]),),
        lambda i, n: ([0, 2], [1, 1]),
    ],
)
def test_indices_are_those_of_numpy(index, x):
    i, n = integer("i"), integers("n")
    array = np.arange(20, dtype="float32").reshape(5, 4)
    fn = function([x, i, n], x[index(i, n)], on_unused_input="ignore")
    for k in (1, 2):
        many = np.array([k, 0, 2])
        expected = array[index(k, many)]
        found = fn(array, k, many)
        assert found.shape == expected.shape and np.array_equal(found, expected)


def test_masks_choose(x):
    array = np.array([[1, -1, 0], [2, 3, -4]], "float32")
    rows = vector("rows")
    fn = function([x, rows], [x[x > 0], x[rows > 0], x[1, x[0] > 0]])
    for given in (array, -array):
        found = fn(given, [1, -1])
        expected = given[given > 0], given[[True, False]], given[1, given[0] > 0]
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_an_index_that_is_not_there_is_told(x):
    with pytest.raises(IndexError, match=r"index 7 .*axis 0 of shape \(5, 4\)"):
        function([x], x[7])(np.ones((5, 4)))
