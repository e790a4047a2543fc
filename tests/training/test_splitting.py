"""Which samples a validation gets."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook as keras
from hornbook.training.splitting import classes_of, splits

SORTED = np.repeat([0, 1, 2], [100, 60, 40])


class Keep(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.kept = self.validation_data


class Two(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.ones((4, 1)), np.ones((4, 1))


def held_out(x, y, **options):
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    keep = Keep()
    model.fit(x, y, verbose=0, callbacks=[keep], **options)
    assert keep.validation_data is None  # not kept alive after training
    return keep.kept


@given(
    st.lists(st.integers(0, 4), min_size=4, max_size=60),
    st.integers(1, 59),
    st.sampled_from(["random", "stratified"]),
)
def test_parts_are_disjoint_and_whole(classes, count, way):
    y, count = np.array(classes), min(count, len(classes) - 1)
    train, held = splits(y, len(y), count, way)
    assert len(held) == count
    np.testing.assert_array_equal(np.sort([*train, *held]), np.arange(len(y)))
    assert (np.diff(train) > 0).all() and (np.diff(held) > 0).all()
    if way == "stratified":
        for one in set(classes):
            share = (y == one).sum() * count / len(y)
            assert abs((y[held] == one).sum() - share) < 1 + 1e-9


def test_fit_validates_on_each_classs_share():
    x = np.arange(200.0, dtype="float32")[:, None]
    options = {"validation_split": 0.25, "validation_from": "stratified"}
    for y in (SORTED, SORTED[:, None].astype(float)):
        kept_x, kept_y, weight = held_out(x, y, **options)
        assert weight is None
        np.testing.assert_array_equal(np.bincount(np.ravel(kept_y).astype(int)), [25, 15, 10])
        np.testing.assert_array_equal(SORTED[kept_x[:, 0].astype(int)], np.ravel(kept_y))
    np.testing.assert_array_equal(classes_of(np.eye(3)[SORTED]), SORTED)


def test_random_ones_differ_from_fit_to_fit_but_not_for_a_seed():
    x = np.arange(40.0)[:, None]
    options = {"validation_split": 0.25, "validation_from": "random"}
    keras.utils.set_random_seed(1)
    first, second = (held_out(x, x, **options)[0] for _ in range(2))
    keras.utils.set_random_seed(1)
    again = held_out(x, x, **options)[0]
    assert len(first) == 10 and not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_validation_data_are_those_that_were_passed():
    x = np.ones((8, 1), "float32")
    assert held_out(x, x) is None
    kept = held_out(x, x, validation_data=(x[:2], x[:2], np.ones(2)))
    assert [len(part) for part in kept] == [2, 2, 2]
    source = Two()
    assert held_out(x, x, validation_data=source) is source


def test_a_tail_without_a_class_gives_a_warning():
    x = np.zeros((200, 1))
    with pytest.warns(UserWarning, match="no sample of classes 0, 1"):
        held_out(x, SORTED, validation_split=0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held_out(x, SORTED[::-1] * 0.5, validation_split=0.2)  # no classes
        held_out(x, np.random.default_rng(0).permutation(SORTED), validation_split=0.2)


def test_what_cannot_be_split_is_an_error():
    x = np.arange(40.0)[:, None]
    for y, options, message in (
        (x / 3, {"validation_split": 0.2, "validation_from": "stratified"}, "one class for each"),
        (x, {"validation_split": 0.2, "validation_from": "middle"}, "must be one of"),
        (x, {"validation_from": "random"}, "needs a validation_split"),
    ):
        with pytest.raises(ValueError, match=message):
            held_out(x, y, **options)
