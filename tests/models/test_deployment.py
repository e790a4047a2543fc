"""`export`: what has to be used instead."""

import pytest

import hornbook as keras


@pytest.mark.parametrize("format", ["tf_saved_model", "onnx", "openvino", "litert", "torch"])
def test_export_says_what_to_use(format):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(NotImplementedError, match=r"(?s)load_model.*jax\.export") as caught:
        model.export("folder", format=format)
    assert format in str(caught.value)


def test_an_unknown_format_is_named():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="'tflight'"):
        model.export("folder", format="tflight")
