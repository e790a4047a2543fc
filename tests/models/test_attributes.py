"""Names that are a program's own: what Keras lets one set on a layer or a model can be set here."""

import inspect

import jax.numpy as jnp
import keras as reference
import numpy as np
import pytest

import hornbook as keras

# Attributes that `compile`, `fit` or a recorded graph give a model of Keras's, and what a model of
# Keras 2 had.
OF_OBJECTS = {
    "Layer": {"name"},
    "Model": set(
        "compiled history input_names input_shape inputs loss name operations optimizer "
        "output_names output_shape outputs reset_states steps_per_execution "
        "stop_evaluating stop_predicting stop_training "
        "predict_function test_function train_function".split()
    ),
}
NAMES = """
activation all_variables batch_input_shape batch_size blocks call_count children compiled config
count depth encoder epoch extra_results graph groups head history input_names input_shape inputs
jit_compile kernel_size known_graph known_outputs last_activations layers_list loss loss_fn mode
modules nodes objective optimizer output_names output_shape outputs owned_variables params
regularization_losses reset_states run_eagerly scale scope seed stack state stated_class
steps_per_execution stop_training structure tower units update_state value variable_paths
adapt_inputs apply_gradients predict_function train_function
""".split()
VALUES = {"number": 3, "text": "x", "list": [1, 2], "dict": {"a": 1}}
READ_ONLY = """
compute_dtype dtype input losses metrics non_trainable_variables non_trainable_weights output path
trainable_variables trainable_weights variable_dtype variables weights
""".split()
DATA = np.linspace(0, 1, 16, dtype="float32").reshape(8, 2), np.linspace(0, 1, 8)[:, None]


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("kind", ["Layer", "Model", "Sequential"])
def test_public_names_are_those_of_keras(kind):
    of_objects = OF_OBJECTS.get(kind, OF_OBJECTS["Model"])
    assert public(getattr(keras, kind)) - public(getattr(reference, kind)) <= of_objects


@pytest.mark.parametrize("kind", ["Layer", "Model"])
def test_an_object_s_public_attributes_are_those_of_keras(kind):
    ours, theirs = [
        type("Own", (getattr(module, kind),), {"call": lambda self, x: x})()
        for module in (keras, reference)
    ]
    extra = {name for name in vars(ours) if not name.startswith("_")}
    assert extra <= set(vars(theirs)) | public(type(theirs))


def owner(base, names, value):
    class Own(base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            for name in names:
                setattr(self, name, value)
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    return Own


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_layer_s_attribute_may_have_any_name(value):
    for name in [*NAMES, "layers"]:
        layer = owner(keras.Layer, [name], value)()
        assert layer(keras.Input((2,))).shape == (None, 1), name
        assert getattr(layer, name) == value
        assert len(layer.trainable_weights) == 2 and layer.metrics == [], name


def run(base, names, value, path):
    """Build, train, save and load a model with attributes."""
    cls = keras.saving.register_keras_serializable()(owner(base, names, value))
    keras.utils.set_random_seed(0)
    if base is keras.Layer:
        model = keras.Sequential([keras.Input((2,)), cls(name="own")])
    else:
        model = cls()
        assert all(getattr(model, name) == value for name in names)
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(*DATA, verbose=0, validation_data=DATA)
    model.save(path)
    made = keras.models.load_model(path)
    np.testing.assert_array_equal(made.predict(DATA[0]), model.predict(DATA[0]))
    assert made.evaluate(*DATA, verbose=0) == model.evaluate(*DATA, verbose=0)
    return model.get_weights()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain")
    return {
        base: run(base, [], 0, path / f"{base.__name__}.keras")
        for base in (keras.Layer, keras.Model)
    }


def sets(names, long):
    """All of them on one object; in the long form each on one of its own, too."""
    return [names, *([name] for name in names if long)]


def test_a_model_with_such_layers_trains_and_is_saved(plain, tmp_path, long):
    for names in sets([*NAMES, "layers"], long):
        weights = run(keras.Layer, names, {"a": [1]}, tmp_path / "m.keras")
        for one, two in zip(weights, plain[keras.Layer], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=str(names))


def test_a_model_s_attributes_may_have_any_names(plain, tmp_path, long):
    for names in sets(NAMES, long):
        weights = run(keras.Model, names, "mine", tmp_path / "m.keras")
        for one, two in zip(weights, plain[keras.Model], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=str(names))


@pytest.mark.parametrize("name", "loss optimizer compiled run_eagerly steps_per_execution".split())
def test_compile_settles_what_a_program_kept_there(name):
    model = owner(keras.Model, [name], "mine")()
    theirs = reference.Sequential([reference.layers.Dense(1)])
    for one in (model, theirs):
        one.compile("sgd", "mse")
    got, want = getattr(model, name), getattr(theirs, name)
    assert got == want if name != "optimizer" else type(got).__name__ == type(want).__name__


def test_an_optimizer_set_after_compile_is_the_one_that_trains():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(*DATA, verbose=0)
    before = model.get_weights()
    model.optimizer = keras.optimizers.SGD(0.0)
    model.fit(*DATA, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("kind", ["Layer", "Model"])
@pytest.mark.parametrize("name", READ_ONLY)
def test_read_only_names_are_refused_with_the_way_out(kind, name):
    theirs = inspect.getattr_static(getattr(reference, kind), name)
    assert isinstance(theirs, property) and theirs.fset is None
    with pytest.raises(AttributeError, match=rf"my_{name}"):
        owner(getattr(keras, kind), [name], 3)()


def test_the_layers_of_a_model_are_not_set():
    with pytest.raises(AttributeError, match="my_layers"):
        owner(keras.Model, ["layers"], [3])()


def test_a_leaf_has_no_layers():
    assert not hasattr(keras.layers.Dense(1), "layers")
    assert hasattr(keras.Sequential(), "layers")


def test_a_model_without_a_graph_has_no_inputs():
    model = owner(keras.Model, ["mine"], 3)()
    for name in "inputs outputs input_shape output_shape input_names output_names".split():
        assert not hasattr(model, name)


def test_a_method_may_have_the_name_of_what_compile_settles():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def loss(self, y, y_pred):
            return jnp.mean(jnp.square(y - y_pred))

        def update_state(self):
            return "mine"

        def apply_gradients(self):
            return "mine"

    model = Own()
    model.compile("sgd", model.loss)
    assert np.isfinite(model.fit(*DATA, verbose=0).history["loss"][0])
    assert model.metrics_names == ["loss"]
