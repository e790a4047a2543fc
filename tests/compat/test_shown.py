"""Tensors are printed as TensorFlow 2.21 prints them."""

import pytest

from hornbook.compat import installed

SHOWN = {  # an expression -> its `repr`, its `str`, and what an f-string shows
    "tf.constant(8.)": (
        "<tf.Tensor: shape=(), dtype=float32, numpy=8.0>",
        "tf.Tensor(8.0, shape=(), dtype=float32)",
        "8.0",
    ),
    "tf.constant([[1, 2], [3, 4]])": (
        "<tf.Tensor: shape=(2, 2), dtype=int32, numpy=\n"
        "array([[1, 2],\n       [3, 4]], dtype=int32)>",
        "tf.Tensor(\n[[1 2]\n [3 4]], shape=(2, 2), dtype=int32)",
        "[[1 2]\n [3 4]]",
    ),
    "tf.constant(['a', 'b'])": (
        "<tf.Tensor: shape=(2,), dtype=string, numpy=array([b'a', b'b'], dtype=object)>",
        "tf.Tensor([b'a' b'b'], shape=(2,), dtype=string)",
        "[b'a' b'b']",
    ),
    "tf.constant('hi')": (
        "<tf.Tensor: shape=(), dtype=string, numpy=b'hi'>",
        "tf.Tensor(b'hi', shape=(), dtype=string)",
        "b'hi'",
    ),
    "tf.zeros((0, 3))": (
        "<tf.Tensor: shape=(0, 3), dtype=float32, numpy=array([], shape=(0, 3), dtype=float32)>",
        "tf.Tensor([], shape=(0, 3), dtype=float32)",
        "[]",
    ),
    "tf.constant([1.5], tf.bfloat16)": (
        "<tf.Tensor: shape=(1,), dtype=bfloat16, numpy=array([1.5], dtype=bfloat16)>",
        "tf.Tensor([1.5], shape=(1,), dtype=bfloat16)",
        "[1.5]",
    ),
    "next(iter(tf.data.Dataset.range(3)))": (
        "<tf.Tensor: shape=(), dtype=int64, numpy=0>",
        "tf.Tensor(0, shape=(), dtype=int64)",
        "0",
    ),
    "tf.Variable([1., 2.], name='v')": (
        "<tf.Variable 'v:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>",
        "<tf.Variable 'v:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>",
        "<tf.Variable 'v:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>",
    ),
    "tf.constant([1., 2.]).shape": ("TensorShape([2])", "(2,)", "(2,)"),
    "tf.sparse.from_dense([[1, 0], [0, 2]])": (
        "SparseTensor(indices=tf.Tensor(\n[[0 0]\n [1 1]], shape=(2, 2), dtype=int64), "
        "values=tf.Tensor([1 2], shape=(2,), dtype=int32), "
        "dense_shape=tf.Tensor([2 2], shape=(2,), dtype=int64))",
        None,
        None,
    ),
}


@pytest.mark.parametrize("expression", SHOWN)
def test_tensors_are_shown_as_in_tensorflow(expression):
    with installed("tfkeras"):
        import tensorflow as tf

        value = eval(expression, {"tf": tf})
        found = repr(value), str(value), f"{value}"
    for got, want in zip(found, SHOWN[expression], strict=True):
        assert want in (None, got)


def test_numbers_in_text_have_no_frame():
    with installed("tfkeras"):
        import tensorflow as tf

        assert f"{tf.constant(3.14159):.2f}" == "3.14"
    assert repr(tf.constant(1.0)) == "Array(1., dtype=float32)"
