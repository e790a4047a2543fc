"""Layers added, changed or removed after training began are found, also in lists and dicts."""

import copy
import pickle

import numpy as np
import pytest

import hornbook as keras
from hornbook.core.module import Structure

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


class Blocks(keras.layers.Layer):
    """Layers in a structure, called one after the other."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.listed = [keras.layers.Dense(4)]
        self._hidden = []
        self.named = {"a": keras.layers.Dense(4)}
        self.nested = {"deep": [[keras.layers.Dense(4)]], "none": [None]}
        self.vocabulary = dict.fromkeys(range(2000))

    def call(self, x):
        for layer in [*self.listed, *self._hidden, *self.named.values(), *self.nested["deep"][0]]:
            x = layer(x)
        for layer in self.nested["none"]:
            x = x if layer is None else layer(x)
        return x


class Whole(keras.Model):
    def __init__(self, blocks=None):
        super().__init__()
        self.blocks = blocks or Blocks()
        self.head = keras.layers.Dense(1)

    def call(self, x):
        return self.head(self.blocks(x))


def functional():
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dense(1)(Blocks(name="blocks")(x)))


def dense():
    return keras.layers.Dense(4, name="late")


CHANGES = {
    "appended": lambda b: b.listed.append(dense()),
    "inserted": lambda b: b.listed.insert(0, dense()),
    "extended": lambda b: b.listed.extend([dense(), keras.layers.ReLU()]),
    "replaced": lambda b: b.listed.__setitem__(0, dense()),
    "in an empty list": lambda b: b._hidden.append(dense()),
    "in a dict": lambda b: b.named.update(b=dense()),
    "in the dict, instead": lambda b: b.named.update(a=dense()),
    "deep inside": lambda b: b.nested["deep"][0].append(dense()),
    "instead of None": lambda b: b.nested["none"].__setitem__(0, dense()),
    "as an attribute": lambda b: setattr(b, "listed", [*b.listed, dense()]),
}
HOW = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
}


@pytest.mark.parametrize(
    ("change", "how", "make"),
    [
        *((change, "fit", Whole) for change in CHANGES),
        ("appended", "train_on_batch", Whole),
        ("in a dict", "fit", functional),
    ],
)
def test_a_layer_that_comes_after_the_first_fit_is_trained(change, how, make):
    keras.utils.set_random_seed(1)
    model = make()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    blocks = model.blocks if make is Whole else model.get_layer("blocks")
    CHANGES[change](blocks)
    late = next(layer for layer in model._all_modules() if layer.name == "late")
    model.predict(X, verbose=0)
    assert late.built
    before = late.get_weights()
    HOW[how](model)
    assert any(v is late.kernel for v in model.trainable_weights)
    assert all((a != b).any() for a, b in zip(before, late.get_weights(), strict=True))
    loss = float(np.mean((np.asarray(model(X)) - Y) ** 2))
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), loss, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), model(X), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("how", HOW)
def test_a_layer_that_was_taken_out_is_not_trained(how):
    model = Whole()
    model.compile("adam", "mse")
    model.blocks.listed.append(dense())
    model.fit(X, Y, verbose=0)
    gone = model.blocks.listed.pop()
    before = gone.get_weights()
    HOW[how](model)
    assert all((a == b).all() for a, b in zip(before, gone.get_weights(), strict=True))
    np.testing.assert_allclose(model.predict(X, verbose=0), model(X), rtol=1e-4, atol=1e-6)


def test_a_layer_without_weights_counts_too():
    model = Whole()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    model.blocks.listed.append(keras.layers.Lambda(lambda x: 0 * x))
    assert np.ptp(model.predict(X, verbose=0)) == 0
    np.testing.assert_allclose(
        model.evaluate(X, Y, verbose=0), np.mean((np.asarray(model(X)) - Y) ** 2), rtol=1e-5
    )


def test_the_optimizer_keeps_what_it_knows_of_the_others():
    model = Whole()
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(X, Y, verbose=0, epochs=3)
    of_head = model.optimizer.with_slots(model.head.kernel)[1:]
    before = [np.asarray(slot) for slot in of_head]
    model.blocks.listed.append(dense())
    model.optimizer.learning_rate = 0.0
    model.build(X.shape)
    model(X)
    model.optimizer._extend(model.trainable_weights, set())
    after = [np.asarray(slot) for slot in model.optimizer.with_slots(model.head.kernel)[1:]]
    assert len(after) == 2 and all((a == b).all() for a, b in zip(before, after, strict=True))
    assert int(model.optimizer.iterations) == 3
    new = [s for slots in model.optimizer._slots.values() for s in slots.values()]
    assert len(new) == 2 * len(model.trainable_weights)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Nadam(use_ema=True),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(momentum=0.9)),
        keras.optimizers.RMSprop(gradient_accumulation_steps=2),
    ],
    ids=["nadam", "scaled", "accumulated"],
)
def test_every_optimizer_grows(optimizer):
    model = Whole()
    model.compile(optimizer, "mse")
    model.fit(X, Y, verbose=0)
    model.blocks.listed.append(dense())
    model.fit(X, Y, verbose=0, epochs=2)
    late = model.blocks.listed[-1]
    before = late.get_weights()
    model.fit(X, Y, verbose=0, epochs=2)
    assert (before[0] != late.get_weights()[0]).any()


def test_one_optimizer_for_two_models_is_still_refused():
    optimizer = keras.optimizers.Adam()
    for model in (Whole(), Whole()):
        model.compile(optimizer, "mse")
        if optimizer.built:
            with pytest.raises(ValueError, match="an optimizer for each model"):
                model.fit(X, Y, verbose=0)
        else:
            model.fit(X, Y, verbose=0)


def test_nothing_is_compiled_again_where_nothing_changed():
    model = Whole()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    program = model._training_state.by_mode["train"]
    model.blocks.vocabulary[3] = "three"
    model.fit(X, Y, verbose=0)
    assert model._training_state.by_mode["train"] is program


def test_copies_are_looked_at_anew():
    model = Whole()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        made.blocks.listed.append(dense())
        made.fit(X, Y, verbose=0)
        assert len(made.trainable_weights) == len(model.trainable_weights) + 2


def test_a_structure_holds_until_something_changes():
    blocks = Blocks()
    structure = Structure(blocks)
    blocks.vocabulary[5] = "five"  # a long one without layers is not looked through
    assert structure.holds()
    blocks.vocabulary["new"] = 1
    assert not structure.holds() and structure.same(Structure(blocks))
    structure = Structure(blocks)
    blocks.listed.reverse()
    assert structure.holds()
    blocks.listed.append(dense())
    assert not structure.holds() and not structure.same(Structure(blocks))


def test_layers_may_go_and_others_come_between_fits():
    class Blocks(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [keras.layers.Dense(3), keras.layers.Dense(3)]

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    x = np.random.default_rng(0).random((8, 3)).astype("float32")
    model = Blocks()
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(x, x, verbose=0)
    model.blocks.pop()
    model.fit(x, x, verbose=0)
    model.blocks.append(keras.layers.Dense(3))
    model.fit(x, x, verbose=0)
    before = model.get_weights()
    model.train_on_batch(x, x)
    after = model.get_weights()
    assert len(before) == 4
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))
