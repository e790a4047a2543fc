"""Layers against Keras's: outputs, gradients, state and masks."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import hornbook
from hornbook.core.mask import get_mask, set_mask
from tests.parity.helper import agree, copy_weights, floats, ints, same_layer

IMAGES, SERIES = (2, 7, 6, 4), (2, 7, 4)
BOTH = (False, True)
FIRST = {"data_format": "channels_first"}

# (class, constructor arguments, shape or shapes of the inputs); several inputs go in as a list
ROWS = [
    ("Dense", {"units": 3}, (2, 4)),
    ("Dense", {"units": 3, "activation": "tanh", "use_bias": False}, (2, 5, 4)),
    ("Dense", {"units": 3, "kernel_regularizer": "l2", "kernel_constraint": "non_neg"}, (2, 4)),
    ("Activation", {"activation": "softplus"}, (2, 3)),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (3, 4)),
    ("LeakyReLU", {}, (3, 4)),
    ("PReLU", {"alpha_initializer": "glorot_uniform"}, (2, 3, 4)),
    ("PReLU", {"shared_axes": [1]}, (2, 3, 4)),
    ("ELU", {"alpha": 0.7}, (3, 4)),
    ("Softmax", {}, (2, 3, 4)),
    ("Softmax", {"axis": (1, 2)}, (2, 3, 4)),
    ("Flatten", {}, (2, 3, 4)),
    ("Flatten", FIRST, (2, 3, 4, 5)),
    ("Flatten", {}, (2,)),
    ("Reshape", {"target_shape": (4, -1)}, (2, 6, 4)),
    ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5)),
    ("RepeatVector", {"n": 3}, (2, 4)),
    ("Cropping1D", {"cropping": (1, 2)}, SERIES),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, IMAGES),
    ("Cropping2D", {"cropping": (1, 2), **FIRST}, (2, 3, 5, 6)),
    ("Cropping3D", {}, (1, 4, 3, 5, 2)),
    ("ZeroPadding1D", {"padding": (1, 2)}, SERIES),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 1))}, IMAGES),
    ("ZeroPadding2D", {"padding": 2, **FIRST}, (2, 3, 5, 6)),
    ("ZeroPadding3D", {"padding": (0, 1, 2)}, (1, 2, 3, 2, 2)),
    ("UpSampling1D", {"size": 3}, SERIES),
    ("UpSampling2D", {"size": (2, 3)}, IMAGES),
    ("UpSampling2D", {"interpolation": "bilinear"}, IMAGES),
    ("UpSampling2D", {"interpolation": "bicubic", **FIRST}, (1, 2, 4, 3)),
    ("UpSampling3D", {}, (1, 2, 3, 2, 2)),
    ("Identity", {}, (2, 3)),
    ("Rescaling", {"scale": 2.0, "offset": 0.5}, (2, 3)),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0], "offset": [0.0, 0.1, 0.2]}, (2, 2, 2, 3)),
    ("Masking", {}, (2, 3, 4)),
    ("Add", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Add", {}, [(2, 5, 3), (2, 3)]),
    ("Subtract", {}, [(2, 3), (2, 1)]),
    ("Multiply", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Average", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Maximum", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Minimum", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Concatenate", {}, [(2, 3), (2, 4)]),
    ("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 2, 4), (2, 1, 4)]),
    ("Dot", {"axes": 1}, [(2, 3), (2, 3)]),
    ("Dot", {"axes": -1, "normalize": True}, [(2, 3), (2, 3)]),
    ("Dot", {"axes": (2, 1)}, [(2, 3, 4), (2, 4, 5)]),
    ("Dot", {"axes": (1, 3)}, [(2, 3, 4), (2, 4, 5, 3)]),
    ("Dot", {"axes": (1, 2)}, [(2, 3), (2, 4, 3)]),
    ("BatchNormalization", {}, (4, 3)),
    ("BatchNormalization", {"momentum": 0.8, "epsilon": 0.1}, (2, 3, 3, 4)),
    ("BatchNormalization", {"axis": 1}, (2, 3, 4, 4)),
    ("BatchNormalization", {"center": False, "scale": False}, (4, 3)),
    ("BatchNormalization", {"renorm": True}, (4, 3)),
    (
        "BatchNormalization",
        {"renorm": True, "renorm_clipping": {"rmax": 1.1, "rmin": 0.9, "dmax": 0.1}},
        (4, 3),
    ),
    ("LayerNormalization", {}, (2, 5, 4)),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 0.1}, (2, 5, 4)),
    ("LayerNormalization", {"axis": 1, "center": False}, (2, 5, 4)),
    ("LayerNormalization", {"scale": False}, (2, 5, 4)),
    ("RMSNormalization", {}, (2, 5, 4)),
    ("UnitNormalization", {}, (2, 5, 4)),
    ("UnitNormalization", {"axis": [1, 2]}, (2, 5, 4)),
    ("GroupNormalization", {"groups": 2}, (2, 5, 4)),
    ("GroupNormalization", {"groups": -1, "epsilon": 0.1}, (2, 5, 3, 4)),
    ("GroupNormalization", {"groups": 2, "axis": 1}, (2, 4, 3, 3)),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, SERIES),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
    ("Conv1D", {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"}, SERIES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2, "use_bias": False}, SERIES),
    ("Conv1D", {"filters": 3, "kernel_size": 3, **FIRST}, (2, 4, 7)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "tanh"}, IMAGES),
    ("Conv2D", {"filters": 3, "kernel_size": (2, 3), "strides": 2, "padding": "same"}, IMAGES),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, IMAGES),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "dilation_rate": (2, 1)}, IMAGES),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", **FIRST}, (2, 4, 6, 5)),
    ("Conv3D", {"filters": 2, "kernel_size": 2}, (1, 4, 3, 4, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, SERIES),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "dilation_rate": 2}, SERIES),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3}, IMAGES),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3}, IMAGES),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": (3, 4), "strides": 2, "padding": "same"},
        IMAGES,
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        IMAGES,
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": (0, 1), **FIRST},
        (2, 4, 3, 3),
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, (1, 2, 3, 2, 2)),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SERIES),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same", "strides": 2}, IMAGES),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 3, **FIRST}, (2, 3, 5, 4)),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "padding": "same"}, SERIES),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2}, IMAGES),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 2, **FIRST}, (2, 3, 5, 4)),
    ("MaxPooling1D", {}, SERIES),
    ("MaxPooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, SERIES),
    ("MaxPooling2D", {}, IMAGES),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": 2, "padding": "same"}, IMAGES),
    ("MaxPooling2D", FIRST, (2, 4, 6, 5)),
    ("MaxPooling3D", {}, (1, 4, 4, 5, 2)),
    ("AveragePooling1D", {"pool_size": 2, "padding": "same"}, SERIES),
    ("AveragePooling2D", {"pool_size": 2}, IMAGES),
    ("AveragePooling2D", {"pool_size": 3, "strides": 1, "padding": "same", **FIRST}, (2, 4, 6, 5)),
    ("AveragePooling3D", {"pool_size": 2}, (1, 4, 4, 5, 2)),
    ("GlobalMaxPooling1D", {}, SERIES),
    ("GlobalMaxPooling2D", {"keepdims": True}, IMAGES),
    ("GlobalMaxPooling3D", FIRST, (1, 2, 3, 2, 2)),
    ("GlobalAveragePooling1D", FIRST, SERIES),
    ("GlobalAveragePooling2D", {}, IMAGES),
    ("GlobalAveragePooling3D", {"keepdims": True}, (1, 2, 3, 2, 2)),
    ("AdaptiveMaxPooling1D", {"output_size": 3}, SERIES),
    ("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, IMAGES),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, (1, 3, 4, 5, 2)),
    ("AdaptiveAveragePooling1D", {"output_size": 3}, SERIES),
    ("AdaptiveAveragePooling2D", {"output_size": (2, 3), **FIRST}, (2, 4, 7, 5)),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, (1, 3, 4, 5, 2)),
    ("Attention", {}, [(2, 3, 4), (2, 5, 4)]),
    ("Attention", {"use_scale": True}, [(2, 3, 4), (2, 5, 6), (2, 5, 4)]),
    ("Attention", {"score_mode": "concat", "use_scale": True}, [(2, 3, 4), (2, 5, 4)]),
    ("AdditiveAttention", {}, [(2, 3, 4), (2, 5, 4)]),
    ("AdditiveAttention", {"use_scale": False}, [(2, 3, 4), (2, 5, 4)]),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, (2, 4)),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 3, 2), "bias_axes": "de"},
        (2, 5, 4),
    ),
    (
        "EinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y", "activation": "relu"},
        (2, 3, 5, 4),
    ),
    (
        "EinsumDense",
        {"equation": "ax...,xy->ay...", "output_shape": 3, "bias_axes": "y"},
        (2, 4, 5),
    ),
    ("STFTSpectrogram", {"frame_length": 8, "mode": "psd", "padding": "same"}, (2, 20, 3)),
    ("STFTSpectrogram", {"frame_length": 8, "expand_dims": True, "fft_length": 16}, (2, 20, 3)),
    (
        "STFTSpectrogram",
        {"frame_length": 8, "mode": "stft", "frame_step": 3, "window": "hamming", **FIRST},
        (2, 3, 20),
    ),
    (
        "STFTSpectrogram",
        {"frame_length": 8, "mode": "angle", "periodic": True, "expand_dims": True, **FIRST},
        (2, 3, 20),
    ),
]


def name_of(row) -> str:
    return f"{row[0]}-{'-'.join(f'{k}={v}' for k, v in row[1].items())}"[:70]


def inputs_of(shapes):
    if isinstance(shapes, list):
        return [floats(*shape, seed=i) for i, shape in enumerate(shapes)]
    return floats(*shapes)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_layer_agrees_with_keras(row):
    name, arguments, shapes = row
    modes = BOTH if name == "BatchNormalization" else (None,)
    for training in modes:
        ours, theirs = same_layer(
            lambda k: getattr(k.layers, name)(**arguments), inputs_of(shapes), training
        )
    # what Keras writes to a file, we read; its name and trainability come along
    again = type(ours).from_config(theirs.get_config())
    assert again.name == theirs.name
    # a symbolic call tells the same shape, but for the size of the batch
    several = isinstance(shapes, list)
    tensors = [hornbook.Input(one[1:]) for one in (shapes if several else [shapes])]
    shape = again(tensors if several else tensors[0]).shape
    assert shape == (None, *jax.eval_shape(again, inputs_of(shapes)).shape[1:])
    assert [v.shape for v in again.weights] == [v.shape for v in ours.weights]


# one row each is enough: the rows differ in shapes, not in dtypes
MIXED = """Dense Conv2D BatchNormalization LayerNormalization GroupNormalization RMSNormalization
Softmax Attention MaxPooling2D GlobalAveragePooling2D Add PReLU""".split()


@pytest.mark.parametrize("name", MIXED)
def test_layer_agrees_with_keras_in_mixed_bfloat16(name):
    _, arguments, shapes = next(row for row in ROWS if row[0] == name)
    ours, theirs = (
        getattr(k.layers, name)(dtype="mixed_bfloat16", **arguments) for k in (hornbook, keras)
    )
    kwargs = {"training": True} if name == "BatchNormalization" else {}
    inputs = inputs_of(shapes)
    ours(inputs)
    theirs(inputs)
    copy_weights(ours, theirs, perturb=True)
    agree(ours(inputs, **kwargs), theirs(inputs, **kwargs), "output", rtol=2e-2, atol=2e-2)
    assert all(v.dtype == "float32" for v in ours.weights)


@pytest.mark.parametrize("mask_zero", BOTH)
def test_embedding_agrees_with_keras(mask_zero):
    same_layer(lambda k: k.layers.Embedding(5, 3, mask_zero=mask_zero), ints(2, 4), None)
    same_layer(
        lambda k: k.layers.Embedding(5, 3), ints(2, 4).astype("float32"), None, gradient=False
    )


def test_lambda_agrees_with_keras():
    same_layer(
        lambda k: k.layers.Lambda(lambda x, power: k.ops.tanh(x) ** power, arguments={"power": 2}),
        floats(2, 3),
    )


def mask_of(*shape, seed=0):
    mask = np.random.default_rng(seed).random(shape) < 0.6
    mask[:, 0] = True
    return mask


# (class, arguments, shapes, whether each input has a mask)
MASKED = [
    ("Activation", {"activation": "relu"}, (2, 5, 3), True),
    ("Dense", {"units": 2}, (2, 5, 3), True),
    ("Dropout", {"rate": 0.5}, (2, 5, 3), True),
    ("LayerNormalization", {}, (2, 5, 3), True),
    ("BatchNormalization", {}, (2, 5, 3), True),
    ("GlobalAveragePooling1D", {}, (2, 5, 3), True),
    ("GlobalAveragePooling1D", {"keepdims": True}, (2, 5, 3), True),
    ("Add", {}, [(2, 5, 3)] * 2, [True, True]),
    ("Add", {}, [(2, 5, 3)] * 2, [True, False]),
    ("Average", {}, [(2, 5, 3)] * 3, [True, True, True]),
    ("Multiply", {}, [(2, 5, 3)] * 2, [True, True]),
    ("Multiply", {}, [(2, 5, 3)] * 2, [True, False]),
    ("Maximum", {}, [(2, 5, 3)] * 3, [True, True, True]),
    ("Maximum", {}, [(2, 5, 3)] * 3, [False, True, False]),
    ("Minimum", {}, [(2, 5, 3)] * 3, [True, False, True]),
    ("Minimum", {}, [(2, 5, 3)] * 2, [True, True]),
    ("Concatenate", {}, [(2, 5, 3), (2, 5, 2)], [True, True]),
    ("Concatenate", {"axis": 1}, [(2, 5, 3), (2, 4, 3)], [True, False]),
    ("Dot", {"axes": 2}, [(2, 5, 3)] * 2, [True, True]),
    ("Attention", {}, [(2, 5, 3), (2, 4, 3)], [True, True]),
    ("Attention", {}, [(2, 5, 3), (2, 4, 3)], [False, True]),
    ("AdditiveAttention", {}, [(2, 5, 3), (2, 4, 3)], [True, True]),
]


@pytest.mark.parametrize("row", MASKED, ids=lambda row: f"{row[0]}-{row[3]}")
def test_masked_layer_agrees_with_keras_in_output_and_mask(row):
    name, arguments, shapes, masked = row
    several = isinstance(shapes, list)

    def run(k, layer, training):
        arrays = [jnp.asarray(a) for a in (inputs_of(shapes) if several else [inputs_of(shapes)])]
        for i, (array, flag) in enumerate(zip(arrays, masked if several else [masked])):
            if flag:
                mask = jnp.asarray(mask_of(*array.shape[:2], seed=i))
                if k is hornbook:
                    set_mask(array, mask)
                else:
                    array._keras_mask = mask
        return layer(arrays if several else arrays[0], training=training)

    for training in BOTH if name == "BatchNormalization" else (False,):
        ours = getattr(hornbook.layers, name)(**arguments)
        theirs = getattr(keras.layers, name)(**arguments)
        run(hornbook, ours, False)
        run(keras, theirs, False)
        copy_weights(ours, theirs, perturb=True)
        found, wanted = run(hornbook, ours, training), run(keras, theirs, training)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        their_mask, our_mask = getattr(wanted, "_keras_mask", None), get_mask(found)
        assert (our_mask is None) == (their_mask is None)
        if our_mask is not None:
            np.testing.assert_array_equal(our_mask, their_mask)
        for a, b in zip(ours.weights, theirs.weights):
            np.testing.assert_allclose(a.numpy(), np.asarray(b.value), rtol=1e-4, atol=1e-5)


def test_softmax_with_a_mask_agrees_with_keras():
    mask = mask_of(2, 4)
    same_layer(
        lambda k: k.layers.Softmax(), floats(2, 4), call_kwargs={"mask": mask}, training=None
    )


# constructor arguments, call arguments, shapes of query, value and key
HEADS = [
    ({}, {}, [(2, 5, 6), (2, 4, 6)]),
    ({"value_dim": 3, "output_shape": 7, "dropout": 0.1}, {}, [(2, 5, 6), (2, 4, 5), (2, 4, 3)]),
    ({"use_bias": False}, {"use_causal_mask": True}, [(2, 5, 6), (2, 5, 6)]),
    ({"sliding_window": 2}, {"use_causal_mask": True}, [(2, 5, 6), (2, 5, 6)]),
    ({"use_gate": True}, {"attention_mask": mask_of(2, 5, 4)}, [(2, 5, 6), (2, 4, 6)]),
    (
        {},
        {"attention_mask": np.ones((2, 5, 4), bool), "value_mask": mask_of(2, 4)},
        [(2, 5, 6), (2, 4, 6)],
    ),
    ({}, {"return_attention_scores": True}, [(2, 5, 6), (2, 4, 6)]),
    ({"attention_axes": 2}, {}, [(2, 3, 5, 6), (2, 3, 4, 6)]),
    ({"attention_axes": (1, 2)}, {}, [(2, 3, 2, 6), (2, 3, 2, 6)]),
    ({"dropout": 0.5}, {}, [(2, 5, 6), (2, 4, 6)]),
]


@pytest.mark.parametrize("row", HEADS, ids=lambda row: str([*row[0], *row[1]]))
def test_multi_head_attention_agrees_with_keras(row):
    arguments, call_arguments, shapes = row

    def make(k):
        inner = k.layers.MultiHeadAttention(num_heads=2, key_dim=4, **arguments)

        class Spread(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = inner

            def call(self, inputs, training=False):
                return self.inner(*inputs, **call_arguments, training=training)

        return Spread()

    same_layer(make, inputs_of(shapes))


def test_multi_head_attention_uses_the_masks_that_travel_as_keras_does():
    query, value = floats(2, 5, 6), floats(2, 4, 6, seed=1)
    ours, theirs = (k.layers.MultiHeadAttention(2, 4) for k in (hornbook, keras))
    ours(query, value)
    theirs(query, value)
    copy_weights(ours, theirs, perturb=True)
    q, v = jnp.asarray(query), jnp.asarray(value)
    q_mask, v_mask = jnp.asarray(mask_of(2, 5)), jnp.asarray(mask_of(2, 4, seed=1))
    set_mask(q, q_mask)
    set_mask(v, v_mask)
    found = ours(q, v)
    np.testing.assert_array_equal(get_mask(found), q_mask)
    q._keras_mask, v._keras_mask = q_mask, v_mask
    wanted = theirs(q, v)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def assert_config_goes_both_ways(ours, theirs):
    config = theirs.get_config()
    again = type(ours).from_config(config).get_config()
    assert type(theirs).from_config(again).get_config() == config


# constructor arguments, call arguments
GROUPS = {
    "plain": ({}, {}),
    "gate_and_masks": (
        {"use_gate": True, "use_bias": False},
        {"value_mask": mask_of(2, 4), "return_attention_scores": True},
    ),
    "causal_window": ({"sliding_window": 2}, {"use_causal_mask": True}),
    "mask_of_each_head": ({"dropout": 0.3}, {"attention_mask": mask_of(2, 4, 4, 4)}),
}


@pytest.mark.parametrize("case", GROUPS)
def test_group_query_attention_agrees_with_keras(case):
    arguments, call_arguments = GROUPS[case]

    def make(k):
        inner = k.layers.GroupQueryAttention(3, 4, 2, **arguments)

        class Spread(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = inner

            def call(self, inputs, training=False):
                return self.inner(*inputs, **call_arguments, training=training)

        return Spread()

    ours, theirs = same_layer(make, [floats(2, 4, 6), floats(2, 4, 5, seed=1)])
    assert_config_goes_both_ways(ours.inner, theirs.inner)


@pytest.mark.parametrize("more", [{}, {"tie_weights": False, "logit_soft_cap": 2.0}], ids=str)
def test_reversible_embedding_agrees_with_keras(more):
    def make(k):
        class Both(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = k.layers.ReversibleEmbedding(5, 3, mask_zero=True, **more)

            def call(self, ids):
                vectors = self.inner(ids)
                return vectors, self.inner(k.ops.tanh(vectors), reverse=True)

        return Both()

    ours, theirs = same_layer(make, ints(2, 4), None)
    assert get_mask(ours.inner(ints(2, 4))).tolist() == (ints(2, 4) != 0).tolist()
    assert get_mask(ours.inner(floats(2, 4, 3), reverse=True)) is None
    assert_config_goes_both_ways(ours.inner, theirs.inner)


def test_spectral_normalization_agrees_with_keras():
    def make(k):
        inner = k.layers.Conv2D(3, 2, name="inner")
        return k.layers.SpectralNormalization(inner, power_iterations=2, name="outer")

    x = floats(2, 4, 4, 2)
    ours, theirs = same_layer(make, x, training=True)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    for _ in range(2):  # the vector and the kernel are kept for the next step
        agree(ours(x, training=True), theirs(x, training=True), "output", rtol=1e-4)
    agree(ours.weights, theirs.weights, "weights", rtol=1e-4)
    agree(ours(x), theirs(x), "inference", rtol=1e-4)


MELS = {
    "amplitude": {"power_to_db": False, "mag_exp": 1.0, "window": "hamming"},
    "decibels": {"sequence_length": 16, "top_db": 20.0, "ref_power": 2.0, "max_freq": 3000.0},
}


@pytest.mark.parametrize("case", MELS)
def test_mel_spectrogram_agrees_with_keras(case):
    def make(k):
        more = {"num_mel_bins": 6, "sampling_rate": 8000, **MELS[case]}
        return k.layers.MelSpectrogram(32, 16, **more)

    x = floats(1, 200)  # one sample: decibels are relative to the loudest of each
    ours, theirs = same_layer(make, x, None, rtol=1e-3, atol=1e-3)
    assert type(ours).from_config(theirs.get_config())(x[0]).shape == (6, 13)
    assert type(theirs).from_config(ours.get_config()).top_db == ours.top_db
