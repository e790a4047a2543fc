"""Derivatives, against JAX's for the same formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.compat.theano.checking import verify_grad
from hornbook.compat.theano.function import function
from hornbook.compat.theano.gradient import (
    DisconnectedInputError,
    Lop,
    Rop,
    disconnected_grad,
    grad,
    grad_clip,
    grad_scale,
    hessian,
    jacobian,
)
from hornbook.compat.theano.graph import MissingInputError
from hornbook.compat.theano.shared import shared
from hornbook.compat.theano.types import TensorType
from tests.compat.theano.tensors import dot, exp, integer, matrix, scalar, tanh, total, vector

RNG = np.random.RandomState(0)
X, W, B = RNG.randn(5, 3).astype("f"), RNG.randn(3, 4).astype("f"), RNG.randn(4).astype("f")


@pytest.fixture
def net():
    x, w, b = matrix("x"), shared(W, "w"), shared(B, "b")
    hidden = tanh(dot(x, w) + b)
    return x, w, b, hidden, total(hidden**3)


def loss(w, b):
    return (jnp.tanh(X @ w + b) ** 3).sum()


def ops(fn):
    return [node.op.name for node in fn.graph.nodes]


def test_gradients_are_those_of_jax(net):
    x, w, b, _, cost = net
    fn = function([x], [cost, *grad(cost, [w, b])])
    value, expected = jax.value_and_grad(loss, (0, 1))(W, B)
    found = fn(X)
    assert np.allclose(found[0], value, atol=1e-5)
    assert np.allclose(found[1], expected[0], atol=1e-5)
    assert np.allclose(found[2], expected[1], atol=1e-5)


def test_a_cost_and_its_gradients_are_computed_in_one_run(net):
    x, w, b, hidden, cost = net
    fn = function([x], [cost, hidden], updates=[(w, w - grad(cost, w)), (b, b - grad(cost, b))])
    assert ops(fn) == ["grad", "sub", "sub"]
    found = fn(X)
    expected = jax.grad(loss, (0, 1))(W, B)
    assert np.allclose(found[1], np.tanh(X @ W + B), atol=1e-5)
    assert np.allclose(w.get_value(), W - expected[0], atol=1e-5)
    assert np.allclose(b.get_value(), B - expected[1], atol=1e-5)


def test_two_costs_that_share_a_network(net):
    x, w, b, hidden, cost = net
    other = total(exp(hidden * 0.1))
    fn = function([x], [cost, other, grad(cost, w), grad(other, b)])
    found = fn(X)
    assert np.allclose(found[2], jax.grad(loss)(W, B), atol=1e-5)
    assert np.allclose(
        found[3], jax.grad(lambda b: jnp.exp(0.1 * jnp.tanh(X @ W + b)).sum())(B), atol=1e-5
    )


def test_with_respect_to_what_is_computed(net):
    x, _, _, hidden, cost = net
    assert np.allclose(function([x], grad(cost, hidden))(X), 3 * np.tanh(X @ W + B) ** 2, atol=1e-5)
    s = scalar("s")
    square = s * s
    assert [float(g) for g in function([s], grad(square * s, [s, square]))(3.0)] == [27, 3]


def test_of_gradients():
    s = scalar("s")
    assert grad(grad(s**4, s), s).eval({s: 2.0}) == 48
    x = vector("x")
    norm = total(grad(total(x**3), x) ** 2)
    assert grad(norm, x).eval({x: [1, 2]}).tolist() == [36, 288]


def test_givens_reach_gradients(net):
    x, w, _, hidden, cost = net
    assert np.allclose(
        function([], grad(cost, w), givens={x: shared(X)})(), jax.grad(loss)(W, B), atol=1e-5
    )
    found = function([x], grad(cost, w), givens={hidden: hidden * 2})(X)
    assert np.allclose(found, 8 * jax.grad(loss)(W, B), atol=1e-4)


def test_a_gradient_has_the_dtype_of_its_variable():
    x, y = vector("x"), TensorType("float64", (False,))("y")
    g = grad(total(x * y), [x, y])
    assert [v.dtype for v in g] == ["float32", "float64"]
    assert [v.dtype for v in function([x, y], g)([1], [2])] == ["float32", "float64"]


def test_constants_are_not_differentiated():
    s = scalar("s")
    square = s * s
    assert grad(square * s, s, consider_constant=[square]).eval({s: 3.0}) == 9
    assert grad(disconnected_grad(square) * s, s).eval({s: 3.0}) == 9


def test_known_gradients():
    s = scalar("s")
    square = s * s
    assert grad(None, s, known_grads={square: 5 * s}).eval({s: 2.0}) == 40
    assert grad(square + s, s, known_grads={square: 5 * s}).eval({s: 2.0}) == 41


def test_what_the_cost_does_not_depend_on_is_told():
    a, b = vector("a"), vector("b")
    with pytest.raises(DisconnectedInputError, match=r": b\. .*gradient.py, line \d+: a, b = "):
        grad(total(a), [a, b])
    with pytest.warns(UserWarning, match=": b"):
        grad(total(a), b, disconnected_inputs="warn")
    assert grad(total(a), b, disconnected_inputs="ignore").eval({b: [1, 2]}).tolist() == [0, 0]
    assert grad(total(a), b, disconnected_inputs="ignore", return_disconnected="None") is None


def test_a_cost_that_is_no_scalar_of_floats_is_told():
    a, n = vector("a"), integer("n")
    with pytest.raises(TypeError, match="cost must be a scalar: a has 1 axes"):
        grad(a, a)
    with pytest.raises(TypeError, match="must be a float"):
        grad(n, a)
    with pytest.raises(TypeError, match="with respect to n, which is int64"):
        grad(total(a), n)


def test_gradients_on_their_way_can_be_clipped_and_scaled():
    a = vector("a")
    assert grad(total(grad_clip(a, -1, 1) * [5, -5, 0.5]), a).eval({a: [1, 1, 1]}).tolist() == [
        1,
        -1,
        0.5,
    ]
    assert grad(total(grad_scale(a, 3)), a).eval({a: [1, 1]}).tolist() == [3, 3]


def test_jacobian_and_hessian():
    a, w = vector("a"), matrix("w")
    y = tanh(dot(w, a))
    found = function([a, w], jacobian(y, [a, w]))(B[:3], X)
    expected = jax.jacobian(lambda a, w: jnp.tanh(w @ a), (0, 1))(B[:3], X)
    assert [np.allclose(f, e, atol=1e-6) for f, e in zip(found, expected, strict=True)] == [
        True
    ] * 2
    cost = total(exp(a) * a[::-1])
    expected = jax.hessian(lambda a: (jnp.exp(a) * a[::-1]).sum())(B)
    assert np.allclose(hessian(cost, a).eval({a: B}), expected, atol=1e-4)
    with pytest.raises(TypeError, match="jacobian is of a vector"):
        jacobian(w, a)
    with pytest.raises(TypeError, match="vectors"):
        hessian(total(w), w)


def test_operators_of_the_jacobian():
    a, w, v, u = vector("a"), matrix("w"), vector("v"), vector("u")
    y = tanh(dot(w, a))
    point, right, left = B[:3], RNG.randn(3).astype("f"), RNG.randn(5).astype("f")
    j = jax.jacobian(lambda a: jnp.tanh(X @ a))(point)
    assert np.allclose(Rop(y, a, v).eval({a: point, w: X, v: right}), j @ right, atol=1e-5)
    assert np.allclose(Lop(y, a, u).eval({a: point, w: X, u: left}), left @ j, atol=1e-5)


def test_what_a_derivative_does_not_depend_on_needs_no_value():
    x, w, v = vector("x"), matrix("w"), vector("v")
    fn = function([v, x], Lop(dot(x, w), w, v))
    assert fn([2, 3], [0, 1, 4]).tolist() == [[0, 0], [2, 3], [8, 12]]
    with pytest.raises(MissingInputError, match="variable w"):
        function([v, x], Lop(tanh(dot(x, w)), w, v))
    with pytest.raises(ValueError, match="shapes of .w. cannot be inferred"):
        function([x], grad(total(dot(x, w)), w))([1, 2])


def test_wrong_gradients_are_found():
    verify_grad(lambda x: tanh(x * x), [RNG.randn(2, 2)])
    with pytest.raises(ValueError, match="differences give"):
        verify_grad(lambda x: grad_scale(x, 2), [RNG.randn(2)])
