"""The batches of an epoch: every kind of source, with steps below, at and above its length."""

import warnings
from functools import cache

import numpy as np
import pytest

import hornbook as keras
from hornbook.training.kinds import length_of
from hornbook.training.loop import Program

ROWS, LENGTH = 2, 5
X = np.repeat(np.arange(LENGTH, dtype="float32"), ROWS)[:, None]  # a batch's values are its number
Y = np.zeros((LENGTH * ROWS, 1), "float32")


def batches():
    for start in range(0, len(X), ROWS):
        yield X[start : start + ROWS], Y[start : start + ROWS]


class Again:
    """An object that can be iterated again and does not tell its length."""

    def __iter__(self):
        return batches()


class AgainOfKnownLength(Again):
    def __len__(self):
        return LENGTH


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return LENGTH

    def __getitem__(self, index):
        return list(batches())[index]


class Endless(Numbered):
    num_batches = None

    def __getitem__(self, index):
        return super().__getitem__(index % LENGTH)


class Tensor:
    """The batches of a TensorFlow data set, up to its end."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array

    def __array__(self, dtype=None, copy=None):
        return self.array


class DatasetOfUnknownLength:
    """A data set of TensorFlow, made from a generator."""

    def __iter__(self):
        for x, y in batches():
            yield Tensor(x), Tensor(y)

    def __len__(self):
        raise TypeError("The dataset length is unknown.")

    def as_numpy_iterator(self):
        return batches()

    def cardinality(self):
        return Tensor(np.int64(-2)).numpy()


class DatasetOfKnownLength(DatasetOfUnknownLength):
    def __len__(self):
        return LENGTH

    def cardinality(self):
        return np.int64(LENGTH)


def loader(workers=0, iterable=False):
    """torch's DataLoader, which gives lists."""
    data = pytest.importorskip("torch.utils.data")

    class Rows(data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return X[index], Y[index]

    class Stream(data.IterableDataset):
        def __iter__(self):
            yield from zip(X, Y, strict=True)

    return data.DataLoader(Stream() if iterable else Rows(), batch_size=ROWS, num_workers=workers)


SOURCES = {
    "arrays": lambda: (X, Y),
    "object that can be iterated again": Again,
    "the same of known length": AgainOfKnownLength,
    "PyDataset": Numbered,
    "PyDataset, two workers": lambda: Numbered(workers=2),
    "PyDataset, no workers": lambda: Numbered(workers=0),
    "tf.data of unknown length": DatasetOfUnknownLength,
    "tf.data of known length": DatasetOfKnownLength,
    "torch DataLoader": loader,
    "torch DataLoader of an IterableDataset": lambda: loader(iterable=True),
}
PASS = list(range(LENGTH))
TABLE = {  # steps_per_epoch: the batches of each of four epochs
    None: [PASS, PASS, PASS, PASS],
    2: [[0, 1], [2, 3], [4], [0, 1]],
    3: [[0, 1, 2], [3, 4], [0, 1, 2], [3, 4]],
    LENGTH: [PASS, PASS, PASS, PASS],
    LENGTH + 2: [PASS, PASS, PASS, PASS],
}
CUT_SHORT = {2, 3, LENGTH + 2}


@pytest.fixture
def seen(monkeypatch) -> list[int]:
    """The numbers of the batches that were run."""
    found = []
    start_of = Program.start

    def watched(self, slab, start, stop, *more):
        x = np.asarray(slab.data[0])
        for index in range(start, stop):
            first = index * slab.batch
            found.append(int(x[first if slab.order is None else slab.order[first], 0]))
        return start_of(self, slab, start, stop, *more)

    monkeypatch.setattr(Program, "start", watched)
    return found


class Epochs(keras.callbacks.Callback):
    """Splits the batches seen into epochs, and counts the calls of callbacks."""

    def __init__(self, seen):
        self.seen, self.epochs, self.begun, self.ended = seen, [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.clear()

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(list(self.seen))


@cache  # what is compiled for one test is there for the next
def small_model(at_once=1):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=at_once)
    return model


def given(source):
    return (
        dict(zip(("x", "y"), source, strict=False)) if isinstance(source, tuple) else {"x": source}
    )


def fit(source, look, model=None, epochs=4, **settings):
    settings = {"batch_size": ROWS, **settings} if isinstance(source, tuple) else settings
    model = model or small_model()
    model.fit(
        **given(source), epochs=epochs, callbacks=[look], verbose=0, shuffle=False, **settings
    )
    return look


@pytest.mark.parametrize("steps", TABLE)
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_epochs_go_on_through_a_source_and_none_reaches_into_the_next_pass(make, steps, seen):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        look = fit(make(), Epochs(seen), steps_per_epoch=steps)
    assert look.epochs == TABLE[steps]
    assert look.ended == [number for epoch in TABLE[steps] for number in range(len(epoch))]
    assert bool([one for one in said if "of this epoch" in str(one.message)]) == (
        steps in CUT_SHORT
    )


@pytest.mark.parametrize("steps", [2, LENGTH, LENGTH + 2])
@pytest.mark.parametrize("kind", ["arrays", "PyDataset"])
def test_keras_has_the_same_number_of_batches_in_each_epoch(kind, steps):
    import keras as peer

    class Batches(peer.utils.PyDataset):
        num_batches = LENGTH

        def __getitem__(self, index):
            return list(batches())[index]

    class Counts(peer.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.counts = []

        def on_epoch_begin(self, epoch, logs=None):
            self.counts.append(0)

        def on_train_batch_end(self, batch, logs=None):
            self.counts[-1] += 1

    model = peer.Sequential([peer.Input((1,)), peer.layers.Dense(1)])
    model.compile("sgd", "mse")
    look = Counts()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit((X, Y) if kind == "arrays" else Batches(), look, model, steps_per_epoch=steps)
    assert look.counts == [len(epoch) for epoch in TABLE[steps]]


@pytest.mark.parametrize("kind", ["generator", "PyDataset without end"])
def test_a_source_that_is_not_read_again_goes_on(kind, seen):
    def endless():
        while True:
            yield from batches()

    source = endless() if kind == "generator" else Endless()
    assert length_of(source) is None
    look = fit(source, Epochs(seen), steps_per_epoch=3)
    assert look.epochs == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_a_generator_that_ends_leaves_the_later_epochs_without_batches(seen):
    with pytest.warns(UserWarning, match="ended after . of 3 batches"):
        look = fit(batches(), Epochs(seen), steps_per_epoch=3)
    assert look.epochs == [[0, 1, 2], [3, 4], [], []]
    with pytest.warns(UserWarning, match="ended after 0 of 1 batches"):
        look = fit(batches(), Epochs(seen), epochs=2)
    assert look.epochs == [PASS, []]


def test_an_order_holds_for_a_whole_pass(seen):
    look = Epochs(seen)
    small_model().fit(
        X, Y, batch_size=ROWS, epochs=6, steps_per_epoch=1, shuffle="batch", verbose=0,
        callbacks=[look],
    )  # fmt: skip
    first = sum(look.epochs[:LENGTH], [])
    assert sorted(first) == PASS


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_each_validation_begins_with_the_first_batch(make, seen):
    found = []
    look = keras.callbacks.LambdaCallback(
        on_test_begin=lambda logs: seen.clear(), on_test_end=lambda logs: found.append(list(seen))
    )
    small_model().fit(
        X, Y, batch_size=ROWS, epochs=3, validation_data=make(), validation_steps=2,
        callbacks=[look], verbose=0,
    )  # fmt: skip
    assert found == [[0, 1]] * 3


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_evaluate_and_predict_take_so_many_steps(make):
    model = small_model()
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    source = make()
    size = {"batch_size": ROWS} if isinstance(source, tuple) else {}
    assert model.evaluate(**given(source), steps=2, verbose=0, **size) == 0.5
    found = model.predict(given(source)["x"], steps=2, verbose=0, **size)
    np.testing.assert_array_equal(found, X[: 2 * ROWS])
    np.testing.assert_array_equal(model.predict(given(source)["x"], verbose=0, **size), X)


@pytest.mark.filterwarnings("ignore:os.fork", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_workers_of_a_data_loader_are_processes_and_all_their_batches_come(seen):
    look = fit(loader(workers=2), Epochs(seen), epochs=2)
    assert look.epochs == [PASS] * 2


@pytest.mark.parametrize("wrong", ["2", True, -3, float("inf")])
def test_steps_that_are_no_number_are_an_error(wrong):
    with pytest.raises(ValueError, match="positive number"):
        small_model().fit(X, Y, steps_per_epoch=wrong, verbose=0)


def test_steps_may_be_a_quotient(seen):
    assert fit((X, Y), Epochs(seen), epochs=1, steps_per_epoch=len(X) / 4).epochs == [[0, 1, 2]]


# ---- several steps an execution


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize(
    ("at_once", "steps", "ends"),
    [
        (2, None, [1, 3, 5]),  # the last one is cut short, and has the number of a whole one
        (2, 4, [1, 3]),
        (2, 3, [1, 3]),  # no execution is cut short by the steps of an epoch
        (2, 9, [1, 3, 5]),
        (LENGTH, None, [4]),
        (9, None, [8]),
    ],
)
def test_callbacks_hear_of_each_execution(make, at_once, steps, ends, seen):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        look = fit(make(), Epochs(seen), small_model(at_once), epochs=1, steps_per_epoch=steps)
    assert look.ended == ends
    assert look.begun == [end - at_once + 1 for end in ends]
    assert look.epochs == [PASS[: ends[-1] + 1]]


@pytest.mark.parametrize("source", [(X, Y), Again()], ids=["arrays", "source"])
def test_evaluate_and_predict_tell_of_each_execution(source):
    heard = []
    look = keras.callbacks.LambdaCallback(
        on_test_batch_begin=lambda batch, logs: heard.append(batch),
        on_test_batch_end=lambda batch, logs: heard.append(batch),
        on_predict_batch_begin=lambda batch, logs: heard.append(batch),
        on_predict_batch_end=lambda batch, logs: heard.append((batch, len(logs["outputs"]))),
    )
    model = small_model(2)
    size = {"batch_size": ROWS} if isinstance(source, tuple) else {}
    model.evaluate(**given(source), callbacks=[look], verbose=0, **size)
    assert heard == [0, 1, 2, 3, 4, 5]
    heard.clear()
    model.predict(given(source)["x"], callbacks=[look], verbose=0, **size)
    assert heard == [0, (1, 2 * ROWS), 2, (3, 2 * ROWS), 4, (5, ROWS)]


def test_steps_at_once_train_as_one_by_one(seen):
    weights = []
    for at_once in (1, 2, 7):
        model = small_model(at_once)
        model.set_weights([np.ones((1, 1)), np.zeros(1)])
        fit((X, Y + 1), Epochs(seen), model)
        weights.append(model.get_weights())
    for other in weights[1:]:
        np.testing.assert_array_equal(other[0], weights[0][0])


@pytest.mark.parametrize("what", ["evaluate", "predict"])
def test_a_callback_can_end_an_evaluation_and_a_prediction(what):
    kind = {"evaluate": "test", "predict": "predict"}[what]
    flag = {"evaluate": "stop_evaluating", "predict": "stop_predicting"}[what]
    heard = []

    def end(batch, logs):
        heard.append(batch)
        setattr(model, flag, batch == 2)

    model = small_model()
    look = keras.callbacks.LambdaCallback(**{f"on_{kind}_batch_end": end})
    for _ in range(2):
        getattr(model, what)(Endless(), callbacks=[look], verbose=0)
    assert heard == [0, 1, 2] * 2
