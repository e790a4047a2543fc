"""Models as plain data and back, copies with new weights, pickles and deep copies."""

import copy
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, ops
from hornbook.core.symbolic import op


def values(model, x):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model(x))]


def same_values(a, b, x):
    for left, right in zip(values(a, x), values(b, x), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-6)


def again(model):
    """Through JSON text, with the weights."""
    made = keras.models.model_from_json(model.to_json())
    made.set_weights(model.get_weights())
    return made


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


# ---- graphs


def shared():
    x = keras.Input((3,))
    dense = layers.Dense(3)
    return keras.Model(x, dense(dense(x))), rows(2, 3)


def several():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = {"sum": layers.Dense(1)(joined), "parts": [layers.Dense(2)(a), b * 2]}
    return keras.Model({"a": a, "b": b}, outputs), {"a": rows(2, 3), "b": rows(2, 2)}


def nested():
    x = keras.Input((3,))
    inner = keras.Model(x, [layers.Dense(3)(x), x + 1])
    stack = keras.Sequential([keras.Input((3,)), layers.Dense(3), layers.Dense(3)])
    y = keras.Input((3,))
    first, second = inner(y)
    third, _ = inner(stack(first))
    return keras.Model(y, [first, second, third]), rows(2, 3)


def whole_model_as_output():
    x = keras.Input((3,))
    inner = keras.Model(x, layers.Dense(2)(x))
    y = keras.Input((3,))
    inner(keras.Input((3,)))
    return keras.Model(y, inner(y)), rows(2, 3)


def arithmetic():
    x = keras.Input((4, 3))
    y = (x * 2 + 1 - x / 3) ** 2
    y = y[:, 1:3] @ np.ones((3, 2), "float32")
    return keras.Model(x, [y, -x[..., 0], 1 - x[:, -1], ops.where(x > 0, x, abs(x))]), rows(2, 4, 3)


def functions():
    x = keras.Input((4, 3))
    outputs = [
        ops.mean(x, axis=1, keepdims=True),
        ops.reshape(x, (-1, 12)),
        ops.einsum("bij,bkj->bik", x, x),
        ops.concatenate([x, ops.relu(x)], axis=-1),
        jnp.tanh(x),
        np.exp(x),
        x.sum(axis=-1),
        x.reshape(-1, 12),
        x.astype("float16"),
        ops.split(x, 3, axis=-1)[1],
        ops.average(x, axis=1, weights=np.array([1.0, 2.0, 3.0, 4.0], "float32")),
    ]
    return keras.Model(x, outputs), rows(2, 4, 3)


def recurrent():
    x = keras.Input((4, 3))
    y, h, c = layers.LSTM(2, return_state=True)(x)
    z = layers.LSTM(2)(x, initial_state=[h, c])
    return keras.Model(x, [y, z]), rows(2, 4, 3)


def inside_another():
    """A model that begins at a tensor inside another one."""
    x = keras.Input((3,))
    hidden = layers.Dense(2)(x)
    return keras.Model(hidden, layers.Dense(1)(hidden)), rows(2, 2)


def stacked():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(1)]), rows(2, 3)


def deferred():
    model = keras.Sequential([layers.Dense(2), layers.Dense(1)])
    model.build((None, 3))
    return model, rows(2, 3)


MODELS = [
    shared,
    several,
    nested,
    whole_model_as_output,
    arithmetic,
    functions,
    recurrent,
    inside_another,
    stacked,
    deferred,
]


@pytest.mark.parametrize("make", MODELS)
def test_a_model_comes_back_from_json(make):
    model, x = make()
    made = again(model)
    same_values(model, made, x)
    assert json.loads(made.to_json()) == json.loads(model.to_json())
    assert made.name == model.name


@pytest.mark.parametrize("make", MODELS)
def test_from_config_undoes_get_config(make):
    model, x = make()
    made = type(model).from_config(model.get_config())
    made.set_weights(model.get_weights())
    same_values(model, made, x)


@pytest.mark.parametrize("make", MODELS)
def test_a_clone_has_new_weights_and_computes_the_same(make):
    model, x = make()
    made = keras.models.clone_model(model)
    assert not set(made.weights) & set(model.weights)
    assert [v.shape for v in made.weights] == [v.shape for v in model.weights]
    made.set_weights(model.get_weights())
    same_values(model, made, x)
    if make is not inside_another:  # there the clone gets an input of its own
        assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("make", MODELS)
def test_a_copy_computes_the_same_and_shares_nothing(make, copied):
    model, x = make()
    made = copied(model)
    same_values(model, made, x)
    assert not set(made.weights) & set(model.weights)
    before = model.get_weights()
    made.set_weights([w + 1 for w in made.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    again_made = copied(made)
    same_values(made, again_made, x)
    if hasattr(model, "inputs"):
        assert made.output_names == model.output_names
        assert [t.shape for t in made.outputs] == [t.shape for t in model.outputs]


def test_a_shared_layer_stays_shared():
    model, _ = shared()
    for made in (again(model), keras.models.clone_model(model), copy.deepcopy(model)):
        assert len(made.layers) == 2
        assert len(made.weights) == 2


def test_a_deep_model_can_be_pickled_and_copied():
    x = keras.Input((2,))
    y = x
    for _ in range(300):
        y = y + 1.0
    model = keras.Model(x, y)
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert float(made(np.zeros((1, 2)))[0, 0]) == 300


def test_frozen_layers_stay_frozen():
    model, _ = stacked()
    model.layers[0].trainable = False
    for made in (again(model), keras.models.clone_model(model), copy.deepcopy(model)):
        assert [layer.trainable for layer in made.layers] == [False, True]
        assert len(made.trainable_weights) == 2


def test_losses_added_to_the_graph_come_back():
    x = keras.Input((2,))
    model = keras.Model(x, x * 1.0)
    model.add_loss(ops.mean(x))
    for made in (again(model), keras.models.clone_model(model), copy.deepcopy(model)):
        made(np.full((1, 2), 3.0))
        assert float(made.losses[0]) == 3.0


def test_masks_travel_in_a_copy():
    x = keras.Input((3,), dtype="int32")
    y = layers.LSTM(2)(layers.Embedding(4, 2, mask_zero=True)(x))
    model = keras.Model(x, y)
    data = np.array([[1, 2, 0], [3, 0, 0]])
    for made in (again(model), copy.deepcopy(model)):
        same_values(model, made, data)


# ---- the format


def test_ops_have_the_names_of_keras():
    x = keras.Input((4, 3))
    model = keras.Model(x, ops.mean(x[:, 1:] * 2, axis=1))
    found = [
        (one["module"], one["class_name"], one["config"]) for one in model.get_config()["layers"]
    ][1:]
    assert found == [
        ("keras.src.ops.numpy", "GetItem", {"name": "get_item"}),
        ("keras.src.ops.numpy", "Multiply", {"name": "multiply"}),
        ("keras.src.ops.numpy", "Mean", {"name": "mean", "axis": 1}),
    ]


def test_a_functional_model_is_called_functional():
    model, _ = shared()
    described = json.loads(model.to_json())
    assert described["class_name"] == described["registered_name"] == "Functional"
    assert described["module"] == "keras.src.models.functional"
    assert described["config"]["output_layers"] == ["dense", 1, 0]


def test_json_of_keras_2_can_be_read():
    def layer(cls, name, inbound, **config):
        return {
            "class_name": cls,
            "name": name,
            "config": {"name": name, **config},
            "inbound_nodes": inbound,
        }

    config = {
        "name": "old",
        "layers": [
            layer(
                "InputLayer", "x", [], batch_input_shape=[None, 3], dtype="float32", sparse=False
            ),
            layer("Dense", "shared", [[["x", 0, 0, {}]], [["shared", 0, 0, {}]]], units=3),
            layer("Add", "add", [[["x", 0, 0, {}], ["shared", 1, 0, {}]]]),
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["add", 0, 0]],
    }
    model = keras.models.model_from_json(json.dumps({"class_name": "Model", "config": config}))
    assert model.output_shape in ((None, 3), [(None, 3)])
    assert len(model.weights) == 2


# ---- classes and functions of the user's own


@keras.saving.register_keras_serializable("test_cloning")
class Scaled(keras.Model):
    def __init__(self, units, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.dense = layers.Dense(units)

    def call(self, x):
        return self.dense(x) * self.factor


def test_a_class_with_a_call_method_comes_back_from_its_arguments():
    model = Scaled(2, factor=3.0, name="mine")
    model(rows(1, 3))
    made = again(model)
    assert made.factor == 3.0 and made.name == "mine"
    same_values(model, made, rows(2, 3))
    clone = keras.models.clone_model(model)
    assert isinstance(clone, Scaled) and clone is not model


@keras.saving.register_keras_serializable("tests")
class Functional(keras.Model):
    """A graph of its own class."""


@keras.saving.register_keras_serializable("tests")
class Built(keras.Model):
    def __init__(self, units):
        x = keras.Input((3,))
        super().__init__(x, layers.Dense(units)(x))
        self.units = units


def test_a_subclass_made_from_a_graph_comes_back_as_its_class():
    x = keras.Input((3,))
    for model in (Functional(x, layers.Dense(2)(x)), Built(2)):
        made = again(model)
        assert type(made) is type(model)
        same_values(model, made, rows(2, 3))


def test_an_unregistered_class_is_an_error_that_says_what_to_do():
    class Mine(layers.Layer):
        def call(self, x):
            return x + 1

    x = keras.Input((3,))
    model = keras.Model(x, Mine()(x))
    with pytest.raises(ValueError, match=r"'Mine'.*custom_objects"):
        keras.models.model_from_json(model.to_json())
    made = keras.models.model_from_json(model.to_json(), {"Mine": Mine})
    same_values(model, made, rows(2, 3))
    same_values(model, keras.models.clone_model(model), rows(2, 3))


@keras.saving.register_keras_serializable("tests")
@op
def halve(x):
    return x / 2


@keras.saving.register_keras_serializable("tests")
def doubled(x):
    return x * 2


def test_registered_ops_and_functions_come_back():
    x = keras.Input((3,))
    model = keras.Model(x, [halve(x), layers.Lambda(doubled)(x)])
    same_values(model, again(model), rows(2, 3))
    same_values(model, pickle.loads(pickle.dumps(model)), rows(2, 3))


def test_a_lambda_cannot_be_saved():
    x = keras.Input((3,))
    model = keras.Model(x, layers.Lambda(lambda y: y * 2)(x))
    with pytest.raises(TypeError, match="a lambda cannot be saved"):
        model.to_json()


def test_an_op_without_a_name_in_ops_cannot_be_saved():
    x = keras.Input((3,))
    model = keras.Model(x, jnp.unwrap(x))
    with pytest.raises(ValueError, match="the op 'unwrap' in the graph cannot be saved"):
        model.to_json()
    same_values(model, pickle.loads(pickle.dumps(model)), rows(2, 3))


def test_a_variable_in_the_graph_cannot_be_saved():
    x = keras.Input((3,))
    model = keras.Model(x, x * keras.Variable(2.0))
    with pytest.raises(ValueError, match="add_weight"):
        model.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["layers"].pop(0), "not among its layers"),
        (lambda c: c.update(output_layers=["dense", 7, 0]), "no call number 7"),
        (lambda c: c["layers"][1].update(class_name="Nothing", registered_name=None), "'Nothing'"),
        (
            lambda c: c["layers"][1].update(module="keras.src.ops.numpy", class_name="Load"),
            "no op 'Load'",
        ),
        (
            lambda c: c["layers"][1]["inbound_nodes"][0]["args"][0]["config"].update(
                keras_history=["dense", 1, 0]
            ),
            "never computed",
        ),
        (lambda c: c["layers"][1].update(class_name=["a"]), "named by a string"),
    ],
)
def test_a_config_that_is_no_graph_is_an_error(change, message):
    model, _ = shared()
    config = model.get_config()
    change(config)
    with pytest.raises(ValueError, match=message):
        keras.Model.from_config(config)


def test_text_that_is_no_json_is_an_error():
    for text in ("{", "[" * 100000):
        with pytest.raises(ValueError, match="cannot be read as JSON"):
            keras.models.model_from_json(text)


# ---- clone_model


def test_clone_function_replaces_layers():
    model, _ = stacked()

    def smaller(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "use_bias": False})

    made = keras.models.clone_model(model, clone_function=smaller)
    assert [v.shape for v in made.weights] == [(3, 2), (2, 1)]


def test_call_function_adds_layers():
    model, x = shared()

    def call(layer, *args, **kwargs):
        return layers.Rescaling(2.0)(layer(*args, **kwargs))

    made = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    first = made.layers[1](x) * 2
    np.testing.assert_allclose(made(x), made.layers[1](first) * 2, rtol=1e-6)


def test_input_tensors_are_built_on():
    for make in (shared, stacked):
        model, _ = make()
        x = keras.Input((3,), name="given")
        assert keras.models.clone_model(model, input_tensors=x).inputs[0] is x


def test_recursive_clones_what_is_inside():
    model, _ = nested()
    seen = []

    def note(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    keras.models.clone_model(model, clone_function=note)
    assert "dense" not in seen
    keras.models.clone_model(model, clone_function=note, recursive=True)
    assert "dense" in seen


def test_functions_for_a_class_with_a_call_method_are_an_error():
    model = Scaled(2)
    with pytest.raises(ValueError, match="only clone_model"):
        keras.models.clone_model(model, clone_function=lambda layer: layer)
    with pytest.raises(ValueError, match="only lists layers"):
        keras.models.clone_model(stacked()[0], call_function=lambda layer, x: layer(x))


def test_a_clone_of_a_compiled_model_is_compiled():
    model, _ = stacked()
    model.compile(keras.optimizers.SGD(0.25), keras.losses.Huber(delta=2.0), metrics=["mae"])
    made = keras.models.clone_model(model)
    assert float(made.optimizer.learning_rate) == 0.25
    assert made.optimizer is not model.optimizer
    assert made.loss.delta == 2.0


# ---- copies that are trained on


def test_training_goes_on_in_a_copy():
    model, x = stacked()
    y = np.ones((2, 1), "float32")
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(x, y, epochs=2, verbose=0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    wanted = model.fit(x, y, epochs=2, verbose=0).history
    for made in copies:
        assert made.fit(x, y, epochs=2, verbose=0).history == wanted
