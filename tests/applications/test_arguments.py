"""Arguments of networks: what they change, and what is refused."""

import keras
import numpy as np
import pytest

import hornbook
from hornbook import applications, layers
from hornbook.applications import mobilenet, mobilenet_v2, mobilenet_v3
from hornbook.applications import network as networks
from hornbook.initializers.drawn import VarianceScaling
from tests.applications import golden


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Networks are made with zeros, in less time."""
    hornbook.utils.clear_session()
    monkeypatch.setattr(
        VarianceScaling, "__call__", lambda self, shape, dtype=None: np.zeros(shape, "float32")
    )


@pytest.fixture
def channels_first():
    hornbook.config.set_image_data_format("channels_first")
    yield
    hornbook.config.set_image_data_format("channels_last")


def mobile(**arguments):
    return applications.MobileNet(
        **{"weights": None, "alpha": 0.25, "input_shape": (32, 32, 3), **arguments}
    )


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (None, 1000)),
        ({"include_top": False}, (None, 1, 1, 256)),
        ({"include_top": False, "pooling": "avg"}, (None, 256)),
        ({"include_top": False, "pooling": "max", "alpha": 0.5}, (None, 512)),
        ({"include_top": False, "input_shape": None}, (None, None, None, 256)),
        ({"include_top": False, "input_shape": (64, 32, 1)}, (None, 2, 1, 256)),
    ],
)
def test_the_shape_of_the_output(arguments, shape):
    model = mobile(**arguments)
    assert model.output_shape == shape
    assert model.name == f"mobilenet_{arguments.get('alpha', 0.25):.2f}_{model.input_shape[1]}"


def test_names():
    assert mobile(include_top=False, name="mine").name == "mine"
    assert applications.VGG16(weights=None, include_top=False).name == "vgg16"


def test_minimalistic_and_without_preprocessing():
    arguments = {"weights": None, "include_top": False, "input_shape": (32, 32, 3)}
    plain = applications.MobileNetV3Small(
        minimalistic=True, include_preprocessing=False, **arguments
    )
    kinds = {type(layer) for layer in plain.layers}
    assert not kinds & {layers.Rescaling, layers.Multiply, layers.Activation}
    assert {
        layer.kernel_size for layer in plain.layers if isinstance(layer, layers.DepthwiseConv2D)
    } == {(3, 3)}


def test_classes_depth_multiplier_dropout_and_activation():
    model = mobile(classes=5, depth_multiplier=2, dropout=0.5, classifier_activation="sigmoid")
    assert model.output_shape == (None, 5)
    assert model.layers[-1].activation.__name__ == "sigmoid"
    assert model.get_layer("conv_dw_1").output.shape[-1] == 16
    assert model.get_layer("dropout").rate == 0.5


def test_a_network_begins_with_a_tensor():
    pictures = layers.Input((64, 64, 3), name="pictures")
    halved = layers.AveragePooling2D(name="half")(pictures)
    model = applications.VGG16(weights=None, include_top=False, input_tensor=halved)
    assert model.inputs[0] is pictures
    assert model.get_layer("block1_conv1").output.shape == (None, 32, 32, 64)


def test_a_tensor_that_is_computed_from_two():
    one, two = layers.Input((32, 32, 3)), layers.Input((32, 32, 3))
    model = applications.VGG16(weights=None, include_top=False, input_tensor=one + two)
    assert [t is s for t, s in zip(model.inputs, (one, two), strict=True)] == [True, True]


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "EfficientNetB0"])
def test_channels_first(channels_first, name):
    model = getattr(applications, name)(
        weights=None, include_top=False, input_shape=(3, 32, 64), pooling=None
    )
    assert model.output_shape[2:] == (1, 2)
    assert model.input_shape == (None, 3, 32, 64)


@pytest.mark.parametrize("name", ["DenseNet121", "NASNetMobile", "ConvNeXtTiny"])
def test_networks_that_have_channels_last_alone(channels_first, name):
    with pytest.raises(ValueError, match="set_image_data_format"):
        getattr(applications, name)(weights=None)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("VGG16", {"weights": "no such file"}, "no such file"),
        ("VGG16", {"classes": 3}, "include_top=False"),
        ("VGG16", {"weights": None, "input_shape": (16, 64, 3)}, "at least 32x32"),
        ("VGG16", {"weights": None, "input_shape": (None, 64, 3)}, "must be known"),
        ("Xception", {"weights": None, "input_shape": (70, 71, 3)}, "at least 71x71"),
        ("InceptionV3", {"weights": None, "input_shape": (74, 75, 3)}, "at least 75x75"),
        ("ResNet50", {"input_shape": (64, 64, 3)}, r"input_shape is \(224, 224, 3\)"),
        ("ResNet50", {"include_top": False, "input_shape": (64, 64, 1)}, "3 channels"),
        ("ResNet50", {"classifier_activation": "relu"}, "'softmax' or None"),
        ("ResNet50", {"weights": None, "input_tensor": np.zeros((1, 32, 32, 3))}, "symbolic"),
        ("MobileNet", {"alpha": 0.3}, "alpha in"),
        ("MobileNet", {"depth_multiplier": 2}, "depth_multiplier in"),
        ("MobileNetV2", {"alpha": 0.3}, "alpha in"),
        ("MobileNetV3Small", {"alpha": 0.5}, "alpha in"),
        ("MobileNetV3Large", {"alpha": 0.75, "minimalistic": True}, "alpha in"),
        ("MobileNetV3Small", {"weights": None, "input_shape": (31, 64, 3)}, "at least 32x32"),
        ("NASNetLarge", {"include_top": False, "input_shape": (None, 64, 3)}, "unknown sizes"),
    ],
)
def test_what_does_not_go_together(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(applications, name)(**arguments)


def test_unknown_arguments():
    with pytest.raises(TypeError, match="VGG16 got .* 'alpha'.*; its arguments are include_top, "):
        applications.VGG16(alpha=1)


def test_a_shape_and_a_tensor_that_differ():
    tensor = layers.Input((64, 64, 3))
    with pytest.raises(ValueError, match="other columns"):
        applications.MobileNetV2(weights=None, input_tensor=tensor, input_shape=(32, 32, 3))


def test_odd_channels_and_pooling_are_told_of():
    with pytest.warns(UserWarning, match="1 or 3 channels"):
        mobile(include_top=False, input_shape=(32, 32, 5))
    with pytest.warns(UserWarning, match="counts as None"):
        assert mobile(include_top=False, pooling="sum").output_shape == (None, 1, 1, 256)


@pytest.mark.parametrize(
    ("module", "network", "arguments", "part"),
    [
        (mobilenet, "MobileNet", {"input_shape": (160, 160, 3)}, "1_0_160"),
        (mobilenet, "MobileNet", {"alpha": 0.5, "input_shape": (128, 128, 3)}, "5_0_128"),
        (mobilenet_v2, "MobileNetV2", {"alpha": 1.4}, "1.4_224"),
        (mobilenet_v2, "MobileNetV2", {"input_shape": (96, 96, 3)}, "1.0_96"),
        (mobilenet_v3, "MobileNetV3Small", {"minimalistic": True}, "small_minimalistic_224_1.0"),
        (mobilenet_v3, "MobileNetV3Large", {"alpha": 0.75}, "large_224_0.75"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*there are weights for square images of")
def test_which_file_of_weights(monkeypatch, module, network, arguments, part):
    monkeypatch.setattr(networks, "get_file", golden.get_file)
    with pytest.raises(golden.Asked) as asked:
        getattr(applications, network)(**arguments)
    assert part in asked.value.args[0]


def test_pictures_of_another_size_than_that_of_the_weights_are_told_of(monkeypatch):
    monkeypatch.setattr(networks, "get_file", golden.get_file)
    with pytest.warns(UserWarning, match="those for 224 are loaded"), pytest.raises(golden.Asked):
        applications.MobileNetV2(include_top=False, input_shape=(100, 100, 3))


def test_the_order_of_arguments_is_keras_s():
    import inspect

    for name in golden.networks(applications):
        ours, theirs = (
            list(inspect.signature(getattr(door, name)).parameters)
            for door in (applications, keras.applications)
        )
        assert ours == theirs
