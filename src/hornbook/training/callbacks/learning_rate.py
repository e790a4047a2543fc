"""Change the learning rate between epochs: by a schedule, or when progress stops."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.training.callback import Callback
from hornbook.training.callbacks.monitor import Monitor
from hornbook.training.progress import say


def learning_rate(model: Any) -> float:
    """The learning rate of a model's optimizer, as a Python float."""
    return float(np.asarray(model.optimizer.learning_rate))


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch; the logs record it as `"learning_rate"`.

    Args:
        schedule: `schedule(epoch, learning_rate)` or `schedule(epoch)` returns the new learning
            rate; `epoch` counts from 0.
        verbose: 1 to print each new learning rate.

    Raises:
        ValueError: if the schedule does not return a scalar.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
        >>> halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0,
        ...                     callbacks=[halve])
        >>> history.history["learning_rate"]
        [0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the learning rate of this epoch."""
        rate = learning_rate(self.model)
        arguments = (epoch, rate) if _takes_two(self.schedule) else (epoch,)
        new = self.schedule(*arguments)
        array = np.asarray(new)
        if array.size != 1 or array.dtype.kind not in "iuf":
            raise ValueError(
                f"LearningRateScheduler: the schedule returned {new!r} for epoch {epoch}; it must "
                "return one number, the new learning rate"
            )
        new = array.item()
        self.model.optimizer.learning_rate = new
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {new:.6g}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record the learning rate."""
        if logs is not None:
            logs["learning_rate"] = learning_rate(self.model)


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by `factor` when the monitored value stops improving.

    The logs record the learning rate of each epoch as `"learning_rate"`.

    Args:
        monitor: a name in the logs.
        factor: new learning rate / old one, below 1.
        patience: epochs without improvement before it is reduced.
        verbose: 1 to print each new learning rate.
        mode: `"min"`, `"max"` or `"auto"`: which direction is better; auto infers it from the name.
        min_delta: smallest change that counts as an improvement.
        cooldown: epochs to wait after a reduction before counting again.
        min_lr: lower bound of the learning rate.

    An epoch without the monitored value gives a warning and is not counted.

    Raises:
        ValueError: for a factor of 1 or more.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
        >>> reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=9)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0,
        ...                     callbacks=[reduce])
        >>> history.history["learning_rate"]
        [0.5, 0.5, 0.25]
    """

    backed_up = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 <= factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau: factor={factor} must be at least 0 and below 1, so that the "
                "learning rate falls"
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Reset the state of an earlier run."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record the learning rate, then reduce it if patience has run out."""
        rate = learning_rate(self.model)
        if logs is not None:
            logs["learning_rate"] = rate
        value = self.read(epoch, logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                self._reduce(epoch, rate)

    def in_cooldown(self) -> bool:
        """Whether the last reduction is too recent to count epochs."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int, rate: float) -> None:
        new = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau sets the learning rate to {new:.6g}")


def _takes_two(schedule: Callable) -> bool:
    """Whether a schedule also takes the learning rate."""
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True
