"""Old optimizers: `lr` and `decay`."""

import inspect
import warnings
from typing import Any

from hornbook.core.variable import Variable
from hornbook.optimizers.schedules import InverseTimeDecay

NO_EFFECT = (
    "optimizer.lr = {} has no effect: {} reads the rate once, when training starts. "
    "K.set_value(model.optimizer.lr, {}) changes it"
)


def with_known(known: dict, variables: list, before: set) -> tuple[list, set]:
    """The arguments of `Optimizer._extend`, with the variables that have slots already.

    Args:
        known: the slots of each variable.
        variables, before: the arguments.
    """
    return [*known, *(one for one in variables if one not in known)], before | {*known}


class OldOptimizer:
    """Mixin of optimizers: `lr`, and `decay` of the rate at each step."""

    also_takes = ("decay",)
    _names: Any
    _rates: list
    _captured = False  # whether training has read the rate

    @staticmethod
    def _adapt_arguments(today: type, given: dict) -> dict:
        decay = given.pop("decay", 0.0)
        if decay:
            default = inspect.signature(today).parameters["learning_rate"].default
            rate = given.get("learning_rate", default)
            given["learning_rate"] = InverseTimeDecay(float(rate), 1, float(decay))
        return {}

    def _before_init(self, given: dict) -> None:
        pass

    def _after_init(self, extra: dict) -> None:
        pass

    def _extend(self, variables: list, before: set) -> None:
        """Create slots for the variables of a further model: one optimizer may train several."""
        super()._extend(*with_known(self._slots, variables, before))  # type: ignore

    @property
    def lr(self) -> Any:
        """The learning rate: a variable, or the initial rate of the decay."""
        rate = self._rates[0]
        return rate if isinstance(rate, Variable) else rate.initial_learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        if self._captured:
            value = float(value)
            text = NO_EFFECT.format(value, self._names.dialect.TITLE, value)
            warnings.warn(text, stacklevel=2)
        else:
            self.learning_rate = value.numpy() if isinstance(value, Variable) else value

    @property
    def learning_rate(self) -> Any:
        """The learning rate at this step."""
        return super().learning_rate  # type: ignore[misc]

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        rate = self._rates[0]
        if isinstance(rate, InverseTimeDecay) and not callable(value):
            value = InverseTimeDecay(float(value), 1, rate.decay_rate)
        type(self)._today.learning_rate.fset(self, value)  # type: ignore[attr-defined]
