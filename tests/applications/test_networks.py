"""Every network has Keras's layers, weights and files; small ones of each family its outputs."""

import json
import re

import keras
import numpy as np
import pytest

import hornbook
from hornbook import applications
from hornbook.applications import network as networks
from hornbook.initializers.drawn import VarianceScaling
from tests.applications import golden, small

GOLDEN = golden.read()
# Of each family that is quickly built, one; `--long` builds all.
BUILT = (
    "DenseNet121 EfficientNetB0 EfficientNetV2B0 ConvNeXtTiny InceptionV3 MobileNet MobileNetV2 "
    "MobileNetV3Small NASNetMobile ResNet50 ResNet50V2 Xception"
).split()
COMPUTED = "MobileNetV2 ResNet50 VGG16".split()  # the same of outputs


def skip_large(name, quick, long):
    """Names that are not quick are tried with `--long` alone."""
    if name not in quick and not long:
        pytest.skip("takes longer: --long")


@pytest.fixture(autouse=True)
def fresh():
    """Numbers in names begin anew."""
    hornbook.utils.clear_session()


@pytest.fixture
def undrawn(monkeypatch):
    """Networks are made with zeros, in less time."""
    monkeypatch.setattr(
        VarianceScaling, "__call__", lambda self, shape, dtype=None: np.zeros(shape, "float32")
    )


def test_all_networks_of_keras_are_there():
    assert golden.networks(applications) == list(GOLDEN) == golden.networks(keras.applications)
    assert len(GOLDEN) == 40


@pytest.mark.parametrize("name", GOLDEN)
def test_layers_parameters_and_weights_are_keras_s(undrawn, name, long):
    skip_large(name, BUILT, long)
    assert golden.described(getattr(applications, name)(weights=None)) == GOLDEN[name][0]


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.filterwarnings("ignore:.*there are weights for square images of")
def test_files_of_weights_are_keras_s(monkeypatch, name):
    monkeypatch.setattr(networks, "get_file", golden.get_file)
    network = getattr(applications, name)
    assert golden.file_of(network, True) + golden.file_of(network, False) == GOLDEN[name][1]


@pytest.mark.parametrize("name", small.SMALL)
def test_outputs_are_keras_s(undrawn, name, long):
    skip_large(name, COMPUTED, long)
    found, expected = small.output(applications, name), small.read()[name]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", small.SMALL)
def test_configs_are_keras_s(undrawn, name, long):
    """Keras reads ours, and has the same model then as from its own function."""
    skip_large(name, ["MobileNetV2"], long)
    size, arguments = small.SMALL[name]
    arguments = {"weights": None, "input_shape": (size, size, 3), **arguments}
    keras.utils.clear_session(free_memory=False)
    theirs = getattr(keras.applications, name)(**arguments)
    ours = getattr(applications, name)(**arguments)
    read = keras.models.model_from_json(ours.to_json())
    assert comparable(read) == comparable(theirs)
    again = hornbook.models.model_from_json(theirs.to_json())
    assert golden.described(again) == golden.described(ours)


def comparable(model):
    """A config without the numbers of the inputs that Keras gives models within the model."""
    return json.loads(re.sub(r"input_layer_\d+", "input_layer", model.to_json()))["config"]


def test_files_that_keras_wrote_are_read(tmp_path):
    arguments = {"alpha": 0.25, "include_top": False, "input_shape": (32, 32, 3)}
    theirs = keras.applications.MobileNet(weights=None, **arguments)
    theirs.set_weights(small.weights_for(theirs))
    for name in ("all.weights.h5", "whole.h5"):
        path = tmp_path / name
        theirs.save(path) if name == "whole.h5" else theirs.save_weights(path)
        ours = applications.MobileNet(weights=str(path), **arguments)
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_file_of_the_network_by_hornbook_data(tmp_path, monkeypatch):
    arguments = {"alpha": 0.25, "include_top": False, "input_shape": (128, 128, 3)}
    source = applications.MobileNet(weights=None, **arguments)
    (tmp_path / "models").mkdir()
    source.save(tmp_path / "models" / "mobilenet_2_5_128_tf_no_top.h5")
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path))
    found = applications.MobileNet(weights="imagenet", **arguments)
    for one, other in zip(found.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
