"""Batches joined from several iterators, and labels that a model guessed."""

import itertools

import numpy as np
import pytest

import hornbook as keras
from hornbook.data import MixIterator, pseudo_label


class Batches:
    """What Keras 1's iterators are: `N`, `reset` and batches without end."""

    def __init__(self, value, size, count=10, name="N"):
        self.value, self.size = value, size
        setattr(self, name, count)
        self.at = 0

    def reset(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        x = np.full((self.size, 2), self.value, "float32")
        return x, np.full(self.size, 100 * self.value + self.at)


def test_a_batch_has_a_part_of_each_iterator():
    a, b = Batches(1, 3), Batches(2, 1, 7, "n")
    mixed = MixIterator([a, b])
    x, y = next(mixed)
    np.testing.assert_array_equal(x, [[1, 1]] * 3 + [[2, 2]])
    np.testing.assert_array_equal(y, [101, 101, 101, 201])
    np.testing.assert_array_equal(mixed.next()[1], [102, 102, 102, 202])
    assert (mixed.N, mixed.n, mixed.multi) == (17, 17, False)
    mixed.reset()
    np.testing.assert_array_equal(next(iter(mixed))[1], [101, 101, 101, 201])


def test_several_inputs():
    mixed = MixIterator([[Batches(1, 2), Batches(2, 2)], [Batches(3, 1, 5), Batches(4, 1, 5)]])
    assert mixed.multi
    assert mixed.N == 15
    (first, second), y = next(mixed)
    np.testing.assert_array_equal(first[:, 0], [1, 1, 3])
    np.testing.assert_array_equal(second[:, 0], [2, 2, 4])
    np.testing.assert_array_equal(y, [101, 101, 301])
    mixed.reset()
    np.testing.assert_array_equal(next(mixed)[1], y)


def test_whatever_a_batch_holds_is_joined():
    parts = [
        ({"a": np.ones((n, 2)), "b": [np.zeros(n)]}, np.ones(n), np.full(n, n)) for n in (2, 1)
    ]
    x, y, weight = next(MixIterator([iter([part]) for part in parts]))
    assert x["a"].shape == (3, 2)
    assert x["b"][0].shape == (3,)
    np.testing.assert_array_equal(weight, [2, 2, 1])


def test_it_ends_with_the_first_that_ends():
    mixed = MixIterator([iter([(np.ones(2),)] * 3), itertools.repeat((np.ones(1),))])
    assert [len(x) for (x,) in mixed] == [3, 3, 3]
    assert mixed.N is None


def test_iterators_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="list of iterators is empty"):
        MixIterator([])
    with pytest.raises(ValueError, match="lists of iterators"):
        MixIterator([[Batches(1, 2)], Batches(1, 2)])
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        next(MixIterator([iter([(np.ones(1), np.ones(1))]), iter([(np.ones(1),)])]))


class Guess:
    def __init__(self, predictions):
        self.predictions = np.array(predictions, "float32")

    def predict(self, x, batch_size=None, verbose=0):
        return self.predictions[: len(x)]


def test_labels_are_guessed():
    model, x = Guess([[0.1, 0.9], [0.6, 0.4], [1, 0]]), np.arange(3.0).reshape(3, 1)
    kept, y = pseudo_label(model, x)
    np.testing.assert_array_equal(kept, x)
    np.testing.assert_array_equal(y, [[0, 1], [1, 0], [1, 0]])
    assert y.dtype == np.float32
    kept, y = pseudo_label(model, x, "integer", threshold=0.8)
    np.testing.assert_array_equal(kept, [[0], [2]])
    np.testing.assert_array_equal(y, [1, 0])
    np.testing.assert_array_equal(pseudo_label(model, x, "soft")[1], model.predictions)


def test_labels_of_one_probability():
    model, x = Guess([[0.1], [0.6], [1]]), np.zeros((3, 1))
    np.testing.assert_array_equal(pseudo_label(model, x)[1], [[0], [1], [1]])
    kept, y = pseudo_label(model, x, "integer", threshold=0.85)
    assert kept.shape == (2, 1)
    np.testing.assert_array_equal(y, [0, 1])


def test_what_is_no_guess_is_told():
    with pytest.raises(ValueError, match="hard"):
        pseudo_label(Guess([[1]]), np.zeros((1, 1)), "hard")
    with pytest.raises(ValueError, match=r"\(1, 1, 1\)"):
        pseudo_label(Guess([[[1]]]), np.zeros((1, 1)))


def test_a_model_goes_on_with_its_guesses():
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 2)).astype("float32")
    y = (x.sum(1) > 0).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    model.fit(x[:16], y[:16], epochs=5, verbose=0)
    guessed = pseudo_label(model, x[16:], "integer")

    def batches(x, y, size):
        while True:
            rows = random.permutation(len(x))[:size]
            yield x[rows], y[rows]

    mixed = MixIterator([batches(x[:16], y[:16], 8), batches(*guessed, 4)])
    before = model.evaluate(x, y, verbose=0)
    model.fit(mixed, steps_per_epoch=4, epochs=4, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
