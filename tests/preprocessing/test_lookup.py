"""Layers of the host beside Keras on TensorFlow; errors of lookups, and data they adapt to."""

import itertools
import json

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.layers import IntegerLookup, StringLookup
from hornbook.saving.policy import FileError
from tests.preprocessing.golden import CASES, FILES, GOLDEN, MODELS, model_of

KERAS = json.loads(GOLDEN.read_text())


def same(found, wanted) -> None:
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    if wanted.dtype.kind in "US":
        assert found.tolist() == wanted.tolist()
    else:
        np.testing.assert_allclose(found.astype(float), wanted.astype(float), rtol=1e-5)


def made(name):
    cls, settings, adapt, inputs = CASES[name]
    layer = getattr(layers, cls)(**settings)
    if adapt is not None:
        layer.adapt(np.array(adapt))
    several = isinstance(inputs, tuple)
    return layer, tuple(map(np.array, inputs)) if several else np.array(inputs)


@pytest.mark.parametrize("name", CASES)
def test_outputs_vocabularies_and_configs_are_those_of_keras(name):
    wanted = KERAS["cases"][name]
    layer, inputs = made(name)
    same(layer(inputs), wanted["outputs"])
    if not isinstance(inputs, tuple):
        assert layer(inputs.tolist()).shape == layer(inputs).shape
    if "vocabulary" in wanted:
        assert layer.get_vocabulary() == wanted["vocabulary"]
    config = json.loads(json.dumps(layer.get_config()))
    theirs = wanted["config"] | {"name": layer.name}
    assert {key: config[key] for key in theirs} == theirs
    if CASES[name][2] is None:
        same(type(layer).from_config(theirs)(inputs), wanted["outputs"])


@pytest.mark.parametrize("name", [n for n in CASES if n != "scalar"])
def test_a_symbolic_call_tells_shape_and_dtype(name):
    layer, inputs = made(name)
    if layer.takes == "string" and "vector" in name and layer.output_mode in ("multi_hot", "count"):
        return  # the array is one sample

    def symbol_of(array):
        dtype = keras.backend.standardize_dtype(array.dtype)
        return keras.Input(array.shape[1:], dtype=dtype)

    symbol = layer(keras.tree.map_structure(symbol_of, inputs))
    found = layer(inputs)
    known = zip(symbol.shape, found.shape, strict=True)
    assert symbol.shape[0] is None and all(a in (None, b) for a, b in known)
    assert symbol.dtype == ("string" if found.dtype == object else found.dtype)


@pytest.mark.parametrize("name", MODELS)
def test_files_that_keras_wrote_are_read_and_come_back(name, tmp_path):
    data = np.array(MODELS[name][2])
    model = keras.models.load_model(FILES / f"{name}.keras")
    same(model.predict(data, verbose=0), KERAS["predictions"][name])
    model.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    same(again.predict(data, verbose=0), KERAS["predictions"][name])


@pytest.mark.parametrize("name", MODELS)
def test_a_file_is_laid_out_as_keras_lays_it_out(name, tmp_path):
    import zipfile

    model_of(keras, name).save(tmp_path / "ours.keras")

    def assets(path):
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.startswith("assets/") and n[-1] != "/"]
            return {one: archive.read(one).decode().rstrip("\n") for one in names}

    assert assets(tmp_path / "ours.keras") == assets(FILES / f"{name}.keras")


def test_a_file_with_assets_that_lead_elsewhere_is_refused(tmp_path):
    import zipfile

    path = tmp_path / "m.keras"
    model_of(keras, "lookup").save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/layers/string_lookup/../../x", "harm")
    with pytest.raises(FileError, match="may lead out of its folder"):
        keras.models.load_model(path)


def test_a_config_cannot_ask_for_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    layer = StringLookup(vocabulary=str(tmp_path / "words.txt"))
    assert layer.get_vocabulary() == ["[UNK]", "a", "b"]
    config = layer.get_config()
    assert config["vocabulary"] is None
    with pytest.raises(ValueError, match="refused"):
        StringLookup.from_config(config | {"vocabulary": str(tmp_path / "words.txt")})


def test_a_vocabulary_in_a_file_travels_with_the_model(tmp_path):
    (tmp_path / "ids.txt").write_text("12\r\n36\r\n")
    x = keras.Input((1,), dtype="int64")
    model = keras.Model(x, IntegerLookup(vocabulary=tmp_path / "ids.txt")(x))
    (tmp_path / "ids.txt").unlink()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.predict(np.array([[36], [12], [2**40]]), verbose=0).tolist() == [[2], [1], [0]]


def test_hdf5_says_that_it_has_no_place_for_a_vocabulary(tmp_path):
    with pytest.warns(UserWarning, match="cannot hold the vocabularies of ..*lookup"):
        model_of(keras, "lookup").save(tmp_path / "m.h5")
    words = keras.Input((2,), dtype="string")
    model = keras.Model(words, StringLookup(vocabulary=["a", "b"])(words))
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", compile=False)
    assert again.predict(np.array([["b", "x"]]), verbose=0).tolist() == [[2, 0]]


# ---- adapting


WORDS = np.array([["b", "a"], ["b", "c"], ["a", "b"]])


class Large:
    """Batches that are read again each time, and never all there."""

    def __iter__(self):
        yield from WORDS[:, None]


@pytest.mark.parametrize(
    "data",
    [
        WORDS,
        WORDS.tolist(),
        WORDS.astype(object),
        WORDS.astype("S"),
        (batch for batch in WORDS[:, None]),
        Large(),
        iter([(WORDS, np.ones(3))]),
    ],
    ids=["array", "list", "objects", "bytes", "generator", "iterable", "x and y"],
)
def test_a_layer_adapts_to_any_data(data):
    layer = StringLookup(output_mode="tf_idf")
    layer.adapt(data)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "c"]
    np.testing.assert_allclose(layer.idf_weights[1:], np.log(1 + 3 / (1 + np.array([3, 2, 1]))))


def test_an_array_in_a_file_is_read_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("hornbook.preprocessing.adapting.TEXTS", 4)
    array = np.memmap(tmp_path / "ids", "int64", "w+", shape=(10,))
    array[:] = [5, 5, 5, 7, 7, 1, 1, 1, 1, 2]
    layer = IntegerLookup()
    layer.adapt(array)
    assert layer.get_vocabulary() == [-1, 1, 5, 7, 2]


def test_adapting_ends_after_some_steps_and_begins_anew():
    layer = StringLookup()
    layer.adapt(itertools.cycle([np.array(["a", "b"]), np.array(["a", "c"])]), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "a", "c", "b"]
    layer.adapt(["z"])
    assert layer.get_vocabulary() == ["[UNK]", "z"]
    with pytest.raises(ValueError, match="no data"):
        layer.adapt(iter([]))


def test_progress_is_shown_where_it_takes_long(monkeypatch, capsys):
    monkeypatch.setattr("hornbook.preprocessing.adapting.SHOWN_AFTER", 0)
    monkeypatch.setattr("hornbook.preprocessing.adapting.SHOWN_EVERY", 0)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    StringLookup(name="words").adapt(iter([np.array(["a"])] * 3))
    shown = capsys.readouterr().out
    assert "\rwords: adapting to batch 3/3, " in shown and shown.endswith("\r")


# ---- what is wrong


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"vocabulary": ["a", "a"]}, "repeated tokens: .'a'"),
        ({"vocabulary": ["a", "m", "b"], "mask_token": "m"}, "mask_token 'm' in the middle"),
        ({"vocabulary": ["a", "[UNK]"], "invert": True}, "oov_token .*in the middle"),
        ({"vocabulary": ["a", "b"], "max_tokens": 2}, "more than max_tokens=2"),
        ({"vocabulary": []}, "is empty"),
        ({"vocabulary": "no such file"}, "no vocabulary file"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "idf_weights .*missing"),
        ({"idf_weights": [1.0]}, "need output_mode='tf_idf'"),
        ({"output_mode": "hot"}, "is one of int, one_hot"),
        ({"invert": True, "output_mode": "count"}, "needs output_mode='int'"),
        ({"sparse": True}, "leave sparse=False"),
        ({"pad_to_max_tokens": True}, "needs max_tokens"),
        ({"max_tokens": 1}, "at least 2"),
        ({"salt": "x"}, "an integer or two"),
    ],
)
def test_what_cannot_be_is_said(settings, words):
    with pytest.raises(ValueError, match=words):
        StringLookup(**settings)


def test_calls_that_cannot_be_are_told_with_the_layer_s_name():
    layer = StringLookup(vocabulary=["a"], num_oov_indices=0, name="it")
    with pytest.raises(ValueError, match="'it' has num_oov_indices=0.*'q' is not"):
        layer(["a", "q"])
    with pytest.raises(ValueError, match="'it' cannot adapt"):
        layer.adapt(["a"])
    with pytest.raises(TypeError, match="adapts to integers"):
        IntegerLookup().adapt(["a"])
    for settings in ({}, {"output_mode": "multi_hot"}):
        with pytest.raises(ValueError, match="'new' has no vocabulary yet"):
            StringLookup(name="new", **settings)(["a"])
    with pytest.raises(ValueError, match="'new' has no vocabulary yet"):
        StringLookup(name="new", invert=True)([1])
    hot = StringLookup(vocabulary=["a"], output_mode="one_hot", name="hot")
    hot.set_vocabulary(["a", "b"])
    hot(keras.Input((1,), dtype="string"))
    with pytest.raises(ValueError, match="'hot' outputs vectors of 3 values in a model"):
        hot.set_vocabulary(["a", "b", "c"])
