"""TextVectorization beyond what golden files hold: functions of one's own, training, errors."""

import json
import subprocess
import sys

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.config import register_keras_serializable
from hornbook.layers import TextVectorization

GOOD, BAD = ["good fun", "great GOOD day!", "fun, great"], ["bad", "sad, bad day", "so SAD"]
TEXTS = np.array((GOOD + BAD) * 6)
LABELS = np.array(([1.0] * 3 + [0.0] * 3) * 6)[:, None]


@register_keras_serializable("text")
def shout(texts):
    return np.char.upper(texts)


@register_keras_serializable("text")
def at_commas(texts):
    return [text.split(", ") for text in texts.tolist()]


def test_functions_of_one_s_own_get_arrays_of_str_and_come_back_from_configs():
    layer = TextVectorization(standardize=shout, split=at_commas)
    layer.adapt(["é, b", "b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "B", "É"]
    assert layer([["É, x"], ["b"]]).tolist() == [[3, 1], [2, 0]]
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    again.set_vocabulary(layer.get_vocabulary())
    assert again(["é, b"]).tolist() == [[3, 2]]


def stack(**settings):
    keras.utils.set_random_seed(0)
    layer = TextVectorization(**settings)
    layer.adapt(TEXTS)
    below = [layers.Embedding(16, 4, mask_zero=True), layers.GlobalAveragePooling1D()]
    more = below if layer.output_mode == "int" else []
    return [layer, *more, layers.Dense(1, activation="sigmoid")]


@pytest.mark.parametrize(
    "settings",
    [{}, {"output_sequence_length": 4}, {"output_mode": "tf_idf"}],
    ids=["int", "fixed", "tf_idf"],
)
@pytest.mark.parametrize("form", ["functional", "sequential"])
def test_from_raw_texts_to_a_trained_model_in_a_file(settings, form, tmp_path):
    if form == "sequential":
        model = keras.Sequential(stack(**settings))
    else:
        x = y = keras.Input((1,), dtype="string")
        for layer in stack(**settings):
            y = layer(y)
        model = keras.Model(x, y)
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    texts = TEXTS[:, None] if form == "functional" else TEXTS
    model.fit(texts, LABELS, epochs=8, batch_size=9, verbose=0)
    assert model.evaluate(texts, LABELS, verbose=0)[1] == 1
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    given = ["good day", "so bad"] if form == "sequential" else [["good day"], ["so bad"]]
    found = again.predict(np.array(given), verbose=0)
    np.testing.assert_allclose(found, model.predict(np.array(given), verbose=0), rtol=1e-6)
    assert found[0] > 0.5 > found[1]


def test_a_model_on_texts_in_front_of_one_on_numbers():
    layer, *rest = stack(output_sequence_length=4)
    numbers = keras.Sequential([keras.Input((4,)), *rest])
    numbers.compile("adam", "binary_crossentropy")
    numbers.fit(layer(TEXTS), LABELS, verbose=0)
    whole = keras.Sequential([keras.Input((1,), dtype="string"), layer, numbers])
    wanted = numbers.predict(layer(TEXTS), verbose=0)
    np.testing.assert_allclose(whole.predict(TEXTS[:, None], verbose=0), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"ragged": True}, "output_sequence_length sets their length.*leave ragged=False"),
        ({"sparse": True}, "leave sparse=False"),
        ({"standardize": "upper"}, "standardize is a function or one of None, 'lower'"),
        ({"split": ","}, "split is a function, 'whitespace'"),
        ({"ngrams": "2"}, "ngrams is an integer"),
        ({"output_mode": "words"}, "output_mode of TextVectorization is one of"),
        ({"output_mode": "count", "output_sequence_length": 3}, "goes with output_mode='int'"),
        ({"vocabulary": ["a", "a"]}, "repeated tokens"),
    ],
)
def test_what_cannot_be_is_said(settings, words):
    with pytest.raises(ValueError, match=words):
        TextVectorization(**settings)


def test_calls_that_cannot_be_are_told_with_the_layer_s_name():
    layer = TextVectorization(vocabulary=["a"], name="it")
    for given in (np.array([["a", "b"]]), keras.Input((2,), dtype="string")):
        with pytest.raises(ValueError, match="(?s)'it' splits one text per row.*split=None"):
            layer(given)
    with pytest.raises(TypeError, match="'it' .TextVectorization. takes strings"):
        layer(np.ones((2, 1)))
    config = layer.get_config() | {"vocabulary": "/etc/hostname"}
    with pytest.raises(ValueError, match="refused"):
        TextVectorization.from_config(config)


def test_no_texts_have_no_words():
    layer = TextVectorization(vocabulary=["a"])
    assert layer(np.array([""])).shape == (1, 0)
    assert layer(np.empty((0, 1), "U1")).shape == (0, 0)


def test_its_module_may_be_imported_first():
    code = "from hornbook.preprocessing import text_vectorization"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_single_text_is_split_by_a_function():
    layer = keras.layers.TextVectorization(
        split=lambda texts: [str(text).split() for text in texts]
    )
    layer.adapt(["I write", "write again"])
    assert (
        np.asarray(layer("write again")).tolist() == np.asarray(layer(["write again"]))[0].tolist()
    )
