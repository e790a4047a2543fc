"""Pictures in, names of classes out, and shapes: against Keras's own."""

import itertools
import json
import warnings

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras.src.applications import imagenet_utils as theirs

import hornbook
from hornbook.applications import imagenet_utils as ours

FAMILIES = (
    "convnext densenet efficientnet efficientnet_v2 inception_resnet_v2 inception_v3 mobilenet "
    "mobilenet_v2 mobilenet_v3 nasnet resnet resnet50 resnet_v2 vgg16 vgg19 xception"
).split()


def pictures(*shape, dtype="float32"):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize(
    ("shape", "data_format"),
    [
        ((2, 4, 5, 3), "channels_last"),
        ((4, 5, 3), None),
        ((2, 3, 4, 5), "channels_first"),
        ((3, 4, 5), "channels_first"),
    ],
)
def test_pictures_are_prepared_as_by_keras(mode, dtype, shape, data_format):
    x, y = pictures(*shape, dtype=dtype), pictures(*shape, dtype=dtype)
    found = ours.preprocess_input(x, data_format, mode)
    expected = theirs.preprocess_input(y, data_format, mode)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-5)  # both were changed in place, or neither
    if dtype == "float32":
        x = pictures(*shape)
        array = ours.preprocess_input(jnp.asarray(x), data_format, mode)
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-4)
        symbol = hornbook.Input(shape=shape[1:])
        if len(shape) == 4:
            model = hornbook.Model(symbol, ours.preprocess_input(symbol, data_format, mode))
            np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-4)


def test_what_may_not_be_changed_is_copied():
    x = pictures(2, 2, 3)
    x.flags.writeable = False
    assert ours.preprocess_input(x, mode="tf") is not x
    assert ours.preprocess_input([[[0, 0, 255]]], mode="tf").tolist() == [[[-1, -1, 1]]]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_prepares_pictures_in_its_own_way(family):
    one, other = (getattr(door.applications, family) for door in (hornbook, keras))
    np.testing.assert_allclose(
        one.preprocess_input(pictures(1, 2, 2, 3)),
        other.preprocess_input(pictures(1, 2, 2, 3)),
        rtol=1e-6,
        atol=1e-5,
    )
    assert one.decode_predictions is ours.decode_predictions


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.preprocess_input(pictures(2, 2, 3), mode="theano"), "'theano'"),
        (lambda: ours.preprocess_input(pictures(2, 2, 3), "last"), "'last'"),
        (lambda: ours.preprocess_input(pictures(2, 2, 1)), "3 channels"),
        (lambda: ours.preprocess_input(pictures(2, 3)), "3 channels"),
        (lambda: ours.decode_predictions(np.zeros((2, 10))), r"\(2, 10\)"),
        (lambda: ours.decode_predictions(np.zeros(1000)), "samples, 1000"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names_of_classes(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    index = {str(i): [f"n{i:08}", f"thing {i}"] for i in range(1000)}
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(index))
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(theirs, "CLASS_INDEX", index)
    preds = pictures(3, 1000)
    assert ours.decode_predictions(preds, top=4) == theirs.decode_predictions(preds, top=4)
    assert len(ours.decode_predictions(jnp.asarray(preds))[0]) == 5


def test_names_of_classes_are_downloaded_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    name, _, checksum = ours.CLASS_INDEX
    file = tmp_path / name
    file.write_text("{}")
    monkeypatch.setattr(ours, "CLASS_INDEX", (name, file.as_uri(), checksum))
    with pytest.raises(ValueError, match="checksum"):
        ours.decode_predictions(np.zeros((1, 1000)))


SHAPES = (None, (224, 224, 3), (3, 224, 224), (64, 48, 3), (3, 16, 64), (None, None, 3), (9, 9))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_shapes_of_pictures_are_keras_s(data_format):
    for shape, flat, weights in itertools.product(SHAPES, (True, False), (None, "imagenet")):
        arguments = shape, 224, 32, data_format, flat, weights
        assert outcome(ours, arguments) == outcome(theirs, arguments), arguments


def outcome(module, arguments):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            return module.obtain_input_shape(*arguments), len(told)
        except ValueError:
            return "refused"


@pytest.mark.parametrize("kernel", [3, 5, (3, 7)])
@pytest.mark.parametrize("size", [(8, 8), (9, 8), (None, None)])
def test_padding_is_keras_s(kernel, size):
    shape = (*size, 3)
    expected = theirs.correct_pad(keras.Input(shape), kernel)
    assert ours.correct_pad(hornbook.Input(shape), kernel) == expected
