"""Loops, against Python loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.compat.theano.function import function
from hornbook.compat.theano.gradient import grad
from hornbook.compat.theano.integers import NotKnownError
from hornbook.compat.theano.scan import foldl, foldr, map, reduce, scan, until
from hornbook.compat.theano.shared import shared
from hornbook.compat.theano.variable import apply
from tests.compat.theano.tensors import (
    arange,
    dot,
    integer,
    matrix,
    relu,
    scalar,
    tanh,
    total,
    vector,
)

RNG = np.random.RandomState(0)


def numbers(*shape):
    return RNG.randn(*shape).astype("float32")


def test_steps_get_elements_states_and_the_rest():
    x, h0, w = matrix("x"), vector("h0"), shared(numbers(3, 3), "w")
    (h, y), updates = scan(
        lambda x, h, w: [tanh(x + dot(h, w)), total(h)], x, [h0, None], non_sequences=w
    )
    assert not updates and (h.ndim, y.ndim) == (2, 1)
    xs, state = numbers(5, 3), np.zeros(3, "f")
    found = function([x, h0], [h, y])(xs, state)
    for t in range(5):
        assert np.allclose(found[1][t], state.sum(), atol=1e-5)
        state = np.tanh(xs[t] + state @ w.get_value())
        assert np.allclose(found[0][t], state, atol=1e-5)


def test_a_number_of_steps_alone():
    k, a = integer("k"), vector("a")
    powers, _ = scan(lambda p, a: p * a, outputs_info=a * 0 + 1, non_sequences=a, n_steps=k)
    fn = function([a, k], powers[-1])
    assert fn([1, 2, 3], 2).tolist() == [1, 4, 9]
    assert fn([1, 2, 3], 3).tolist() == [1, 8, 27]


def test_taps_of_sequences_and_of_results():
    x, init = vector("x"), vector("init")
    out, _ = scan(
        lambda x2, x0, x1, f2, f1: x2 + 10 * x0 + 100 * x1 + f1 - f2,
        sequences={"input": x, "taps": [-2, 0, 1]},
        outputs_info={"initial": init, "taps": [-2, -1]},
    )
    xs, f = np.arange(8.0), [1.0, 2.0]
    found = function([x, init], out)(xs, f)
    for t in range(2, 7):
        f.append(xs[t - 2] + 10 * xs[t] + 100 * xs[t + 1] + f[-1] - f[-2])
    assert found.tolist() == f[2:]


def test_sequences_of_different_lengths_and_fewer_steps():
    a, b = vector("a"), vector("b")
    pairs = scan(lambda a, b: a * b, [a, b])[0]
    assert pairs.eval({a: [1, 2, 3], b: [4, 5]}).tolist() == [4, 10]
    assert scan(lambda a: a, a, n_steps=2)[0].eval({a: [1, 2, 3]}).tolist() == [1, 2]
    with pytest.raises(ValueError, match="n_steps=5.*3 steps"):
        scan(lambda a: a, a, n_steps=5)[0].eval({a: [1, 2, 3]})


def test_backwards_maps_and_folds():
    a = vector("a")
    back = scan(lambda a, s: s * 2 + a, a, np.float32(0), go_backwards=True)[0]
    assert back.eval({a: [1, 2, 3]}).tolist() == [3, 8, 17]
    assert map(lambda a: a + 1, a)[0].eval({a: [1, 2]}).tolist() == [2, 3]
    step = lambda a, s: s * 2 + a  # noqa: E731
    given = {a: [1, 2, 3]}
    assert reduce(step, a, np.float32(0))[0].eval(given) == 11
    assert foldl(step, a, np.float32(0))[0].eval(given) == 11
    assert foldr(step, a, np.float32(0))[0].eval(given) == 17


def test_gradients_go_through_loops():
    x, w = matrix("x"), shared(numbers(3, 3) * 0.5, "w")
    h, _ = scan(lambda x, h: tanh(x + dot(h, w)), x, x[0] * 0)
    xs = numbers(6, 3)

    def cost(w):
        step = lambda h, x: (jnp.tanh(x + h @ w),) * 2  # noqa: E731
        return (jax.lax.scan(step, jnp.zeros(3), xs)[1] ** 2).sum()

    fn = function([x], [total(h**2), grad(total(h**2), w)])
    assert [node.op.name for node in fn.graph.nodes].count("scan") == 0  # it is in the gradient
    value, expected = jax.value_and_grad(cost)(w.get_value())
    found = fn(xs)
    assert np.allclose(found[0], value, atol=1e-5) and np.allclose(found[1], expected, atol=1e-5)


def test_gradients_go_through_the_last_steps_alone():
    a, w = vector("a"), scalar("w")
    s = scan(lambda a, s: s * w + a, a, np.float32(0), truncate_gradient=2)[0]
    # s4 = s3 w + a4, s3 = s2 w + a3: s2 is taken as it is
    found = function([a, w], [s[-1], grad(s[-1], w)])([1, 1, 1, 1], 2.0)
    assert [float(v) for v in found] == [15, 3 * 2 + 7]


def test_loops_in_loops():
    x = matrix("x")
    rows = scan(lambda row: scan(lambda a, s: s + a * a, row, np.float32(0))[0][-1], x)[0]
    xs = numbers(3, 4)
    assert np.allclose(rows.eval({x: xs}), (xs**2).sum(1), atol=1e-5)
    assert np.allclose(grad(total(rows), x).eval({x: xs}), 2 * xs, atol=1e-5)


def test_a_loop_of_gradients():
    x = vector("x")
    out = scan(lambda x: x - 0.1 * grad(total(x**2), x), outputs_info=x, n_steps=3)[0]
    assert np.allclose(out[-1].eval({x: [1, 2]}), 0.8**3 * np.array([1, 2]), atol=1e-6)
    i = scan(lambda i, y, x: grad(y[i], x), arange(x.shape[0]), None, [x**2, x])[0]
    assert np.allclose(i.eval({x: [1, 2]}), np.diag([2, 4]))


def test_loops_end_after_the_step_that_says_so():
    top, a = scalar("top"), scalar("a")
    powers, _ = scan(lambda p: (p * 2, until(p * 2 > top)), outputs_info=a, n_steps=100)
    fn = function([a, top], [powers, powers.shape[0], grad(powers[-1], a)])
    assert [v.tolist() for v in fn(1.0, 10.0)] == [[2, 4, 8, 16], 4, 16]
    assert [v.tolist() for v in fn(1.0, 40.0)] == [[2, 4, 8, 16, 32, 64], 6, 64]
    assert fn(1.0, 1e38)[0].shape == (100,) or fn(1.0, 1e38)[0][-1] > 1e38


def test_steps_update_shared_variables():
    n, x = shared(0, "n"), vector("x")
    out, updates = scan(lambda x: (x + n, {n: n + 2}), x)
    fn = function([x], out, updates=updates)
    assert fn([1, 1, 1]).tolist() == [1, 3, 5] and n.get_value() == 6
    assert fn([1]).tolist() == [7]


def test_streams_go_on_from_step_to_step():
    state = shared(np.uint32(1), "state")
    state.default_update = state * 3 + 1

    def step():
        return state * 1

    drawn, updates = scan(step, n_steps=4)
    assert [*updates] == [state]
    fn = function([], drawn, updates=updates)
    assert fn().tolist() == [1, 4, 13, 40] and fn()[0] == 121
    assert function([], drawn)()[0] == 121 * 81 + 40  # also where the updates are not passed on


def test_states_take_the_dtype_of_what_a_step_returns():
    x = vector("x")
    assert scan(lambda x, s: s + x, x, 0)[0].dtype == "float32"
    sums = scan(lambda x, s: s + x, x, np.float64(0))[0]
    assert sums.eval({x: [1, 2]}).tolist() == [1, 3]


def test_slices_within_steps():
    x = vector("x")
    sums = scan(lambda i, x: total(x[i : i + 3]), arange(x.shape[0] - 2), None, x)[0]
    assert sums.eval({x: [1, 2, 3, 4, 5]}).tolist() == [6, 9, 12]


def test_what_is_wrong_with_a_loop_is_told():
    x = matrix("x")
    with pytest.raises(ValueError, match="2 outputs_info, and its step returns 1 results"):
        scan(lambda x, s: s, x, [None, x[0]])
    with pytest.raises(ValueError, match="neither sequences nor n_steps"):
        scan(lambda s: s, outputs_info=x)
    with pytest.raises(ValueError, match="1 axes, and a step returns"):
        scan(lambda x, s: total(s), x, x[0], name="loop")
    with pytest.raises(TypeError, match="first axis"):
        scan(lambda x: x, scalar("s"))
    wider = scan(lambda x, s: apply(lambda s: jnp.tile(s, 2), s), x, x[0])[0]
    with pytest.raises(ValueError, match=r"shape \(3,\), and a step gives shape \(6,\)"):
        wider.eval({x: numbers(2, 3)})
    w = shared(1.0, "w")
    with pytest.raises(ValueError, match="w is not among its non_sequences"):
        scan(lambda x: x * w, x, strict=True)


def test_sizes_that_change_from_step_to_step_are_told_with_their_line():
    x = matrix("x")
    sums = scan(lambda row: total(row[row > 0]), x)[0]
    with pytest.raises(NotKnownError) as told:
        sums.eval({x: numbers(2, 3)})
    assert any("within a loop" in n and "test_scan.py" in n for n in told.value.__notes__)


def test_one_step_keeps_its_axis():
    x = matrix("x")
    assert scan(lambda x: relu(x), x)[0].eval({x: numbers(1, 3)}).shape == (1, 3)
