"""`model.compile(tf.train.AdamOptimizer(0.001))`: Keras's optimizer for one of TensorFlow 1."""

from collections.abc import Callable
from typing import Any

from hornbook import optimizers
from hornbook.compat.attributes import Table
from hornbook.optimizers import Optimizer

RULES = "hornbook.compat.tensorflow1.optimizers"
NOT_A_NUMBER = (
    "{}: a model of Keras is compiled with numbers, not with {!r}. For a rate that changes, pass "
    "an optimizer of Keras with a schedule: keras.optimizers.Adam(schedule)"
)
_get = optimizers.get


def get(identifier: Any) -> Any:
    """The optimizer for a name, config, class or object, or one of `tf.train`."""
    ours = type(identifier).__module__ == RULES
    return as_keras(identifier) if ours else _get(identifier)


def as_keras(rule: Any) -> Optimizer:
    """`keras.optimizers.TFOptimizer`: the optimizer with the formula of one of `tf.train`.

    Args:
        rule: an optimizer of `tf.train`; its settings are numbers.

    Raises:
        TypeError: for a setting that is a tensor, or an optimizer that is not `tf.train`'s own.
    """
    kind = type(rule).__name__
    if kind not in KINDS or type(rule).__module__ != RULES:
        raise TypeError(f"{kind} is none of the optimizers that Keras knows: {', '.join(KINDS)}")
    numbers = [one() if callable(one) else one for one in rule.settings]
    for number in numbers:
        if not isinstance(number, int | float):
            raise TypeError(NOT_A_NUMBER.format(kind, number))
    return KINDS[kind](rule, *numbers)


def _rms(rule: Any, rate: float, decay: float, momentum: float, epsilon: float) -> Optimizer:
    made = optimizers.RMSprop(rate, decay, momentum, epsilon, centered="mg" in rule.slots)
    made.initial = {"velocity": rule.slots["rms"]}
    return made


KINDS: dict[str, Callable[..., Optimizer]] = {
    "GradientDescentOptimizer": lambda rule, rate: optimizers.SGD(rate),
    "MomentumOptimizer": lambda rule, rate, momentum: optimizers.SGD(
        rate, momentum, nesterov=rule.nesterov
    ),
    "AdamOptimizer": lambda rule, *numbers: optimizers.Adam(*numbers),
    "AdagradOptimizer": lambda rule, rate: optimizers.Adagrad(
        rate, rule.slots["accumulator"], epsilon=0.0
    ),
    "AdadeltaOptimizer": lambda rule, *numbers: optimizers.Adadelta(*numbers),
    "RMSPropOptimizer": _rms,
    "FtrlOptimizer": lambda rule, rate, power, l1, l2: optimizers.Ftrl(
        rate, power, rule.slots["accum"], l1, l2
    ),
}


def attributes() -> Table:
    """Nothing."""
    return {}


def replaced() -> Table:
    """What is replaced during a run."""
    return {optimizers: {"get": get}}
