"""`tf.GradientTape` and custom training loops in programs for tf.keras."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook.compat.install import installed


@pytest.fixture
def tf():
    with installed("tfkeras"):
        import tensorflow

        yield tensorflow


def test_operators_and_methods_of_tensors_are_recorded(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        first, second = x * 2.0
        y = (1 - first @ x[0]) + second.sum() - x[1, 0] ** 2
    found = tape.gradient(y, {"x": x})
    expected = jax.grad(lambda x: 1 - (2 * x[0]) @ x[0] + (2 * x[1]).sum() - x[1, 0] ** 2)(
        jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    )
    np.testing.assert_allclose(found["x"], expected, rtol=1e-6)


def test_unconnected_and_stopped_gradients(tf):
    x, y = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        z = x**2 + tf.stop_gradient(y**2)
        with tape.stop_recording():
            stopped = x * y
    assert tape.gradient(z, {"x": x, "y": y}) == {"x": 4.0, "y": None}
    assert tape.gradient(stopped, x) is None
    zero = tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert float(zero) == 0.0
    assert float(tape.gradient(z, x, output_gradients=tf.constant(3.0))) == 12.0
    assert tape.gradient(x, [x, y]) == [1.0, None]
    assert tape.watched_variables() == (x, y)
    with pytest.warns(UserWarning, match="must be floating"):
        tape.watch(tf.constant([1, 2]))


def test_a_gradient_of_ones_own(tf):
    @tf.custom_gradient
    def clipped(y):
        return y, lambda upstream: tf.minimum(upstream, 0.5)

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = clipped(v * v) * 3.0
    assert float(tape.gradient(y, v)) == 2.0


def test_a_loop_trains_as_fit_does(tf):
    def model():
        hornbook.utils.set_random_seed(0)
        layers = hornbook.layers
        return hornbook.Sequential(
            [
                hornbook.Input((3,)),
                layers.Dense(4, "tanh", kernel_regularizer="l2"),
                layers.BatchNormalization(),
                layers.Dense(1),
            ]
        )

    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(24, 3)).astype("float32"), rng.normal(size=(24, 1)).astype("float32")
    fitted, looped = model(), model()
    fitted.compile(hornbook.optimizers.Adam(0.1), "mse")
    fitted.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    optimizer, loss_fn = tf.keras.optimizers.Adam(0.1), tf.keras.losses.MeanSquaredError()
    for start in range(0, 24, 8):
        with tf.GradientTape() as tape:
            loss = loss_fn(y[start : start + 8], looped(x[start : start + 8], training=True))
            loss = loss + sum(looped.losses)
        gradients = tape.gradient(loss, looped.trainable_variables)
        optimizer.apply_gradients(zip(gradients, looped.trainable_variables, strict=True))
    for one, two in zip(fitted.get_weights(), looped.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-5)
    with pytest.raises(ValueError, match="None for every variable"):
        optimizer.apply_gradients([(None, v) for v in looped.trainable_variables])


def test_inner_outputs_of_a_model_have_gradients(tf):
    inputs = tf.keras.layers.Input((4, 4, 1))
    maps = tf.keras.layers.Conv2D(2, 3, activation="relu")(inputs)
    scores = tf.keras.layers.Dense(3)(tf.keras.layers.GlobalAveragePooling2D()(maps))
    model = tf.keras.Model(inputs, [maps, scores])
    with tf.GradientTape() as tape:
        found, scores = model(np.ones((1, 4, 4, 1), "float32"))
        score = scores[:, 1]
    expected = model.layers[-1].kernel.numpy()[:, 1] / 4
    np.testing.assert_allclose(tape.gradient(score, found)[0, 0, 0], expected, rtol=1e-6)


def test_masks_from_recorded_layers_reach_the_layers_and_the_loss(tf):
    class Model(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = tf.keras.layers.Embedding(6, 3, mask_zero=True)
            self.recurrent = tf.keras.layers.SimpleRNN(1, return_sequences=True)

        def call(self, x):
            return self.recurrent(self.embed(x))

    model, loss = Model(), tf.keras.losses.MeanSquaredError()
    x, y = np.array([[1, 2, 0, 0], [3, 4, 5, 0]]), np.ones((2, 4, 1), "float32")
    model(x)
    for _ in range(2):  # recorded anew, and found in the cache
        with tf.GradientTape() as tape:
            value = loss(y, model(x))
        found = tape.gradient(value, model.trainable_variables)

    others = [v.value for v in model.non_trainable_variables]

    def loss_of(weights):
        return loss(y, model.stateless_call(weights, others, x)[0])

    expected = jax.grad(loss_of)([v.value for v in model.trainable_variables])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_minimize(tf):
    w = tf.Variable([1.0, 2.0])
    optimizer = tf.keras.optimizers.SGD(0.1)
    optimizer.minimize(lambda: tf.reduce_sum(w**2), [w])
    optimizer.learning_rate.assign(0.5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(w)
    optimizer.minimize(loss, [w], tape=tape)
    np.testing.assert_allclose(w.numpy(), [0.3, 1.1], rtol=1e-6)
    with pytest.raises(ValueError, match="tape"):
        optimizer.minimize(loss, [w])


def _small(kind, **compiled):
    hornbook.utils.set_random_seed(0)
    inputs = hornbook.Input((3,))
    hidden = hornbook.layers.Dense(4, "tanh", kernel_regularizer="l2")(inputs)
    model = kind(inputs, hornbook.layers.Dense(1)(hidden))
    model.compile("adam", "mse", metrics=["mae"], **compiled)
    return model


ROWS = np.random.default_rng(2).normal(size=(16, 4)).astype("float32")
DATA = ROWS[:, :3], ROWS[:, 3:]


def test_train_step_with_a_tape_is_compiled_in_fit(tf):
    runs = []

    class Own(tf.keras.Model):
        def train_step(self, data):
            x, y = data
            runs.append(x)
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
            self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
            self.compiled_metrics.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    class Inherited(tf.keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    found = [
        _small(kind).fit(*DATA, batch_size=4, epochs=3, shuffle=False, verbose=0).history
        for kind in (hornbook.Model, Own, Inherited)
    ]
    for history in found[1:]:
        assert history.keys() == found[0].keys()
        for name, values in history.items():
            np.testing.assert_allclose(values, found[0][name], rtol=1e-5)
    assert all(isinstance(x, jax.core.Tracer) for x in runs)


def test_a_step_with_optimizers_of_its_own(tf):
    class Pair(tf.keras.Model):
        def __init__(self, one, other):
            super().__init__()
            self.one, self.other = one, other
            self.total = tf.keras.metrics.Mean(name="total")

        def compile(self, rate):
            super().compile()
            self.optimizers = [tf.keras.optimizers.Adam(rate) for _ in range(2)]

        @property
        def metrics(self):
            return [self.total]

        def train_step(self, x):
            for part, optimizer in zip((self.one, self.other), self.optimizers, strict=True):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((self.other(self.one(x)) - x) ** 2)
                gradients = tape.gradient(loss, part.trainable_weights)
                optimizer.apply_gradients(zip(gradients, part.trainable_weights, strict=True))
            self.total.update_state(loss)
            return {"total": self.total.result()}

    layers = tf.keras.layers
    pair = Pair(layers.Dense(2), layers.Dense(3))
    pair.compile(0.05)
    totals = pair.fit(DATA[0], epochs=8, batch_size=8, verbose=0).history["total"]
    assert totals[-1] < 0.7 * totals[0]
    assert [int(optimizer.iterations) for optimizer in pair.optimizers] == [16, 16]


def test_a_step_that_needs_values_runs_in_python(tf):
    seen = []

    class Printing(tf.keras.Model):
        def train_step(self, data):
            logs = super().train_step(data)
            seen.append(float(logs["loss"]))
            return logs

    model = _small(Printing)
    with pytest.warns(UserWarning, match="run in Python"):
        model.fit(*DATA, batch_size=8, epochs=2, verbose=0)
    assert len(seen) == 4 and seen[-1] < seen[1]
