"""What Keras on TensorFlow gives for the preprocessing layers: `golden.json`, and files it wrote.

Keras's layers for strings need TensorFlow, which the suite does not. To make all anew, where it is
installed: `python -m tests.preprocessing.golden`.
"""

import json
import os
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden.json")
FILES = Path(__file__).with_name("files")

WORDS = ["a", "b", "c", "d"]
TEXT = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]
MANY = [["d", "b", "d"], ["b", "c", "é"], ["z", "d", "b"], ["", "b", "x"]]
IDS = [12, 36, 1138, 42]
NUMBERS = [[12, 1138, 42, 42], [42, 7, 36, -9]]
PLACES = [[1, 3, 4], [4, 0, 2], [9, -1, 5]]
WEIGHTS = [0.25, 0.75, 0.6, 0.4]
LINES = [
    "The cat sat on the mat.",
    "  the\tDOG's  bone -- isn't\nÉclair\u00a0ÉCLAIR; (42)  ",
    "",
    "cat, cat: CAT! naïve\u2028x\x1cy",
]
CUBE = [[["a", "b"], ["c", "q"]], [["d", "b"], ["a", "a"]]]


def _modes(name: str, cls: str, settings: dict, adapt: Any, inputs: Any) -> dict:
    modes = ("int", "one_hot", "multi_hot", "count")
    return {f"{name}-{m}": (cls, settings | {"output_mode": m}, adapt, inputs) for m in modes}


def _texts(name: str, settings: dict) -> dict:
    modes = ("int", "multi_hot", "count", "tf_idf")
    return {
        f"{name}-{m}": ("TextVectorization", settings | {"output_mode": m}, LINES, LINES)
        for m in modes
    }


# name -> (class, settings, what it adapts to, inputs)
CASES: dict[str, tuple[str, dict, Any, Any]] = {
    **_modes("words", "StringLookup", {"vocabulary": WORDS}, None, TEXT),
    **_modes(
        "mask",
        "StringLookup",
        {"vocabulary": ["a", "c", "d"], "mask_token": "z", "num_oov_indices": 3},
        None,
        [["a", "z", "q"], ["r", "ss", "z"]],
    ),
    **_modes(
        "padded",
        "StringLookup",
        {"vocabulary": WORDS, "max_tokens": 8, "pad_to_max_tokens": True},
        None,
        TEXT,
    ),
    **_modes("adapted", "StringLookup", {"max_tokens": 5, "mask_token": ""}, MANY, MANY),
    **_modes("vector", "StringLookup", {"vocabulary": WORDS}, None, ["a", "d", "q"]),
    **_modes("column", "StringLookup", {"vocabulary": WORDS}, None, [["a"], ["d"], ["q"]]),
    **_modes("ids", "IntegerLookup", {"vocabulary": IDS}, None, NUMBERS),
    **_modes(
        "ids-mask",
        "IntegerLookup",
        {"vocabulary": IDS, "num_oov_indices": 3, "mask_token": 0},
        None,
        [[12, 0, 5], [-7, 100, 42]],
    ),
    **_modes("ids-adapted", "IntegerLookup", {"mask_token": 42}, NUMBERS, NUMBERS),
    "idf": (
        "StringLookup",
        {"vocabulary": WORDS, "output_mode": "tf_idf", "idf_weights": WEIGHTS},
        None,
        TEXT,
    ),
    "idf-special": (
        "StringLookup",
        {
            "vocabulary": ["[UNK]", *WORDS],
            "output_mode": "tf_idf",
            "idf_weights": [0.9, *WEIGHTS],
        },
        None,
        TEXT,
    ),
    "idf-padded": (
        "StringLookup",
        {
            "vocabulary": WORDS,
            "output_mode": "tf_idf",
            "idf_weights": WEIGHTS,
            "max_tokens": 7,
            "pad_to_max_tokens": True,
        },
        None,
        TEXT,
    ),
    "idf-adapted": ("StringLookup", {"output_mode": "tf_idf", "max_tokens": 4}, MANY, MANY),
    "idf-adapted-padded": (
        "StringLookup",
        {"output_mode": "tf_idf", "max_tokens": 12, "pad_to_max_tokens": True},
        MANY,
        MANY,
    ),
    "idf-column": ("StringLookup", {"output_mode": "tf_idf"}, ["a", "b", "a"], [["a", "b"]]),
    "bins": ("StringLookup", {"vocabulary": WORDS, "num_oov_indices": 5}, None, TEXT),
    "bins-salt": (
        "StringLookup",
        {"vocabulary": WORDS, "num_oov_indices": 5, "salt": [3, 4]},
        None,
        TEXT,
    ),
    "inverse": ("StringLookup", {"vocabulary": WORDS, "invert": True}, None, PLACES),
    "inverse-mask": (
        "StringLookup",
        {"vocabulary": WORDS, "invert": True, "mask_token": ""},
        None,
        PLACES,
    ),
    "ids-inverse": (
        "IntegerLookup",
        {"vocabulary": IDS, "invert": True, "mask_token": 0},
        None,
        PLACES,
    ),
    "ids-farmhash": (
        "IntegerLookup",
        {"vocabulary": IDS, "num_oov_indices": 4, "oov_method": "farmhash"},
        None,
        [[1, 2, 3, 4, 5, -6, 12]],
    ),
    "ids-siphash": (
        "IntegerLookup",
        {"vocabulary": IDS, "num_oov_indices": 4, "oov_method": "farmhash", "salt": 7},
        None,
        [[1, 2, 3, 4, 5, -6, 12]],
    ),
    "none-unknown": (
        "StringLookup",
        {"vocabulary": WORDS, "num_oov_indices": 0},
        None,
        [["a", "b"]],
    ),
    "cube-multi": ("StringLookup", {"vocabulary": WORDS, "output_mode": "multi_hot"}, None, CUBE),
    "cube-one": ("StringLookup", {"vocabulary": WORDS, "output_mode": "one_hot"}, None, CUBE),
    "own-special": (
        "StringLookup",
        {
            "vocabulary": ["<mask>", "<unk>", "x", "y"],
            "mask_token": "<mask>",
            "oov_token": "<unk>",
        },
        None,
        [["x", "<mask>", "<unk>", "q"]],
    ),
    **_texts("text", {}),
    **_texts("text-plain", {"standardize": None, "split": "whitespace"}),
    **_texts("text-lower", {"standardize": "lower"}),
    **_texts("text-strip", {"standardize": "strip_punctuation", "max_tokens": 6}),
    **_texts("text-characters", {"split": "character"}),
    **_texts("text-ngrams", {"ngrams": 2}),
    **_texts("text-pairs", {"ngrams": (2, 3)}),
    **_texts("text-padded", {"max_tokens": 40, "pad_to_max_tokens": True}),
    "text-length": ("TextVectorization", {"output_sequence_length": 3}, LINES, LINES),
    "text-long": ("TextVectorization", {"output_sequence_length": 12}, LINES, LINES),
    "text-column": ("TextVectorization", {}, LINES, [[line] for line in LINES]),
    "text-words": ("TextVectorization", {"split": None}, TEXT, [["A", "z", ""], ["b!", "d", "d"]]),
    "text-words-length": (
        "TextVectorization",
        {"split": None, "output_sequence_length": 2, "ngrams": 2},
        TEXT,
        TEXT,
    ),
    "text-vocabulary": ("TextVectorization", {"vocabulary": ["the", "cat"]}, None, LINES),
    "text-idf": (
        "TextVectorization",
        {"vocabulary": ["the", "cat"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
        None,
        LINES,
    ),
    **_modes("hash", "Hashing", {"num_bins": 5}, None, TEXT),
    **_modes("hash-column", "Hashing", {"num_bins": 4, "mask_value": "z"}, None, [["a"], ["z"]]),
    "hash-ids": ("Hashing", {"num_bins": 50}, None, NUMBERS),
    "hash-ids-mask": ("Hashing", {"num_bins": 50, "mask_value": 42}, None, NUMBERS),
    "hash-floats": ("Hashing", {"num_bins": 50}, None, [[1.5, -2.7, 1e10]]),
    "hash-salt": ("Hashing", {"num_bins": 50, "salt": [133, 137]}, None, MANY),
    "hash-one-salt": ("Hashing", {"num_bins": 50, "salt": 133}, None, MANY),
    "cross": ("HashedCrossing", {"num_bins": 50}, None, (["a", "b", "a"], [101, 101, -1])),
    "cross-text": ("HashedCrossing", {"num_bins": 50}, None, ([["a"], ["é"]], [["x"], ["y"]])),
    "cross-three": ("HashedCrossing", {"num_bins": 50}, None, ([1, 2], [3, 4], ["x", "y"])),
    "cross-one-hot": (
        "HashedCrossing",
        {"num_bins": 5, "output_mode": "one_hot"},
        None,
        (["a", "b"], [1, 2]),
    ),
    "cross-one-hot-column": (
        "HashedCrossing",
        {"num_bins": 5, "output_mode": "one_hot"},
        None,
        ([["a"], ["b"]], [[1], [2]]),
    ),
    "scalar": ("StringLookup", {"vocabulary": WORDS}, None, "b"),
}

# name -> (layer, settings, what it adapts to); each stands in a model file of Keras's
MODELS: dict[str, tuple[str, dict, Any]] = {
    "lookup": ("StringLookup", {"mask_token": "", "num_oov_indices": 2}, MANY),
    "lookup_idf": ("StringLookup", {"output_mode": "tf_idf"}, MANY),
    "integers": ("IntegerLookup", {}, NUMBERS),
    "text": ("TextVectorization", {"output_sequence_length": 4, "ngrams": 2}, LINES),
    "text_idf": ("TextVectorization", {"output_mode": "tf_idf"}, LINES),
}


def model_of(keras: Any, name: str) -> Any:
    """A model of Keras's, or ours, that begins with the layer of a row of `MODELS`."""
    import numpy as np

    cls, settings, data = MODELS[name]
    data = np.array(data)
    layer = getattr(keras.layers, cls)(**settings)
    layer.adapt(data)
    dtype = "string" if data.dtype.kind == "U" else "int64" if data.dtype.kind == "i" else "float32"
    x = keras.Input(data.shape[1:], dtype=dtype)
    y = layer(x)
    if "int" in str(y.dtype):
        y = keras.layers.Embedding(32, 2)(y)
    return keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(y)))


def main() -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import numpy as np

    def plain(array: Any) -> Any:
        array = np.asarray(array)
        if array.dtype == object:
            array = np.vectorize(lambda v: v.decode() if isinstance(v, bytes) else v)(array)
        return array.tolist()

    def result(cls: str, settings: dict, adapt: Any, inputs: Any) -> dict:
        layer = getattr(keras.layers, cls)(**settings)
        if adapt is not None:
            layer.adapt(np.array(adapt))
        several = isinstance(inputs, tuple)
        given = tuple(map(np.array, inputs)) if several else np.array(inputs)
        found = {"outputs": plain(layer(given)), "config": layer.get_config()}
        found["config"].pop("dtype", None)
        if hasattr(layer, "get_vocabulary"):
            tokens = layer.get_vocabulary()
            found["vocabulary"] = [t if type(t) is int else plain(t) for t in tokens]
        return found

    golden: dict[str, Any] = {"cases": {n: result(*case) for n, case in CASES.items()}}
    golden["predictions"] = {}
    FILES.mkdir(exist_ok=True)
    for name, (_, _, data) in MODELS.items():
        keras.utils.set_random_seed(1)
        model = model_of(keras, name)
        model.save(FILES / f"{name}.keras")
        array = np.array(data)
        given = keras.ops.convert_to_tensor(array) if array.dtype.kind == "U" else array
        golden["predictions"][name] = model.predict(given, verbose=0).tolist()
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden["cases"].items()]
    text = ",\n".join(lines)
    rest = json.dumps(golden["predictions"])
    GOLDEN.write_text(f'{{"cases": {{\n{text}\n}},\n"predictions": {rest}\n}}\n')


if __name__ == "__main__":
    main()
