"""The table of data kinds: each is recognised, counted, split and reread."""

import h5py
import numpy as np
import pytest

import hornbook as keras
from hornbook.training.kinds import KINDS, Kind, kind_of, length_of

X = np.arange(12, dtype="float32").reshape(6, 2)
ROWS = slice(0, 2), slice(2, 4), slice(4, 6)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[ROWS[index]], X[ROWS[index], :1]


class TfData:
    """Behaves like a tf.data data set: `len` raises if the cardinality is unknown."""

    def __init__(self, known=True):
        self.known = known

    def cardinality(self):
        return np.int64(3 if self.known else -2)

    def __len__(self):
        raise TypeError("unknown length")

    def __iter__(self):
        return ((X[rows], X[rows, :1]) for rows in ROWS)


def loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(X[:, :1]))
    return torch.utils.data.DataLoader(data, 2)


def in_hdf5(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["x"] = X
    return h5py.File(folder / "x.h5")["x"]


def map_of_memory(folder):
    X.tofile(folder / "x.bin")
    return np.memmap(folder / "x.bin", "float32", "r", shape=X.shape)


HOLD_SAMPLES = {
    "array of jax": lambda folder: keras.ops.array(X),
    "array of numpy": map_of_memory,
    "list": lambda folder: X.tolist(),
    "sparse matrix": lambda folder: pytest.importorskip("scipy.sparse").csr_matrix(X),
    "tensor of torch": lambda folder: pytest.importorskip("torch").tensor(X),
    "table of pandas": lambda folder: pytest.importorskip("pandas").DataFrame(X),
    "array of another library": in_hdf5,
}
GIVE_BATCHES = {
    "PyDataset": Batches,
    "Dataset": lambda: keras.data.Dataset.from_tensor_slices((X, X[:, :1])).batch(2),
    "data set of tf.data": TfData,
    "sequence of batches": lambda: range(3),
    "generator or iterator": lambda: iter(TfData()),
    "loader of torch or grain": loader,
}


def test_every_row_is_tried():
    assert {kind.name for kind in KINDS} == {
        *HOLD_SAMPLES, *GIVE_BATCHES, "samples not read yet", "number"
    }  # fmt: skip


@pytest.mark.parametrize("name", HOLD_SAMPLES)
def test_what_holds_samples_is_counted_cut_and_trained_on(name, tmp_path):
    given = HOLD_SAMPLES[name](tmp_path)
    kind = kind_of(given)
    assert (kind.name, kind.gives_batches, kind.again) == (name, False, True)
    array = kind.array(given, "x")
    assert length_of(given) == length_of(array) == 6
    if name != "list":
        np.testing.assert_array_equal(np.asarray(kind_of(array).cut(array, 2, 5)), X[2:5])
    expected, found = (weights(x) for x in (X, given))
    np.testing.assert_array_equal(expected, found)


def linear():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def weights(x):
    model = linear()
    more = {} if kind_of(x).gives_batches else {"y": X[:, :1], "batch_size": 2, "shuffle": False}
    model.fit(x, **more, epochs=2, verbose=0)
    return model.get_weights()[0]


@pytest.mark.parametrize("name", GIVE_BATCHES)
def test_what_gives_batches_is_counted_and_begun_again(name):
    given = GIVE_BATCHES[name]()
    kind = kind_of(given)
    assert (kind.name, kind.gives_batches) == (name, True)
    assert kind.again == (name != "generator or iterator")
    assert length_of(given) == (3 if kind.again else None)
    passes = [len(list(kind.cut(given, False))) for _ in range(2)]
    assert passes == ([3, 3] if kind.again else [3, 0])
    with pytest.raises(ValueError, match="validation_split needs arrays"):
        linear().fit(given, validation_split=0.5)


def test_what_would_give_batches_as_x_is_an_array_as_y():
    linear().fit(X, range(6), verbose=0)
    with pytest.raises(TypeError, match="y has <generator.*not a number"):
        linear().fit(X, (i for i in range(6)), verbose=0)


def test_a_cardinality_that_is_not_known_is_no_count():
    assert length_of(TfData(known=False)) is None


def test_numbers_and_text_are_data_of_no_kind_that_gives_samples():
    assert kind_of(3.0).name == "number"
    with pytest.raises(ValueError, match="x is a single number"):
        linear().predict(3.0)


def test_a_new_kind_is_a_row(monkeypatch):
    class Recipe:
        """Returns batches from a method with an unusual name."""

        def cook(self):
            return iter(TfData())

    row = Kind(
        "recipe", lambda value: isinstance(value, Recipe), None, lambda source: 3,
        lambda source, shuffle: source.cook(),
    )  # fmt: skip
    monkeypatch.setattr("hornbook.training.kinds.KINDS", [row, *KINDS])
    np.testing.assert_array_equal(weights(Recipe()), weights(TfData()))
