"""Variables and a few ops for testing the machinery."""

import jax
import jax.numpy as jnp

from hornbook.compat.theano import basic, indexing  # noqa: F401
from hornbook.compat.theano.integers import concretes
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import apply, elements, elementwise

scalar = TensorType("float32", ())
vector = TensorType("float32", (False,))
matrix = TensorType("float32", (False, False))
integer = TensorType("int64", ())
integers = TensorType("int64", (False,))


def dot(a, b):
    return apply(lambda a, b: a @ b, a, b, name="dot")


def tanh(a):
    return elementwise(jnp.tanh, a, name="tanh")


def exp(a):
    return elementwise(jnp.exp, a, name="exp")


def relu(a):
    return elementwise(jax.nn.relu, a, name="relu")


def total(a):
    return apply(lambda a: a.sum(dtype=a.dtype), a, name="sum")


def zeros(*shape):
    return apply(lambda *n: jnp.zeros(concretes(n), "float32"), *elements(shape), name="zeros")


def arange(n):
    return apply(lambda n: jnp.arange(*concretes([n])), n, name="arange")
