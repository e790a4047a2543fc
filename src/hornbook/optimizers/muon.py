"""Muon: orthogonalized momentum for matrices, Adam for all other variables."""

import re
from typing import Any

import jax.numpy as jnp

from hornbook.core.variable import Variable
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer


def orthogonalize(x: Array, steps: int, a: float, b: float, c: float) -> Array:
    """Approximate the orthogonal factor of `x` by Newton-Schulz iterations.

    Args:
        x: a matrix.
        steps: number of iterations `x <- a x + (b y + c y y) x`, with `y = x x^T`.
        a: first coefficient.
        b: second coefficient.
        c: third coefficient.
    """
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (jnp.linalg.norm(x) + 1e-7)
    for _ in range(steps):
        y = x @ x.T
        x = a * x + (b * y + c * y @ y) @ x
    return x.T if tall else x


class Muon(Optimizer):
    """`m <- momentum m + g; w <- w - rate * orthogonal(g + momentum m)` for matrices.

    Variables that are not matrices, embeddings and excluded layers use AdamW.

    Args:
        learning_rate: the rate.
        adam_beta_1: Adam's `beta_1`.
        adam_beta_2: Adam's `beta_2`.
        adam_weight_decay: weight decay of variables that use AdamW.
        epsilon: Adam's epsilon.
        weight_decay: weight decay of the matrices.
        exclude_layers: regular expressions; variables whose path matches one use AdamW. Include the
            output layer.
        exclude_embeddings: whether variables with "embedding" in their path use AdamW.
        muon_a: first coefficient of the iteration.
        muon_b: second coefficient of the iteration.
        muon_c: third coefficient of the iteration.
        adam_lr_ratio: AdamW's rate, as a multiple of the rate.
        momentum: from 0 to 1.
        ns_steps: number of Newton-Schulz iterations.
        nesterov: whether to use Nesterov momentum.
        rms_rate: steps are scaled by `rms_rate * sqrt(max(rows, columns))`, so that learning rates
            tuned for AdamW work; `None` for no scaling.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Muon(0.01, exclude_layers=["output"])
        Muon(learning_rate=0.01, exclude_layers=['output'])

    Jordan et al., 2024, https://kellerjordan.github.io/posts/muon; Liu et al., 2025,
    https://arxiv.org/abs/2502.16982
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Any,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def uses_adam(self, variable: Variable) -> bool:
        """Whether a variable uses AdamW."""
        excluded = [*self.exclude_layers, *["(?i)embedding"] * self.exclude_embeddings]
        return variable.ndim != 2 or any(re.search(name, variable.path) for name in excluded)

    def make_slot(self, variable, slot) -> Variable | None:
        if slot == "velocity" and not self.uses_adam(variable):
            return None
        return super().make_slot(variable, slot)

    def decay_of(self, variable) -> float | None:
        if self._excluded(variable):
            return None
        return self.adam_weight_decay if self.uses_adam(variable) else self.weight_decay

    def prepare(self, learning_rate, step) -> tuple[Array, Array]:
        correction = jnp.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        return learning_rate, learning_rate * self.adam_lr_ratio * correction

    def update(
        self, gradient, value, rate, momentum, velocity=None
    ) -> tuple[Array, dict[str, Array]]:
        rate, adam_rate = rate
        if velocity is not None:
            m = momentum + (gradient - momentum) * (1 - self.adam_beta_1)
            v = velocity + (gradient**2 - velocity) * (1 - self.adam_beta_2)
            step = adam_rate * m / (jnp.sqrt(v) + self.epsilon)
            return value - step, {"momentum": m, "velocity": v}
        m = self.momentum * momentum + gradient
        ahead = gradient + self.momentum * m if self.nesterov else m
        step = rate * orthogonalize(ahead, self.ns_steps, self.muon_a, self.muon_b, self.muon_c)
        if self.rms_rate is not None:
            step = step * (max(value.shape) ** 0.5 * self.rms_rate)
        return value - step, {"momentum": m}
