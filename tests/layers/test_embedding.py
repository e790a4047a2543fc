"""Embeddings before recurrent layers: the table is multiplied instead of its rows where it pays."""

import jax
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.kernels import embedding, native, plain

IDS = np.random.default_rng(0).integers(0, 11, (6, 8, 5))  # three batches of six, of five steps
TARGETS = np.random.default_rng(1).normal(size=(18, 5, 3))
RNNS = [layers.SimpleRNN, layers.LSTM, layers.GRU]


def model(*between, make=layers.LSTM, rows=11, **options):
    hornbook.utils.set_random_seed(3)
    ids = hornbook.Input((5,))
    x = layers.Embedding(rows, 4, mask_zero=options.pop("mask_zero", False))(ids)
    for layer in between:
        x = layer(x)
    wrapped = options.pop("wrapped", lambda layer: layer)
    x = wrapped(make(6, return_sequences=True, **options))(x)
    return hornbook.Model(ids, layers.Dense(3)(x))


def trained(built):
    """The weights after a few steps."""
    built.compile("adam", "mse")
    built.fit(IDS.reshape(-1, 5)[:18], TARGETS, batch_size=6, epochs=2, verbose=0, shuffle=False)
    return built.get_weights()


@pytest.fixture
def taken(monkeypatch):
    """Whether a recurrent layer went to the table, each time that it was traced."""
    seen = []

    def source(x):
        found = real(x)
        if isinstance(x, jax.core.Tracer):
            seen.append(found is not None)
        return found

    real = embedding.source
    monkeypatch.setattr(embedding, "source", source)
    return seen


WAYS = {
    "an embedding": (lambda: model(), True),
    "a mask": (lambda: model(mask_zero=True), True),
    "batch normalization": (lambda: model(layers.BatchNormalization()), True),
    "a mask and batch normalization": (
        lambda: model(layers.BatchNormalization(), mask_zero=True),
        True,
    ),
    "both directions": (lambda: model(wrapped=layers.Bidirectional), True),
    "steps backwards": (lambda: model(go_backwards=True), False),
    "dropout of the state": (lambda: model(recurrent_dropout=0.2), True),
    "dropout of input and state": (lambda: model(dropout=0.2, recurrent_dropout=0.2), False),
    "dropout between": (lambda: model(layers.Dropout(0.2, seed=5)), False),
    "something else between": (lambda: model(layers.Dense(4)), False),
    "a large table": (lambda: model(rows=16), False),
    "normalization of another axis": (lambda: model(layers.BatchNormalization(axis=1)), False),
}


@pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
@pytest.mark.parametrize("case", WAYS)
def test_training_is_the_same_by_the_table_and_by_its_rows(case, taken):
    make, expected = WAYS[case]
    fast = trained(make())
    assert taken and any(taken) == expected
    if not expected:  # nothing to compare: it was trained by the rows
        return
    with plain():
        slow = trained(make())
    for a, b in zip(fast, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
@pytest.mark.parametrize("make", RNNS)
def test_every_recurrent_layer_goes_to_the_table(make, taken):
    fast = trained(model(layers.BatchNormalization(), make=make))
    assert any(taken)
    with plain():
        slow = trained(model(layers.BatchNormalization(), make=make))
    for a, b in zip(fast, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_dropout_of_the_input_and_other_dtypes_take_the_rows(taken):
    trained(model(dropout=0.2))
    trained(model(dtype="mixed_bfloat16"))
    assert not any(taken)


def test_predictions_are_the_same_by_the_table_and_by_its_rows(taken):
    built = model(layers.BatchNormalization())
    trained(built)
    taken.clear()
    fast = built.predict(IDS.reshape(-1, 5), batch_size=16, verbose=0)
    assert any(taken) == native.available()
    with plain():
        slow = built.predict(IDS.reshape(-1, 5), batch_size=16, verbose=0)
    np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-6)
