"""Pickling and copying of graphs and functions."""

import copy
import pickle

import numpy as np

from hornbook.compat.theano.function import function
from hornbook.compat.theano.gradient import grad, grad_clip
from hornbook.compat.theano.scan import scan
from hornbook.compat.theano.shared import shared
from tests.compat.theano.tensors import dot, matrix, tanh, total


def test_graphs_come_back_and_compute_the_same():
    x, w = matrix("x"), shared(np.eye(3, dtype="float32"), "w")
    h = scan(lambda x, h: tanh(dot(h, w) + x) ** 2, x, x[0] * 0)[0]
    cost = total(grad_clip(h, -1, 1) / 2)
    outputs = [cost, h[1:, None], grad(cost, w), cost.astype("int32")]
    array = np.ones((4, 3), "float32")
    expected = function([x], outputs)(array)
    x, outputs = pickle.loads(pickle.dumps((x, outputs)))
    found = function([x], outputs)(array)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_functions_come_back_with_the_values_they_had():
    x, w = matrix("x"), shared(np.float32(2), "w")
    fn = function([x], {"y": x * w}, updates=[(w, w + 1)])
    fn(np.ones((1, 1)))
    again = pickle.loads(pickle.dumps(fn))
    assert again(np.ones((1, 1)))["y"] == 3 and w.get_value() == 3


def test_copies_are_of_shared_variables_and_what_is_computed_from_them():
    class Net:
        def __init__(self):
            self.x, self.w = matrix("x"), shared(np.float32(2), "w")
            self.y = self.x * self.w
            self.fn = function([self.x], self.y, updates=[(self.w, self.w + 1)])

    net = Net()
    other = copy.deepcopy(net)
    other.fn(np.ones((1, 1)))
    assert (net.w.get_value(), other.w.get_value()) == (2, 3)
    assert net.fn(np.ones((1, 1))) == 2 and other.fn(np.ones((1, 1))) == 3
    assert other.y.eval({other.x: [[1]]}) == 4


def test_streams_in_copies_and_pickles_go_on_by_themselves():
    state = shared(np.int64(1), "state")
    state.default_update = state * 2
    fn = function([], state + 0)
    for other in (copy.deepcopy(fn), pickle.loads(pickle.dumps(fn))):
        assert [int(other()) for _ in range(3)] == [1, 2, 4]
    assert fn() == 1
