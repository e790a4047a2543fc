"""`keras.applications` by its old paths and arguments."""

import numpy as np
import pytest

from hornbook import applications
from hornbook.compat.install import installed
from hornbook.initializers.drawn import VarianceScaling


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Networks are made with zeros, in less time."""
    monkeypatch.setattr(
        VarianceScaling, "__call__", lambda self, shape, dtype=None: np.zeros(shape, "float32")
    )


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_paths_and_arguments_of_the_generation(generation):
    with installed(generation):
        from keras.applications import VGG16
        from keras.applications.imagenet_utils import _obtain_input_shape
        from keras.applications.inception_v3 import InceptionV3, preprocess_input
        from keras.applications.resnet50 import ResNet50, decode_predictions
        from keras.applications.vgg16 import VGG16 as again
        from keras.models import Model

        classes = (2,) if generation == "keras1" else (None, 2)  # pooling came before it
        small = VGG16(False, None, None, (32, 32, 3), *classes)
        assert [small.output_shape, small.name] == [(None, 1, 1, 512), "vgg16"]
        assert small.layers[3].output_shape == (None, 16, 16, 64)  # layers of the generation
        assert isinstance(small, Model) and hasattr(small, "fit_generator")
        assert len(again(include_top=False, weights=None, input_shape=(32, 32, 3)).layers) == 19
        assert callable(ResNet50) and callable(InceptionV3) and callable(decode_predictions)
        assert preprocess_input(np.zeros(3)).tolist() == [-1, -1, -1]
        form = "tf" if generation == "keras1" else "channels_last"
        assert _obtain_input_shape(None, 224, 48, form, include_top=True) == (224, 224, 3)


def test_networks_that_keras_2_had_beside_those_of_keras_1():
    with installed("keras2"):
        from keras.applications.densenet import DenseNet121
        from keras.applications.mobilenet import MobileNet
        from keras.applications.nasnet import NASNetMobile
        from keras.applications.resnet_v2 import ResNet50V2

        model = MobileNet((32, 32, 3), 0.25, 1, 1e-3, False, None)
        assert model.output_shape == (None, 1, 1, 256)
        assert all(map(callable, (DenseNet121, NASNetMobile, ResNet50V2)))
    assert (
        model.count_params()
        == applications.MobileNet((32, 32, 3), 0.25, include_top=False, weights=None).count_params()
    )


def test_the_network_for_music():
    with installed("keras1"):
        from keras.applications.music_tagger_crnn import MusicTaggerCRNN

        model = MusicTaggerCRNN(weights=None)
        assert model.output_shape == (None, 50)
        assert model.get_layer("gru1").output.shape == (None, 15, 32)
        with pytest.raises(ValueError, match="50 classes"):
            MusicTaggerCRNN(classes=3)


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_pictures_in_variables_are_no_weights_of_the_network(generation):
    with installed(generation):
        from keras import backend as K
        from keras.applications.vgg16 import VGG16

        style = K.variable(np.ones((1, 32, 32, 3)))
        made = K.placeholder((1, 32, 32, 3))
        pictures = K.concatenate([style, made], axis=0)
        model = VGG16(input_tensor=pictures, weights=None, include_top=False)
        assert len(model.get_weights()) == 26
        features = K.function([made], [model.get_layer("block5_pool").output])
        assert features([np.zeros((1, 32, 32, 3))])[0].shape == (2, 1, 1, 512)


@pytest.mark.parametrize(
    ("generation", "shape"), [("keras1", (None, 1, 1, 2048)), ("keras2", (None, 7, 7, 2048))]
)
def test_resnet50_has_its_old_layers(generation, shape):
    with installed(generation):
        from keras.applications import ResNet50
        from keras.layers import Activation, Flatten
        from keras.models import Model

        model = ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
        assert model.output_shape == shape
        assert model.get_layer("res5b_branch2a").output_shape == (None, 7, 7, 512)
        assert model.get_layer("bn_conv1").epsilon == 1e-3
        found = [layer.name for layer in model.layers if layer.name.startswith("activation")]
        assert len(found) == 49 and found[0] == "activation_1"
        assert model.count_params() == 23_587_712
        Model(model.input, Activation("relu")(Flatten()(model.output)))  # names do not meet


def test_a_network_in_a_sequential_comes_back(tmp_path):
    with installed("keras2"):
        from keras.applications import VGG16
        from keras.layers import Dense, Flatten
        from keras.models import Sequential, load_model

        base = VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
        model = Sequential([base, Flatten(), Dense(1, bias_initializer="ones")])
        model.save(str(tmp_path / "model.h5"))
        again = load_model(str(tmp_path / "model.h5"), compile=False)
        assert again.layers[0].layers[3].output_shape == (None, 16, 16, 64)
        assert again.predict(np.ones((1, 32, 32, 3))).tolist() == [[1.0]]
