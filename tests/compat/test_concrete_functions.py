"""Concrete functions, queues, sparse tensors as bytes; names and values are TensorFlow 2.21's."""

import pytest

from hornbook import compat


@pytest.fixture
def tf():
    with compat.installed("tfkeras"):
        import tensorflow

        yield tensorflow


def kinds(graph):
    return [(one.name, one.type) for one in graph.get_operations()]


def test_a_concrete_function_lists_its_operations(tf):
    @tf.function
    def cube(x):
        return x**3

    made = cube.get_concrete_function(tf.constant(2.0))
    assert float(made(tf.constant(3.0))) == 27
    assert made is cube.get_concrete_function(tf.constant(5.0))
    assert made is not cube.get_concrete_function(tf.constant([5.0]))
    assert kinds(made.graph) == [
        ("x", "Placeholder"),
        ("pow/y", "Const"),
        ("pow", "Pow"),
        ("Identity", "Identity"),
    ]
    power = made.graph.get_operations()[2]
    assert repr(list(power.inputs)) == (
        "[<tf.Tensor 'x:0' shape=() dtype=float32>, <tf.Tensor 'pow/y:0' shape=() dtype=float32>]"
    )
    assert repr(power.outputs) == "[<tf.Tensor 'pow:0' shape=() dtype=float32>]"
    assert repr(made.graph.get_operation_by_name("x")) == "<tf.Operation 'x' type=Placeholder>"
    shown = "<tf.Tensor 'Identity:0' shape=() dtype=float32>"
    assert repr(made.graph.get_tensor_by_name("Identity:0")) == shown
    assert [one.name for one in made.inputs + made.outputs] == ["x:0", "Identity:0"]
    spec = "TensorSpec(shape=(), dtype=tf.float32, name='x')"
    assert repr(made.structured_input_signature) == f"(({spec},), {{}})"
    with pytest.raises(KeyError, match="has no operation 'y'; it has x, pow/y"):
        made.graph.get_operation_by_name("y")
    with pytest.raises(NotImplementedError, match="no FunctionDef"):
        _ = made.function_def


def test_operations_of_loops_constants_and_variables(tf):
    @tf.function
    def add_three(x):
        for _ in range(3):
            x += 1
        return x

    graph = add_three.get_concrete_function(tf.constant(5)).graph
    assert [name for name, _ in kinds(graph)] == (
        ["x", "add/y", "add", "add_1/y", "add_1", "add_2/y", "add_2", "Identity"]
    )

    @tf.function
    def until_ten(x):
        return tf.while_loop(lambda i, x: i < 10, lambda i, x: (i + 1, x + 1), [0, x])[1]

    assert ("while", "While") in kinds(until_ten.get_concrete_function(tf.constant(5)).graph)
    counter = tf.Variable(0)

    @tf.function
    def increment(by=1):
        return counter.assign_add(by)

    made = increment.get_concrete_function()
    assert kinds(made.graph)[-1] == ("Identity", "Identity")
    assert int(made()) == 1 == int(counter)


def test_signatures_are_checked(tf):
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def shrink(images):
        return images[:, ::2]

    assert shrink(tf.zeros([3, 4])).shape == (3, 2)
    wrong = r"Can not cast TensorSpec\(shape=\(2, 2\), dtype=tf.float32, name=None\) to TensorSpec"
    with pytest.raises(TypeError, match=wrong):
        shrink(tf.zeros([2, 2]))
    made = shrink.get_concrete_function()
    assert made(tf.ones([5, 4])).shape == (5, 2)
    with pytest.raises(ValueError, match="TensorSpec without None"):
        _ = made.graph


def test_the_source_of_a_function_is_its_code(tf):
    @tf.function
    def double(x):
        return x + x

    assert "return x + x" in tf.autograph.to_code(double.python_function)


def test_a_queue_keeps_the_order(tf):
    queue = tf.queue.FIFOQueue(3, [tf.int32, tf.string], shapes=[(), ()])
    queue.enqueue([10, b"windy"])
    queue.enqueue([15, b"sunny"])
    assert int(queue.size()) == 2
    number, text = queue.dequeue()
    assert (int(number), text.numpy()) == (10, b"windy")
    queue.enqueue_many([[13, 16], [b"cloudy", b"rainy"]])
    numbers, texts = queue.dequeue_many(3)
    assert numbers.numpy().tolist() == [15, 13, 16]
    assert texts.numpy().tolist() == [b"sunny", b"cloudy", b"rainy"]
    with pytest.raises(ValueError, match="wait for others"):
        queue.dequeue()
    with pytest.raises(ValueError, match="room for 3 elements and 4 come"):
        queue.enqueue_many([[1, 2, 3, 4], ["a"] * 4])
    with pytest.raises(ValueError, match="component 0 of the element has shape"):
        queue.enqueue([[1, 2], "a"])
    with pytest.raises(ValueError, match="2 components"):
        queue.enqueue([1])
    queue.close()
    with pytest.raises(ValueError, match="closed"):
        queue.enqueue([1, "a"])
    named = tf.queue.FIFOQueue(2, [tf.float32], names=["a"])
    named.enqueue({"a": [1.0, 2.0]})
    assert named.dequeue()["a"].numpy().tolist() == [1, 2]


def test_sparse_tensors_as_bytes(tf):
    sparse = tf.SparseTensor([[0], [1]], [b"a@b.com", b"c@d.com"], [2])
    assert tf.io.serialize_sparse(sparse).numpy().tolist() == [
        b'\x08\t\x12\x08\x12\x02\x08\x02\x12\x02\x08\x01"\x10' + bytes(8) + b"\x01" + bytes(7),
        b'\x08\x07\x12\x04\x12\x02\x08\x02"\x10\x07\x07a@b.comc@d.com',
        b'\x08\t\x12\x04\x12\x02\x08\x01"\x08\x02' + bytes(7),
    ]


def test_specs_are_shown_as_in_tensorflow(tf):
    batches = tf.data.Dataset.range(5).batch(2)
    assert repr(batches.element_spec) == "TensorSpec(shape=(None,), dtype=tf.int64, name=None)"
