"""Every layer of the table: compiled equals eager, symbolic equals real, copies equal originals."""

import copy
import json
import pickle
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, saving
from hornbook.core import tree
from hornbook.layers.calling import arguments_of
from hornbook.training.apart import rows_are_apart
from tests.contract.objects import LAYERS, float64

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
compiled = []  # one entry for each program that XLA was asked to make


@jax.monitoring.register_event_duration_secs_listener
def _count(event: str, seconds: float, **_: Any) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        compiled.append(event)


def rows(check: str):
    """The layers a check is for."""
    names = [name for name, row in LAYERS.items() if check not in row.but]
    return pytest.mark.parametrize("name", names)


def symbols(value: Any, dtype: str | None = None) -> Any:
    """An `Input` for each array, whose batch may have any size."""
    return tree.map_structure(
        lambda array: keras.Input(
            array.shape[1:],
            dtype=dtype
            if array.dtype.kind == "f"
            else keras.backend.standardize_dtype(array.dtype),
        ),
        value,
    )


def symbolic(name: str, layer: Any, dtype: str | None = None) -> tuple[Any, Any]:
    """Symbolic inputs and outputs of a layer."""
    given = symbols((LAYERS[name].inputs, LAYERS[name].call), dtype)
    return given, layer(given[0], **given[1])


def apply(name: str, layer: Any, change: Any = lambda array: array) -> Any:
    """The layer's output for the row's inputs, each of them changed by a function."""
    inputs, more = tree.map_structure(change, (LAYERS[name].inputs, LAYERS[name].call))
    return layer(inputs, **more)


@cache
def built(name: str) -> Any:
    """One layer of each row, with weights that are not all zeros and ones."""
    keras.utils.set_random_seed(1)
    layer = LAYERS[name].make(name="it")
    symbolic(name, layer)
    rng = np.random.default_rng(1)
    for variable in layer.weights:
        variable.assign(rng.uniform(0.1, 0.9, variable.shape).astype(variable.dtype))
    return layer


@cache
def eager(name: str) -> Any:
    """What the layer gives without `jit`, as numpy arrays."""
    return jax.tree.map(np.asarray, apply(name, built(name)))


@cache
def pure(name: str) -> Any:
    """The layer as a compiled function of its inputs: outputs, and gradients of their squares."""
    layer = built(name)
    trained = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]

    def squares(trained, inputs, more):
        outputs = layer.stateless_call(trained, fixed, inputs, **more)[0]
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(outputs)), outputs

    run = jax.jit(jax.value_and_grad(squares, (0, 1), has_aux=True, allow_int=True))

    def outputs_and_gradients(inputs, more):
        (_, outputs), gradients = run(trained, inputs, more)
        leaves = [np.asarray(g) for g in jax.tree.leaves(gradients) if g.dtype.kind == "f"]
        return outputs, leaves

    return outputs_and_gradients


def agree(found: Any, wanted: Any) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@rows("jit")
def test_a_compiled_layer_gives_what_it_gives_eagerly_and_gradients(name):
    outputs, gradients = pure(name)(LAYERS[name].inputs, LAYERS[name].call)
    agree(outputs, eager(name))
    assert all(np.isfinite(one).all() for one in gradients) and any(map(np.any, gradients))
    weights = built(name).trainable_weights
    assert [w.path for w, one in zip(weights, gradients) if not np.any(one)] == []


@rows("symbolic")
def test_a_symbolic_call_tells_shape_and_dtype_of_the_output(name):
    _, tensors = symbolic(name, built(name))
    for tensor, array in zip(tree.flatten(tensors), tree.flatten(eager(name)), strict=True):
        assert tensor.shape == (None, *array.shape[1:])
        assert tensor.dtype == array.dtype.name


@rows("config")
def test_a_layer_comes_back_from_its_config(name):
    layer = built(name)
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config
    described = json.loads(json.dumps(saving.serialize_keras_object(layer)))
    again = saving.deserialize_keras_object(described)
    assert type(again) is type(layer) and again.name == "it"
    assert json.loads(json.dumps(saving.serialize_keras_object(again))) == described


def dtypes(name: str, policy: str) -> tuple[set, set]:
    """Of variables and of outputs, under a policy; inputs are float32, so that they are cast."""
    layer = LAYERS[name].make(dtype=policy)
    _, outputs = symbolic(name, layer, "float32")
    return {v.dtype for v in layer.weights}, {tensor.dtype for tensor in tree.flatten(outputs)}


@rows("dtype")
def test_mixed_precision_stores_float32_and_computes_in_bfloat16(name):
    stored, computed = dtypes(name, "mixed_bfloat16")
    assert stored <= {"float32"} and computed == {"bfloat16"}


@rows("batch")
def test_a_sample_s_output_does_not_depend_on_the_other_samples(name):
    def swap(array):
        return np.stack([array[0], array[2], array[0]])

    pure(name)(LAYERS[name].inputs, LAYERS[name].call)
    count = len(compiled)
    changed = tree.map_structure(swap, (LAYERS[name].inputs, LAYERS[name].call))
    found, _ = pure(name)(*changed)
    assert len(compiled) == count
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(eager(name)), strict=True):
        np.testing.assert_allclose(one, np.stack([other[0], other[2], other[0]]), **CLOSE)


def test_layers_whose_rows_are_apart_in_training_compute_what_they_do_outside():
    found = set()
    for name in LAYERS:
        layer = built(name)
        if "training" in arguments_of(type(layer).call):
            given, outputs = symbolic(name, layer)
            if rows_are_apart(keras.Model(tree.flatten(given), outputs), training=True):
                found.add(name)
                agree(layer(LAYERS[name].inputs, **LAYERS[name].call, training=True), eager(name))
    assert {"MultiHeadAttention", "TimeDistributed"} <= found
    assert not {"Dropout", "GaussianNoise", "BatchNormalization", "LSTM"} & found


@rows("copy")
def test_a_copy_or_pickle_of_a_layer_gives_the_same(name):
    for again in (copy.deepcopy(built(name)), pickle.loads(pickle.dumps(built(name)))):
        agree(apply(name, again), eager(name))
        assert not set(again.weights) & set(built(name).weights)


GROUPS = 12  # a model has a branch for each of some layers: fewer programs to compile


def test_fit_changes_every_weight_compiles_once_and_weights_come_back(tmp_path, long):
    # that each layer's weights have gradients and that it compiles once, is seen above
    for group in range(GROUPS if long else 1):
        fit_group(list(LAYERS)[group::GROUPS], tmp_path)


def fit_group(names: list[str], folder: Any) -> None:
    branches, inputs, data = [], [], []
    for name in names:
        if built(name).trainable_weights:
            given, outputs = symbolic(name, LAYERS[name].make(name=name))
            branches.append(layers.Dense(1)(layers.Flatten()(outputs)))
            inputs += tree.flatten(given)
            data += tree.flatten((LAYERS[name].inputs, LAYERS[name].call))
    assert len(branches) > 1
    model = keras.Model(inputs, layers.Average()(branches))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    target = np.ones((3, 1), "float32")

    def fit():
        return model.fit(data, target, epochs=2, batch_size=3, verbose=0).history["loss"]

    before = [v.numpy() for v in model.trainable_weights]
    loss = fit()
    assert np.isfinite(loss).all() and loss[1] < loss[0]
    for variable, value in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(variable.numpy(), value), variable.path
    count = len(compiled)
    fit()
    assert len(compiled) == count
    assert_saved(model, folder / "model.weights.h5")


def test_weights_of_every_layer_come_back(tmp_path):
    made = [LAYERS[name].make(name=name) for name in LAYERS if built(name).weights]
    calls = [symbolic(layer.name, layer) for layer in made]
    model = keras.Model([given for given, _ in calls], [outputs for _, outputs in calls])
    assert len(model.weights) == sum(len(layer.weights) for layer in made)
    assert_saved(model, tmp_path / "model.weights.h5")


def assert_saved(model: Any, path: Any) -> None:
    wanted = model.get_weights()
    model.save_weights(path)
    model.set_weights([weight + 1 for weight in wanted])
    model.load_weights(path)
    for found, weight in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_the_count_of_compilations_grows_with_each_new_program():
    count = len(compiled)
    jax.jit(lambda x: x + 1)(np.ones(3))
    assert len(compiled) == count + 1


def test_float64_layers_store_and_compute_in_float64():
    # all in one test: jax forgets what it has compiled when 64 bits are switched on
    names = [name for name in LAYERS if "dtype" not in LAYERS[name].but]
    with float64():
        found = {name: dtypes(name, "float64") for name in names}
    wanted = {"float64"}
    assert not {n: f for n, f in found.items() if not (f[0] <= wanted and f[1] == wanted)}
