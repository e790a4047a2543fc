"""Normalization, Discretization and CategoryEncoding beside Keras; data that they adapt to."""

import json

import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.preprocessing.normalization import moments

RNG = np.random.default_rng(0)
DATA = RNG.normal([1.0, 5.0, -30.0], [2.0, 0.1, 9.0], (50, 3)).astype("float32")
CUBE = RNG.normal(size=(4, 3, 2)).astype("float32")
IDS = np.array([[0, 1, 1], [3, 3, 0]])


def agree(one, other, **close):
    one, other = np.asarray(one), np.asarray(other)
    assert one.shape == other.shape and one.dtype == other.dtype
    np.testing.assert_allclose(one, other, **{"rtol": 1e-4, "atol": 1e-5} | close)


def both(name, *args, **kwargs):
    return [getattr(module, name)(*args, **kwargs) for module in (layers, theirs.layers)]


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "axis, data",
    [
        (-1, DATA),
        (None, DATA),
        ((0, 1), DATA),
        (1, CUBE),
        ((1, -1), CUBE),
        (None, DATA[:, 0]),
        (-1, DATA[:, 0]),
        (-1, (DATA * 10).astype("int32")),
    ],
    ids=["last", "none", "all", "middle", "two", "vector", "each", "integers"],
)
def test_normalization_adapts_as_keras_does(axis, data, invert):
    ours, other = both("Normalization", axis, invert=invert)
    for layer in (ours, other):
        layer.adapt(data)
    agree(ours(data), other(data), atol=2e-4)
    for one, wanted in zip(ours.get_weights(), other.get_weights(), strict=True):
        agree(one, wanted)


@pytest.mark.parametrize(
    "axis, mean", [(-1, 2.0), (-1, [1.0, 5.0, -30.0]), (None, 3.0), ((0, 1), [1.0, 2.0, 3.0])]
)
def test_normalization_by_known_numbers(axis, mean):
    data = DATA[:4]
    ours, other = both("Normalization", axis, mean, np.square(mean))
    agree(ours(data), other(data))
    assert json.loads(json.dumps(ours.get_config())) == json.loads(
        json.dumps(other.get_config() | {"name": ours.name, "dtype": "float32"})
    )
    agree(layers.Normalization.from_config(ours.get_config())(data), other(data))


@pytest.mark.parametrize("kind", ["list", "generator", "x and y", "file"])
def test_normalization_adapts_to_batches_and_files(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("hornbook.preprocessing.adapting.NUMBERS", 16)
    data = {
        "list": [DATA[:20], DATA[20:]],
        "generator": (DATA[i : i + 10] for i in range(0, 50, 10)),
        "x and y": iter([(DATA[:7], 1), (DATA[7:], 2)]),
    }.get(kind)
    if kind == "file":
        data = np.memmap(tmp_path / "x", "float32", "w+", shape=DATA.shape)
        data[:] = DATA
    layer = layers.Normalization()
    layer.adapt(data)
    agree(layer.mean[0], DATA.mean(0))
    agree(layer.variance[0], DATA.var(0))


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (130, 1), (131, 7), (40, 64), (3, 200)])
def test_moments_are_those_of_float64(shape, monkeypatch):
    monkeypatch.setattr("hornbook.preprocessing.normalization.BLOCK", 512)
    rows = RNG.normal(50, 2, shape).astype("float32")
    for given in (rows, np.asfortranarray(rows), (rows * 10).astype("int32")):
        exact = given.astype("float64")
        mean, squares = moments(given)
        np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-6)
        about = np.square(exact - exact.mean(0)).sum(0)
        np.testing.assert_allclose(squares, about, rtol=1e-5, atol=1e-6)


def test_large_means_lose_no_digits():
    data = (1e4 + RNG.normal(size=(10_000, 1))).astype("float32")
    layer = layers.Normalization()
    layer.adapt(data)
    np.testing.assert_allclose(layer.variance[0, 0], data.astype("float64").var(), rtol=1e-6)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 4), (2, 3, 2)])
def test_discretization_is_that_of_keras(mode, shape):
    data = RNG.normal(size=shape).astype("float32")
    ours, other = both("Discretization", [-0.5, 0.0, 1.0], output_mode=mode)
    agree(ours(data), other(data))
    wanted = other.get_config() | {"name": ours.name}
    assert {key: ours.get_config()[key] for key in wanted} == wanted


def adapt(layer, batches):
    """As Keras's `adapt` does, which asks TensorFlow what its data are."""
    layer.reset_state()
    for batch in batches:
        layer.update_state(batch)
    layer.finalize_state()


@pytest.mark.parametrize("data", [DATA, DATA[:, 0], RNG.normal(size=(5000, 1))])
def test_discretization_finds_the_boundaries_of_keras(data):
    ours, other = both("Discretization", num_bins=4, epsilon=0.05)
    ours.adapt(data)
    adapt(other, [data])
    np.testing.assert_allclose(ours.bin_boundaries, other.bin_boundaries, rtol=1e-5)
    again = layers.Discretization.from_config(json.loads(json.dumps(other.get_config())))
    agree(again(data), other(data))
    batches = np.array_split(data, 3)
    ours.adapt(iter(batches))
    adapt(other, batches)
    np.testing.assert_allclose(ours.bin_boundaries, other.bin_boundaries, rtol=1e-5)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("ids", [IDS, IDS[0], IDS[:, :1]], ids=["matrix", "vector", "column"])
def test_category_encoding_is_that_of_keras(mode, ids):
    ours, other = both("CategoryEncoding", 4, mode)
    agree(ours(ids), other(ids))
    config = ours.get_config()
    wanted = other.get_config() | {"name": ours.name, "dtype": "float32"}
    assert {key: config[key] for key in wanted} == wanted
    if mode == "count":
        weights = RNG.uniform(size=ids.shape).astype("float32")
        agree(ours(ids, count_weights=weights), other(ids, count_weights=weights))


def test_all_of_them_in_one_model_from_strings_and_numbers_in_files_both_ways(tmp_path):
    numbers = layers.Normalization()
    numbers.adapt(DATA)
    bins = layers.Discretization(num_bins=3)
    bins.adapt(DATA[:, :1])
    x = keras.Input((3,), name="x")
    parts = [numbers(x), layers.CategoryEncoding(3)(bins(x[:, :1]))]
    model = keras.Model(x, layers.Dense(1)(layers.Concatenate()(parts)))
    model.compile("sgd", "mse")
    model.fit(DATA, DATA[:, 0], verbose=0)
    wanted = model.predict(DATA, verbose=0)
    model.save(tmp_path / "m.keras")
    for module in (keras, theirs):
        again = module.models.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(again.predict(DATA, verbose=0), wanted, rtol=1e-4, atol=1e-5)
        again.save(tmp_path / f"{module.__name__}.keras")
    again = keras.models.load_model(tmp_path / "keras.keras")
    np.testing.assert_allclose(again.predict(DATA, verbose=0), wanted, rtol=1e-4, atol=1e-5)


def test_a_model_computes_with_what_its_layers_learnt_last():
    bins, numbers = layers.Discretization(num_bins=2), layers.Normalization()
    x = keras.Input((1,))
    bins.adapt(DATA[:, :1])
    numbers.adapt(DATA[:, :1])
    model = keras.Model(x, [bins(x), numbers(x)])
    for data in (DATA[:, :1], DATA[:, 1:2]):
        bins.adapt(data)
        numbers.adapt(data)
        found = model.predict(data, verbose=0)
        assert 0 < found[0].mean() < 1
        np.testing.assert_allclose(found[1].mean(), 0, atol=1e-4)


def test_crosses_of_bins_of_numbers_run_on_the_host():
    words, x = keras.Input((1,), dtype="string"), keras.Input((1,))
    bins = layers.Discretization([0.0, 1.0])(x)
    crossed = layers.HashedCrossing(7, output_mode="one_hot")([words, bins])
    model = keras.Model([words, x], layers.Dense(1)(crossed))
    data = [np.array([["a"], ["b"]]), np.array([[0.5], [3.0]])]
    direct = layers.HashedCrossing(7, output_mode="one_hot")([data[0], np.array([[1], [2]])])
    agree(model.predict(data, verbose=0), model.layers[-1](direct))


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: layers.Normalization(mean=1.0), "both mean and variance"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), "at most the axes"),
        (lambda: layers.Normalization(name="n")(keras.Input((None,))), "'n' .*is not known"),
        (lambda: layers.Normalization(3)(DATA), "no axis"),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(DATA), "cannot adapt"),
        (lambda: layers.Discretization(), "either bin_boundaries or num_bins"),
        (lambda: layers.Discretization(num_bins=3, name="d")(DATA), "'d' does not know its bins"),
        (lambda: layers.Discretization([0.0], name="d").adapt(DATA), "'d' cannot adapt"),
        (lambda: layers.CategoryEncoding(), "needs num_tokens; IntegerLookup"),
        (lambda: layers.CategoryEncoding(3, "int"), "is one of one_hot"),
        (lambda: layers.CategoryEncoding(3)(IDS, count_weights=IDS), "go with 'count'"),
        (lambda: layers.Hashing(0), "num_bins"),
        (lambda: layers.Hashing(3, dtype="float32"), "must be an integer"),
        (lambda: layers.HashedCrossing(3, name="c")([IDS, IDS]), "'c' takes a list of two"),
        (lambda: layers.HashedCrossing(3, output_mode="count"), "is one of int, one_hot"),
    ],
)
def test_what_cannot_be_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_an_adapted_layer_does_not_take_data_of_another_shape():
    layer = layers.Normalization(name="n")
    layer.adapt(DATA)
    with pytest.raises(ValueError, match="'n' was built for shape .None, 3."):
        layer.adapt(DATA[:, :2])
