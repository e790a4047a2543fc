"""`tf.function`: compiled at the second call, with the variables that it uses."""

import collections

import jax
import numpy as np
import pytest

import hornbook
from hornbook.compat.install import installed


@pytest.fixture
def tf():
    with installed("tfkeras"):
        import tensorflow

        yield tensorflow


def test_a_train_step_is_compiled_and_keeps_its_state(tf):
    hornbook.utils.set_random_seed(0)
    layers = tf.keras.layers
    layer = tf.keras.Sequential([layers.Input((3,)), layers.BatchNormalization(), layers.Dense(1)])
    optimizer, mean = tf.keras.optimizers.Adam(0.1), tf.keras.metrics.Mean()
    kinds, counter = collections.deque(), tf.Variable(0)

    @tf.function
    def step(x, y, scale=1.0):
        kinds.append(isinstance(x, jax.core.Tracer))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - y) ** 2) * scale
        gradients = tape.gradient(loss, layer.trainable_variables)
        optimizer.apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
        mean.update_state(loss)
        counter.assign_add(1)
        return {"loss": loss, "name": "step"}

    rows = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    losses = []
    for _ in range(6):
        found = step(tf.constant(rows), tf.constant(rows[:, :1]))
        losses.append(float(found["loss"]))
        assert found["name"] == "step"
    assert [*kinds] == [False, True, True]
    assert (int(counter), int(optimizer.iterations)) == (6, 6)
    np.testing.assert_allclose(mean.result(), np.mean(losses), rtol=1e-5)
    held = layer.layers[-1].kernel.value
    for _ in range(2):
        step(rows[:4], rows[:4, :1], scale=2.0)
    assert [*kinds][3:] == [False, True, True]
    assert float(held[0, 0]) != float(layer.layers[-1].kernel.value[0, 0])
    before = np.asarray(layer.layers[-1].kernel)
    optimizer.learning_rate = 0.0
    step(rows[:4], rows[:4, :1], scale=2.0)
    np.testing.assert_array_equal(layer.layers[-1].kernel, before)


def test_compiled_steps_give_the_same_numbers(tf):
    rows = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")

    def trained(decorate):
        hornbook.utils.set_random_seed(0)
        layers = tf.keras.layers
        made = [layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
        model = tf.keras.Sequential([layers.Input((3,)), *made])
        optimizer, metric = tf.keras.optimizers.Adam(0.1), tf.keras.metrics.MeanSquaredError()

        @decorate
        def step(x):
            with tf.GradientTape() as tape:
                y = model(x, training=True)
                loss = tf.reduce_mean((y - x[:, :1]) ** 2)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            metric.update_state(x[:, :1], y)
            return loss

        losses = [float(step(tf.constant(rows))) for _ in range(5)]
        return losses, float(metric.result()), model.get_weights()

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        trained(tf.function),
        trained(lambda step: step),
    )


def test_functions_that_need_values_run_in_python(tf):
    calls = []

    @tf.function
    def collatz(n):
        calls.append(n)
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

    assert [collatz(tf.constant(n)) for n in (1, 6, 7)] == [0, 8, 16]

    @tf.function(reduce_retracing=True)
    def over(data):
        return sum(float(x) for x in data)

    data = tf.data.Dataset.from_tensor_slices([1.0, 2.0])
    assert [over(data) for _ in range(3)] == [3.0] * 3


def test_random_numbers_differ_in_each_call(tf):
    @tf.function
    def draw():
        return tf.random.normal((3,))

    found = np.asarray([draw() for _ in range(4)])
    assert len(np.unique(found)) == 12


def test_a_function_may_start_to_use_other_variables(tf):
    first, second = tf.Variable(1.0), tf.Variable(10.0)
    chosen = [first]

    @tf.function
    def add(x):
        return chosen[0].assign_add(x)

    assert [float(add(tf.constant(1.0))) for _ in range(3)] == [2.0, 3.0, 4.0]
    chosen[0] = second
    assert float(add(tf.constant(1))) == 11.0
    assert float(first) == 4.0


def test_methods_and_options(tf):
    class Model(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(2)

        @tf.function
        def call(self, x, training=None):
            return self.dense(x) * (2.0 if training else 1.0)

    model, x = Model(), np.ones((1, 3), "float32")
    one = [np.asarray(model(x)) for _ in range(3)][-1]
    np.testing.assert_allclose(model(x, training=True), 2 * one, rtol=1e-6)
    tf.config.run_functions_eagerly(True)
    kinds = []
    function = tf.function(lambda x: kinds.append(isinstance(x, jax.core.Tracer)))
    for _ in range(3):
        function(tf.constant(1.0))
    tf.config.run_functions_eagerly(False)
    assert kinds == [False] * 3


def test_what_must_happen_at_each_call_happens(tf, capsys):
    kept, data = [], tf.data.Dataset.range(10)
    iterator, generator = iter(data), iter(range(10))

    @tf.function
    def keeps(x):
        kept.append(x + 1)
        return None

    for n in range(4):
        assert keeps(tf.constant(n)) is None
    assert [int(one) for one in kept] == [1, 2, 3, 4]
    count = 0

    @tf.function
    def counts(x):
        nonlocal count
        count += 1
        return x * count

    assert [int(counts(tf.constant(2))) for _ in range(4)] == [2, 4, 6, 8]

    @tf.function
    def told(x):
        tf.print("value", x)
        print("plain")
        return x

    for n in range(3):
        told(tf.constant(n))
    out = capsys.readouterr()
    assert out.err.split() == ["value", "0", "value", "1", "value", "2"]
    assert out.out.split() == ["plain"] * 3
    taken = tf.function(lambda elements: next(elements))
    assert [int(taken(iterator)) for _ in range(4)] == [0, 1, 2, 3]
    assert [int(taken(generator)) for _ in range(4)] == [0, 1, 2, 3]
    closed = tf.function(lambda x: x + next(iterator))
    assert [int(closed(tf.constant(0))) for _ in range(3)] == [4, 5, 6]
    flip = tf.function(lambda x: tf.image.random_brightness(x, 0.5))
    picture = tf.zeros((2, 2, 3))
    assert len({float(np.asarray(flip(picture))[0, 0, 0]) for _ in range(4)}) == 4
    np.random.seed(3)
    draw = tf.function(lambda x: x + np.random.random())
    drawn = [float(draw(tf.constant(0.0))) for _ in range(3)]
    np.random.seed(3)
    np.testing.assert_allclose(drawn, np.random.random(3), rtol=1e-6)
    check = tf.function(lambda x: tf.debugging.assert_equal(x, x * 0))
    for n in (0, 0):
        check(tf.constant(n))
    with pytest.raises(tf.errors.InvalidArgumentError):
        check(tf.constant(1))


def test_results_belong_to_their_call(tf):
    made = tf.function(lambda x: (x.shape[0], {"a": [x * 2, None]}))
    two, three = tf.ones((2,)), tf.ones((3,))
    assert [made(x)[0] for x in (two, two, three, three, two)] == [2, 2, 3, 3, 2]
    first, second = tf.Variable([1.0]), tf.Variable([1.0])

    @tf.function
    def share(x):
        first.assign(x)
        second.assign(x)
        return first.assign_add([1.0]), x

    x = tf.constant([3.0])
    found = [share(x) for _ in range(4)]
    second.assign_add([1.0])
    assert [float(one[0]) for pair in found for one in pair] == [4.0, 3.0] * 4
    assert (float(x[0]), float(first.numpy()[0]), float(second.numpy()[0])) == (3.0, 4.0, 4.0)

    @tf.function
    def fails(x):
        first.assign(x)
        raise KeyError("no")

    for _ in range(3):
        with pytest.raises(KeyError):
            fails(x)
    wide = tf.function(lambda n: n + 1)
    assert [int(wide(np.array(2**40))) for _ in range(3)] == [2**40 + 1] * 3


def test_variables_made_inside(tf):
    class Lazy(tf.keras.layers.Layer):
        v = None

        @tf.function
        def grow(self, x):
            if self.v is None:
                self.v = tf.Variable(1.0)
            self.v.assign_add(inner(x))
            return self.v

    @tf.function
    def inner(x):
        fresh = tf.Variable(2.0)
        fresh.assign(x)
        return fresh + 0.0

    lazy = Lazy()
    for _ in range(4):
        lazy.grow(tf.constant(1.0))
    assert float(lazy.v) == 5.0
