"""Layers beyond what Keras can be asked: errors, masks, configs, second calls."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.core.config import register_keras_serializable
from hornbook.core.mask import get_mask
from tests.parity.helper import floats

ERRORS = {
    "Dense on another last size": (
        lambda: (d := layers.Dense(2), d(floats(2, 3)), d(floats(2, 4))),
        r"axis -1 must have size 3, as when it was built, not 4",
    ),
    "Dense on a vector": (lambda: layers.Dense(2)(floats(3)), "at least 2 axes, not 1"),
    "Dense on an unknown size": (
        lambda: layers.Dense(2)(layers.Flatten()(hornbook.Input((None, 3)))),
        "whose size is unknown",
    ),
    "Dense with units of 0": (lambda: layers.Dense(0), "units of Dense is a positive integer"),
    "Embedding with an id too large": (
        lambda: layers.Embedding(5, 2)(np.array([[1, 5]])),
        "ids 0 to 4; it got the id 5",
    ),
    "Embedding with a negative id": (
        lambda: layers.Embedding(5, 2)(np.array([[-1, 0]])),
        "it got the id -1",
    ),
    "Embedding with a fraction": (
        lambda: layers.Embedding(5, 2)(np.array([[0.5]])),
        "takes integer row ids; it got 0.5",
    ),
    "Reshape to another number": (
        lambda: layers.Reshape((2, 2))(floats(2, 3)),
        r"\(3,\), 3 elements, into \(2, 2\), 4",
    ),
    "Reshape to no multiple": (
        lambda: layers.Reshape((2, -1))(floats(2, 3)),
        r"into \(2, -1\), 2 times something",
    ),
    "Reshape with two unknowns": (lambda: layers.Reshape((-1, -1)), "at most one size"),
    "Permute of the batch": (lambda: layers.Permute((0, 1)), "axis 0 is the batch"),
    "Cropping all": (lambda: layers.Cropping1D((2, 1))(floats(1, 3, 1)), "nothing would be left"),
    "Add of one array": (lambda: layers.Add()(floats(2, 3)), r"Right:  Add\(\)\(\[x, y\]\)"),
    "Add of unequal shapes": (
        lambda: layers.Add()([floats(2, 3), floats(2, 4)]),
        r"do not match: \(2, 3\), \(2, 4\)",
    ),
    "Add of unequal batches": (
        lambda: layers.Add()([floats(2, 3), floats(1, 3)]),
        r"do not match: \(2, 3\), \(1, 3\)",
    ),
    "Subtract of three": (
        lambda: layers.Subtract()([floats(2, 3)] * 3),
        "takes exactly 2 inputs, not 3",
    ),
    "Concatenate of unequal shapes": (
        lambda: layers.Concatenate()([floats(2, 3, 4), floats(2, 5, 4)]),
        r"equal except on that axis: \(2, 3, 4\), \(2, 5, 4\)",
    ),
    "Concatenate of unequal symbols": (
        lambda: layers.Concatenate()([hornbook.Input((3, 4)), hornbook.Input((5, 4))]),
        r"\(None, 3, 4\), \(None, 5, 4\)",
    ),
    "Dot of unequal sizes": (
        lambda: layers.Dot(1)([floats(2, 3), floats(2, 4)]),
        r"axis 1 of \(2, 3\) and axis 1 of \(2, 4\)",
    ),
    "Dot over the batch": (
        lambda: layers.Dot(0)([floats(2, 3), floats(2, 3)]),
        "neither may be the",
    ),
    "Conv2D on images without channels": (
        lambda: layers.Conv2D(2, 3)(floats(2, 5, 5)),
        "Is the batch or the channel axis missing",
    ),
    "Conv2D with a kernel too large": (
        lambda: layers.Conv2D(2, 5)(floats(1, 3, 3, 1)),
        r"spans \(5, 5\), more than the spatial size \(3, 3\)",
    ),
    "Conv2D on other channels": (
        lambda: (c := layers.Conv2D(2, 1), c(floats(1, 3, 3, 1)), c(floats(1, 3, 3, 2))),
        "axis 3 must have size 1",
    ),
    "Conv2D with unknown padding": (lambda: layers.Conv2D(2, 3, padding="causal"), "is one of"),
    "Conv1D with two sizes": (lambda: layers.Conv1D(2, (3, 3)), "one integer or 1 of them"),
    "Conv2D strides and dilation": (
        lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2),
        "not both",
    ),
    "groups that do not divide": (
        lambda: layers.Conv2D(4, 3, groups=2)(floats(1, 5, 5, 3)),
        "2 groups, which do not divide the 3 channels",
    ),
    "pooling of too little": (
        lambda: layers.MaxPooling2D(3)(floats(1, 2, 2, 1)),
        r"windows of \(3, 3\), larger",
    ),
    "GroupNormalization": (
        lambda: layers.GroupNormalization(3)(floats(2, 4)),
        "3 groups, which do not divide the 4 channels",
    ),
    "EinsumDense of a wrong equation": (
        lambda: layers.EinsumDense("ab,bc", 3)(floats(2, 4)),
        "none of the forms",
    ),
    "EinsumDense of unknown size": (
        lambda: layers.EinsumDense("ab,bcd->acd", (3, None))(floats(2, 4)),
        "size of axis 'd' of its kernel is not known",
    ),
    "Attention of one": (lambda: layers.Attention()(floats(2, 3, 4)), r"\[query, value\]"),
    "ReLU below 0": (lambda: layers.ReLU(max_value=-1), "max_value of a ReLU"),
    "PReLU of unknown size": (
        lambda: layers.PReLU()(hornbook.Input((None, 3))),
        "Name that axis in shared_axes",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_an_error_that_says_what_is_wrong(case):
    run, told = ERRORS[case]
    with pytest.raises(ValueError, match=told):
        run()


def test_an_error_in_a_layer_names_the_layer():
    with pytest.raises(ValueError) as caught:
        layers.Conv2D(2, 5, name="eyes")(floats(1, 3, 3, 1))
    assert "eyes" in str(caught.value)


def test_wrong_types_are_type_errors():
    for make in (
        lambda: layers.Lambda("x"),
        lambda: layers.RepeatVector(2.5),
        lambda: layers.UnitNormalization("x"),
        lambda: layers.Dot("x"),
    ):
        with pytest.raises(TypeError):
            make()


# ---- embedding


def test_compiled_embedding_gives_nan_for_ids_without_a_row():
    layer = layers.Embedding(4, 2)
    layer(np.array([0]))
    out = jax.jit(layer)(jnp.array([-3, 3, 9]))
    np.testing.assert_array_equal(out[1], layer.embeddings.numpy()[3])
    assert np.isnan(out[np.array([0, 2])]).all()


def test_a_length_leaves_the_size_of_the_batch_as_it_was_said():
    layer = layers.Embedding(4, 2, input_length=3, batch_input_shape=(5, 3))
    assert hornbook.Sequential([layer]).input_shape == (5, 3)
    assert hornbook.Sequential([layers.Embedding(4, 2, input_length=3)]).input_shape == (None, 3)


def test_embedding_takes_weights_and_input_length():
    table = floats(4, 2)
    for given in (table, [table]):
        layer = layers.Embedding(4, 2, weights=given, input_length=3)
        np.testing.assert_array_equal(layer(np.array([[1, 2, 3]])), table[[[1, 2, 3]]])
    assert layer._batch_input_shape == (None, 3)
    assert "weights" not in layer.get_config()


def test_embedding_mask_travels_through_dense_to_pooling():
    ids = np.array([[1, 2, 0, 0]])
    x = layers.Embedding(4, 2, mask_zero=True)(ids)
    np.testing.assert_array_equal(get_mask(x), [[True, True, False, False]])
    hidden = layers.Dense(3)(x)
    pooled = layers.GlobalAveragePooling1D()(hidden)
    np.testing.assert_allclose(pooled, hidden[:, :2].mean(1), rtol=1e-5)
    assert get_mask(pooled) is None


# ---- masking and lambda


def test_masking_marks_steps_and_zeroes_them():
    x = floats(1, 3, 2)
    x[0, 1] = 7.0
    x[0, 2, 0] = 7.0
    y = layers.Masking(7.0)(x)
    np.testing.assert_array_equal(get_mask(y), [[True, False, True]])
    np.testing.assert_array_equal(y, np.where([[[True], [False], [True]]], x, 0))


def test_lambda_passes_mask_training_and_arguments():
    def scale(x, factor, mask=None, training=None):
        return x * (factor if training else 1) * (1 if mask is None else mask[..., None])

    layer = layers.Lambda(scale, arguments={"factor": 3.0}, mask=lambda x, mask: mask)
    x = layers.Masking()(np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(layer(x, training=True), [[[3.0], [0.0]]])
    np.testing.assert_array_equal(layer(x), [[[1.0], [0.0]]])
    np.testing.assert_array_equal(get_mask(layer(x)), [[True, False]])


@register_keras_serializable("tests")
def halved(x):
    return x / 2


def test_lambda_of_a_registered_function_survives_its_config():
    again = layers.deserialize(layers.serialize(layers.Lambda(halved)))
    assert again.function is halved


# ---- normalization


def test_batch_normalization_frozen_uses_its_averages_in_training():
    layer = layers.BatchNormalization()
    x = floats(8, 3)
    layer(x, training=True)
    before = [v.numpy() for v in layer.non_trainable_weights]
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), layer(x), rtol=1e-6)
    for variable, value in zip([layer.moving_mean, layer.moving_variance], before):
        np.testing.assert_array_equal(variable.numpy(), value)
    layer.trainable = True
    assert (np.asarray(layer(x, training=True)) != np.asarray(layer(x))).any()


def test_batch_normalization_is_exact_for_a_mean_far_above_the_spread():
    x = (10_000 + np.random.default_rng(0).normal(size=(4000, 2))).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.astype("float64").var(0), rtol=1e-2)


def test_batch_normalization_in_bfloat16_keeps_float32_statistics():
    layer = layers.BatchNormalization(dtype="mixed_bfloat16", momentum=0.0)
    x = (3 + 0.01 * np.random.default_rng(0).normal(size=(3000, 2))).astype("float32")
    assert layer(x, training=True).dtype == "bfloat16"
    assert layer.moving_mean.dtype == "float32"
    stored = x.astype(jnp.bfloat16).astype("float64")
    np.testing.assert_allclose(layer.moving_mean.numpy(), stored.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy(), stored.var(0), rtol=1e-2)


def test_batch_normalization_averages_change_in_compiled_training_only():
    layer = layers.BatchNormalization()
    x = floats(8, 3)
    layer(x)
    trainable = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]
    step = jax.jit(layer.stateless_call, static_argnames="training")
    _, kept = step(trainable, fixed, x, training=False)
    _, moved = step(trainable, fixed, x, training=True)
    for old, same, new in zip(fixed, kept, moved):
        np.testing.assert_array_equal(old, same)
        assert (np.asarray(old) != np.asarray(new)).all()


def test_unit_normalization_of_zeros_has_a_finite_gradient():
    layer = layers.UnitNormalization()
    gradient = jax.grad(lambda x: layer(x).sum())(jnp.zeros((1, 3)))
    assert np.isfinite(gradient).all()


# ---- convolution and attention


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv1D(2, 3, padding="causal", dilation_rate=2),
        layers.DepthwiseConv1D(3, padding="causal"),
        layers.SeparableConv1D(2, 3, padding="causal"),
    ],
)
def test_causal_convolution_sees_no_later_step(layer):
    x = floats(1, 8, 2)
    changed = x.copy()
    changed[:, 5:] += 1
    same = np.asarray(layer(x))[:, :5] == np.asarray(layer(changed))[:, :5]
    assert same.all()
    assert (np.asarray(layer(x))[:, 5:] != np.asarray(layer(changed))[:, 5:]).all()


def test_attention_dropout_acts_in_training_only():
    x = floats(2, 5, 4)
    for make in (
        lambda: layers.Attention(dropout=0.5, seed=1),
        lambda: layers.AdditiveAttention(dropout=0.5, seed=1),
    ):
        layer = make()
        assert (np.asarray(layer([x, x], training=True)) != np.asarray(layer([x, x]))).any()
    heads = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    assert (np.asarray(heads(x, x, training=True)) != np.asarray(heads(x, x))).any()
    np.testing.assert_array_equal(heads(x, x), heads(x, x))


def test_symbolic_attention_has_symbolic_shapes_and_masks():
    ids = hornbook.Input((None,), dtype="int32")
    x = layers.Embedding(9, 6, mask_zero=True)(ids)
    y = layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    assert y.shape == (None, None, 6)
    assert y.mask.shape == (None, None)


# ---- the door


def test_a_layer_survives_serialize_and_deserialize_with_its_initializers():
    layer = layers.Conv2D(
        3, 2, activation="relu", kernel_initializer="he_normal", kernel_regularizer="l2", name="c"
    )
    again = layers.deserialize(layers.serialize(layer))
    assert (again.name, again.filters, again.kernel_size) == ("c", 3, (2, 2))
    assert type(again.kernel_initializer) is type(layer.kernel_initializer)
    assert again.kernel_regularizer is not None
    assert again.activation is layer.activation


def test_deserialize_refuses_what_is_no_layer():
    with pytest.raises(ValueError, match="no layer"):
        layers.deserialize({"class_name": "Zeros", "config": {}, "module": "keras.initializers"})


def test_wrapper_builds_the_layer_inside():
    class Twice(layers.Wrapper):
        def call(self, x):
            return self.layer(self.layer(x))

    layer = Twice(layers.Dense(3, name="inner"))
    x = floats(2, 3)
    np.testing.assert_allclose(layer(x), layer.layer(layer.layer(x)), rtol=1e-6)
    assert len(layer.weights) == 2
    assert layers.deserialize(layers.serialize(layers.Wrapper(layers.Dense(3)))).layer.units == 3


def test_add_variable_is_another_name_of_add_weight():
    """Arguments have Keras's order."""
    found = []
    for library in (keras, hornbook):

        class Scale(library.layers.Layer):
            def build(self, input_shape):
                self.factor = self.add_variable(
                    input_shape[-1:], "ones", "float32", True, True, "l2", name="factor"
                )
                self.count = self.add_variable((), "zeros", "int32", trainable=False)

            def call(self, inputs):
                return inputs * self.factor

        layer = Scale(name="scale")
        layer(floats(2, 3))
        found.append(
            [
                (one.path, tuple(one.shape), str(one.dtype), one.trainable)
                for one in layer.variables[:1]
            ]
            + [len(layer.trainable_weights), len(layer.weights), float(layer.losses[0])]
        )
    assert found[0] == found[1]
