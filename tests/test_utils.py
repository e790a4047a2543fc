"""Helpers around models: labels, sequences, data sets."""

import threading
import warnings

import jax
import jax.numpy as jnp
import keras as original
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import preprocessing

import hornbook as keras
from hornbook import utils


@pytest.mark.parametrize("x", [[0, 2, 1], [[1], [3]], [[0, 1], [2, 0]], np.array(2), [1.0, 2.0]])
def test_one_hot_rows_agree_with_keras(x):
    ours, theirs = utils.to_categorical(x), original.utils.to_categorical(x)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == np.float32


@pytest.mark.parametrize(("x", "said"), [([-1, 0], "-1"), ([0, 5], "5"), ([0.5], "fraction")])
def test_numbers_that_are_no_classes_are_refused(x, said):
    with pytest.raises(ValueError, match=said):
        utils.to_categorical(x, num_classes=3)


@pytest.mark.parametrize(("axis", "order"), [(-1, 2), (0, 2), (1, 1)])
def test_normalized_numbers_agree_with_scikit_learn(axis, order):
    x = np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 1.0]])
    wanted = preprocessing.normalize(x, norm=f"l{order}", axis=axis % 2)
    np.testing.assert_allclose(utils.normalize(x, axis, order), wanted)


@given(
    st.lists(st.lists(st.integers(-9, 9), max_size=5), max_size=4),
    st.none() | st.integers(0, 6),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_padded_sequences_agree_with_keras(sequences, maxlen, padding, truncating):
    if not any(sequences):
        return
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 7}
    if maxlen == 0 and truncating == "pre":
        return  # Keras takes `row[-0:]`, the whole row, and fails
    ours = utils.pad_sequences(sequences, **options)
    theirs = original.utils.pad_sequences(sequences, **options)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype


def test_padding_keeps_the_shape_of_a_step():
    padded = utils.pad_sequences([np.ones((1, 2)), np.ones((3, 2))], dtype="float32")
    assert padded.shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"sequences\[1\]"):
        utils.pad_sequences([np.ones((1, 2)), np.ones((3, 4))])


def test_a_number_among_sequences_is_named():
    with pytest.raises(ValueError, match=r"sequences\[1\] is 3"):
        utils.pad_sequences([[1], 3])


@pytest.mark.parametrize("batch", [(1,), (1, 2), (1, 2, 3)])
def test_a_batch_unpacks_and_packs(batch):
    x, y, weight = utils.unpack_x_y_sample_weight(batch)
    packed = utils.pack_x_y_sample_weight(x, y, weight)
    assert packed == (batch if len(batch) > 1 else 1)


class Lines(utils.PyDataset):
    """Batches `y = 2 x`, and who made them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.asked, self.threads, self.ends, self.begins = [], set(), 0, 0

    def __len__(self):
        return 6

    def __getitem__(self, index):
        self.asked.append(index)
        self.threads.add(threading.get_ident())
        x = np.linspace(index, index + 1, 4, dtype="float32")[:, None]
        return x, 2 * x

    def on_epoch_begin(self):
        self.begins += 1

    def on_epoch_end(self):
        self.ends += 1


def line():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.001), "mse")
    return model


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_threads_that_make_batches_change_no_result(workers):
    data, model = Lines(workers=workers, max_queue_size=2), line()
    losses = model.fit(data, epochs=2, shuffle=False, verbose=0).history["loss"]
    plain = line()
    x, y = (np.concatenate(parts) for parts in zip(*(Lines()[i] for i in range(6)), strict=True))
    wanted = plain.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    assert sorted(data.asked) == sorted([*range(6)] * 2)
    assert (threading.get_ident() in data.threads) == (workers == 0)
    assert (data.begins, data.ends) == (2, 2)


def test_an_error_in_a_data_set_s_thread_reaches_the_caller():
    class Broken(Lines):
        def __getitem__(self, index):
            if index == 2:
                raise KeyError("no such file")
            return super().__getitem__(index)

    with pytest.raises(KeyError, match="no such file"):
        line().fit(Broken(workers=2), shuffle=False, verbose=0)


def test_processes_are_refused_aloud():
    with pytest.warns(UserWarning, match="threads"):
        Lines(use_multiprocessing=True)


def test_a_sequence_of_keras_2_is_a_data_set():
    class Old(utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.ones((3, 1), "float32"), np.ones((3, 1), "float32")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert line().evaluate(Old(), verbose=0) >= 0


def test_a_generator_is_asked_for_no_more_batches_than_an_epoch_has():
    made = []

    def batches():
        while True:
            made.append(1)
            yield np.ones((2, 1), "float32"), np.ones((2, 1), "float32")

    line().fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(made) == 6


def test_a_jax_array_comes_back_as_one():
    classes = utils.to_categorical(jnp.array([0, 2]))
    unit = utils.normalize(jnp.array([[3.0, 4.0]]))
    assert isinstance(classes, jax.Array) and classes.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert isinstance(unit, jax.Array)
    np.testing.assert_allclose(unit, [[0.6, 0.8]], rtol=1e-6)
    assert type(utils.to_categorical([0])) is type(utils.normalize([1.0])) is np.ndarray


def test_padding_may_be_text_of_a_fixed_width():
    padded = utils.pad_sequences([["a"], ["b", "c"]], dtype="<U3", value="pad", padding="post")
    assert padded.tolist() == [["a", "pad"], ["b", "c"]]


def test_padding_what_cannot_be_iterated_is_a_value_error():
    with pytest.raises(ValueError, match="sequences is None"):
        utils.pad_sequences(None)
