"""`KerasFileEditor`: what it shows and changes is what Keras's does."""

import json
import zipfile

import h5py
import keras as reference
import numpy as np
import pytest

import hornbook as keras

layers = keras.layers
Editor = keras.saving.KerasFileEditor


def small(library=keras, width=2, count=2, dropout=False):
    """Keras's editor loses what a layer without weights of its own holds, such as seeds."""
    names = ["one", "two", "three"][:count]
    stack = [library.layers.Dense(width, name=name) for name in names]
    return library.Sequential(
        [library.Input((3,)), *stack, *([library.layers.Dropout(0.5, seed=1)] if dropout else [])]
    )


@pytest.fixture
def path(tmp_path):
    file = str(tmp_path / "m.weights.h5")
    small().save_weights(file)
    return file


def plain(weights):
    return {k: plain(v) if isinstance(v, dict) else np.asarray(v) for k, v in weights.items()}


def test_a_file_is_shown(path, capsys):
    Editor(path).summary()
    shown = capsys.readouterr().out
    for said in (path, "dense_1 ('two')", "0: shape=(3, 2), dtype=float32", "└─ layers"):
        assert said in shown


def test_the_weights_are_those_that_keras_shows(path, tmp_path, capsys):
    made = small()
    made.compile("adam")
    made.optimizer.build(made.trainable_variables)
    whole = str(tmp_path / "m.keras")
    made.save(whole)
    for file in (path, whole):
        ours, theirs = Editor(file), reference.saving.KerasFileEditor(file)
        found, said = plain(ours.weights_dict), plain(theirs.weights_dict)
        np.testing.assert_equal(found, said)
        assert ours.config == theirs.config and ours.metadata == theirs.metadata


# Keras counts some errors and weights twice: of the two `wider` layers it finds 6 errors.
@pytest.mark.parametrize(
    ("change", "errors", "matches"),
    [("same", 0, 4), ("wider", 4, 0), ("fewer", 1, 2), ("more", 1, 4), ("renamed", 2, 2)],
)
def test_a_comparison_finds_what_differs(path, change, errors, matches, capsys):
    count = {"fewer": 1, "more": 3}.get(change, 2)
    for library in (keras, reference):
        model = small(library, width=4 if change == "wider" else 2, count=count)
        editor = library.saving.KerasFileEditor(path)
        if change == "renamed":
            editor.rename_object("dense", "other")
        answer = editor.compare(model)
        assert answer["status"] == ("error" if errors else "success")
        if library is keras:
            assert (answer["error_count"], answer["match_count"]) == (errors, matches)


def test_an_edited_file_is_read_by_a_changed_model(path, tmp_path):
    small(dropout=True).save_weights(path)
    editor = Editor(path)
    kernel, bias = np.full((2, 5), 0.5, "float32"), np.zeros(5, "float32")
    editor.delete_object("dropout")
    editor.rename_object("layers/dense_1", "dense_2")
    editor.add_object("layers/dense_1", {"0": kernel})
    editor.add_weights("dense_1", {"1": bias, "2": bias})
    editor.delete_weight("layers/dense_1", "2")
    editor.add_weights("layers/dense_2", {"0": np.ones((5, 2), "float32")})
    target = str(tmp_path / "edited.weights.h5")
    editor.resave_weights(target)
    for library in (keras, reference):
        dense = library.layers.Dense
        model = library.Sequential([library.Input((3,)), dense(2), dense(5), dense(2)])
        model.load_weights(target)
        one, two = model.layers[1].get_weights()
        np.testing.assert_array_equal(one, kernel)
        np.testing.assert_array_equal(two, bias)
        assert library.saving.KerasFileEditor(target).compare(model)["status"] == "success"


def test_an_object_with_weights_and_sublayers_keeps_both(tmp_path):
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)

        def build(self, shape):
            self.factor = self.add_weight((), "ones")
            self.half = self.add_weight((2,), "ones", dtype="bfloat16")

        def call(self, x):
            return self.inner(x) * self.factor

    model = keras.Sequential([keras.Input((3,)), Outer()])
    path, again = (str(tmp_path / f"{name}.weights.h5") for name in "ab")
    model.save_weights(path)
    editor = Editor(path)
    assert set(editor.weights_dict["layers"]["outer"]) == {"0", "1", "inner"}
    editor.save(again)
    before = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in before])
    model.load_weights(again)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_cannot_be_done_is_told(path, tmp_path):
    editor = Editor(path)
    weights = {"0": np.ones(1, "float32")}
    cases = [
        (lambda: editor.rename_object("none", "x"), "there is no 'none'"),
        (lambda: editor.rename_object("dense", "dense_1"), "already"),
        (lambda: editor.rename_object("dense", "a/b"), "without '/'"),
        (lambda: editor.delete_object("layers/none"), "there is no"),
        (lambda: editor.add_object("none/x", weights), "there is no 'none'"),
        (lambda: editor.add_object("layers/dense", weights), "already"),
        (lambda: editor.add_object("layers/x", [1]), "must be a dictionary"),
        (lambda: editor.add_weights("dense", {"0": ["text"]}), "array of numbers"),
        (lambda: editor.delete_weight("dense", "9"), "has no '9'; it has"),
        (lambda: editor.save(tmp_path / "m.h5"), "weights.h5"),
        (lambda: Editor(tmp_path / "m.txt"), "no file"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    editor.add_object("x", {})
    editor.add_object("x/dense", weights)
    with pytest.raises(ValueError, match="2 objects are named 'dense'"):
        editor.delete_object("dense")


def test_a_hostile_file_is_refused(path, tmp_path):
    with h5py.File(path, "r+") as file:
        file["layers/link"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ValueError, match="link"):
        Editor(path)
    whole = tmp_path / "m.keras"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("config.json", json.dumps({}))
        archive.writestr("metadata.json", "[" * 5000)
    with pytest.raises(ValueError, match="nested|JSON"):
        Editor(whole)
