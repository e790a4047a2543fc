"""Per-element learning rates from the magnitudes of past gradients."""

from typing import Any

import jax.numpy as jnp

from hornbook.kernels.native.by_rows import ByRows, descent
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer


class RMSprop(Optimizer):
    """`v <- rho v + (1 - rho) g^2; w <- w - rate * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: the rate.
        rho: decay of the mean square.
        momentum: from 0 to 1; 0 for none.
        epsilon: keeps the division finite.
        centered: whether to subtract the squared mean gradient from `v`, which leaves the variance.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.RMSprop(0.002)
        RMSprop(learning_rate=0.002)

    Hinton, 2012, Neural Networks for Machine Learning, lecture 6e
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.slots = (
            ("velocity",),
            *[("momentum",)] * (momentum > 0),
            *[("average_gradient",)] * centered,
        )

    def update(
        self, gradient, value, rate, velocity, momentum=None, average_gradient=None
    ) -> tuple[Array, dict[str, Array]]:
        v = self.rho * velocity + (1 - self.rho) * gradient**2
        slots = {"velocity": v}
        if self.centered:
            mean = self.rho * average_gradient + (1 - self.rho) * gradient
            slots["average_gradient"] = mean
            v = v - mean**2
        step = rate * gradient / jnp.sqrt(v + self.epsilon)
        if momentum is not None:
            step = slots["momentum"] = self.momentum * momentum + step
        return value - step, slots


class Adagrad(Optimizer):
    """`a <- a + g^2; w <- w - rate * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: the rate.
        initial_accumulator_value: initial value of `a`, 0 or more.
        epsilon: keeps the division finite.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Adagrad(0.01)
        Adagrad(learning_rate=0.01)

    Duchi et al., 2011, https://jmlr.org/papers/v12/duchi11a.html
    """

    slots = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.initial = {"accumulator": initial_accumulator_value}
        self.epsilon = epsilon

    def update(self, gradient, value, rate, accumulator) -> tuple[Array, dict[str, Array]]:
        a = accumulator + gradient**2
        return value - rate * gradient / jnp.sqrt(a + self.epsilon), {"accumulator": a}

    def _by_rows(self) -> ByRows | None:
        return descent(self.epsilon) if type(self).update is Adagrad.update else None


class Adadelta(Optimizer):
    """Steps in the units of the weights: `w <- w - rate * g * rms(d) / rms(g)`.

    `rms(g)` is the root of the decaying mean of squared gradients, `rms(d)` that of the steps.

    Args:
        learning_rate: the rate; the paper uses 1.0.
        rho: decay of the means.
        epsilon: keeps the division finite and makes the first step nonzero.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Adadelta(1.0)
        Adadelta(learning_rate=1.0)

    Zeiler, 2012, https://arxiv.org/abs/1212.5701
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.epsilon = epsilon

    def update(
        self, gradient, value, rate, accumulated_grad, accumulated_delta_var
    ) -> tuple[Array, dict[str, Array]]:
        g2 = self.rho * accumulated_grad + (1 - self.rho) * gradient**2
        delta = (
            gradient * jnp.sqrt(accumulated_delta_var + self.epsilon) / jnp.sqrt(g2 + self.epsilon)
        )
        d2 = self.rho * accumulated_delta_var + (1 - self.rho) * delta**2
        return value - rate * delta, {"accumulated_grad": g2, "accumulated_delta_var": d2}


class Ftrl(Optimizer):
    """Follow the regularized leader, for sparse linear models.

    With `n' = n + g^2` and `p = -learning_rate_power`:
    `z <- z + g - (n'^p - n^p) / rate * w; w <- (clip(z, -l1, l1) - z) / (n'^p / rate + 2 l2)`.

    Args:
        learning_rate: the rate.
        learning_rate_power: 0 for a constant rate, negative for a decaying one.
        initial_accumulator_value: initial value of `n`, 0 or more.
        l1_regularization_strength: L1 penalty, 0 or more.
        l2_regularization_strength: L2 penalty, 0 or more.
        l2_shrinkage_regularization_strength: L2 penalty that is added to the gradient.
        beta: the paper's beta; adds `beta / (2 rate)` to the L2 strength.
        common: arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: for a value out of range.

    Example:
        >>> keras.optimizers.Ftrl(0.1)
        Ftrl(learning_rate=0.1)

    McMahan et al., 2013, https://research.google.com/pubs/archive/41159.pdf
    """

    slots = (("accumulator", "linear"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self.initial = {"accumulator": initial_accumulator_value}
        for name in (
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"{self.name}: {name} must be 0 or more, not {getattr(self, name)}"
                )
        if learning_rate_power > 0:
            raise ValueError(
                f"{self.name}: learning_rate_power must be 0 or less, not {learning_rate_power}"
            )

    def update(self, gradient, value, rate, accumulator, linear) -> tuple[Array, dict[str, Array]]:
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2 * rate)
        n = accumulator + gradient**2
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * value
        z = linear + shrunk - (n**power - accumulator**power) / rate * value
        value = (jnp.clip(z, -l1, l1) - z) / (n**power / rate + 2 * l2)
        return value, {"accumulator": n, "linear": z}
