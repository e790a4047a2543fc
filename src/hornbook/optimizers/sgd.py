"""SGD and Lion: gradient descent with one learning rate for all elements."""

from typing import Any

import jax.numpy as jnp

from hornbook.kernels.native.by_rows import ByRows, descent
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum: `m <- momentum * m - rate * g; w <- w + m`.

    Args:
        learning_rate: the rate.
        momentum: from 0 to 1; 0 for none.
        nesterov: use Nesterov momentum: `w <- w + momentum * m - rate * g`.
        common: arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: if the momentum is not in [0, 1].

    Example:
        >>> keras.optimizers.SGD(0.1, momentum=0.9)
        SGD(learning_rate=0.1, momentum=0.9)
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{self.name}: momentum must be in [0, 1], not {momentum!r}")
        self.momentum = momentum
        self.nesterov = nesterov
        self.slots = (("momentum",),) if momentum else ()

    def update(self, gradient, value, rate, momentum=None) -> tuple[Array, dict[str, Array]]:
        step = rate * gradient
        if momentum is None:
            return value - step, {}
        m = self.momentum * momentum - step
        return value + (self.momentum * m - step if self.nesterov else m), {"momentum": m}

    def _by_rows(self) -> ByRows | None:
        return descent() if type(self).update is SGD.update and not self.momentum else None


class Lion(Optimizer):
    """The sign of an interpolated momentum: `w <- w - rate * sign(beta_1 m + (1 - beta_1) g)`.

    Afterwards `m <- beta_2 m + (1 - beta_2) g`. Rates are 3 to 10 times smaller than Adam's.

    Args:
        learning_rate: the rate.
        beta_1: weight of the momentum in the interpolation, in (0, 1].
        beta_2: decay of the momentum.
        common: arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: if `beta_1` is not in (0, 1].

    Example:
        >>> keras.optimizers.Lion(1e-4)
        Lion(learning_rate=0.0001)

    Chen et al., 2023, https://arxiv.org/abs/2302.06675
    """

    slots = (("momentum",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"{self.name}: beta_1 must be in (0, 1], not {beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def update(self, gradient, value, rate, momentum) -> tuple[Array, dict[str, Array]]:
        direction = jnp.sign(momentum * self.beta_1 + gradient * (1 - self.beta_1))
        momentum = momentum * self.beta_2 + gradient * (1 - self.beta_2)
        return value - rate * direction, {"momentum": momentum}
