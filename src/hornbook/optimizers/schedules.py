"""Learning rates that are functions of the step."""

import math
from typing import Any

import jax.numpy as jnp

from hornbook.core import config as _config
from hornbook.core import doors
from hornbook.core.config import Configurable
from hornbook.core.settings import floatx
from hornbook.core.variable import unwrap

Array = Any


def _float(step) -> Array:
    return jnp.asarray(unwrap(step), jnp.promote_types(floatx(), "float32"))


def _floor(p) -> Array:
    """Round down; compiled division by a constant may fall short of an integer by an ulp."""
    return jnp.floor(p * (1 + 5e-7))


def _positive(schedule, **named) -> None:
    for name, value in named.items():
        if value <= 0:
            raise ValueError(f"{type(schedule).__name__}: {name} must be above 0, not {value}")


class LearningRateSchedule(Configurable):
    """Base of learning rates that depend on the step; subclasses define `__call__(step)`.

    Example:
        >>> class Halving(keras.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 ** jnp.asarray(step, "float32")
        >>> float(Halving()(3))
        0.125
    """

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step, counted from 0; the step may be traced."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")


class ExponentialDecay(LearningRateSchedule):
    """`initial * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of steps per factor of `decay_rate`.
        decay_rate: the decay factor.
        staircase: whether to round the exponent down to an integer.
        name: a name.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> float(keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)(20))
        0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        p = _float(step) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (_floor(p) if self.staircase else p)


class InverseTimeDecay(LearningRateSchedule):
    """`initial / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of steps per unit of decay.
        decay_rate: growth of the denominator per unit.
        staircase: whether to round the number of units down to an integer.
        name: a name.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> float(keras.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)(30))
        0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        p = _float(step) / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (_floor(p) if self.staircase else p)
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` for steps after `boundaries[i - 1]`, up to and including `boundaries[i]`.

    Args:
        boundaries: n steps, increasing.
        values: n + 1 rates.
        name: a name.

    Raises:
        ValueError: if there is not exactly one more value than boundaries.

    Example:
        >>> schedule = keras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (10, 11, 21)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, boundaries: list[int], values: list[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(boundaries)} boundaries need {len(boundaries) + 1} "
                f"values, not {len(values)}"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        passed = jnp.sum(_float(step) > jnp.asarray(self.boundaries, "float32"), dtype="int32")
        return _float(self.values)[passed]


class PolynomialDecay(LearningRateSchedule):
    """`(initial - end) * (1 - step / decay_steps) ** power + end`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the step at which `end_learning_rate` is reached.
        end_learning_rate: the final rate.
        power: exponent of the polynomial; 1.0 is linear.
        cycle: after the end, restart with `decay_steps` multiplied by 2, 3, ...
        name: a name.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> float(keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        step = _float(step)
        if self.cycle:
            cycles = -_floor(-step / self.decay_steps * (1 - 1e-6))  # rounded up
            p = step / (self.decay_steps * jnp.maximum(1.0, cycles))
        else:
            p = step / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1 - jnp.minimum(p, 1.0)) ** self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Cosine decay from the initial rate to `alpha` times it, after an optional linear warmup.

    `start * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`. With a warmup, `start`
    is `warmup_target` and steps are counted from the end of the warmup.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps of the decay, without the warmup.
        alpha: the minimum rate, as a fraction of the rate at the start of the decay.
        name: a name.
        warmup_target: the rate at the end of the warmup; `None` for no warmup.
        warmup_steps: steps of the warmup.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> round(float(keras.optimizers.schedules.CosineDecay(1.0, 10)(5)), 4)
        0.5

    Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        step, initial, target = _float(step), self.initial_learning_rate, self.warmup_target
        warmup = 0 if target is None else self.warmup_steps
        start = initial if target is None else target
        p = jnp.clip((step - warmup) / self.decay_steps, 0.0, 1.0)
        decayed = start * ((1 - self.alpha) * 0.5 * (1 + jnp.cos(math.pi * p)) + self.alpha)
        if not warmup:
            return decayed
        return jnp.where(step < warmup, (start - initial) * (step / warmup) + initial, decayed)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay with warm restarts.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: steps of the first period.
        t_mul: factor by which each period is longer than the previous one.
        m_mul: factor between the initial rates of successive periods.
        alpha: the minimum rate, as a fraction of the initial one.
        name: a name.

    Raises:
        ValueError: if `first_decay_steps` is not above 0.

    Example:
        >>> schedule = keras.optimizers.schedules.CosineDecayRestarts(1.0, 10)
        >>> [round(float(schedule(step)), 3) for step in (5, 10, 20)]
        [0.5, 1.0, 0.5]

    Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        _positive(self, first_decay_steps=first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        p = _float(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            period = _floor(p)
            p = p - period
        else:  # the periods before number i are (1 - t_mul ** i) / (1 - t_mul) first periods long
            period = _floor(jnp.log(1 - p * (1 - self.t_mul)) / math.log(self.t_mul))
            length = self.t_mul**period
            p = (p - (1 - length) / (1 - self.t_mul)) / length
        decayed = 0.5 * self.m_mul**period * (1 + jnp.cos(math.pi * p))
        return self.initial_learning_rate * ((1 - self.alpha) * decayed + self.alpha)


class PowerDecay(LearningRateSchedule):
    """`initial / (1 + step / decay_steps) ** power`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: with a power of 1, the rate is halved after this many steps, then a third after
            twice as many.
        power: the exponent.
        name: a name.

    Raises:
        ValueError: if `decay_steps` is not above 0.

    Example:
        >>> schedule = keras.optimizers.schedules.PowerDecay(1.0, 10)
        >>> float(schedule(10)), float(schedule(30))
        (0.5, 0.25)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        power: float = 1.0,
        name: str = "PowerDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.power = power
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        return self.initial_learning_rate / (1 + _float(step) / self.decay_steps) ** self.power


class OneCycle(LearningRateSchedule):
    """One cycle: a rise from a low rate to the maximum, then a fall far below where it started.

    The rate starts at `max_learning_rate / div_factor`, reaches the maximum after the fraction
    `pct_start` of the steps, and ends at its first value divided by `final_div_factor`. Arguments
    and values are those of PyTorch's `OneCycleLR`; the momentum stays as it is.

    Args:
        max_learning_rate: the highest rate, for instance one found by
            `keras.callbacks.LearningRateFinder`.
        total_steps: steps of the cycle; the rate is constant afterwards.
        pct_start: fraction of the steps that rise, between 0 and 1.
        anneal_strategy: `"cos"` or `"linear"`.
        div_factor: maximum rate / first rate.
        final_div_factor: first rate / last rate.
        name: a name.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> schedule = keras.optimizers.schedules.OneCycle(0.1, 100, div_factor=10)
        >>> [round(float(schedule(step)), 6) for step in (0, 29, 99)]
        [0.01, 0.1, 1e-06]

    Smith and Topin, 2017, https://arxiv.org/abs/1708.07120
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        name: str = "OneCycle",
    ):
        _positive(self, total_steps=total_steps, div_factor=div_factor)
        _positive(self, final_div_factor=final_div_factor)
        if not 0 < pct_start < 1:
            raise ValueError(f"OneCycle: pct_start is a fraction between 0 and 1, not {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycle: anneal_strategy is 'cos' or 'linear', not {anneal_strategy!r}"
            )
        self.max_learning_rate = max_learning_rate
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self.name = name

    def __call__(self, step: Any) -> Array:
        """The learning rate at a step."""
        step, peak = _float(step), self.pct_start * self.total_steps - 1
        first = self.max_learning_rate / self.div_factor
        rise = self._between(first, self.max_learning_rate, step / max(peak, 1e-9))
        fallen = (step - peak) / (self.total_steps - 1 - peak)
        fall = self._between(self.max_learning_rate, first / self.final_div_factor, fallen)
        return jnp.where(step <= peak, rise, fall)

    def _between(self, start: float, end: float, fraction: Array) -> Array:
        fraction = jnp.clip(fraction, 0.0, 1.0)
        if self.anneal_strategy == "cos":
            fraction = (1 - jnp.cos(math.pi * fraction)) / 2
        return start * (1 - fraction) + end * fraction


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict:
    """The class and config of a schedule as plain data."""
    return _config.serialize(learning_rate_schedule)


def deserialize(config: dict, custom_objects: dict | None = None) -> LearningRateSchedule:
    """Recreate a schedule from what `serialize` returned."""
    return _config.deserialize(config, custom_objects, "optimizers")


doors.publish(globals(), own=True)
