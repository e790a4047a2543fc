"""`Dataset`: tf.data's names and results, threads, and a position that can be restored."""

import gc
import json
import threading
import time
import traceback

import numpy as np
import pytest

import hornbook as keras
from hornbook.data import AUTOTUNE, Dataset


def values(data):
    """All elements as Python values."""
    return [one.tolist() if hasattr(one, "tolist") else one for one in data]


def squared(data):
    return data.map(lambda x: x * x)


def numbers_up_to(n):
    return Dataset.from_generator(lambda: range(n))  # its length is unknown


# Each row is a pipeline, its elements as documented for tf.data, and its cardinality.
RESULTS = {
    "range": (Dataset.range(1, 6, 2), [1, 3, 5], 3),
    "map": (squared(Dataset.range(3)), [0, 1, 4], 3),
    "batch": (Dataset.range(5).batch(2), [[0, 1], [2, 3], [4]], 3),
    "batch, whole": (Dataset.range(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]], 2),
    "batch in threads": (Dataset.range(5).batch(2, num_parallel_calls=2), [[0, 1], [2, 3], [4]], 3),
    "unbatch": (Dataset.range(5).batch(2).unbatch(), [0, 1, 2, 3, 4], -2),
    "filter": (Dataset.range(5).filter(lambda x: x % 2 == 0), [0, 2, 4], -2),
    "take": (Dataset.range(5).take(2), [0, 1], 2),
    "take all": (Dataset.range(3).take(-1), [0, 1, 2], 3),
    "take of endless": (Dataset.range(2).repeat().take(3), [0, 1, 0], 3),
    "skip": (Dataset.range(5).skip(3), [3, 4], 2),
    "skip all": (Dataset.range(5).skip(-1), [], 0),
    "skip too many": (Dataset.range(2).skip(3), [], 0),
    "shard": (Dataset.range(7).shard(3, 1), [1, 4], 2),
    "repeat": (Dataset.range(2).repeat(2), [0, 1, 0, 1], 4),
    "repeat of unknown": (numbers_up_to(2).repeat(2), [0, 1, 0, 1], -2),
    "repeat of none": (numbers_up_to(0).repeat(), [], -1),
    "concatenate": (Dataset.range(2).concatenate(Dataset.range(5, 7)), [0, 1, 5, 6], 4),
    "enumerate": (Dataset.range(4, 6).enumerate(7), [(7, 4), (8, 5)], 2),
    "zip": (Dataset.zip(Dataset.range(3), Dataset.range(5, 7)), [(0, 5), (1, 6)], 2),
    "zip of a dict": (Dataset.zip({"a": Dataset.range(1)}), [{"a": 0}], 1),
    "window": (
        Dataset.range(7).window(3).flat_map(lambda w: w.batch(3)), [[0, 1, 2], [3, 4, 5], [6]], -2
    ),
    "window, shift and stride": (
        Dataset.range(7).window(3, 1, 2, drop_remainder=True).flat_map(lambda w: w.batch(3)),
        [[0, 2, 4], [1, 3, 5], [2, 4, 6]],
        -2,
    ),
    "window with gaps": (
        Dataset.range(9).window(2, shift=4).flat_map(lambda w: w.batch(2)),
        [[0, 1], [4, 5], [8]],
        -2,
    ),
    "interleave": (  # the example of tf.data's documentation
        Dataset.range(1, 6).interleave(
            lambda x: Dataset.from_tensors(x).repeat(6), cycle_length=2, block_length=4
        ),
        [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4]
        + [5, 5, 5, 5, 5, 5],
        -2,
    ),
    "interleave in threads": (
        Dataset.range(3).interleave(lambda x: Dataset.range(x, x + 2), num_parallel_calls=AUTOTUNE),
        [0, 1, 2, 1, 2, 3],
        -2,
    ),
    "padded_batch": (
        Dataset.range(1, 4).map(lambda n: np.full(n, n)).padded_batch(2, padding_values=-1),
        [[[1, -1], [2, 2]], [[3, 3, 3]]],
        2,
    ),
    "padded_batch to a shape": (
        Dataset.range(1, 3).map(lambda n: (np.full(n, n), n)).padded_batch(2, ([3], []))
        .map(lambda x, n: x), [[[1, 0, 0], [2, 2, 0]]], 1
    ),
    "apply": (Dataset.range(3).apply(squared), [0, 1, 4], 3),
    "prefetch": (Dataset.range(4).prefetch(2), [0, 1, 2, 3], 4),
    "cache": (Dataset.range(4).cache(), [0, 1, 2, 3], 4),
    "texts": (Dataset.from_tensor_slices(["a", "bc"]).batch(2), [["a", "bc"]], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_elements_are_those_of_tf_data_and_start_again(name):
    data, expected, count = RESULTS[name]
    assert data.cardinality() == count
    assert values(data) == expected
    assert values(data.as_numpy_iterator()) == expected
    if count >= 0:
        assert len(data) == count
    else:
        with pytest.raises(TypeError, match="length of this Dataset is"):
            len(data)


@pytest.mark.parametrize("name", RESULTS)
def test_every_position_can_be_restored(name):
    data, expected, _ = RESULTS[name]
    batches = iter(data)
    for done in range(len(expected)):
        again = iter(data)
        again.set_state(json.loads(json.dumps(batches.get_state())))
        assert values(again) == expected[done:]
        next(batches)


def test_slices_of_structures_keep_them_and_cannot_be_written():
    x = np.arange(6.0).reshape(3, 2)
    data = Dataset.from_tensor_slices(({"a": x, "b": [1, 2, 3]}, [0.5, 1.5, 2.5]))
    inputs, y = next(iter(data.batch(2)))
    np.testing.assert_array_equal(inputs["a"], x[:2])
    assert (inputs["a"].dtype, inputs["b"].dtype, y.dtype) == ("float64", "int32", "float32")
    with pytest.raises(ValueError, match="read-only"):
        next(iter(data))[0]["a"][0] = 1
    assert x.flags.writeable
    assert Dataset.from_tensor_slices([2**40]).map(lambda n: n).reduce(0, max) == 2**40


def test_generators_are_cast_copied_and_called_anew():
    buffer = np.zeros(2)

    def numbers(stop):
        for i in range(stop):
            buffer[:] = i
            yield buffer, i

    types = {"output_types": ("float32", "int64"), "output_shapes": ((None,), ())}
    data = Dataset.from_generator(numbers, **types, args=(3,)).shuffle(3, seed=0)
    for _ in range(2):
        x, y = next(iter(data.batch(3)))
        assert (x.dtype, y.dtype) == ("float32", "int64")
        np.testing.assert_array_equal(x[:, 0], y)
    signature = keras.KerasTensor((3,), "float32")
    wrong = Dataset.from_generator(lambda: [[1, 2]], output_signature=signature)
    with pytest.raises(ValueError, match=r"shape \(2,\) should be \(3,\)"):
        next(iter(wrong))


def test_shuffles_repeat_with_a_seed_and_differ_in_each_pass():
    def order(data):
        return [int(one) for one in data]

    data = Dataset.range(50).shuffle(50, seed=3)
    first, second = order(data), order(data)
    assert sorted(first) == list(range(50)) and first != second
    assert order(Dataset.range(50).shuffle(50, seed=3)) == first
    assert order(Dataset.range(50).shuffle(None, seed=3)) == first
    twice = order(Dataset.range(50).shuffle(50, seed=3).repeat(2))
    assert twice[:50] != twice[50:]
    same = Dataset.range(50).shuffle(50, seed=3, reshuffle_each_iteration=False)
    assert order(same) == order(same)
    near = order(Dataset.range(50).shuffle(5, seed=3))
    assert all(value <= place + 4 for place, value in enumerate(near)) and near != sorted(near)
    keras.utils.set_random_seed(1)
    drawn = order(Dataset.range(50).shuffle(50))
    keras.utils.set_random_seed(1)
    assert order(Dataset.range(50).shuffle(50)) == drawn


def test_a_position_is_exact_after_shuffle_and_threads():
    def pipeline(seed):
        data = Dataset.range(20).shuffle(7, seed=seed).map(slow, num_parallel_calls=3)
        return data.batch(3).repeat(2).prefetch(2)

    def slow(x):
        calls.append(int(x))
        time.sleep(0.001 * (int(x) % 3))  # threads finish out of order
        return x

    calls: list = []
    data = pipeline(None)
    values(data)  # a pass before
    batches = iter(data)
    for _ in range(9):
        next(batches)
    state, rest = batches.get_state(), values(batches)
    later = values(data)
    new = pipeline(None)  # in a new process the seed would be drawn anew
    again = iter(new)
    calls.clear()
    again.set_state(state)
    assert values(again) == rest
    assert len(calls) == 20 - 3 * 2  # `map` is not called for what was passed over
    assert values(new) == later
    with pytest.raises(ValueError, match="not returned by get_state"):
        iter(pipeline(4)).set_state(state)
    with pytest.raises(ValueError, match="not returned by get_state"):
        again.set_state({**state, "position": -1})
    with pytest.raises(ValueError, match="not returned by get_state"):
        again.set_state({**state, "position": 15})


def third(x):
    if x == 3:
        raise ZeroDivisionError("no")
    return x


@pytest.mark.parametrize("threads", [None, 2, AUTOTUNE])
def test_an_error_in_a_worker_shows_its_own_traceback_and_element(threads):
    data = Dataset.range(5).map(third, num_parallel_calls=threads).prefetch(1)
    with pytest.raises(ZeroDivisionError) as caught:
        list(data)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "third"
    assert caught.value.__notes__ == ["in Dataset.map(third), for element 3: int64"]


def test_threads_read_no_further_ahead_than_asked_and_end():
    made = []

    def counted():
        for i in range(1000):
            made.append(i)
            yield i

    before = threading.active_count()
    data = Dataset.from_generator(counted).map(lambda x: x, num_parallel_calls=2).prefetch(3)
    batches = iter(data)
    next(batches)
    time.sleep(0.05)
    assert len(made) <= 1 + 3 + 2 * 2 + 1
    del batches
    gc.collect()
    assert threading.active_count() == before


def test_cache_reads_once_and_only_whole_passes():
    calls = []
    data = Dataset.range(3).map(lambda x: calls.append(1) or x).cache()
    next(iter(data))
    assert values(data) == values(data) == [0, 1, 2]
    assert len(calls) == 1 + 3


WRONG = {
    "shapes": (lambda: list(Dataset.range(3).map(lambda n: np.ones(n)).batch(2)), "padded_batch"),
    "lengths": (lambda: Dataset.from_tensor_slices(([1], [1, 2])), r"int32\[1\], int32\[2\]"),
    "ragged": (lambda: Dataset.from_tensor_slices([[1], [1, 2]]), "different shapes"),
    "number": (lambda: Dataset.from_tensor_slices(3), "one length along the first axis"),
    "batch": (lambda: Dataset.range(3).batch(0), "positive integer, not 0"),
    "buffer": (lambda: Dataset.range(3).shuffle(0), "1 or more, not 0"),
    "threads": (lambda: Dataset.range(3).map(abs, 0), "1 or more"),
    "window": (lambda: Dataset.range(3).window(0), "1 or more, not 0"),
    "shard": (lambda: Dataset.range(3).shard(2, 2), "0 to 1, not 2"),
    "too long": (
        lambda: list(Dataset.from_tensors([1, 2]).padded_batch(1, [1])), r"do not fit into.*\[1\]"
    ),
    "generator": (lambda: Dataset.from_generator(iter([1])), "without calling it"),
    "interleave": (lambda: list(Dataset.range(2).flat_map(lambda x: [x])), "a Dataset, not list"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_explained(name):
    make, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_single_samples_are_no_batches():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    samples = Dataset.from_tensor_slices((np.ones((4, 2)), np.ones(4)))
    with pytest.raises(ValueError, match=r"y is a single number.*Dataset\.batch"):
        model.fit(samples, verbose=0)


def test_models_and_layers_take_it():
    x = np.linspace(-1, 1, 20, dtype="float32").reshape(10, 2)
    y = x.sum(1, keepdims=True)
    threads = set()

    def seen(x, y):
        threads.add(threading.get_ident())
        return x, y

    data = Dataset.from_tensor_slices((x, y)).map(seen).batch(4)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    weights = model.get_weights()
    history = model.fit(data, epochs=2, validation_data=data, verbose=0)
    after = model.get_weights()
    assert threading.get_ident() not in threads  # read ahead
    assert model.predict(data, verbose=0).shape == (10, 1)
    assert model.evaluate(data, verbose=0) == pytest.approx(history.history["val_loss"][-1])
    model.set_weights(weights)
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], after[0], rtol=1e-5)
    model.fit(data.repeat(), steps_per_epoch=2, epochs=2, verbose=0)
    with pytest.raises(ValueError, match="never end: pass steps_per_epoch"):
        model.fit(data.repeat())
    with pytest.raises(ZeroDivisionError) as caught:
        model.fit(Dataset.range(5).map(third).map(lambda n: (x[n : n + 1], y[n : n + 1])))
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "third"
    norm = keras.layers.Normalization()
    norm.adapt(data.filter(lambda x, y: True).map(lambda x, y: x))
    np.testing.assert_allclose(norm.mean[0], x.mean(0), atol=1e-6)
