"""The LSTM of NVIDIA's library: how it is called, by a stand-in where there is no such device."""

import jax
import jax.numpy as jnp
import pytest

from hornbook.kernels import cudnn, plain, recurrent
from tests.kernels.helper import assert_close, random, value_and_gradients

rnn = pytest.importorskip("jax.experimental.rnn")
STEPS, BATCH, FEATURES, UNITS = 5, 3, 4, 6


@pytest.fixture(autouse=True)
def library(monkeypatch):
    """A stand-in for cuDNN: JAX's reference formula with the same weight layout."""
    calls = []
    if jax.default_backend() == "gpu":
        real = rnn.lstm_fwd, rnn.lstm_bwd
    else:
        monkeypatch.setattr(cudnn, "suits", lambda *arrays: True)
        monkeypatch.setattr("hornbook.kernels.native.suits", lambda *arrays: False)
        real = _forward, _backward

    def counted(function):
        return lambda *args, **how: calls.append(function) or function(*args, **how)

    monkeypatch.setattr(rnn, "lstm_fwd", counted(real[0]))
    monkeypatch.setattr(rnn, "lstm_bwd", counted(real[1]))
    return calls


def _formula(x, h, c, weights, lengths, precision, **how):
    sizes = how.pop("input_size"), how.pop("hidden_size"), how.pop("num_layers")
    parts = rnn.unpack_lstm_weights(weights, *sizes, how["bidirectional"])
    return rnn.lstm_ref(x, h, c, *parts, lengths, *sizes, **how)


def _forward(*args, **how):
    out = _formula(*args, **how)
    return out, (*args, out[0], jnp.zeros(11))


def _backward(residuals, gradients, **how):
    *args, lengths, y, reserved = residuals
    assert reserved.shape == (11,)
    back = jax.vjp(lambda *args: _formula(*args, lengths, **how), *args)[1]
    return *back(gradients), None


def arguments(bias=True):
    return (
        random(BATCH, STEPS, FEATURES),
        *(random(BATCH, UNITS, seed=i) for i in range(2)),
        random(FEATURES, 4 * UNITS, scale=0.5),
        random(UNITS, 4 * UNITS, scale=0.4),
        *([random(4 * UNITS, scale=0.5)] if bias else []),
    )


def assert_agrees(bias=True, **options):
    def call(*args):
        return recurrent.lstm(*args, *([] if bias else [None]), **options)

    with jax.default_matmul_precision("highest"):
        actual = jax.jit(lambda *args: value_and_gradients(call, *args))(*arguments(bias))
        with plain():
            expected = value_and_gradients(call, *arguments(bias))
    assert_close(actual, expected, 1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_outputs_states_and_gradients_are_those_of_the_loop(
    return_sequences, reverse, bias, library
):
    assert_agrees(bias, reverse=reverse, return_sequences=return_sequences)
    assert len(library) >= 2


@pytest.mark.parametrize(
    "options",
    [{"activation": "relu"}, {"mask": jnp.arange(STEPS) < jnp.array([[2], [5], [0]])}],
    ids=["another formula", "a mask"],
)
def test_what_the_library_does_not_take_goes_through_the_loop(options, library):
    assert_agrees(**options)
    assert not library


def test_second_derivative():
    args = arguments()

    def norm(kernel):
        def total(kernel):
            return jnp.sum(recurrent.lstm(*args[:3], kernel, *args[4:])[0] ** 2)

        return jnp.sum(jax.grad(total)(kernel) ** 2)

    with jax.default_matmul_precision("highest"):
        actual = jax.grad(norm)(args[3])
        with plain():
            assert_close(actual, jax.grad(norm)(args[3]), 1e-4)
