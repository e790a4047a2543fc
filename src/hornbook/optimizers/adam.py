"""Adam and its variants: mean gradient over root mean square gradient."""

from typing import Any

import jax.numpy as jnp

from hornbook.core.variable import Variable
from hornbook.kernels import native, wants_plain
from hornbook.kernels.native.adam import Constants, Moments, Product, adam, by_rows
from hornbook.kernels.native.by_rows import ByRows
from hornbook.kernels.product import factors
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer

LARGE, SMALL = 1 << 16, 1 << 14  # elements of a gradient, and of one of its factors
FEW = 64  # inner size of the product


class Adam(Optimizer):
    """Mean gradient over root mean square: `w <- w - a m / (sqrt(v) + epsilon)`.

    `m <- beta_1 m + (1 - beta_1) g; v <- beta_2 v + (1 - beta_2) g^2`, and
    `a = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)` corrects the bias from starting at zero.

    Args:
        learning_rate: the rate.
        beta_1: decay of the mean gradient.
        beta_2: decay of the mean square.
        epsilon: keeps the division finite ("epsilon hat" in the paper).
        amsgrad: whether to divide by the largest mean square so far.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Adam(0.002)
        Adam(learning_rate=0.002)

    Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980; amsgrad: Reddi et al., 2018,
    https://openreview.net/forum?id=ryQu7f-RZ
    """

    slots: tuple[tuple[str, ...], ...] = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        if amsgrad:
            self.slots = (*self.slots, ("velocity_hat",))

    def prepare(self, learning_rate, step) -> Array:
        return learning_rate * jnp.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)

    def update(
        self, gradient, value, rate, momentum, velocity, velocity_hat=None
    ) -> tuple[Array, dict[str, Array]]:
        m = momentum + (gradient - momentum) * (1 - self.beta_1)
        v = velocity + (gradient**2 - velocity) * (1 - self.beta_2)
        slots = {"momentum": m, "velocity": v}
        if velocity_hat is not None:
            v = slots["velocity_hat"] = jnp.maximum(velocity_hat, v)
        return value - rate * m / (jnp.sqrt(v) + self.epsilon), slots

    @property
    def constants(self) -> Constants:
        """The constants that the compiled kernels take."""
        return Constants(self.beta_1, self.beta_2, self.epsilon)

    def _by_rows(self) -> ByRows | None:
        usual = self.beta_1 <= 0.9 and self.beta_2 >= 0.999 and not self.amsgrad
        return by_rows(self.constants) if type(self).update is Adam.update and usual else None

    def _update_all(self, gradients, variables, rate):
        states = [self.with_slots(variable)[:3] for variable in variables]
        arrays = [Moments(*(variable.raw for variable in state)) for state in states]
        own = type(self).update is not Adam.update or self.amsgrad
        known = native.suits(rate, *gradients, *(array for state in arrays for array in state))
        if own or not known or wants_plain():
            return super()._update_all(gradients, variables, rate)
        gradients = [_factored(gradient) for gradient in gradients]
        for state, new in zip(states, adam(rate, gradients, arrays, self.constants), strict=True):
            for variable, value in zip(state, new, strict=True):
                variable.assign(value)


def _factored(gradient: Array) -> Array | Product:
    """The factors of a large gradient that is a product of two small matrices."""
    pair = factors.of(gradient)
    if pair is None or gradient.size < LARGE or not native.suits(*pair):
        return gradient
    left, right = pair
    return Product(left, right) if len(left) <= FEW and right.size <= SMALL else gradient


class AdamW(Adam):
    """Adam with decoupled weight decay: Adam's step plus `w <- w - rate * weight_decay * w`.

    Args:
        learning_rate: the rate.
        weight_decay: a float.
        common: arguments of `Adam` and of every optimizer.

    Raises:
        ValueError: if `weight_decay` is `None`.

    Example:
        >>> keras.optimizers.AdamW(0.002, weight_decay=0.01)
        AdamW(learning_rate=0.002, weight_decay=0.01)

    Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common
        )
        if weight_decay is None:
            raise ValueError(f"{self.name}: weight_decay must be a float; use Adam to have none")


class Adamax(Optimizer):
    """Adam with the infinity norm in place of the mean square: `u <- max(beta_2 u, |g|)`.

    `w <- w - rate / (1 - beta_1^t) * m / (u + epsilon)`, with Adam's `m`.

    Args:
        learning_rate: the rate.
        beta_1: decay of the mean gradient.
        beta_2: decay of the largest gradient.
        epsilon: keeps the division finite.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Adamax(0.002)
        Adamax(learning_rate=0.002)

    Kingma and Ba, 2014, section 7.1, https://arxiv.org/abs/1412.6980
    """

    slots = (("momentum", "norm"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def prepare(self, learning_rate, step) -> Array:
        return learning_rate / (1 - self.beta_1**step)

    def update(self, gradient, value, rate, momentum, norm) -> tuple[Array, dict[str, Array]]:
        m = momentum + (gradient - momentum) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * norm, jnp.abs(gradient))
        return value - rate * m / (u + self.epsilon), {"momentum": m, "norm": u}


class Nadam(Optimizer):
    """Adam with Nesterov momentum on a growing schedule: `u_t = beta_1 (1 - 0.96^t / 2)`.

    With `U_t = u_1 ... u_t`, the step is along
    `u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)`.

    Args:
        learning_rate: the rate.
        beta_1: decay of the mean gradient.
        beta_2: decay of the mean square.
        epsilon: keeps the division finite.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Nadam(0.002)
        Nadam(learning_rate=0.002)

    Dozat, 2015, https://cs229.stanford.edu/proj2015/054_report.pdf
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables) -> None:
        new = not self.built
        super().build(variables)
        if new:
            self._product = self.add_variable((), 1.0, name="u_product")

    def prepare(self, learning_rate, step) -> tuple[Array, ...]:
        u, u_next = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product = self._product.assign(self._product.raw * u)
        past = u_next / (1 - product * u_next)
        return learning_rate, past, (1 - u) / (1 - product), 1 / (1 - self.beta_2**step)

    def update(self, gradient, value, rate, momentum, velocity) -> tuple[Array, dict[str, Array]]:
        rate, past, present, correction = rate
        m = momentum + (gradient - momentum) * (1 - self.beta_1)
        v = velocity + (gradient**2 - velocity) * (1 - self.beta_2)
        direction = past * m + present * gradient
        step = rate * direction / (jnp.sqrt(v * correction) + self.epsilon)
        return value - step, {"momentum": m, "velocity": v}


class Lamb(Optimizer):
    """Adam's direction `d` scaled to the variable's norm: `w <- w - rate |w| / |d| d`.

    For training with large batches.

    Args:
        learning_rate: the rate.
        beta_1: decay of the mean gradient.
        beta_2: decay of the mean square.
        epsilon: keeps the division finite.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.Lamb(0.002)
        Lamb(learning_rate=0.002)

    You et al., 2019, https://arxiv.org/abs/1904.00962
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def prepare(self, learning_rate, step) -> tuple[Array, ...]:
        return learning_rate, 1 / (1 - self.beta_1**step), 1 / (1 - self.beta_2**step)

    def update(self, gradient, value, rate, momentum, velocity) -> tuple[Array, dict[str, Array]]:
        rate, correct_m, correct_v = rate
        m = momentum + (gradient - momentum) * (1 - self.beta_1)
        v = velocity + (gradient**2 - velocity) * (1 - self.beta_2)
        d = m * correct_m / (jnp.sqrt(v * correct_v) + self.epsilon)
        w_norm, d_norm = (jnp.sqrt(jnp.sum(x**2)) for x in (value, d))
        both = (w_norm > 0) & (d_norm > 0)
        ratio = jnp.where(both, w_norm / jnp.where(both, d_norm, 1.0), 1.0)
        return value - ratio * rate * d, {"momentum": m, "velocity": v}


class ScheduleFreeAdamW(Optimizer):
    """AdamW without a schedule: it averages the iterates `z` into `x`; weights lie in between.

    `z <- z - rate * g / (sqrt(v / (1 - beta_2^t)) + epsilon); x <- (1 - 1/t) x + z / t;
    w <- (1 - beta_1) z + beta_1 x`.

    Args:
        learning_rate: the rate.
        beta_1: interpolation of the weights from `z` to `x`, in (0, 1].
        beta_2: decay of the mean square.
        epsilon: keeps the division finite.
        warmup_steps: steps of linear warmup from 0.
        common: arguments of every optimizer; see `Optimizer`.

    Example:
        >>> keras.optimizers.ScheduleFreeAdamW(0.002)
        ScheduleFreeAdamW(learning_rate=0.002)

    Defazio et al., 2024, https://arxiv.org/abs/2405.15682
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Any,
    ):
        super().__init__(learning_rate, **common)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"{self.name}: beta_1 must be in (0, 1], not {beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def make_slot(self, variable, slot) -> Variable | None:
        made = super().make_slot(variable, slot)
        if made is not None and slot == "momentum":  # z starts at the weights
            made.assign(jnp.array(variable.raw))
        return made

    def prepare(self, learning_rate, step) -> tuple[Array, ...]:
        if self.warmup_steps:
            learning_rate = learning_rate * jnp.minimum(step / self.warmup_steps, 1.0)
        return learning_rate, 1 / step, 1 / (1 - self.beta_2**step)

    def update(self, gradient, value, rate, momentum, velocity) -> tuple[Array, dict[str, Array]]:
        rate, weight, correction = rate
        v = velocity + (gradient**2 - velocity) * (1 - self.beta_2)
        z = momentum - rate * gradient / (jnp.sqrt(v * correction) + self.epsilon)
        x = (value - (1 - self.beta_1) * momentum) / self.beta_1
        x = (1 - weight) * x + weight * z
        return (1 - self.beta_1) * z + self.beta_1 * x, {"momentum": z, "velocity": v}
