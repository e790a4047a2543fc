"""JaxLayer and FlaxLayer, against Keras's: outputs, gradients, state, configs and files."""

import json
import sys
import zipfile
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import hornbook
from hornbook import layers
from tests.parity.helper import agree, floats, same_layer

X = floats(4, 3)


@pytest.fixture(autouse=True, scope="module")
def without_tensorflow():
    """Keras's layer asks TensorFlow whether it traces, even on JAX."""
    with pytest.MonkeyPatch.context() as patch:
        asked = SimpleNamespace(inside_function=lambda: False)
        patch.setattr("keras.src.utils.jax_layer.tf", asked)
        yield


def registered(thing):
    """Registered in both libraries under the same name."""
    keras.saving.register_keras_serializable("jax_layer")(thing)
    return hornbook.saving.register_keras_serializable("jax_layer")(thing)


@registered
def averaged(params, state, inputs, training):
    mean = 0.5 * state["mean"] + 0.5 * inputs.mean(0) if training else state["mean"]
    outputs = jnp.tanh((inputs - mean) @ params["w"]) + params["more"][0]
    return outputs, {"count": state["count"] + int(training), "mean": mean}


@registered
def start(rng, inputs):
    w = jax.random.normal(rng, (inputs.shape[-1], 2))
    return {"w": w, "more": [np.float32(0.5)]}, {"count": 0, "mean": np.zeros(3, "float32")}


@pytest.mark.parametrize("training", [False, True])
def test_outputs_gradients_and_state_agree_with_keras(training):
    ours, theirs = same_layer(lambda k: k.layers.JaxLayer(averaged, start), X, training)
    assert [v.dtype for v in ours.weights] == [v.dtype for v in theirs.weights]


def test_a_model_learns_and_goes_both_ways(tmp_path):
    def make(k):
        return k.Sequential([k.Input((3,)), k.layers.JaxLayer(averaged, start), k.layers.Dense(1)])

    ours, theirs = make(hornbook), make(keras)
    ours.compile("sgd", "mse")
    loss = ours.fit(X, X[:, :1], epochs=3, batch_size=2, verbose=0).history["loss"]
    state = ours.layers[0].state
    assert loss[-1] < loss[0] and state["count"].numpy() == 6 and state["mean"].numpy().any()
    theirs.set_weights(ours.get_weights())
    for giver, name in ((ours, "ours.keras"), (theirs, "theirs.keras")):
        giver.save(tmp_path / name)
    read = hornbook.saving.load_model(tmp_path / "theirs.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    for model in (theirs, read, back):
        agree(model(X), ours(X), "output", rtol=1e-5)


def test_given_params_are_used_and_keep_their_structure():
    params = {"scale": np.full(3, 2.0, "float32"), "power": (1, "not a number")}

    def call_fn(inputs, params):
        assert params["power"][1] == "not a number"
        return inputs ** params["power"][0] * params["scale"]

    layer = layers.JaxLayer(call_fn, params=params)
    assert layer.built and [v.trainable for v in layer.weights] == [True, False]
    agree(layer(X), 2 * X, "output")
    with pytest.raises(ValueError, match="Pass an init_fn"):
        layer.get_config()


def test_keys_differ_between_steps_and_are_none_outside_training():
    def noise(rng, inputs):
        return inputs if rng is None else jax.random.normal(rng, inputs.shape)

    layer, again = (layers.JaxLayer(noise, seed=3) for _ in range(2))
    first, second = layer(X, training=True), layer(X, training=True)
    assert (first != second).any() and (first == again(X, training=True)).all()
    agree(layer(X), X, "outside training")


WRONG = {
    "arguments": (lambda: layers.JaxLayer(lambda x: x), "call_fn of JaxLayer takes inputs"),
    "start": (lambda: layers.JaxLayer(averaged, lambda shape: 0), "init_fn of JaxLayer takes"),
    "nothing": (lambda: layers.JaxLayer(averaged), "needs init_fn, params or state"),
    "pair": (
        lambda: layers.JaxLayer(lambda state, inputs: inputs, state={"a": 1.0})(X),
        "returns \\(outputs, new state\\)",
    ),
    "structure": (
        lambda: layers.JaxLayer(lambda state, inputs: (inputs, [1.0]), state={"a": 1.0})(X),
        "a state of another structure",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_say_what_the_functions_take(case):
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        make()


def test_a_file_names_registered_functions_only(tmp_path):
    model = hornbook.Sequential([hornbook.Input((3,)), layers.JaxLayer(averaged, start)])
    model.save(tmp_path / "model.keras")
    for module, name in (("builtins", "eval"), ("os", "system"), ("jax.numpy", "sin")):
        with zipfile.ZipFile(tmp_path / "model.keras") as archive:
            held = {one: archive.read(one) for one in archive.namelist()}
        config = json.loads(held["config.json"])
        function = {"module": module, "class_name": "function", "config": name}
        config["config"]["layers"][1]["config"]["call_fn"] = function
        with zipfile.ZipFile(tmp_path / "hostile.keras", "w") as archive:
            for one, content in {**held, "config.json": json.dumps(config)}.items():
                archive.writestr(one, content)
        with pytest.raises(ValueError, match=f"the function '{name}' .*is not known here"):
            hornbook.saving.load_model(tmp_path / "hostile.keras")


# ---- flax


def test_without_flax_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flax.linen", None)
    with pytest.raises(ImportError, match=r"hornbook\[flax\]"):
        layers.FlaxLayer(None)


@pytest.fixture(scope="module")
def module():
    linen = pytest.importorskip("flax.linen")

    @registered
    class Block(linen.Module):
        width: int = 2

        @linen.compact
        def __call__(self, inputs, training):
            x = linen.BatchNorm(use_running_average=not training, momentum=0.5)(inputs)
            return linen.Dense(self.width)(x)

        @linen.compact
        def doubled(self, inputs):
            return 2 * linen.Dense(self.width)(inputs)

        def get_config(self):
            return {"width": self.width}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    return Block(2)


@pytest.mark.parametrize("training", [False, True])
def test_a_flax_module_agrees_with_keras(module, training):
    same_layer(lambda k: k.layers.FlaxLayer(module), X, training)


def test_flax_modules_and_their_methods_go_both_ways(module, tmp_path):
    def make(k):
        x = k.Input((3,))
        y = k.layers.FlaxLayer(module, method=module.doubled)(k.layers.FlaxLayer(module)(x))
        return k.Model(x, y)

    ours, theirs = make(hornbook), make(keras)
    theirs.set_weights(ours.get_weights())
    for giver, name in ((ours, "ours.keras"), (theirs, "theirs.keras")):
        giver.save(tmp_path / name)
    read = hornbook.saving.load_model(tmp_path / "theirs.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    for model in (theirs, read, back):
        agree(model(X), ours(X), "output", rtol=1e-5)
    config = ours.layers[-1].get_config()
    for name in ("__class__", "width", "_name", "absent"):
        with pytest.raises(ValueError, match="has no method"):
            layers.FlaxLayer.from_config({**config, "method": name})


def test_flax_variables_and_dropout(module):
    linen = pytest.importorskip("flax.linen")
    variables = module.init(jax.random.PRNGKey(0), X, training=False)
    layer = layers.FlaxLayer(module, variables=variables)
    agree(layer(X), module.apply(variables, X, training=False), "output", rtol=1e-5)
    assert [w.trainable for w in layer.weights] == [True] * 4 + [False] * 2

    class Dropped(linen.Module):
        @linen.compact
        def __call__(self, inputs, training):
            return linen.Dropout(0.5, deterministic=not training)(inputs)

    layer = layers.FlaxLayer(Dropped(), seed=1)
    ones = np.ones((1, 100), "float32")
    first, second = layer(ones, training=True), layer(ones, training=True)
    assert set(np.unique(first)) == {0, 2} and (first != second).any()
    agree(layer(ones), ones, "outside training")
    assert layers.FlaxLayer(linen.Dense(3))(X).shape == (4, 3)
