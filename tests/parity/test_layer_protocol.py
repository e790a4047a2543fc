"""What programs set, write and ask on layers themselves, against Keras."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from hornbook.layers.base import SETTLED
from tests.parity.helper import floats


def with_policy_before(m):
    layer = m.layers.Dense(2)
    layer.dtype_policy = "mixed_bfloat16"
    return layer, layer(floats(3, 4))


def with_policy_after(m):
    layer = m.layers.Dense(2)
    layer.build((None, 4))
    layer.dtype_policy = "mixed_bfloat16"
    return layer, layer(floats(3, 4))


def with_policy_object(m):
    layer = m.layers.Dense(2)
    layer.dtype_policy = m.dtype_policies.DTypePolicy("mixed_float16")
    return layer, layer(floats(3, 4))


def with_policy_as_stored(m):
    layer = m.layers.Dense(2)
    layer.dtype_policy = "float16"
    return layer, layer(floats(3, 4))


@pytest.mark.parametrize(
    "make", [with_policy_before, with_policy_after, with_policy_object, with_policy_as_stored]
)
def test_a_policy_that_is_set_is_kept_as_in_keras(make):
    (ours, y), (theirs, want) = make(keras), make(reference)
    assert y.dtype == want.dtype
    for name in ("compute_dtype", "variable_dtype", "dtype"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.dtype_policy.name == theirs.dtype_policy.name
    assert [w.dtype for w in ours.weights] == [w.dtype for w in theirs.weights]
    clone = type(ours).from_config(ours.get_config())
    assert clone.dtype_policy.name == theirs.dtype_policy.name


def test_a_policy_that_is_not_known_cannot_be_set():
    for m in (keras, reference):
        with pytest.raises(ValueError):
            m.layers.Dense(2).dtype_policy = "float99"


def scale_of(m):
    class Scale(m.layers.Layer):
        def build(this, shape):
            this.factor = this.add_weight(
                shape=(shape[-1],), initializer=m.initializers.Constant(3.0), name="factor"
            )

        def call(this, x, training=False):
            return x * this.factor + (1.0 if training else 0.0)

        def compute_output_shape(this, shape):
            return shape

    return Scale


@pytest.mark.parametrize("training", [False, True])
def test_a_layer_may_call_itself_by_another_name_than_self(training):
    x = floats(2, 3)
    want = np.asarray(scale_of(reference)()(x, training=training))
    layer = scale_of(keras)()
    np.testing.assert_allclose(layer(x, training=training), want, rtol=1e-6)
    assert layer.built and layer.get_build_config() == {"input_shape": (2, 3)}
    inputs = keras.Input((3,))
    model = keras.Model(inputs, scale_of(keras)()(inputs))
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(model.predict(x, verbose=0), x * 3, rtol=1e-6)


MASKS = {
    "none": None,
    "of both": [np.array([[True, False]]), np.array([[True, True, False]])],
    "of the value": [None, np.array([[True, True, False]])],
    "of the query": [np.array([[False, False]]), None],
    "of numbers": [np.array([[1, 0]]), np.array([[1, 0, 1]])],
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("layer", ["Attention", "AdditiveAttention"])
def test_the_mask_of_attention_is_that_of_the_query(layer, mask):
    inputs = [floats(1, 2, 4), floats(1, 3, 4)]
    want = getattr(reference.layers, layer)().compute_mask(inputs=inputs, mask=MASKS[mask])
    found = getattr(keras.layers, layer)().compute_mask(inputs=inputs, mask=MASKS[mask])
    assert (found is None) == (want is None)
    if want is not None:
        np.testing.assert_array_equal(found, want)


SIZED = {
    "Conv2D": (4, 3),
    "Conv3DTranspose": (4, 3),
    "DepthwiseConv1D": (3,),
    "SeparableConv2D": (4, 3),
    "MaxPooling2D": (),
    "AveragePooling1D": (3,),
    "AdaptiveMaxPooling3D": (4,),
    "AdaptiveAveragePooling1D": (4,),
    "GlobalMaxPooling2D": (),
    "Flatten": (),
    "Cropping2D": (),
}


@pytest.mark.parametrize("layer", SIZED)
def test_sizes_and_format_of_a_config_are_those_of_the_layer(layer):
    theirs, ours = (
        getattr(m.layers, layer)(*SIZED[layer]).get_config() for m in (reference, keras)
    )
    asked = set(SETTLED) & set(theirs)
    assert {key: ours[key] for key in asked} == {key: theirs[key] for key in asked}


def test_a_config_keeps_the_format_that_was_the_process_s():
    keras.config.set_image_data_format("channels_first")
    try:
        config = keras.layers.Conv2D(2, 3).get_config()
    finally:
        keras.config.set_image_data_format("channels_last")
    assert keras.layers.Conv2D.from_config(config).data_format == "channels_first"


def test_an_input_layer_begins_with_a_tensor():
    for m in (keras, reference):
        tensor = m.Input((3,))
        layer = m.layers.InputLayer(input_tensor=tensor, name="begin")
        assert layer.output is tensor and layer.batch_shape == (None, 3)
        model = m.Model(layer.output, m.layers.Dense(2)(tensor))
        assert [one.name for one in model.layers][0] == "begin"
        assert model(floats(2, 3)).shape == (2, 2)


def test_an_input_layer_takes_keras_2_s_names():
    for m in (keras, reference):
        assert m.layers.InputLayer(batch_input_shape=(2, 3)).batch_shape == (2, 3)
    assert keras.layers.InputLayer(input_shape=(3,)).batch_shape == (None, 3)
    layer = keras.layers.InputLayer((3,))
    assert (layer.sparse, layer.ragged) == (False, False)


def test_what_is_no_tensor_may_stand_in_its_place():
    x = np.ones((2, 50), "float32")
    layer = keras.layers.Dropout(0.5)
    assert (np.asarray(layer(x, True)) == 0).any() and (np.asarray(layer(x, False)) == 1).all()
    with pytest.raises(ValueError):
        reference.layers.Dropout(0.5)(x, True)


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.layers.Dense(2, activation="relu"),
        lambda m: m.layers.EinsumDense("ab,bc->ac", 2, activation="relu"),
        lambda m: m.layers.Dense(2, activation="relu", use_bias=False),
    ],
)
def test_an_activation_may_be_taken_away(make):
    x = floats(4, 3)
    ours, theirs = make(keras), make(reference)
    for layer in (ours, theirs):
        layer(x)
        layer.activation = None
    ours.set_weights([np.asarray(w) for w in theirs.weights])
    assert (np.asarray(ours(x)) < 0).any()
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", ["Conv1D", "Conv1DTranspose", "DepthwiseConv1D"])
def test_the_activation_of_a_convolution_may_be_taken_away(layer):
    sizes = (2,) if layer == "DepthwiseConv1D" else (3, 2)
    one = getattr(keras.layers, layer)(*sizes, activation="relu")
    x = floats(2, 5, 4)
    positive = one(x)
    one.activation = None
    np.testing.assert_array_equal(np.maximum(one(x), 0), positive)
    assert (np.asarray(one(x)) < 0).any()
