"""Graphs: order, running, connections, copies, and depth without limit."""

import operator

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import hornbook
from hornbook import layers, ops
from hornbook.core.graph import Graph
from hornbook.core.symbolic import Node, SymbolicTensor


def names(graph):
    return [node.name for node in graph.nodes]


def test_nodes_come_after_those_they_need():
    x = hornbook.Input((2,))
    a = ops.tanh(x)
    b = ops.exp(a)
    graph = Graph(x, ops.add(ops.multiply(b, a), a))
    assert names(graph) == ["tanh", "exp", "multiply", "add"]


def test_only_what_the_outputs_need_is_run():
    x = hornbook.Input((2,))
    a = ops.tanh(x)
    ops.exp(a)
    assert names(Graph(x, a)) == ["tanh"]


def test_structures_go_in_and_out():
    a, b = hornbook.Input((2,)), hornbook.Input((2,))
    graph = Graph({"a": a, "b": [b]}, {"sum": a + b, "both": (a, [b])})
    out = graph.run([1.0, 2.0])
    assert out == {"sum": 3.0, "both": (1.0, [2.0])}


def test_an_input_may_be_an_output():
    x = hornbook.Input((2,))
    assert Graph(x, [x, x]).run([5.0]) == [5.0, 5.0]


def test_a_graph_may_start_in_the_middle_of_another():
    x = hornbook.Input((2,))
    middle = ops.tanh(x)
    graph = Graph(middle, ops.exp(middle))
    assert names(graph) == ["exp"]
    assert graph.run([jnp.asarray(0.0)]) == 1.0


def test_outputs_that_depend_on_an_input_not_given_are_refused_by_its_name():
    a, b = hornbook.Input((2,), name="price"), hornbook.Input((3,), name="rooms")
    y = ops.concatenate([a, ops.tanh(b)], axis=-1)
    with pytest.raises(ValueError) as caught:
        hornbook.Model(a, y)
    message = str(caught.value)
    assert "depend on the input 'rooms' of shape (None, 3)" in message
    assert "not among the inputs ['price']" in message
    assert "Add it to `inputs`" in message


def test_a_shared_layer_is_one_operation_with_several_nodes():
    a, b = hornbook.Input((2,)), hornbook.Input((2,))
    dense = layers.Dense(3)
    graph = Graph([a, b], ops.add(dense(a), dense(b)))
    assert [node.op for node in graph.nodes].count(dense) == 2
    assert graph.operations().count(dense) == 1
    assert len(dense.weights) == 2


def test_run_can_do_something_else_than_call():
    x = hornbook.Input((2,))
    seen = []

    def call(op, args, kwargs):
        seen.append(op.__name__)
        return op(*args, **kwargs)

    Graph(x, ops.exp(ops.tanh(x))).run([jnp.asarray(0.0)], call)
    assert seen == ["tanh", "exp"]


def test_a_graph_runs_under_jit_and_grad():
    x = hornbook.Input((2,))
    graph = Graph(x, ops.sum(x * x))
    assert jax.grad(lambda v: graph.run([v]))(jnp.asarray([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_a_clone_calls_other_ops_on_new_symbols():
    x = hornbook.Input((2,), name="x")
    shared = layers.Dense(2)
    graph = Graph(x, {"y": shared(shared(x)) + 1})
    asked = []

    def replace(operation):
        asked.append(operation)
        return (
            type(operation).from_config(operation.get_config())
            if operation is shared
            else (operation)
        )

    copy = graph.clone(replace)
    assert asked.count(shared) == 1
    other = next(op for op in copy.operations() if isinstance(op, layers.Dense))
    assert other is not shared
    assert not set(copy.input_list) & set(graph.input_list)
    assert copy.inputs.name == "x"
    other.set_weights(shared.get_weights())
    v = jnp.ones((1, 2))
    np.testing.assert_allclose(copy.run([v])["y"], graph.run([v])["y"])


# ---- 5,000 calls deep


def test_a_chain_of_five_thousand_ops_needs_no_recursion():
    x = y = hornbook.Input(batch_shape=(2,))
    for _ in range(5000):  # recorded by hand: 5,000 inferred shapes take seconds
        node = Node(operator.neg, (y,))
        node.outputs = y = SymbolicTensor((2,), "float32", node=node)
    graph = Graph(x, y)
    assert len(graph.nodes) == 5000
    assert len(graph.operations()) == 2
    assert graph.run([3]) == 3
    copy = graph.clone(lambda op: op if op is not operator.neg else (lambda v: v))
    assert copy.input_list[0] is copy.output_list[0]


def test_a_model_of_many_layers_needs_no_recursion():
    x = y = hornbook.Input(batch_shape=(1, 2))
    identity = [layers.Identity() for _ in range(600)]
    for layer in identity:
        y = layer(y)
    model = hornbook.Model(x, y)
    assert model.layers[1:] == identity
    assert model(np.ones((1, 2), "float32")).tolist() == [[1.0, 1.0]]


def test_a_deep_ladder_is_not_walked_once_for_each_path():
    x = y = hornbook.Input(batch_shape=(2,))
    for _ in range(60):
        y = y + y  # 2**60 paths
    graph = Graph(x, y)
    assert len(graph.nodes) == 60
    assert graph.operations()


# ---- the order of model.layers is Keras's


def chain(k):
    x = k.Input((4,), name="x")
    y = k.layers.Dense(3, name="a")(x)
    return x, k.layers.Dense(2, name="b")(y)


def residual(k):
    x = k.Input((4,), name="x")
    a = k.layers.Dense(4, name="a")(x)
    b = k.layers.Dense(4, name="b")(a)
    c = k.layers.Add(name="c")([x, b])
    d = k.layers.Dense(4, name="d")(c)
    return x, k.layers.Add(name="e")([c, d])


def two_inputs(k):
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    b = k.layers.Dense(4, name="b")(y)
    a = k.layers.Dense(4, name="a")(x)
    return [x, y], k.layers.Concatenate(name="c")([a, b])


def inputs_at_other_depths(k):
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    a = k.layers.Dense(4, name="a")(x)
    c = k.layers.Concatenate(name="c")([y, a])
    return [y, x], k.layers.Dense(1, name="d")(c)


def shared(k):
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    one = k.layers.Dense(4, name="one")
    two = k.layers.Dense(4, name="two")
    return [x, y], k.layers.Subtract(name="s")([two(one(x)), one(y)])


def shared_at_two_depths(k):
    x = k.Input((4,), name="x")
    one = k.layers.Dense(4, name="one")
    a = one(x)
    b = k.layers.Dense(4, name="b")(a)
    return x, k.layers.Add(name="c")([one(b), a])


def several_outputs(k):
    x = k.Input((4,), name="x")
    h = k.layers.Dense(4, name="h")(x)
    deep = k.layers.Dense(1, name="deep")(k.layers.Dense(3, name="m")(h))
    return x, [k.layers.Dense(2, name="early")(h), deep, h]


def branches_of_unequal_length(k):
    x = k.Input((4,), name="x")
    long = k.layers.Dense(4, name="l3")(
        k.layers.Dense(4, name="l2")(k.layers.Dense(4, name="l1")(x))
    )
    short = k.layers.Dense(4, name="s1")(x)
    return x, k.layers.Average(name="m")([short, long])


def nested(k):
    x = k.Input((4,), name="x")
    inner_in = k.Input((4,), name="i")
    inner = k.Model(inner_in, k.layers.Dense(4, name="in")(inner_in), name="inner")
    return x, k.layers.Add(name="add")([inner(x), k.layers.Dense(4, name="d")(x)])


def dictionary(k):
    x = {"q": k.Input((4,), name="q"), "p": k.Input((4,), name="p")}
    a = k.layers.Dense(2, name="a")(x["p"])
    b = k.layers.Dense(2, name="b")(x["q"])
    return x, {"sum": k.layers.Add(name="s")([b, a]), "a": a}


def unused_input(k):
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    return [x, y], k.layers.Dense(2, name="a")(x)


def operators(k):
    x = k.Input((4,), name="x")
    a = k.layers.Dense(4, name="a")(x)
    return x, k.layers.Dense(1, name="b")(a * 2.0 + x)


GRAPHS = [
    *(chain, residual, two_inputs, inputs_at_other_depths, shared, shared_at_two_depths),
    *(several_outputs, branches_of_unequal_length, nested, dictionary, unused_input, operators),
]


def layer_names(model):
    # operators are numbered by class in Keras and are functions here
    return [getattr(op, "name", getattr(op, "__name__", "")) for op in model.layers]


@pytest.mark.parametrize("make", GRAPHS)
def test_layers_are_listed_in_keras_s_order(make):
    ours, theirs = hornbook.Model(*make(hornbook)), keras.Model(*make(keras))
    wanted = [layer.name for layer in theirs.layers]
    assert [name for name in wanted if name in layer_names(ours)] == layer_names(ours)
    dropped = set(wanted) - set(layer_names(ours))
    assert dropped == {op.name for op in theirs.operations if not isinstance(op, keras.Layer)} & (
        set(wanted)
    )
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]


def test_the_layers_of_a_graph_are_listed_once(monkeypatch):
    x = hornbook.Input((3,))
    graph = Graph(x, layers.Dense(2)(layers.ReLU()(x)))
    walks, rank = [], Graph._traversal_rank
    monkeypatch.setattr(Graph, "_traversal_rank", lambda self: walks.append(self) or rank(self))
    first = graph.operations()
    first.clear()
    assert [type(one).__name__ for one in graph.operations()] == ["InputLayer", "ReLU", "Dense"]
    assert len(walks) == 1
