"""Pipelines, ragged tensors and others of TensorFlow's guides: `tensorflow_guides.json`."""

import importlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hornbook.compat.install import installed
from tests.compat import tensorflow_guides
from tests.compat.test_tensorflow_names import alike

FOUND = json.loads(tensorflow_guides.STORED.read_text())


def test_values_are_those_of_tensorflow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensorflow_guides.write_files()
    wrong = {}
    with installed("tfkeras"):
        names = tensorflow_guides.scope(importlib.import_module("tensorflow"))
        for source, theirs in FOUND.items():
            try:
                ours = tensorflow_guides.value(source, names)
            except Exception as error:
                ours = repr(error)
            if not alike(ours, theirs):
                wrong[source] = ours, theirs
    assert not wrong
    assert [*FOUND] == tensorflow_guides.expressions()


def test_layers_whose_build_draws_variables_are_loaded(tmp_path):
    with installed("tfkeras"):
        tf = importlib.import_module("tensorflow")

        @tf.keras.utils.register_keras_serializable("guides")
        class Flexible(tf.keras.layers.Layer):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)
                self.units = units

            def build(self, input_shape):
                self.w = tf.Variable(tf.random.normal([input_shape[-1], self.units]))

            def call(self, inputs):
                return tf.matmul(inputs, self.w)

        @tf.keras.utils.register_keras_serializable("guides")
        class Two(tf.keras.Model):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.first, self.second = Flexible(3), Flexible(2)

            def call(self, x):
                return self.second(self.first(x))

        model, x = Two(), tf.ones((1, 3))
        expected = model(x)
        model.save(tmp_path / "two.keras")
        again = tf.keras.models.load_model(tmp_path / "two.keras")
        assert (again(x) == expected).all()


def test_archives_are_found_at_the_path_without_its_suffix_too(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "photos.zip", "w") as made:
        made.writestr("photos/a.txt", "a")
        made.writestr("photos.csv", "1")
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path / "in"))
    where = {"cache_dir": str(tmp_path), "cache_subdir": "out", "origin": "http://a.b/photos.zip"}
    with installed("tfkeras"):
        get_file = importlib.import_module("tensorflow").keras.utils.get_file
        path = Path(get_file("photos.zip", extract=True, **where))
        assert path == tmp_path / "out" / "photos.zip"
        assert (path.with_suffix("") / "a.txt").read_text() == "a"  # up to TensorFlow 2.15
        assert path.with_suffix(".csv").read_text() == "1"
        assert (path / "photos" / "a.txt").read_text() == "a"  # from 2.16 on
        assert (Path(get_file("photos", untar=False, extract=True, **where)) / "a.txt").exists()


def test_functions_of_python_are_decorated_and_shapes_are_lists():
    with installed("tfkeras"):
        tf = importlib.import_module("tensorflow")

        @tf.py_function(Tout=tf.float32)
        def doubled(x):
            return x.numpy() * 2

        assert doubled(tf.constant([1.0, 2.0])).tolist() == [2, 4]
        assert tf.numpy_function(Tout=tf.float32)(np.negative)(tf.ones(2)).tolist() == [-1, -1]
        assert tf.ones((2, 3)).shape.as_list() == [2, 3]
        assert tf.size(tf.ones((2, 3))).numpy() == 6


def test_lines_of_compressed_files_and_errors_are_those_of_tensorflow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensorflow_guides.write_files()
    with installed("tfkeras"):
        tf = importlib.import_module("tensorflow")
        lines = tf.data.TextLineDataset("t.csv.gz", compression_type="GZIP", name="l").skip(1)
        assert next(lines.as_numpy_iterator()) == b"1,x,2.5,"
        with pytest.raises(tf.errors.InvalidArgumentError, match="Field 3 is required but missing"):
            kinds = [tf.int32, "", 0.0, tf.int64]
            list(tf.data.experimental.CsvDataset("t.csv", kinds, header=True))
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expect 2 fields but have 1"):
            list(tf.data.experimental.CsvDataset("bad.csv", [0, 0]))
        with pytest.raises(ValueError, match="6 elements were asserted, and there are 5"):
            list(tf.data.Dataset.range(5).apply(tf.data.experimental.assert_cardinality(6)))
        broken = tf.data.Dataset.from_generator(lambda: (1 // k for k in (1, 0, 1)), tf.int32)
        with pytest.raises(ZeroDivisionError):
            list(broken.ignore_errors())
        seeded = tf.data.Dataset.range(40).map(lambda x: x % 4)
        pairs = seeded.rejection_resample(lambda x: x % 2, [0.0, 1.0], seed=1)
        assert {int(number) for number, _ in pairs} == {1}
        rows = tf.ragged.constant([[1, 2, 3], [4], [5, 6]])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to broadcast"):
            rows + tf.ragged.constant([[10, 20], [30, 40], [50]])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to broadcast"):
            rows + tf.constant([[1, 2, 3, 4]])


def test_modules_are_loaded_by_the_program_that_saved_them(tmp_path):
    with installed("tfkeras"):
        tf = importlib.import_module("tensorflow")

        class Scaled(tf.Module):
            def __init__(self, name=None):
                super().__init__(name=name)
                self.v = tf.Variable(1.0)

            @tf.function
            def __call__(self, x):
                return x * self.v

        class Outer(tf.Module):
            def __init__(self, name=None):
                super().__init__(name=name)
                self.parts = [Scaled(), Scaled()]

        outer = Outer()
        outer.parts[1].v.assign(7.0)
        tf.saved_model.save(outer, tmp_path / "saved", options=tf.saved_model.SaveOptions())
        again = tf.saved_model.load(tmp_path / "saved")
        assert again.parts[1](tf.constant(3.0)).numpy() == 21
        assert again is not outer and again.parts[0].v.numpy() == 1
