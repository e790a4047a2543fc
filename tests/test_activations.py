"""Names, configs and errors of activations; sparsemax against its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import activations, ops
from hornbook.core.config import custom_object_scope
from hornbook.core.symbolic import SymbolicTensor


@pytest.mark.parametrize("name", activations.TABLE)
def test_get_finds_a_name_and_serialize_gives_it_back(name):
    fn = activations.get(name)
    again = activations.deserialize(activations.serialize(fn))
    assert again is fn
    assert activations.get(fn) is fn


def test_none_is_linear_which_returns_the_input_itself():
    x = object()
    assert activations.get(None)(x) is x


def test_an_op_as_activation_is_saved_by_its_name():
    assert activations.serialize(ops.relu) == "relu"
    assert activations.serialize(ops.tanh) == "tanh"


def test_an_unknown_name_names_the_nearest_one():
    with pytest.raises(ValueError, match="'sigmoyd' is not an activation.*'sigmoid'"):
        activations.get("sigmoyd")


def test_a_function_of_ones_own_is_found_in_a_scope():
    def double(x):
        return 2 * x

    with custom_object_scope({"double": double}):
        assert activations.get("double") is double
    assert activations.deserialize("double", {"double": double}) is double


def test_a_lambda_cannot_be_saved():
    with pytest.raises(TypeError, match="lambda"):
        activations.serialize(lambda x: x)


def test_softmax_of_one_axis_is_one_distribution():
    assert activations.softmax(jnp.zeros(4)).tolist() == [0.25] * 4


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sparsemax_is_the_projection_onto_the_simplex(axis):
    """The projection p of z has p >= 0, sum 1, and equal z - p wherever p > 0."""
    z = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    p = np.moveaxis(np.asarray(activations.sparsemax(z, axis=axis)), axis, -1)
    z = np.moveaxis(z, axis, -1)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-5)
    assert (p >= 0).all() and (p == 0).any()
    for z_row, p_row in zip(z, p):
        inside = p_row > 0
        gap = z_row - p_row
        np.testing.assert_allclose(gap[inside], gap[inside][0], atol=1e-5)
        assert (gap[~inside] <= gap[inside].max() + 1e-5).all()


@pytest.mark.parametrize("name", [name for name in activations.TABLE if name != "threshold"])
def test_an_activation_of_a_symbolic_tensor_keeps_the_unknown_batch(name):
    out = activations.get(name)(SymbolicTensor((None, 4)))
    assert out.shape == ((None, 2) if name == "glu" else (None, 4))


@pytest.mark.parametrize("name", ["softplus", "log_sigmoid", "mish", "silu", "gelu", "logsumexp"])
def test_gradients_stay_finite_far_out(name):
    fn = getattr(activations, name, None) or getattr(ops, name)
    far = jnp.array([-1e5, -100.0, 0.0, 100.0, 1e5])
    assert jnp.isfinite(jax.vmap(jax.grad(fn))(far)).all()
