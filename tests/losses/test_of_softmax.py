"""Crossentropy where it is known that the probabilities are a softmax or sigmoid of logits."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import activations, layers, losses, ops
from hornbook.kernels import plain
from hornbook.ops.activation import logits_of

CLASSES = 5


def draw(*shape, scale=3.0):
    return (scale * np.random.default_rng(1).normal(size=shape)).astype("float32")


def labels(*shape, classes=CLASSES):
    return np.random.default_rng(2).integers(0, classes, shape)


def one_hot(y):
    return np.eye(CLASSES, dtype="float32")[y]


def value_and_gradient(loss_of, logits, activation=lambda z: z, **kwargs):
    total = lambda z: jnp.sum(jnp.cos(loss_of(activation(z), **kwargs)))  # noqa: E731
    return jax.jit(jax.value_and_grad(total))(logits)


def sparse(y, **kwargs):
    return lambda p, **more: losses.sparse_categorical_crossentropy(y, p, **kwargs, **more)


CASES = {
    "sparse": (sparse(labels(64)), (64, CLASSES), ops.softmax),
    "sequences": (sparse(labels(8, 9)), (8, 9, CLASSES), activations.softmax),
    "many": (sparse(labels(1000)), (1000, CLASSES), ops.softmax),
    "another axis": (
        sparse(labels(8, 9), axis=1),
        (8, CLASSES, 9),
        lambda z: ops.softmax(z, axis=1),
    ),
    "an ignored class": (sparse(labels(64) - 1, ignore_class=-1), (64, CLASSES), ops.softmax),
    "one hot": (
        lambda p, **more: losses.categorical_crossentropy(
            one_hot(labels(64)), p, label_smoothing=0.1, **more
        ),
        (64, CLASSES),
        ops.softmax,
    ),
    "yes or no": (
        lambda p, **more: losses.binary_crossentropy(labels(64, 3, classes=2), p, **more),
        (64, 3),
        ops.sigmoid,
    ),
    "targets between": (
        lambda p, **more: losses.binary_crossentropy(np.float32(labels(64, 3) / 4), p, **more),
        (64, 3),
        activations.sigmoid,
    ),
    "a loss object": (
        lambda p, **more: losses.BinaryCrossentropy(**more)(labels(64, 7, classes=2), p),
        (64, 7, 1),
        ops.sigmoid,
    ),
}


@pytest.mark.parametrize("scale", [10.0, 3000.0], ids=["large", "pictures"])
@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_that_of_the_logits(case, scale):
    loss_of, shape, activation = CASES[case]
    logits = draw(*shape, scale=scale)
    found = value_and_gradient(loss_of, logits, activation)
    wanted = value_and_gradient(loss_of, logits, from_logits=True)
    assert np.abs(wanted[1]).max() > 0
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    with plain():
        found = value_and_gradient(loss_of, logits, activation)
    if scale < 100:  # else cosines are of numbers rounded in two ways
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-4, atol=3e-5)


@pytest.mark.parametrize("case", CASES)
def test_where_nothing_is_clipped_it_is_that_of_the_probabilities_too(case):
    loss_of, shape, activation = CASES[case]
    logits = draw(*shape, scale=1.0)
    found = value_and_gradient(loss_of, logits, activation)
    wanted = value_and_gradient(loss_of, logits, lambda z: activation(z) * np.float32(1))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=3e-5)


def test_the_probabilities_are_not_divided_and_multiplied_again():
    logits, y = draw(64, CLASSES), labels(64)
    gradient = lambda change: (  # noqa: E731
        jax.jit(jax.grad(lambda z: jnp.sum(sparse(y)(change(ops.softmax(z))))))
        .lower(logits)
        .compile()
        .as_text()
    )
    assert gradient(lambda p: p).count(" divide(") < gradient(lambda p: p + 0).count(" divide(")


def test_a_changed_softmax_is_no_softmax():
    logits, y = draw(64, CLASSES), labels(64)
    found = value_and_gradient(sparse(y), logits, lambda z: ops.softmax(z) ** 2)
    wanted = value_and_gradient(sparse(y), logits, lambda z: jax.nn.softmax(z) ** 2)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_another_axis_is_not_taken_for_the_classes(axis):
    logits, y = draw(CLASSES, CLASSES, CLASSES), labels(CLASSES, CLASSES)
    loss_of = sparse(y, axis=1 - axis)
    found = value_and_gradient(loss_of, logits, lambda z: ops.softmax(z, axis=axis))
    wanted = value_and_gradient(loss_of, logits, lambda z: jax.nn.softmax(z, axis=axis))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_sigmoid_is_no_softmax():
    logits = draw(64, CLASSES)
    found = value_and_gradient(sparse(labels(64)), logits, ops.sigmoid)
    wanted = value_and_gradient(sparse(labels(64)), logits, jax.nn.sigmoid)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("activation", [ops.softmax, jax.nn.softmax], ids=["known", "unknown"])
def test_targets_out_of_range_give_nan_where_they_count(from_logits, activation):
    logits, y = draw(6, CLASSES), np.array([0, -1, 2, CLASSES, 4, 100])
    outside = np.array([1, 3, 5])
    p = logits if from_logits else activation(logits)
    loss = ops.sparse_categorical_crossentropy(y, p, from_logits=from_logits)
    np.testing.assert_array_equal(np.isnan(loss), np.isin(np.arange(6), outside))

    def weighted(z):
        loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        weights = np.where(np.isin(np.arange(6), outside), 0.0, 1.0)
        return loss(y, z if from_logits else activation(z), weights)

    value, gradient = jax.jit(jax.value_and_grad(weighted))(logits)
    assert np.isfinite(value)
    np.testing.assert_array_equal(gradient[outside], 0)
    assert np.abs(np.delete(gradient, outside, 0)).sum(1).min() > 0


@pytest.mark.parametrize("from_logits", [True, False])
def test_forward_and_second_derivatives_work(from_logits):
    logits, y = draw(3, CLASSES), labels(3)

    def total(z):
        return jnp.sum(sparse(y, from_logits=from_logits)(z if from_logits else ops.softmax(z)))

    p = np.asarray(jax.nn.softmax(logits))
    found = jax.jit(jax.hessian(total))(logits)
    for row in range(3):
        wanted = np.diag(p[row]) - np.outer(p[row], p[row])
        np.testing.assert_allclose(found[row, :, row], wanted, atol=1e-5)


class OfOnesOwn(keras.Model):
    def __init__(self, units, activation):
        super().__init__()
        self.hidden = layers.Dense(8, activation="tanh")
        self.out = layers.Dense(units, activation=activation)

    def call(self, x):
        return self.out(self.hidden(x))


def functional(out):
    x = keras.Input((7, 6))
    return keras.Model(x, out(layers.Dense(8, activation="tanh")(x)))


def sequential(*out):
    return keras.Sequential([keras.Input((7, 6)), layers.Dense(8, activation="tanh"), *out])


MODELS = {
    "dense": lambda n, f: sequential(layers.Dense(n, activation=f)),
    "time distributed": lambda n, f: sequential(
        layers.TimeDistributed(layers.Dense(n, activation=f))
    ),
    "a model": lambda n, f: sequential(keras.Sequential([layers.Dense(n, activation=f)])),
    "activation": lambda n, f: sequential(layers.Dense(n), layers.Activation(f)),
    "functional": lambda n, f: functional(layers.Dense(n, activation=f)),
    "masked": lambda n, f: functional(
        lambda x: layers.Dense(n, activation=f)(layers.Masking(0.0)(x))
    ),
    "of one's own": OfOnesOwn,
    "mixed": lambda n, f: sequential(layers.Dense(n, activation=f, dtype="mixed_bfloat16")),
}
LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", CLASSES, labels(40, 7)),
    "categorical_crossentropy": ("softmax", CLASSES, one_hot(labels(40, 7))),
    "binary_crossentropy": ("sigmoid", 1, labels(40, 7, 1, classes=2)),
}


# every loss for one model, every model for one loss
TRAINED = [("dense", loss) for loss in LOSSES] + [(name, [*LOSSES][0]) for name in [*MODELS][1:]]


@pytest.mark.parametrize(("name", "loss"), TRAINED)
def test_a_model_trains_as_with_its_logits(name, loss):
    activation, units, y = LOSSES[loss]

    def trained(activation, from_logits):
        keras.utils.set_random_seed(0)
        model = MODELS[name](units, activation)
        loss_object = keras.losses.deserialize(
            {"class_name": CLASS_NAMES[loss], "config": {"from_logits": from_logits}}
        )
        model.compile("adam", loss_object, metrics=[] if from_logits else [loss])
        x = 3000 * draw(40, 7, 6)  # so that some probabilities are 0 and 1
        history = model.fit(x, y, 16, epochs=3, verbose=0).history
        if name == "dense":
            history["evaluated"] = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
        numbers = [history["loss"], history.get("evaluated", 0), *model.get_weights()]
        return numbers, history.get(loss)

    found, reported = trained(activation, False)
    wanted, _ = trained("linear", True)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(reported, found[0], rtol=1e-5)  # a metric says what the loss says


CLASS_NAMES = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
}


def pictures(kinds):
    """Noisy pictures of some kinds, with numbers from 0 to 255."""
    draws = np.random.default_rng(0)
    patterns, y = draws.integers(0, 256, (kinds, 10, 10)), draws.integers(0, kinds, 320)
    x = np.clip(patterns[y] + draws.integers(-60, 60, (320, 10, 10)), 0, 255)
    return x.astype("float32"), y


def of_pictures(loss, **settings):
    activation, units, _ = LOSSES[loss]
    x, y = pictures(max(units, 2))
    hidden = [layers.Flatten(), layers.Dense(32, activation="relu")]
    out = layers.Dense(units, activation=activation)
    model = keras.Sequential([keras.Input((10, 10)), *hidden, out])
    model.compile("adam", loss, metrics=["accuracy"], **settings)
    return model, x, one_hot(y) if loss == "categorical_crossentropy" else y


@pytest.mark.parametrize("loss", LOSSES)
def test_a_model_learns_pictures_of_0_to_255(loss):
    model, x, y = of_pictures(loss)
    assert model.fit(x, y, epochs=8, verbose=0).history["accuracy"][-1] > 0.95


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_the_same_step_by_step_in_python(loss):
    model, x, y = of_pictures(loss)
    wanted = model.evaluate(x[:32], y[:32], verbose=0)
    assert wanted[0] > 20  # more than where it is clipped
    model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True)
    np.testing.assert_allclose(model.evaluate(x[:32], y[:32], verbose=0), wanted, rtol=1e-5)


def test_nothing_is_remembered_after_a_trace():
    value_and_gradient(sparse(labels(8)), draw(8, CLASSES), ops.softmax)
    value_and_gradient(sparse(labels(8)), draw(8, CLASSES), ops.sigmoid)
    gc.collect()
    assert not len(logits_of)
