"""Each op of the table agrees with numpy or scipy, has the declared type, and has gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.compat.theano.config import wide
from hornbook.compat.theano.graph import Graph
from hornbook.compat.theano.names import NAMES
from hornbook.compat.theano.types import TensorType
from hornbook.core.symbolic import symbolic_leaves
from hornbook.dialects import theano
from tests.compat.theano.oracles import CASES

ROWS = [(family, name) for family, cases in CASES.items() for name in cases]
# Gradients: of what is a function of floats alone, and smooth where it is tried.
NO_GRADIENT = set(
    "ceil floor trunc round_half_to_even round_half_away_from_zero sgn round nonzero_values "
    "zeros_like identity_like eig expm matrix_power max_pool_2d_same_size fill "
    "isnan isinf searchsorted gammainc gammaincc gammal gammau chi2sf "
    "xlogx xlogy0 qr".split()
)

EAGER = set(
    "nonzero flatnonzero nonzero_values confusion_matrix compress bincount unique eig".split()
)


def test_every_row_has_a_case():
    missing = {
        family: set(rows) - set(CASES[family])
        for family, rows in theano.FAMILIES.items()
        if theano.RULES[family] != "variables" and set(rows) != set(CASES.get(family, ()))
    }
    assert not missing


def variables_for(structure, found):
    """The structure with a variable for each array, noted with its value."""
    if isinstance(structure, np.ndarray):
        made = TensorType(structure.dtype, (False,) * structure.ndim)()
        found.append((made, structure))
        return made
    if isinstance(structure, list):
        return [variables_for(one, found) for one in structure]
    return structure


@pytest.mark.parametrize(("family", "name"), ROWS, ids=[f"{f}-{n}" for f, n in ROWS])
def test_a_row_agrees_with_its_oracle(family, name):
    args, oracle = CASES[family][name]
    found: list = []
    symbolic = [variables_for(one, found) for one in args]
    outputs = symbolic_leaves(NAMES.get(family, name)(*symbolic))
    inputs, values = [v for v, _ in found], [x for _, x in found]
    graph = Graph(inputs, outputs)
    jaxs_own = theano.FAMILIES[family][name].new.startswith("jax.")
    floats = [i for i, one in enumerate(outputs) if one.dtype == "float64"]
    smooth = floats and values and all(x.dtype.kind == "f" for x in values)
    with wide():
        if name in EAGER:
            results = graph.run([jnp.asarray(x) for x in values])
        elif name in NO_GRADIENT or jaxs_own or not smooth:
            results = jax.jit(graph.run)([jnp.asarray(x) for x in values])
        else:
            results = check_gradient(graph, values, floats)
        check_results(name, outputs, results, oracle(*args))


def check_results(name, outputs, results, want):
    wants = list(want) if isinstance(want, list | tuple) else [want]
    assert len(results) == len(wants)
    for variable, result, wanted in zip(outputs, results, wants, strict=True):
        made = abs(result) if name == "qr" else result
        np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-6)
        assert str(result.dtype) == variable.dtype
        assert result.ndim == variable.ndim
        ones = [n == 1 for n in result.shape]
        assert all(b <= one for b, one in zip(variable.broadcastable, ones, strict=True))


def check_gradient(graph, values, floats):
    """The derivative in a direction, against differences; returns the results."""
    rng = np.random.RandomState(0)
    ways = [rng.standard_normal(np.shape(x)) for x in values]
    step = 1e-6

    def total(xs):
        made = graph.run(list(xs))
        return sum(jnp.sum(jnp.sin(made[i])) for i in floats), made

    @jax.jit
    def everything(xs, ways):
        (_, made), gradients = jax.value_and_grad(total, has_aux=True)(xs)
        along = sum(jnp.sum(g * w) for g, w in zip(gradients, ways, strict=True))
        return made, along

    made, along = everything(values, ways)
    compiled = jax.jit(total)
    high, low = (
        compiled([x + sign * step * w for x, w in zip(values, ways, strict=True)])[0]
        for sign in (1, -1)
    )
    np.testing.assert_allclose(along, float(high - low) / (2 * step), rtol=1e-4, atol=1e-5)
    return made
