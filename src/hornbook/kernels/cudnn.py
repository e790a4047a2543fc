"""The LSTM by cuDNN, which runs all timesteps in a few kernels.

In an XLA loop every timestep launches several kernels, each shorter than the launch latency.
`jax.experimental.rnn` calls cuDNN; where it is missing, or on other devices, the loop is used.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.backend import get_backend

from hornbook.kernels.native import are_simple, with_gradients

try:
    from jax.experimental import rnn
except ImportError:  # an experimental module, which may go away
    rnn = None  # type: ignore[assignment]


def suits(*arrays: Array) -> bool:
    """Whether cuDNN takes these arrays: float32, of known shapes, on one NVIDIA GPU."""
    if rnn is None or jax.default_backend() != "gpu" or jax.device_count() > 1:
        return False
    return "cuda" in get_backend().platform_version and are_simple(*arrays)


def lstm(
    formula: Callable,
    x: Array,
    states: tuple[Array, Array],
    kernels: tuple[Array, Array],
    bias: Array | None,
) -> tuple[Array, tuple[Array, Array]]:
    """An LSTM over all timesteps, with tanh and sigmoid; gates in the order i, f, c, o.

    Args:
        formula: a differentiable version of the same function, `(x, states, kernels, bias)`.
        x: inputs, `(steps, batch, features)`.
        states: initial h and c, `(batch, units)`.
        kernels: `(features, 4 * units)` for the input and `(units, 4 * units)` for h.
        bias: `(4 * units,)`.

    Returns:
        The outputs, `(steps, batch, units)`, and the final states.
    """
    lengths: Any = np.full(x.shape[1], len(x), np.int32)  # not traced: used inside gradient rules
    how: dict[str, Any] = {
        "input_size": x.shape[2],
        "hidden_size": states[0].shape[1],
        "num_layers": 1,
        "dropout": 0.0,
        "bidirectional": False,
        "precision": None,
    }

    def forward(x: Array, states: tuple, kernels: tuple, bias: Array | None) -> tuple:
        given = _turned(x), states[0][None], states[1][None], _packed(kernels, bias)
        (y, h, c), residuals = rnn.lstm_fwd(*given, lengths, **how)
        return _turned(y), (h[0], c[0]), residuals[-1]

    def backward(args: tuple, results: tuple, d: tuple) -> tuple:
        (x, states, kernels, bias), (y, _, reserved), (d_y, d_states, _) = args, results, d
        weights, unpack = jax.vjp(_packed, kernels, bias)
        given = _turned(x), states[0][None], states[1][None], weights
        changes = _turned(d_y), d_states[0][None], d_states[1][None]
        kept = *given, lengths, _turned(y), reserved
        d_x, d_h, d_c, d_weights, _ = rnn.lstm_bwd(**how, residuals=kept, gradients=changes)
        return _turned(d_x), (d_h[0], d_c[0]), *unpack(d_weights)

    def by_formula(*args: Any) -> tuple:
        reserved = jax.eval_shape(forward, *args)[2]
        return *formula(*args), jnp.zeros(reserved.shape, reserved.dtype)

    y, states, _ = with_gradients(by_formula, forward, backward, x, states, kernels, bias)
    return y, states


def _turned(a: Array) -> Array:
    """Swap between time-major and batch-major, which cuDNN uses."""
    return jnp.swapaxes(a, 0, 1)


def _packed(kernels: tuple[Array, Array], bias: Array | None) -> Array:
    """All weights in one vector, as cuDNN expects them, with a second bias of zeros."""
    units = kernels[1].shape[0]
    none = jnp.zeros(4 * units, kernels[1].dtype)
    parts = *(kernel.T for kernel in kernels), none if bias is None else bias, none
    return jnp.concatenate([part.reshape(-1) for part in parts])
