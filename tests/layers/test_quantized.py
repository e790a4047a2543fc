"""`quantize`, against Keras's: the variables bit for bit, outputs, gradients, files."""

import warnings

import jax
import keras as reference
import numpy as np
import pytest

import hornbook as keras
from tests.parity.helper import floats, ints

IDS = ints(3, 4, high=11)


def model_of(m, layers, x):
    inputs = m.Input(x.shape[1:], dtype=x.dtype.name)
    return m.Model(inputs, layers(m.layers, inputs), name="model")


def dense(layers, x):
    return layers.Dense(5, use_bias=False)(layers.Dense(9, activation="relu")(x))


def einsum(layers, x):
    x = layers.EinsumDense("abc,cde->abde", (None, 2, 5), bias_axes="e", activation="relu")(x)
    return layers.EinsumDense("abde,fde->abf", (None, 6), bias_axes="f")(x)


def reversible(tied):
    def call(layers, ids):
        layer = layers.ReversibleEmbedding(11, 21, tie_weights=tied)
        return layer(layer(ids), reverse=True)

    return call


MODELS = {
    "dense": (dense, floats(3, 37)),
    "einsum": (einsum, floats(3, 3, 32)),
    "embedding": (lambda layers, x: layers.Dense(3)(layers.Embedding(11, 21)(x)), IDS),
    "reversible": (reversible(True), IDS),
    "reversible, two tables": (reversible(False), IDS),
}
MODES = {
    "int8": lambda q: {"mode": "int8"},
    "int8 weights": lambda q: {"config": q.Int8QuantizationConfig(activation_quantizer=None)},
    "int4": lambda q: {"mode": "int4"},
    "int4, small blocks": lambda q: {"config": q.Int4QuantizationConfig(block_size=16)},
    "int4, one block": lambda q: {"config": q.Int4QuantizationConfig(block_size=None)},
    "int4 inputs": lambda q: {"config": q.Int4QuantizationConfig(None, q.AbsMaxQuantizer(), None)},
}


def pair(model, how=None, scale=0.3):
    """Two models with the same weights, quantized."""
    layers, x = MODELS[model]
    reference.utils.clear_session()
    ours, theirs = (model_of(m, layers, x) for m in (keras, reference))
    values = [scale * floats(*w.shape, seed=i) for i, w in enumerate(theirs.weights)]
    for built, m in ((ours, keras), (theirs, reference)):
        built.set_weights(values)
        if how is not None:
            with warnings.catch_warnings(action="ignore"):
                built.quantize(**MODES[how](m.quantizers))
    return ours, theirs, x


SOME = ("int8", "int4, small blocks", "int4, one block")


@pytest.mark.parametrize(
    "model, how",
    [(model, how) for model in MODELS for how in (SOME if model != "dense" else MODES)],
)
def test_weights_outputs_and_files_are_keras_s(model, how, tmp_path):
    ours, theirs, x = pair(model, how)
    want = np.asarray(theirs(x))
    saved = {w.path: np.asarray(w) for w in theirs.weights}
    assert {w.path: (w.shape, w.dtype) for w in ours.weights} == {
        path: (value.shape, value.dtype.name) for path, value in saved.items()
    }
    for weight in ours.weights:
        np.testing.assert_array_equal(weight.numpy(), saved[weight.path], err_msg=weight.path)
    np.testing.assert_allclose(ours(x), want, rtol=1e-5, atol=1e-6)

    path = str(tmp_path / "m.keras")
    for writer, reader in ((ours, reference), (theirs, keras)):
        writer.save(path)
        np.testing.assert_allclose(reader.saving.load_model(path)(x), want, rtol=1e-5, atol=1e-6)
    path = str(tmp_path / "m.weights.h5")
    theirs.save_weights(path)
    ours.set_weights([np.zeros_like(value) for value in ours.get_weights()])
    ours.load_weights(path)
    np.testing.assert_allclose(ours(x), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", ["int8", "int4, small blocks", "int4 inputs"])
@pytest.mark.parametrize("model", ["dense", "einsum"])
def test_training_what_is_left_changes_it_as_in_keras(model, how):
    ours, theirs, x = pair(model, how)
    y = np.ones(ours(x).shape, "float32")
    for one, m in ((ours, keras), (theirs, reference)):
        one.compile(m.optimizers.SGD(0.1), "mse")
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), np.asarray(two), rtol=1e-4, atol=1e-5)
    assert any(w.name == "bias" for w in ours.trainable_weights)
    np.testing.assert_allclose(ours.predict(x, verbose=0), ours(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["dense", "einsum"])
def test_a_step_in_float8_is_keras_s(model, tmp_path):
    """Further steps differ more, because Keras rounds the bias and its gradient to bfloat16."""
    ours, theirs, x = pair(model)
    y = np.ones(ours(x).shape, "float32")
    for one, m in ((ours, keras), (theirs, reference)):
        for weight in one.weights:
            weight.assign(weight * 0 if weight.name == "bias" else weight)
        with warnings.catch_warnings(action="ignore"):
            one.quantize("float8")
        one.compile(m.optimizers.SGD(0.1), "mse")
        one.fit(x, y, verbose=0)
    assert [w.path for w in ours.trainable_weights] == [w.path for w in theirs.trainable_weights]
    for one, two in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), np.asarray(two), rtol=4e-3, atol=1e-6)
    ours.fit(x, y, verbose=0)
    histories = [w.numpy() for w in ours.weights if w.name.endswith("history")]
    assert all(np.count_nonzero(history) == 2 for history in histories)
    path = str(tmp_path / "m.keras")
    ours.save(path)
    saved = {w.path: np.asarray(w) for w in reference.saving.load_model(path).weights}
    for weight in ours.weights:
        np.testing.assert_array_equal(weight.numpy(), saved[weight.path])


@pytest.mark.parametrize("first", ["quantize", "adapt"])
@pytest.mark.parametrize("model", ["dense", "einsum", "embedding"])
def test_an_adapted_kernel_is_merged_in_files_as_in_keras(model, first, tmp_path):
    layers = []
    for one, m in zip(pair(model), (keras, reference), strict=False):
        layer = next(layer for layer in one.layers if "input" not in layer.name)
        if first == "quantize":
            layer.quantize("int8")
        layer.enable_lora(2, lora_alpha=3)
        if first == "adapt":
            layer.quantize("int8")
        matrices = [w for w in layer.weights if w.name.startswith("lora")]
        for number, weight in enumerate(matrices):
            weight.assign(floats(*weight.shape, seed=number))
        layers.append((one, layer, m))
    x = MODELS[model][1]
    (ours, layer, _), (theirs, other, _) = layers
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    stores: list[dict] = [{}, {}]
    layer.save_own_variables(stores[0])
    other.save_own_variables(stores[1])
    for key, value in stores[1].items():
        np.testing.assert_allclose(stores[0][key], value, rtol=1e-5, atol=1.1)  # halfway cases
    assert layer.lora_enabled and stores[0].keys() == stores[1].keys()


def test_attention_is_saved_with_a_map_of_policies_that_keras_reads(tmp_path):
    x = floats(3, 4, 8)
    model = model_of(keras, lambda layers, x: layers.MultiHeadAttention(2, 4)(x, x), x)
    model.quantize("int8")
    path = str(tmp_path / "m.keras")
    model.save(path)
    for m in (keras, reference):
        np.testing.assert_allclose(m.saving.load_model(path)(x), model(x), rtol=1e-5, atol=1e-6)


def test_a_nested_model_in_a_wrapper_is_saved_quantized(tmp_path):
    x = floats(2, 5, 6)

    def layers(m, x):
        inner = keras.Sequential([keras.Input((6,)), m.Dense(4, activation="relu"), m.Dense(3)])
        return m.TimeDistributed(inner)(x)

    model = model_of(keras, layers, x)
    model.quantize("int8")
    path = str(tmp_path / "m.keras")
    model.save(path)
    for m in (keras, reference):
        np.testing.assert_allclose(m.saving.load_model(path)(x), model(x), rtol=1e-5, atol=1e-6)


def test_a_layer_is_made_quantized_by_its_dtype():
    for dtype, names in (("int8_from_mixed_bfloat16", 3), ("int4/4_from_float32", 5)):
        ours, theirs = (m.layers.Dense(3, dtype=dtype) for m in (keras, reference))
        for layer in (ours, theirs):
            layer.build((None, 8))
        assert [(w.name, w.shape, w.dtype) for w in ours.weights] == [
            (w.name, w.shape, w.dtype) for w in theirs.weights
        ]
        assert len(ours.weights) == names
        assert ours.dtype_policy.get_config() == theirs.dtype_policy.get_config()
    layer = keras.layers.Dense(3)
    layer.build((None, 8))
    layer.dtype_policy = "int8_from_float32"
    assert layer.quantization_mode == "int8" and layer.kernel.dtype == "int8"


def test_a_quantized_layer_takes_a_quarter_and_an_eighth_of_the_memory():
    sizes = {}
    for mode in (None, "int8", "int4"):
        model = keras.Sequential([keras.Input((512,)), keras.layers.Dense(512)])
        if mode:
            model.quantize(mode)
        sizes[mode] = sum(weight.raw.nbytes for weight in model.weights)
    assert sizes["int8"] < 0.26 * sizes[None] and sizes["int4"] < 0.16 * sizes[None]


def test_rows_of_a_table_are_unpacked_alone():
    layer = keras.layers.Embedding(1000, 8)
    layer.build()
    layer.quantize("int4")
    assert "[1000,8]" not in str(jax.make_jaxpr(layer)(IDS))


def test_filters_choose_layers_and_what_stays_is_named():
    def model():
        return keras.Sequential(
            [keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 2, name="conv")]
            + [
                keras.layers.Flatten(),
                keras.layers.Dense(4, name="a"),
                keras.layers.Dense(2, name="b"),
            ]
        )

    for filters in ("^a$", ["^a$", "^c$"], lambda layer: layer.name == "a"):
        one = model()
        one.quantize("int8", filters=filters)
        assert [layer.quantization_mode for layer in one.layers] == [None, None, "int8", None]
    with pytest.warns(UserWarning, match="conv \\(Conv2D\\)"):
        model().quantize("int8")


class Own(keras.layers.Dense):
    def call(self, inputs):
        return inputs @ self.kernel


def built(layer=keras.layers.Dense, **arguments):
    made = layer(3, **arguments)
    made.build((None, 2))
    return made


def twice():
    layer = built()
    layer.quantize("int8")
    layer.quantize("int8")


WRONG = {
    "not built": (ValueError, lambda: keras.layers.Dense(3).quantize("int8")),
    "twice": (ValueError, twice),
    "mode": (ValueError, lambda: built().quantize("int7")),
    "no mode": (ValueError, lambda: built().quantize()),
    "gptq": (ValueError, lambda: built().quantize("gptq")),
    "two modes": (
        ValueError,
        lambda: built().quantize("int4", config=keras.quantizers.Int8QuantizationConfig()),
    ),
    "float16": (ValueError, lambda: built(dtype="mixed_float16").quantize("int8")),
    "an own class": (NotImplementedError, lambda: built(Own).quantize("int8")),
    "an own call": (NotImplementedError, lambda: built(Own).quantize("int8", type_check=False)),
    "an own call, by its dtype": (
        NotImplementedError,
        lambda: built(Own, dtype="int8_from_float32"),
    ),
    "another layer": (NotImplementedError, lambda: keras.layers.Flatten().quantize("int8")),
    "filters": (ValueError, lambda: keras.Sequential([built()]).quantize("int8", filters=3)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_quantized_says_so(wrong):
    kind, call = WRONG[wrong]
    with pytest.raises(kind, match="layer |mode|config|filters|not supported"):
        call()
