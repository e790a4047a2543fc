"""Adafactor: second moments of a matrix factored into rows and columns."""

from typing import Any

import jax.numpy as jnp

from hornbook.core.variable import Variable
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer


def rms(x: Array) -> Array:
    """The root mean square."""
    return jnp.sqrt(jnp.mean(x**2))


class Adafactor(Optimizer):
    """Adam-like scaling by second moments, stored per row and column of a matrix only.

    For a matrix, `v = r c^T / mean(r)`, where `r` and `c` are the decaying means of
    `g^2 + epsilon_1` over columns and rows; `u = g / sqrt(v)`;
    `w <- w - max(epsilon_2, rms(w)) * rho * u / max(1, rms(u) / clip_threshold)`.

    Args:
        learning_rate: the rate.
        beta_2_decay: the decay of the means at step t is `1 - t ** beta_2_decay`.
        epsilon_1: added to the squared gradients.
        epsilon_2: minimum RMS of a variable.
        clip_threshold: maximum RMS of `u`.
        relative_step: whether a constant rate is capped at `1 / sqrt(t)`.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Adafactor(0.01)
        Adafactor(learning_rate=0.01)

    Shazeer and Stern, 2018, https://arxiv.org/abs/1804.04235
    """

    slots = (("row", "column", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def make_slot(self, variable, slot) -> Variable | None:
        if slot == "velocity":
            return super().make_slot(variable, slot)
        shape = variable.shape
        if len(shape) < 2:  # a placeholder, so that saved states have Keras's order
            return self.add_variable((), dtype="int32", name=f"{variable.path}_{slot}")
        shape = shape[:-1] if slot == "row" else (*shape[:-2], shape[-1])
        return self.add_variable(shape, dtype=variable.dtype, name=f"{variable.path}_{slot}")

    def prepare(self, learning_rate, step) -> tuple[Array, Array]:
        return jnp.minimum(learning_rate, 1 / jnp.sqrt(step)), step**self.beta_2_decay

    def update(
        self, gradient, value, rate, row, column, velocity
    ) -> tuple[Array, dict[str, Array]]:
        rho, new = rate
        square = gradient**2 + self.epsilon_1
        if value.ndim < 2:
            v = (1 - new) * velocity + new * square
        else:
            row = (1 - new) * row + new * square.mean(-1)
            column = (1 - new) * column + new * square.mean(-2)
            v = (row / row.mean(-1, keepdims=True))[..., None] * column[..., None, :]
        u = gradient / jnp.sqrt(v)
        u = u / jnp.maximum(1.0, rms(u) / self.clip_threshold)
        value = value - jnp.maximum(self.epsilon_2, rms(value)) * rho * u
        return value, {"row": row, "column": column, "velocity": v}
