"""TensorFlow's `keras.optimizers.legacy`: today's optimizers, which also take `lr` and `decay`.

Keras 3 has these names too, but they only raise. The formulas are those of today's optimizers, so
each name makes one of today's: what it saves is an ordinary Keras 3 file.
"""

from typing import Any

from hornbook.core import doors
from hornbook.optimizers.adam import Adam as _Adam
from hornbook.optimizers.adaptive import Adagrad as _Adagrad
from hornbook.optimizers.adaptive import Ftrl as _Ftrl
from hornbook.optimizers.adaptive import RMSprop as _RMSprop
from hornbook.optimizers.base import Optimizer as Optimizer
from hornbook.optimizers.schedules import InverseTimeDecay as _InverseTimeDecay
from hornbook.optimizers.sgd import SGD as _SGD

TAKES = """Makes `optimizers.{0}`, and takes its arguments.

    Args:
        lr: another name of `learning_rate`.
        decay: the learning rate of step t is `learning_rate / (1 + decay * t)`.

    Raises:
        ValueError: for both `lr` and `learning_rate`, or `decay` with a schedule.

    Example:
        >>> keras.optimizers.legacy.{0}(lr=0.1).get_config()["learning_rate"]
        0.1
    """


def _old(today: type) -> type:
    """A class that makes objects of today's class from old arguments."""

    def make(cls: type, *args: Any, lr: Any = None, decay: float = 0.0, **kwargs: Any) -> Any:
        if lr is not None and (args or "learning_rate" in kwargs):
            raise ValueError(f"{today.__name__} got learning_rate and lr: they are the same")
        if lr is not None:
            kwargs["learning_rate"] = lr
        made = today(*args, **kwargs)
        if decay:
            if callable(args[0] if args else kwargs.get("learning_rate")):
                raise ValueError(f"{today.__name__} got a schedule and decay: leave decay out")
            start = float(made.learning_rate)
            made.learning_rate = _InverseTimeDecay(start, 1, float(decay))
        return made

    old = type(today.__name__, (), {"__new__": make, "__module__": __name__})
    old.__doc__ = TAKES.format(today.__name__)
    return old


Adagrad = _old(_Adagrad)
Adam = _old(_Adam)
Ftrl = _old(_Ftrl)
RMSprop = _old(_RMSprop)
SGD = _old(_SGD)
doors.publish(globals())
