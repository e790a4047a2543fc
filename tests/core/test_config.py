"""Configs from constructor arguments, and the registry: the only way from a name to a class."""

import json
import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook
from hornbook import layers, ops
from hornbook.core import config
from hornbook.core.config import (
    Configurable,
    arguments,
    custom_object_scope,
    deserialize,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    lookup,
    register_keras_serializable,
    serialize,
)


@pytest.fixture(autouse=True)
def clean_registry():
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


class Point(Configurable):
    """Made from plain arguments."""

    def __init__(self, x, y=2, *, note="none", **rest):
        self.x, self.y, self.note, self.rest = x, y, note, rest


# ---- from arguments to plain data


def test_arguments_are_kept_by_name_and_defaults_left_out():
    assert arguments(Point(1)) == {"x": 1}
    assert arguments(Point(1, 3, note="n")) == {"x": 1, "y": 3, "note": "n"}
    assert arguments(Point(x=1, more=5)) == {"x": 1, "more": 5}


def test_what_the_constructor_changes_is_not_what_is_saved():
    class Doubled(Configurable):
        def __init__(self, x):
            self.x = 2 * x

    assert Doubled.from_config(Doubled(4).get_config()).x == 8


def test_repr_shows_the_arguments_in_short():
    assert repr(Point(1, note="a")) == "Point(x=1, note='a')"
    assert repr(Point(np.tanh)) == "Point(x=tanh)"
    assert len(repr(Point("a" * 500))) < 100


def test_arguments_without_names_need_a_get_config():
    class Star(Configurable):
        def __init__(self, *values):
            self.values = values

    with pytest.raises(NotImplementedError, match=r"Star.__init__ takes \*values.*get_config"):
        Star(1, 2).get_config()


def test_a_config_is_that_of_today_not_of_the_caller_s_list():
    given = [1, 2]
    found = Point(given).get_config()
    found["x"].append(3)
    assert given == [1, 2]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.dtype("int8"), "int8"),
        (np.float16, "float16"),
        ((1, [2, {"a": (3,)}]), (1, [2, {"a": (3,)}])),
        (hornbook.DTypePolicy("mixed_bfloat16"), "mixed_bfloat16"),
        (hornbook.activations.relu, "relu"),
        (hornbook.losses.mean_squared_error, "mean_squared_error"),
    ],
)
def test_values_become_plain(value, plain):
    assert serialize(value) == plain


@pytest.mark.parametrize("array", [np.arange(4).reshape(2, 2), jnp.ones(3, "float16")])
def test_arrays_come_back_with_their_dtype(array):
    found = deserialize(json.loads(json.dumps(serialize(array))))
    assert isinstance(found, np.ndarray)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda child: (
        st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=4), child, max_size=3)
    ),
    max_leaves=6,
)


@given(plain)
def test_plain_data_goes_through_json_and_back_unchanged(value):
    assert deserialize(json.loads(json.dumps(serialize(value)))) == value


@given(
    units=st.integers(1, 9),
    activation=st.sampled_from([None, "relu", "softmax"]),
    use_bias=st.booleans(),
    factor=st.floats(0.001, 2.0),
    initializer=st.sampled_from(["zeros", "he_normal"]),
    trainable=st.booleans(),
    dtype=st.sampled_from([None, "mixed_bfloat16", "float16"]),
)
def test_a_layer_s_config_round_trip_is_a_fixed_point(
    units, activation, use_bias, factor, initializer, trainable, dtype
):
    layer = layers.Dense(
        units,
        activation,
        use_bias=use_bias,
        kernel_initializer=initializer,
        bias_regularizer=hornbook.regularizers.L2(factor),
        kernel_constraint=hornbook.constraints.MaxNorm(factor),
        trainable=trainable,
        dtype=dtype,
    )
    text = json.dumps(layers.serialize(layer))
    again = layers.deserialize(json.loads(text))
    assert json.dumps(layers.serialize(again)) == text
    assert (again.units, again.use_bias, again.trainable) == (units, use_bias, trainable)
    assert again.activation is layer.activation
    assert again.dtype_policy == layer.dtype_policy
    assert math.isclose(again.bias_regularizer.l2, layer.bias_regularizer.l2)


# ---- from plain data to objects: registered names only


@register_keras_serializable(package="tests", name="Scaled")
class Scale(layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


@register_keras_serializable(package="tests")
def triple(x):
    return 3 * x


REGISTERED = {"tests>Scaled": Scale, "tests>triple": triple}


@pytest.fixture
def registered():
    get_custom_objects().update(REGISTERED)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "the class 'Own' is not known here"),
        ({"module": "mine"}, r"the class 'Own' \(module 'mine'\) is not known"),
        ({"module": "a", "registered_name": "b"}, r"\(module 'a', registered name 'b'\) is not"),
    ],
)
def test_of_a_class_that_is_not_known_what_the_data_say_is_told(more, told):
    with pytest.raises(ValueError, match=told):
        deserialize({"class_name": "Own", "config": {}, **more})


@pytest.mark.usefixtures("registered")
def test_a_registered_class_is_found_under_its_registered_name():
    described = serialize(Scale(2.0))
    assert described["registered_name"] == "tests>Scaled"
    assert described["class_name"] == "Scale"
    assert deserialize(described).factor == 2.0
    assert get_registered_name(Scale) == "tests>Scaled"
    assert get_registered_object("tests>Scaled") is Scale
    assert get_registered_object("tests>Unknown") is None


@pytest.mark.usefixtures("registered")
def test_a_registered_function_is_found_as_an_activation():
    layer = layers.Dense(1, activation=triple)
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    assert again.activation is triple


class Unregistered(layers.Layer):
    def call(self, x):
        return x


def test_a_class_that_is_not_registered_is_refused_with_what_to_do():
    described = serialize(Unregistered())
    with pytest.raises(ValueError) as caught:
        deserialize(described)
    message = str(caught.value)
    assert "'Unregistered'" in message
    assert "@register_keras_serializable()" in message
    assert "custom_objects={'Unregistered': ...}" in message


def test_custom_objects_and_scopes_name_classes_for_a_while():
    described = serialize(Unregistered(name="u"))
    assert deserialize(described, {"Unregistered": Unregistered}).name == "u"
    with custom_object_scope({"Unregistered": Unregistered}):
        assert layers.deserialize(described).name == "u"
    with pytest.raises(ValueError):
        deserialize(described)


def test_a_scope_of_nothing_is_one():
    with custom_object_scope(None):
        assert get_registered_object("Unregistered") is None


def test_a_scope_belongs_to_what_is_inside_it_even_after_an_error():
    with pytest.raises(ZeroDivisionError), custom_object_scope({"Unregistered": Unregistered}):
        raise ZeroDivisionError
    assert get_registered_object("Unregistered") is None


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "object"),
        ("numpy", "load"),
        ("subprocess", "Popen"),
        ("hornbook.core.config", "Configurable"),
        ("keras.src.saving", "serialize"),
        ("keras.layers", "Laye"),
    ],
)
@pytest.mark.parametrize("kind", ["class", "function"])
def test_names_of_other_modules_are_never_imported(module, name, kind):
    data = {"module": module, "registered_name": None, "config": {}, "class_name": name}
    if kind == "function":
        data.update(class_name="function", config=name)
    with pytest.raises(ValueError, match="is not known here"):
        deserialize(data)


def test_a_user_s_class_named_as_one_of_ours_is_not_taken_for_it():
    data = {
        "module": "their.code",
        "class_name": "Dense",
        "config": {"units": 3},
        "registered_name": "their>Dense",
    }
    with pytest.raises(ValueError, match="'Dense'"):
        deserialize(data)


def test_a_class_of_ours_is_found_by_keras_s_module_path():
    for path in ("keras.layers", "keras.src.layers.core.dense"):
        data = {
            "module": path,
            "class_name": "Dense",
            "config": {"units": 3},
            "registered_name": None,
        }
        assert deserialize(data).units == 3


@pytest.mark.parametrize("family", ["losses", "metrics"])
def test_one_name_in_two_families_is_told_apart(family):
    data = {
        "module": f"keras.{family}",
        "class_name": "MeanSquaredError",
        "config": {},
        "registered_name": None,
    }
    assert type(deserialize(data)) is getattr(hornbook, family).MeanSquaredError


def test_lambdas_and_plain_objects_cannot_be_saved():
    with pytest.raises(TypeError, match="a lambda cannot be saved: it has no name"):
        serialize(lambda x: x)
    with pytest.raises(TypeError, match="not plain data and has no get_config"):
        serialize(object())


def test_only_what_can_be_saved_can_be_registered():
    with pytest.raises(ValueError, match="Bare cannot be saved: it has no get_config"):

        @register_keras_serializable()
        class Bare:
            pass


def test_a_user_s_own_get_config_is_honoured():
    @register_keras_serializable(package="tests")
    class Own(layers.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def get_config(self):
            return {**super().get_config(), "size": self.size + 1}

        @classmethod
        def from_config(cls, config):
            config["size"] *= 10
            return cls(**config)

    assert deserialize(serialize(Own(1))).size == 20


def test_nested_objects_in_lists_and_dicts_come_back():
    @register_keras_serializable(package="tests")
    class Blocks(layers.Layer):
        def __init__(self, blocks, heads, **kwargs):
            super().__init__(**kwargs)
            self.blocks, self.heads = blocks, heads

    made = Blocks([layers.Dense(2), layers.Dropout(0.1)], {"y": layers.Dense(3, "relu")})
    again = deserialize(json.loads(json.dumps(serialize(made))))
    assert [type(b) for b in again.blocks] == [layers.Dense, layers.Dropout]
    assert again.heads["y"].units == 3
    assert again.heads["y"].activation is hornbook.activations.relu


# ---- get


TABLE = {"one": lambda: 1, "Point": Point, "three": 3}


@pytest.mark.parametrize(
    "data",
    [
        {"class_name": "function", "config": ["relu"]},
        {"class_name": "Dense", "config": [1, 2, 3]},
        {"class_name": "Bare", "registered_name": "tests>Bare", "config": {}},
    ],
)
def test_a_config_of_the_wrong_kind_is_a_type_error(data):
    class Bare:
        def get_config(self):
            return {}

    with (
        custom_object_scope({"tests>Bare": Bare}),
        pytest.raises(TypeError, match="not by|made from"),
    ):
        deserialize(data)


def test_a_function_is_found_without_its_package_as_in_files_of_keras_3_6():
    @register_keras_serializable(package="tests")
    def squared(x):
        return x * x

    for name in ("squared", "tests>squared"):
        data = {"module": "builtins", "class_name": "function", "config": name}
        assert deserialize({**data, "registered_name": "function"}) is squared


def test_lookup_takes_names_classes_objects_configs_and_none():
    assert lookup("family", None, TABLE, "a thing") is None
    assert lookup("family", "three", TABLE, "a thing") == 3
    assert lookup("family", ops.tanh, TABLE, "a thing") is ops.tanh
    assert isinstance(lookup("losses", hornbook.losses.Huber, {}, "a loss"), hornbook.losses.Loss)
    data = {"class_name": "Huber", "config": {"delta": 2.0}}
    assert lookup("losses", data, {}, "a loss").delta == 2.0


def test_lookup_prefers_a_registered_name():
    get_custom_objects()["three"] = ops.tanh
    assert lookup("family", "three", TABLE, "a thing") is ops.tanh


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(ValueError, match=r"'thre' is not a thing. Did you mean 'three'\?"):
        lookup("family", "thre", TABLE, "a thing")
    with pytest.raises(ValueError, match="Known names: Point, one, three"):
        lookup("family", "zzz", TABLE, "a thing")
    with pytest.raises(ValueError, match="3 is not a thing: pass a name, an object or a function"):
        lookup("family", 3, TABLE, "a thing")


@pytest.mark.parametrize(
    ("get", "wrong", "right"),
    [
        (hornbook.losses.get, "mean_square_error", "mean_squared_error"),
        (hornbook.metrics.get, "acuracy", "accuracy"),
        (hornbook.optimizers.get, "adm", "adam"),
        (hornbook.activations.get, "rleu", "relu"),
        (hornbook.initializers.get, "glorot_unifrm", "glorot_uniform"),
        (hornbook.regularizers.get, "L11", "L1"),
        (hornbook.constraints.get, "max_nrm", "max_norm"),
    ],
)
def test_every_family_suggests_the_nearest_name(get, wrong, right):
    with pytest.raises(ValueError, match=f"Did you mean .*{right}"):
        get(wrong)


def test_our_own_functions_go_by_their_name_in_configs():
    assert serialize(layers.Dense(1, "gelu"))["config"]["activation"] == "gelu"
    assert config.describe(layers.Dense(1))["module"] == "keras.layers"


def test_a_config_extended_by_a_user_leaves_its_arguments_to_it():
    class Scaled(layers.Dense):
        def __init__(self, factor=2, units=3, **kwargs):
            super().__init__(units, **kwargs)
            self.factor = factor

        def get_config(self):
            return dict(factor=self.factor + 1, **super().get_config())

    config = Scaled(factor=4, units=5, use_bias=False).get_config()
    assert (config["factor"], config["units"], config["use_bias"]) == (5, 5, False)
    assert Scaled.from_config(config).factor == 5

    class Plain(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)

    class Writes(Plain):
        def get_config(self):
            return super().get_config()

    assert Writes(4).get_config()["units"] == 4  # no class with a config of its own has it
