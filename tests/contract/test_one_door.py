"""Layers, losses, metrics and models define what is computed; fast paths are chosen elsewhere."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import activations, formulas
from hornbook.kernels import embedding, plain

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "hornbook"
FILES = sorted(
    path
    for room in ("layers", "losses", "metrics", "models", "preprocessing")
    for path in (PACKAGE / room).rglob("*.py")
)
# Where an array came from, what is compiled, and what there is to compile for.
OF_KERNELS = {
    *("factors", "logits_of", "lookups", "Lookup", "Rows", "source"),
    *("in_one_function", "native", "one_function", "wants_plain"),
    *("default_backend", "devices", "local_devices", "processor"),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_layer_asks_how_it_becomes_fast(path):
    tree = ast.parse(path.read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not (imported | read) & OF_KERNELS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_layer_is_known_by_the_name_of_its_class(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            assert node.left.attr != "__name__", f"line {node.lineno}"


@pytest.mark.parametrize(
    "name, shapes",
    {
        "dense": [(600, 8), (8, 32), (32,)],
        "convolution": [(2, 9, 9, 4), (3, 3, 4, 32), (32,)],
    }.items(),
)
def test_what_is_faster_together_is_the_formula(name, shapes):
    draw = np.random.default_rng(0)
    arrays = [jnp.asarray(draw.normal(size=shape), "float32") for shape in shapes]
    window = [((1, 1), "same", (1, 1), 1)] if name == "convolution" else []
    for activation in (*formulas.RELUS, None, activations.tanh, activations.softmax):

        def value(x, kernel, bias, activation=activation):
            return getattr(formulas, name)(x, kernel, bias, activation, *window)

        def loss(*arrays, value=value):
            return jnp.sum(value(*arrays) * jnp.cos(jnp.arange(32)))

        @jax.jit
        def run(*arrays, value=value, loss=loss):
            found = value(*arrays), jax.grad(loss, (0, 1, 2))(*arrays)
            with plain():
                return found, (value(*arrays), jax.grad(loss, (0, 1, 2))(*arrays))

        found, wanted = run(*arrays)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4), found, wanted
        )


def test_channels_first_has_its_activation_along_the_last_axis():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 5)).astype("float32")
    layer = keras.layers.Conv2D(4, 3, activation="softmax", data_format="channels_first")
    np.testing.assert_allclose(np.sum(layer(x), -1), 1, rtol=1e-5)


def test_where_rows_came_from_stays_known_through_what_is_done_with_each():
    found = []

    @jax.jit
    def step(table, ids):
        rows = formulas.looked_up(table, ids, "float32")
        known = embedding.lookups.of(rows)
        scaled = formulas.scaled(rows, jnp.full(2, 2.0), jnp.ones(2), -1, "float32")
        found.extend([known, embedding.lookups.of(scaled), embedding.lookups.of(scaled + 1)])
        moved = embedding.lookups.of(scaled)
        return scaled, moved.table[moved.ids]

    rows, again = step(jnp.arange(6.0).reshape(3, 2), jnp.array([[2, 0]]))
    np.testing.assert_array_equal(rows, [[[9, 11], [1, 3]]])
    np.testing.assert_array_equal(rows, again)
    assert found[0] is not None and found[2] is None
