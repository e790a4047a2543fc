"""FeatureSpace: every kind of feature, data of every form, models, files, errors.

Keras's needs TensorFlow for strings, integers and calls, so that only its configs and files are
compared; the layers inside have their own tests.
"""

import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

import hornbook
from hornbook import layers
from hornbook.utils import FeatureSpace

SIZES = [1.0, 2.0, 3.0, 6.0]
COLOURS = ["red", "blue", "red", "green"]
YEARS = [2001, 2005, 2001, 2001]
YEAR = "integer_categorical"
DATA = {"size": SIZES, "colour": COLOURS, "year": YEARS}


def of(kind, column, name="it"):
    space = FeatureSpace({name: kind})
    if not space.built:
        space.adapt({name: column})
    return np.asarray(space({name: column}))


def hot(indices, count):
    return np.eye(count)[indices].tolist()


def test_each_kind_of_feature():
    assert of("float", SIZES).tolist() == [[1], [2], [3], [6]]
    assert of(FeatureSpace.float_rescaled(2.0, 1.0), SIZES).tolist() == [[3], [5], [7], [13]]
    normalized = (np.array(SIZES) - 3) / np.std(SIZES)
    np.testing.assert_allclose(of("float_normalized", SIZES)[:, 0], normalized, rtol=1e-6)
    assert of(FeatureSpace.float_discretized(None, [2.5]), SIZES).tolist() == hot([0, 0, 1, 1], 2)
    assert of(FeatureSpace.float_discretized(2), SIZES).tolist() == hot([0, 1, 1, 1], 2)
    assert of("float_discretized", SIZES).shape == (4, 32)
    assert of("string_categorical", COLOURS).tolist() == hot([1, 3, 1, 2], 4)
    assert of("integer_categorical", YEARS).tolist() == hot([1, 2, 1, 1], 3)
    few = FeatureSpace.string_categorical(max_tokens=2, num_oov_indices=1)
    assert of(few, COLOURS).tolist() == hot([1, 0, 1, 0], 2)
    for kind, method, column in (
        ("string_hashed", FeatureSpace.string_hashed, COLOURS),
        ("integer_hashed", FeatureSpace.integer_hashed, YEARS),
    ):
        bins = np.asarray(layers.Hashing(5)(np.array(column)))
        assert of(method(5), column).tolist() == hot(bins, 5)
        assert of(kind, column).shape == (4, 32)


def test_crosses_and_a_dict_of_encoded_features():
    space = FeatureSpace(
        {
            "colour": FeatureSpace.string_categorical(output_mode="int"),
            "size": "float",
            "year": YEAR,
        },
        crosses=[("colour", "year"), FeatureSpace.cross(["year", "colour"], 7, output_mode="int")],
        crossing_dim=9,
        output_mode="dict",
    )
    space.adapt(DATA)
    found = space(DATA)
    assert list(found) == ["colour", "size", "year", "colour_X_year", "year_X_colour"]
    assert found["colour"][:, 0].tolist() == [1, 3, 1, 2] and found["year"].shape == (4, 3)
    pair = [np.array([1, 3, 1, 2]), np.array([1, 2, 1, 1])]
    assert found["colour_X_year"].tolist() == hot(layers.HashedCrossing(9)(pair), 9)
    crossed = layers.HashedCrossing(7)(pair[::-1])
    assert found["year_X_colour"][:, 0].tolist() == crossed.tolist()
    one = space({"colour": "blue", "size": 2.0, "year": 2005})
    for name, value in one.items():
        assert value.tolist() == found[name][1].tolist()


KINDS = {"size": "float_normalized", "colour": "string_categorical", "year": YEAR}


class Batches(hornbook.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = {name: np.array(column[2 * index :][:2]) for name, column in DATA.items()}
        return part, np.ones(2)


FORMS = {
    "frame": lambda: pd.DataFrame({**DATA, "target": SIZES}),
    "frames": lambda: iter([pd.DataFrame(DATA)[:3], pd.DataFrame(DATA)[3:]]),
    "samples": lambda: [{name: column[i] for name, column in DATA.items()} for i in range(4)],
    "columns": lambda: {name: np.array(column)[:, None] for name, column in DATA.items()},
    "batches_with_targets": Batches,
}


@pytest.mark.parametrize("form", FORMS)
def test_adapts_to_data_of_any_form(form):
    space, other = FeatureSpace(KINDS), FeatureSpace(KINDS)
    space.adapt(DATA)
    other.adapt(FORMS[form]())
    np.testing.assert_allclose(other(DATA), space(DATA), rtol=1e-6)
    np.testing.assert_allclose(other(pd.DataFrame(DATA)), space(DATA), rtol=1e-6)


def test_adapts_again_to_other_data():
    space = FeatureSpace({"colour": "string_categorical"})
    space.adapt({"colour": COLOURS})
    space.adapt({"colour": ["one", "two"]})
    assert space({"colour": ["two", "red"]}).tolist() == hot([1, 0], 3)


def test_features_of_other_layers():
    class Longest(layers.Layer):
        def adapt(self, data):
            self.longest = max(float(np.max(batch)) for batch in data)

        def call(self, inputs):
            return inputs / self.longest

    space = FeatureSpace(
        {
            "text": FeatureSpace.feature(
                "string", layers.TextVectorization(output_mode="tf_idf"), "float"
            ),
            "given": FeatureSpace.feature(
                "string", layers.StringLookup(vocabulary=["a", "b"]), "one_hot"
            ),
            "size": FeatureSpace.feature("float32", Longest(), "float"),
        }
    )
    data = {"text": ["a b", "b b"], "given": ["a", "z"], "size": [2.0, 4.0]}
    space.adapt(data)
    found = np.asarray(space(data))
    assert found[:, :3].tolist() == hot([1, 0], 3) and found[:, 3].tolist() == [0.5, 1]
    weights = np.log([1.5, 1 + 2 / 3, 2])  # of [UNK], b and a
    np.testing.assert_allclose(found[:, 5:], [weights[1:], [2 * weights[1], 0]], rtol=1e-5)


def test_a_model_trains_on_raw_columns_and_is_saved(tmp_path):
    space = FeatureSpace(KINDS, crosses=[("colour", "year")], crossing_dim=8)
    space.adapt(DATA)
    outputs = layers.Dense(1)(space.get_encoded_features())
    model = hornbook.Model(space.get_inputs(), outputs)
    model.compile(hornbook.optimizers.SGD(0.1), "mse")
    columns = {name: np.array(column) for name, column in DATA.items()}
    loss = model.fit(columns, np.array(SIZES), epochs=5, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    dense = model.layers[-1]
    wanted = np.asarray(dense(space(DATA)))
    np.testing.assert_allclose(model.predict(columns, verbose=0), wanted, rtol=1e-5)
    again = layers.Dense(1)(space(space.get_inputs()))  # called on symbols, it records the same
    assert again.shape == (None, 1)

    model.save(tmp_path / "model.keras")
    read = hornbook.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(read.predict(columns, verbose=0), wanted, rtol=1e-5)
    space.save(tmp_path / "space.keras")
    program = (
        "import sys\n"
        "from hornbook.saving import load_model\n"  # which alone imports no models
        "space = load_model(sys.argv[1])\n"
        "print(space({'size': 2.0, 'colour': 'blue', 'year': 2005}).tolist())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "space.keras")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sample = {"size": 2.0, "colour": "blue", "year": 2005}
    assert said.strip() == str(space(sample).tolist())


def test_configs_and_files_go_both_ways(tmp_path):
    def make(k):
        kinds = k.utils.FeatureSpace
        given = k.layers.Normalization(mean=1.0, variance=2.0)
        features = {
            "a": "float",
            "b": kinds.float_rescaled(2.0),
            "c": kinds.feature("float32", given, "float"),
            "d": kinds.float_discretized(3),
            "e": "float_normalized",
        }
        return kinds(features, output_mode="concat", crossing_dim=5)

    ours, theirs = make(hornbook), make(keras)
    data = {name: np.linspace(0, number + 1, 20) for number, name in enumerate("abcde")}
    ours.adapt(data)
    config = theirs.get_config()
    again = FeatureSpace.from_config(config).get_config()
    assert keras.utils.FeatureSpace.from_config(again).get_config() == config
    ours.save(tmp_path / "ours.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    back.save(tmp_path / "theirs.keras")
    read = hornbook.saving.load_model(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(read(data), ours(data))
    model = hornbook.Model(ours.get_inputs(), ours.get_encoded_features())
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    columns = {name: column[:, None].astype("float32") for name, column in data.items()}
    np.testing.assert_allclose(back(columns), ours(data), rtol=1e-5)


FLOATS = FeatureSpace({"a": "float", "b": "float"})
WRONG = {
    "kind": (lambda: FeatureSpace({"a": "int"}), "one of the kinds float,"),
    "none": (lambda: FeatureSpace({}), "at least one feature"),
    "mode": (lambda: FeatureSpace({"a": "float"}, "list"), "output_mode of FeatureSpace"),
    "cross": (lambda: FeatureSpace({"a": YEAR}, crosses=[("a", "b")]), r"crosses name \['b'\]"),
    "early": (lambda: FeatureSpace({"a": YEAR})({"a": 1}), "learn a from data"),
    "missing": (lambda: FLOATS({"a": 1.0}), r"its data have \['a'\]"),
    "more": (lambda: FLOATS({"a": 1.0, "b": 1.0, "c": 1.0}), "its data have"),
    "lengths": (lambda: FLOATS({"a": [1.0], "b": [1.0, 2.0]}), "columns of equal length"),
    "array": (lambda: FLOATS(np.ones((2, 2))), "takes a dict of columns"),
    "adapt_array": (lambda: FLOATS.adapt(np.ones((2, 2))), "takes a dict of columns"),
    "adapt_nothing": (lambda: FLOATS.adapt([]), "no data to adapt to"),
    "adapt_missing": (lambda: FLOATS.adapt({"a": [1.0]}), r"its data have \['a'\]"),
    "integers": (
        lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]}),
        "cannot be concatenated",
    ),
    "range": (
        lambda: FeatureSpace({"a": FeatureSpace.feature("int32", layers.Rescaling(1), "one_hot")})(
            {"a": [1]}
        ),
        "needs integers of a known range",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_name_features_and_columns(case):
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        make()
