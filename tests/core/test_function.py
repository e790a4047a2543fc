"""`Function`: what leads from some symbolic tensors to others; and the tensors it begins with."""

import keras
import numpy as np
import pytest

import hornbook
from hornbook import layers, ops

A, B = np.ones((2, 3), "float32"), np.full((2, 3), 2.0, "float32")


@pytest.mark.parametrize("build", [lambda k: k.Function, lambda k: k.Model])
def test_a_function_computes_what_keras_s_does(build):
    def results(k):
        tensor = k.Input if build(k) is k.Model else lambda shape: k.KerasTensor((None, *shape))
        a, b = tensor((3,)), tensor((3,))
        y = k.ops.exp(a - b)
        function = build(k)([a, b], {"y": y, "parts": [a * 2, y + b]})
        return function([k.ops.convert_to_tensor(A), k.ops.convert_to_tensor(B)])

    mine, theirs = results(hornbook), results(keras)
    np.testing.assert_allclose(mine["y"], theirs["y"], 1e-6)
    for m, t in zip(mine["parts"], theirs["parts"], strict=True):
        np.testing.assert_allclose(m, t, 1e-6)


def test_inputs_and_outputs_keep_their_structure():
    a, b = hornbook.KerasTensor((None, 3)), hornbook.KerasTensor((None, 3))
    assert hornbook.Function(a, a + 1)(A).tolist() == (A + 1).tolist()
    (one,) = hornbook.Function([a], [a + 1])([A])
    assert one.tolist() == (A + 1).tolist()
    named = hornbook.Function({"b": b, "a": a}, a - b)
    assert named({"a": A, "b": B}).tolist() == (A - B).tolist()
    assert [t.shape for t in named.inputs] == [(None, 3)] * 2
    assert named.inputs[0] is a and named.outputs[0].shape == (None, 3)


def test_layers_and_symbols():
    a = hornbook.Input((3,))
    dense = layers.Dense(2)
    function = hornbook.Function(a, ops.relu(dense(a)), name="head")
    assert function.name == "head" and dense in function.operations
    np.testing.assert_allclose(function(A), ops.relu(dense(A)), 1e-6)
    again = hornbook.Input((3,))
    np.testing.assert_allclose(hornbook.Model(again, function(again))(A), function(A), 1e-6)


def test_shapes_are_told_without_values():
    a = hornbook.KerasTensor((None, 3))
    function = hornbook.Function([a], [a @ np.ones((3, 5), "float32")])
    assert function.compute_output_shape([(7, 3)]) == [(7, 5)]
    (spec,) = function.compute_output_spec([hornbook.KerasTensor((None, 3))])
    assert (spec.shape, spec.dtype) == ((None, 5), "float32")


def test_wrong_structures_are_refused():
    a, b = hornbook.KerasTensor((None, 3)), hornbook.KerasTensor((None, 3))
    with pytest.raises(ValueError, match="takes inputs in the structure"):
        hornbook.Function([a, b], a + b)([A])
    with pytest.raises(ValueError, match="takes inputs in the structure"):
        hornbook.Function({"a": a}, a + 1)({"b": A})
    with pytest.raises(ValueError, match="takes inputs in the structure"):
        hornbook.Function([a, b], a + b)(A)
    for wrong in (A[0], A[:, :2]):
        with pytest.raises(ValueError, match=r"takes 'keras_tensor' of shape \(None, 3\), not"):
            hornbook.Function(a, a + 1)(wrong)
    with pytest.raises(ValueError, match="needs inputs"):
        hornbook.Function([], a)
    with pytest.raises(ValueError, match="needs outputs"):
        hornbook.Function(a, [])
    with pytest.raises(ValueError, match="not among the inputs"):
        hornbook.Function(a, a + b)


def test_only_what_lies_between_is_called():
    a = hornbook.Input((3,))
    b = a * 2 + 1
    function = hornbook.Function(b, b**2)
    assert [one.name for one in function.operations] == ["power"]
    assert function(A).tolist() == (A**2).tolist()
    assert [one.name for one in hornbook.Function(a, np.tanh(a)).operations][-1] == "tanh"


# ---- KerasTensor


def test_a_tensor_is_described_as_in_keras():
    for k in (hornbook, keras):
        x = k.KerasTensor((None, 3), "int32", sparse=True, name="ids")
        assert (x.shape, x.dtype, x.sparse, x.ragged, x.name) == (
            (None, 3),
            "int32",
            True,
            False,
            "ids",
        )
        assert not k.KerasTensor((2,)).sparse and k.KerasTensor((2,), ragged=True).ragged
        with pytest.raises(ValueError, match="sparse"):
            k.KerasTensor((2,), sparse=True, ragged=True)


def test_what_is_computed_from_a_sparse_tensor_is_dense():
    x = hornbook.KerasTensor((None, 3), sparse=True)
    assert not (x * 2).sparse


def test_a_tensor_without_history_begins_a_graph():
    x = hornbook.KerasTensor((None, 3), record_history=False)
    y = layers.Dense(2)(x) + 1
    assert y.shape == (None, 2)
    kept = hornbook.KerasTensor((None, 3))
    with pytest.raises(ValueError, match="not among the inputs"):
        hornbook.Function(x, y)
    assert hornbook.Function(kept, kept + 1)(A).tolist() == (A + 1).tolist()


def test_the_mask_of_a_symbol_has_keras_s_name():
    x = layers.Embedding(5, 2, mask_zero=True)(hornbook.Input((4,), dtype="int32"))
    assert x._keras_mask is x.mask and x._keras_mask.shape == (None, 4)
    x._keras_mask = None
    assert x.mask is None
    assert getattr(hornbook.Input((3,)), "_keras_mask", 0) is None


# ---- devices


def test_arrays_are_made_on_a_device():
    import jax

    cpu = jax.devices("cpu")[0]
    for name in ("cpu", "cpu:0", "CPU:0", cpu):
        with hornbook.device(name):
            v = hornbook.Variable(shape=(2,), initializer="zeros")
            assert v.value.devices() == {cpu}
            assert layers.Dense(2)(A).devices() == {cpu}


@pytest.mark.parametrize("name", ["cpu:99", "tpv:0", "cpu:x", 3])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match="there is no device|a device is named"):
        hornbook.device(name)
