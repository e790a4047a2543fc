"""Repeated blocks of layers, trained on stacks: the results are those of single layers."""

import copy
import pickle

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook.training import stacks
from hornbook.training.programs import program_of
from hornbook.training.repeats import repeats

layers = keras.layers
X = np.random.default_rng(0).normal(size=(24, 6)).astype("float32")
Y = X[:, :1] * 0.5


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(stacks, "LEAST", 3)
    monkeypatch.setattr(stacks, "WORK", 0)


def plain(x):
    return layers.BatchNormalization()(layers.Dense(6)(x))


def residual(x):
    return layers.add([x, layers.Dropout(0.5, seed=1)(layers.Dense(6, "relu")(x))])


def made(block=plain, depth=4, optimizer="adam", **settings):
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((6,))
    for _ in range(depth):
        x = block(x)
    model = keras.Model(inputs, layers.Dense(1)(x))
    model.compile(optimizer, "mse", **settings)
    return model


def is_stacked(model, mode="train"):
    return isinstance(program_of(model, mode).variables, stacks.Stacked)


def fitted(model, **more):
    history = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, **more).history
    return [*history["loss"], *model.get_weights(), *model.optimizer.variables[2:]]


def agree(monkeypatch, block, optimizer):
    model = made(block, optimizer=optimizer)
    found = fitted(model)
    assert is_stacked(model)
    monkeypatch.setattr(stacks, "LEAST", 99)
    wanted = fitted(single := made(block, optimizer=optimizer))
    assert not is_stacked(single)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_on_stacks_agrees_with_single_layers(monkeypatch, optimizer):
    agree(monkeypatch, plain, optimizer)


def test_random_layers_draw_the_same_numbers(monkeypatch):
    agree(monkeypatch, residual, "adam")


def test_values_are_read_and_assigned_between_epochs(monkeypatch):
    def train(model):
        fitted(model)
        first = model.layers[1]
        first.kernel.assign(first.kernel * 2)
        model.layers[4].set_weights([0.5 * w for w in model.layers[4].get_weights()])
        return fitted(model), model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0)

    found = train(made())
    monkeypatch.setattr(stacks, "LEAST", 99)
    wanted = train(made())
    for one, other in zip(*map(jax.tree.leaves, (found, wanted)), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)


def test_evaluations_run_on_the_same_stacks():
    model = made(metrics=["mae"])
    fitted(model, validation_data=(X, Y))
    train, test = (program_of(model, mode).variables for mode in ("train", "test"))
    path = "dense/kernel"
    assert is_stacked(model, "test") and train.at(path) is test.at(path)
    assert train.at(path).shape == (4, 6, 6)
    before = train.at(path)._value
    for _ in range(2):
        train.read(), test.read()
    assert train.at(path)._value is before


def test_copies_and_pickles_do_not_share_a_stack():
    model = made()
    fitted(model)
    kernel = model.layers[1].kernel
    before = kernel.numpy()
    twins = copy.deepcopy(kernel), pickle.loads(pickle.dumps(kernel))
    fitted(model)
    assert not np.array_equal(kernel, before)
    for twin in twins:
        np.testing.assert_array_equal(twin, before)


def test_a_value_that_was_read_stays_as_it_was():
    model = made()
    fitted(model)
    value = model.layers[1].kernel.value
    before = np.array(value)
    fitted(model)
    np.testing.assert_array_equal(value, before)


def test_a_loss_of_a_block_and_of_the_weights_counts(monkeypatch):
    def penalized(x):
        return layers.Dense(6, activity_regularizer="l2")(x)

    def train():
        model = made(penalized)
        model.add_loss(lambda: 0.1 * (model.layers[2].kernel.value ** 2).sum())
        return fitted(model), is_stacked(model)

    found, stacked = train()
    monkeypatch.setattr(stacks, "LEAST", 99)
    wanted, single = train()
    assert stacked and not single
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_a_non_finite_batch_names_the_layer():
    model = made()
    fitted(model)
    model.layers[3].kernel.assign(np.full((6, 6), np.nan))
    with pytest.warns(RuntimeWarning, match="dense_1/kernel"):
        model.fit(X, Y, verbose=0)


def test_the_program_of_a_deeper_model_is_not_longer():
    def length(depth):
        model = made(depth=depth)
        program = program_of(model, "train")
        step = jax.make_jaxpr(program.run.step)(*program.variables.read(), (X[:8], Y[:8], None))
        return str(step).count(" = ")

    assert length(9) == length(4)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "lamb"},
        {"optimizer": keras.optimizers.Adam(clipnorm=1.0)},
        {"optimizer": keras.optimizers.Adam(use_ema=True)},
        {"run_eagerly": True},
    ],
)
def test_an_optimizer_that_looks_at_whole_variables_has_no_stacks(settings):
    assert not is_stacked(made(**settings))


def found_in(model):
    return [(len(one.blocks), len(one.blocks[0])) for one in repeats(model._call_graph, 3)]


def test_blocks_are_found():
    assert found_in(made()) == [(4, 2)]
    assert found_in(made(residual)) == [(4, 3)]
    assert found_in(made(lambda x: layers.Dense(6)(x))) == [(4, 1)]


def test_blocks_that_differ_or_are_used_elsewhere_are_not_repeats():
    rates = iter(range(4))
    assert not found_in(made(lambda x: layers.LeakyReLU(0.1 * next(rates))(layers.Dense(6)(x))))
    shared = layers.Dense(6)
    assert not found_in(made(lambda x: shared(x)))
    assert not found_in(made(lambda x: layers.Dense(6, kernel_regularizer="l2")(x)))
    xs = [keras.Input((6,))]
    for _ in range(4):
        xs.append(layers.Dense(6)(xs[-1]))
    assert not found_in(keras.Model(xs[0], layers.concatenate(xs)))

    class Own(layers.Dense):
        pass

    assert not found_in(made(lambda x: Own(6)(x)))


def test_a_frozen_block_is_no_part_of_the_stacks():
    model = made(depth=6)
    for layer in model.layers[:3]:
        layer.trainable = False
    model.compile("adam", "mse")
    before = model.layers[1].kernel.numpy()
    fitted(model)
    np.testing.assert_array_equal(model.layers[1].kernel, before)
    assert program_of(model, "train").variables.at("dense_1/kernel").shape == (5, 6, 6)
