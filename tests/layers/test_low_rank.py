"""Low-rank adaptation (`enable_lora`), against Keras's."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from tests.parity.helper import floats, ints

LAYERS = {
    "dense": (lambda m, **kw: m.layers.Dense(4, activation="relu", **kw), floats(3, 5)),
    "dense without a bias": (lambda m, **kw: m.layers.Dense(4, use_bias=False, **kw), floats(3, 5)),
    "einsum": (
        lambda m, **kw: m.layers.EinsumDense("abc,cde->abde", (None, 2, 6), bias_axes="e", **kw),
        floats(3, 2, 5),
    ),
    "embedding": (lambda m, **kw: m.layers.Embedding(7, 4, **kw), ints(3, 2, high=7)),
    "conv1d": (lambda m, **kw: m.layers.Conv1D(4, 2, **kw), floats(3, 6, 5)),
    "conv2d": (lambda m, **kw: m.layers.Conv2D(4, 2, activation="relu", **kw), floats(3, 6, 6, 2)),
}


def model_of(m, make, x, **arguments):
    layer = make(m, name="layer", **arguments)
    return m.Sequential([m.Input(x.shape[1:], dtype=x.dtype.name), layer]), layer


def adapted(m, make, x, alpha=3.0):
    model, layer = model_of(m, make, x)
    layer.enable_lora(2, lora_alpha=alpha)
    return model, layer


@pytest.fixture(params=LAYERS)
def case(request):
    return LAYERS[request.param]


@pytest.fixture
def pair(case):
    """An adapted layer of hornbook's and one of Keras's with the same weights."""
    (ours, layer), (theirs, other) = adapted(keras, *case), adapted(reference, *case)
    values = [floats(*w.shape, seed=i) for i, w in enumerate(other.weights)]
    layer.set_weights(values)
    other.set_weights(values)
    return (ours, layer), (theirs, other), case[1]


def names(variables):
    return [variable.name for variable in variables]


def test_outputs_weights_and_configs_are_keras_s(pair):
    (ours, layer), (theirs, other), x = pair
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs(x), rtol=1e-4, atol=1e-5)
    for which in ("weights", "trainable_weights", "non_trainable_weights"):
        assert names(getattr(layer, which)) == names(getattr(other, which))
    assert [w.shape for w in layer.weights] == [tuple(w.shape) for w in other.weights]
    assert ours.count_params() == theirs.count_params()
    config = layer.get_config()
    assert (config["lora_rank"], config["lora_alpha"]) == (2, 3.0)
    assert set(other.get_config()) - set(config) <= {"quantization_config", "activity_regularizer"}
    part = "embeddings" if hasattr(other, "embeddings") else "kernel"
    np.testing.assert_allclose(getattr(layer, part), getattr(other, part), rtol=1e-5, atol=1e-6)


def test_gradients_reach_the_two_matrices_as_in_keras(pair):
    (ours, layer), (theirs, other), x = pair
    y = np.ones(ours.output_shape[1:], "float32")[None].repeat(len(x), 0)
    for model, m in ((ours, keras), (theirs, reference)):
        model.compile(m.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(layer.weights, other.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), np.asarray(two), rtol=1e-4, atol=1e-5)


def test_fit_changes_what_is_trainable_and_nothing_else(pair):
    (model, layer), _, x = pair
    model.compile("adam", "mse")
    y = np.zeros((len(x), *model.output_shape[1:]), "float32")
    before = {w.name: w.numpy() for w in layer.weights}
    model.fit(x, y, verbose=0)
    changed = {w.name for w in layer.weights if (w.numpy() != before[w.name]).any()}
    assert changed == set(names(layer.trainable_weights))


def test_an_adapted_layer_computes_the_same_at_first(case):
    model, layer = model_of(keras, *case)
    before = model(case[1])
    layer.enable_lora(2)
    np.testing.assert_array_equal(model(case[1]), before)


@pytest.mark.parametrize("writer, reader", [(keras, reference), (reference, keras), (keras, keras)])
def test_files_hold_the_sum_and_are_read_both_ways(case, writer, reader, tmp_path):
    make, x = case
    model, layer = adapted(writer, make, x)
    values = [floats(*w.shape, seed=i) for i, w in enumerate(layer.weights)]
    layer.set_weights(values)
    path = str(tmp_path / "m.weights.h5")
    model.save_weights(path)
    for other, _ in (model_of(reader, make, x), adapted(reader, make, x)):
        other.load_weights(path)
        np.testing.assert_allclose(other(x), model(x), rtol=1e-4, atol=1e-5)
    whole = str(tmp_path / "m.keras")
    model.save(whole)
    other = reader.saving.load_model(whole)
    np.testing.assert_allclose(other(x), model(x), rtol=1e-4, atol=1e-5)
    assert other.layers[-1].lora_enabled and other.layers[-1].lora_rank == 2


def test_what_is_read_from_a_file_can_be_trained_further(case, tmp_path):
    model, layer = adapted(keras, *case)
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.keras")
    other = keras.saving.load_model(tmp_path / "m.keras")
    assert other.layers[-1].lora_alpha == 3.0
    x = case[1]
    before = other(x)
    other.fit(x, np.ones((len(x), *other.output_shape[1:]), "float32"), verbose=0)
    matrices = [w for w in other.trainable_weights if w.name.startswith("lora")]
    assert all(np.any(w.numpy() != 0) for w in matrices)
    assert np.any(other(x) != before)


def test_a_layer_is_made_adapted(case):
    make, x = case
    model, layer = model_of(keras, make, x, lora_rank=2, lora_alpha=6.0)
    assert (layer.lora_enabled, layer.lora_rank, layer.lora_alpha) == (True, 2, 6.0)
    clone = keras.models.clone_model(model)
    assert names(clone.trainable_weights) == names(model.trainable_weights)
    theirs, _ = model_of(reference, make, x, lora_rank=2)
    assert names(theirs.trainable_weights) == names(model.trainable_weights)


def paths_in_a_model(m):
    class Model(m.Model):
        def __init__(self):
            super().__init__(name="model")
            self.dense = m.layers.Dense(3, name="dense")

        def call(self, inputs):
            return self.dense(inputs)

    model = Model()
    model(floats(2, 4))
    model.dense.enable_lora(2)
    return [weight.path for weight in model.weights]


def test_the_matrices_stand_beside_the_kernel():
    assert paths_in_a_model(keras) == paths_in_a_model(reference)


def test_a_layer_of_the_user_s_own_is_adapted():
    class Scaled(keras.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((), "ones", name="scale")

        def call(self, inputs):
            return keras.ops.matmul(inputs, self.kernel) * self.scale

    layer = Scaled(3, lora_rank=1)
    layer(floats(2, 4))
    layer.lora_kernel_b.assign(np.ones((1, 3)))
    want = layer._kernel + layer.lora_kernel_a @ layer.lora_kernel_b
    np.testing.assert_allclose(layer(floats(2, 4)), floats(2, 4) @ np.asarray(want), rtol=1e-5)


def test_half_precision_reads_the_sum_in_the_compute_dtype():
    layer = keras.layers.Dense(3, dtype="mixed_bfloat16")
    layer.build((None, 4))
    layer.enable_lora(2)
    assert layer.kernel.dtype == "bfloat16" and layer(floats(2, 4)).dtype == "bfloat16"
    assert {w.dtype for w in layer.weights} == {"float32"}


def built(m, **arguments):
    layer = m.layers.Dense(3, **arguments)
    layer.build((None, 2))
    return layer


def adapted_twice(m):
    layer = built(m)
    layer.enable_lora(1)
    layer.enable_lora(1)


WRONG = {
    "not built": lambda m: m.layers.Dense(3).enable_lora(2),
    "twice": adapted_twice,
    "constrained": lambda m: built(m, kernel_constraint="non_neg").enable_lora(2),
    "constrained table": lambda m: m.layers.Embedding(
        3, 2, embeddings_constraint="non_neg"
    ).enable_lora(2),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_layers_that_cannot_be_adapted_say_so(wrong):
    with pytest.raises(ValueError):
        WRONG[wrong](reference)
    with pytest.raises(ValueError, match="layer '"):
        WRONG[wrong](keras)
