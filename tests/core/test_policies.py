"""`DTypePolicyMap`, and the rules of mixed dtypes, are Keras's."""

import itertools
import time

import keras as reference
import numpy as np
import pytest

import hornbook as keras

NAMES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128"
).split()
X = np.ones((2, 3), "float32")


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_result_types_are_those_of_keras(count):
    some = NAMES if count < 3 else "int8 uint64 bfloat16 float32 bool".split()
    for given in itertools.product([*some, int, float, bool, None], repeat=count):
        assert keras.backend.result_type(*given) == reference.backend.result_type(*given), given


def test_dtypes_that_mix_with_none_are_told():
    for given in (["float8_e4m3fn", "float32"], ["string", "int8"]):
        with pytest.raises(ValueError, match="cast it first"):
            keras.backend.result_type(*given)
    assert keras.backend.result_type("string") == "string"


def test_integer_types_are_those_of_keras():
    for name in [*NAMES, "string"]:
        assert keras.backend.is_int_dtype(name) == reference.backend.is_int_dtype(name)


def test_names_are_numbered_as_in_keras():
    assert [keras.backend.get_uid("a_block") for _ in range(3)] == [1, 2, 3]
    assert keras.backend.get_uid("another_block") == 1


# ---- maps


def both(default=None, **entries):
    made = []
    for library in (keras, reference):
        policy = library.dtype_policies.DTypePolicyMap(default and library.DTypePolicy(default))
        for path, name in entries.items():
            policy[path.replace("__", "/")] = library.DTypePolicy(name)
        made.append(policy)
    return made


def test_a_map_finds_what_keras_finds():
    maps = both("float32", encoder__dense="bfloat16", decoder="float16")
    for policy in maps:
        policy["encoder/[a-c].*"] = "mixed_bfloat16"
    for path in ("encoder/dense", "encoder/attention/q", "encoder/x", "decoder", "decoder/x", ""):
        ours, theirs = (policy[path] for policy in maps)
        assert (ours.name, ours.compute_dtype) == (theirs.name, theirs.compute_dtype)
    ours, theirs = maps
    for said in ("name", "compute_dtype", "variable_dtype"):
        assert getattr(ours, said) == getattr(theirs, said)
    assert list(ours) == list(theirs) and len(ours) == 3 and "decoder" in ours
    del ours["decoder"]
    assert "decoder" not in ours


def test_configs_of_policies_are_read_and_written_as_keras_does():
    ours, theirs = both("float32", a__b="mixed_bfloat16")
    written = keras.dtype_policies.serialize(ours)
    assert written == reference.dtype_policies.serialize(theirs)
    assert keras.dtype_policies.deserialize(written) == ours == keras.dtype_policies.get(written)
    again = reference.dtype_policies.deserialize(written)
    assert again["a/b"].name == "mixed_bfloat16"
    one = keras.DTypePolicy("mixed_float16")
    said = reference.dtype_policies.serialize(reference.DTypePolicy("mixed_float16"))
    assert keras.dtype_policies.serialize(one) == said
    assert keras.dtype_policies.deserialize(said) == one == keras.mixed_precision.Policy(one.name)
    later = keras.dtype_policies.DTypePolicyMap(policy_map={"a": "float16"})
    assert later.get_config()["default_policy"] is None
    assert type(later).from_config(later.get_config())["a"].name == "float16"


class Outer(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(2, name="inner", dtype=self.dtype_policy)

    def call(self, x):
        return self.inner(x)


def test_layers_compute_in_the_dtype_of_their_path():
    policy, _ = both("float32", outer__inner="bfloat16")
    layer = Outer(name="outer", dtype=policy)
    for _ in range(2):  # the first call builds it
        assert layer(X).dtype == "bfloat16"
    assert (layer.path, layer.inner.path) == ("outer", "outer/inner")
    assert layer.compute_dtype == "float32" and layer.inner.kernel.dtype == "bfloat16"
    layer.inner.dtype_policy = "mixed_bfloat16"
    assert policy["outer/inner"].name == "mixed_bfloat16"
    assert layer.inner.variable_dtype == "float32"


def test_a_map_goes_with_the_config_of_a_layer_both_ways():
    ours, theirs = both("float32", m__d="float16")
    made = keras.layers.Dense(2, name="d", dtype=ours)
    said = reference.layers.Dense(2, name="d", dtype=theirs)
    assert made.get_config()["dtype"] == said.get_config()["dtype"]
    assert type(made).from_config(said.get_config()).dtype_policy == ours
    assert type(said).from_config(made.get_config()).dtype_policy["m/d"].name == "float16"


def test_paths_in_a_sequential_are_those_of_keras():
    ours, theirs = both("float32", m__d="float16")
    models = [
        library.Sequential(
            [library.Input((3,)), library.layers.Dense(2, name="d", dtype=p)], name="m"
        )
        for library, p in ((keras, ours), (reference, theirs))
    ]
    for model in models:
        layer = model.layers[0]
        assert (layer.path, layer.kernel.path) == ("m/d", "m/d/kernel")
        assert layer.compute_dtype == "float16"


def test_a_map_refuses_what_it_cannot_use():
    policy, _ = both("float32", a="float16")
    policy["[ab]"] = policy["b.?"] = "bfloat16"
    assert policy["a"].name == "float16"
    with pytest.raises(ValueError, match="'b' matches 2 keys"):
        policy["b"]
    with pytest.raises(ValueError, match="has an entry 'a' already"):
        policy["a"] = "float32"
    with pytest.raises(ValueError, match="no regular expression"):
        policy["a("] = "float32"
    with pytest.raises(ValueError, match="single policy"):
        keras.dtype_policies.DTypePolicyMap(policy)
    with pytest.raises(TypeError, match="dictionary"):
        keras.dtype_policies.DTypePolicyMap(policy_map=[1])
    with pytest.raises(ValueError, match="not known here"):
        keras.dtype_policies.get({"class_name": "GPTQDTypePolicy", "config": {}})


@pytest.mark.parametrize("key", ["(a+)+b", "(a|a)*b", "a?" * 30 + "a" * 30, "(.*)\\1", ".*" * 9])
def test_a_file_cannot_make_a_map_take_forever(key):
    before = time.process_time()
    config = {"default_policy": None, "policy_map": {key: "float32"}}
    with pytest.raises(ValueError, match="could take very long"):
        keras.dtype_policies.DTypePolicyMap.from_config(config)
    assert time.process_time() - before < 1
    with pytest.raises(ValueError, match="255 characters"):
        keras.dtype_policies.DTypePolicyMap(policy_map={".*x": "float16"})["a" * 300]
