"""Dtype names, and policies that part storage from computation."""

import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.core import settings
from hornbook.core.dtype import (
    DTypePolicy,
    canonical,
    dtype_policy,
    get_policy,
    is_float,
    set_dtype_policy,
    standardize_dtype,
)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        ("float16", "float16"),
        ("bfloat16", "bfloat16"),
        (np.float64, "float64"),
        (np.dtype("int8"), "int8"),
        (jnp.bfloat16, "bfloat16"),
        (jnp.ones(1).dtype, "float32"),
        (float, "float32"),
        ("float", "float32"),
        (int, "int32"),
        ("int", "int32"),
        ("long", "int64"),
        ("half", "float16"),
        ("double", "float64"),
        (bool, "bool"),
        ("bool_", "bool"),
        ("torch.float16", "float16"),
        ("float8_e4m3fn", "float8_e4m3fn"),
    ],
)
def test_a_dtype_in_any_form_has_one_name(given, name):
    assert standardize_dtype(given) == name


def test_a_dtype_of_another_library_goes_by_its_name():
    class Foreign:
        name = "int16"

    assert standardize_dtype(Foreign()) == "int16"


@pytest.mark.parametrize("wrong", ["flaot32", "", object(), 3.5, [1]])
def test_what_is_no_dtype_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a dtype"):
        standardize_dtype(wrong)


def test_float_follows_floatx():
    try:
        settings.set_floatx("float16")
        assert standardize_dtype(float) == standardize_dtype("float") == "float16"
        assert standardize_dtype(None) == "float16"
    finally:
        settings.set_floatx("float32")


@pytest.mark.parametrize("name", ["int64", "uint64", "float64", "complex128", "int8", "bool"])
def test_canonical_is_the_dtype_an_array_gets(name):
    with np.errstate(all="ignore"):
        assert canonical(name) == jnp.asarray(np.zeros(1, name)).dtype.name


def test_is_float_knows_small_floats():
    assert all(map(is_float, ("float32", "bfloat16", "float16", "float8_e5m2")))
    assert not any(map(is_float, ("int32", "bool", "complex64")))


# ---- policies


@pytest.mark.parametrize(
    ("name", "variable", "compute"),
    [
        ("float32", "float32", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("mixed_bfloat16", "float32", "bfloat16"),
        ("mixed_float16", "float32", "float16"),
    ],
)
def test_a_policy_says_in_which_dtype_to_store_and_to_compute(name, variable, compute):
    policy = get_policy(name)
    assert (policy.variable_dtype, policy.compute_dtype) == (variable, compute)
    assert DTypePolicy.from_config(policy.get_config()) == policy
    assert hash(DTypePolicy(name)) == hash(policy)
    assert get_policy(policy) is policy


@pytest.mark.parametrize("name", ["mixed_float32", "mixed_int8", "mixd_float16"])
def test_an_unknown_policy_is_refused(name):
    with pytest.raises(ValueError, match=r"no such policy|is not a dtype"):
        get_policy(name)


def test_a_policy_is_not_made_from_a_number():
    with pytest.raises(TypeError, match="made from a name"):
        DTypePolicy(16)


def test_a_policy_comes_back_from_keras_s_config():
    config = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "mixed_bfloat16"},
        "registered_name": None,
    }
    assert get_policy(config) == DTypePolicy("mixed_bfloat16")
    assert layers.Dense.from_config({"units": 1, "dtype": config}).compute_dtype == "bfloat16"


def test_the_process_wide_policy_is_what_new_layers_get():
    set_dtype_policy("mixed_bfloat16")
    layer = layers.Dense(2)
    out = layer(np.ones((1, 2), "float32"))
    assert out.dtype == "bfloat16"
    assert {v.dtype for v in layer.weights} == {"float32"}
    set_dtype_policy(None)
    assert dtype_policy() == DTypePolicy("float32")
    assert layers.Dense(2).compute_dtype == "float32"
    assert layer.compute_dtype == "bfloat16"


def test_a_layer_in_float32_inside_a_mixed_model_computes_in_float32():
    set_dtype_policy("mixed_bfloat16")
    x = hornbook.Input((3,))
    hidden = layers.Dense(2)(x)
    out = layers.Activation("softmax", dtype="float32")(hidden)
    assert (x.dtype, hidden.dtype, out.dtype) == ("float32", "bfloat16", "float32")
    model = hornbook.Model(x, out)
    assert model(np.ones((1, 3), "float32")).dtype == "float32"


def test_integers_are_not_cast_to_the_compute_dtype():
    out = layers.Embedding(4, 2, dtype="mixed_bfloat16")(np.array([[1, 3]]))
    assert out.dtype == "bfloat16"
    assert layers.Identity(dtype="mixed_bfloat16")(np.array([257])).tolist() == [257]


def test_autocast_can_be_switched_off():
    layer = layers.Identity(dtype="mixed_bfloat16", autocast=False)
    assert layer(np.ones(2, "float32")).dtype == "float32"
