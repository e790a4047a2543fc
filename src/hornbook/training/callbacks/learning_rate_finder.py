"""Find a learning rate: raise it step by step and watch the loss."""

from typing import Any

import numpy as np

from hornbook.core.variable import Variable
from hornbook.training.callback import Callback
from hornbook.training.curves import plot_curves

STEPS = 100  # if nothing else limits them
NO_RATE = "LearningRateFinder: there are no losses yet; pass it to fit as a callback first"


class LearningRateFinder(Callback):
    """Raises the learning rate from a tiny to a large one, and records the loss at each step.

    Pass it to `fit`: training ends after `steps` steps, or when the loss grows beyond `divergence`
    times its minimum. The weights, the optimizer's state and its learning rate are then restored.
    `plot()` shows the loss by learning rate, and `suggestion` is the rate where it falls fastest.

    Args:
        min_learning_rate: the first rate.
        max_learning_rate: the last rate.
        steps: number of steps; by default all those of `fit`, 100 if their number is unknown.
        smoothing: decay of the loss's moving average, from 0 to below 1.
        divergence: ends when the smoothed loss exceeds its minimum by this factor.

    Attributes:
        rates: learning rate of each step.
        losses: loss of each batch.
        smoothed: their bias-corrected moving average.

    Raises:
        ValueError: for arguments out of range, or an optimizer with a schedule.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> finder = keras.callbacks.LearningRateFinder(1e-4, 10.0, steps=40)
        >>> x = np.linspace(-1, 1, 320)[:, None]
        >>> history = model.fit(x, 2 * x, epochs=4, verbose=0, callbacks=[finder])
        >>> 1e-4 <= finder.suggestion <= 10.0
        True

    Smith, 2015, https://arxiv.org/abs/1506.01186
    """

    def __init__(
        self,
        min_learning_rate: float = 1e-6,
        max_learning_rate: float = 10.0,
        steps: int | None = None,
        smoothing: float = 0.9,
        divergence: float = 4.0,
    ):
        if not 0 < min_learning_rate < max_learning_rate:
            raise ValueError(
                "LearningRateFinder: the rates must satisfy 0 < min_learning_rate < "
                f"max_learning_rate, not {min_learning_rate} and {max_learning_rate}"
            )
        if steps is not None and steps < 2:
            raise ValueError(f"LearningRateFinder: steps must be 2 or more, not {steps}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"LearningRateFinder: smoothing must be in [0, 1), not {smoothing}")
        if divergence <= 1:
            raise ValueError(f"LearningRateFinder: divergence must be above 1, not {divergence}")
        self.min_learning_rate = min_learning_rate
        self.max_learning_rate = max_learning_rate
        self.steps = steps
        self.smoothing = smoothing
        self.divergence = divergence
        self._forget()

    def _forget(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._average = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keep the state to restore, and set the range of rates."""
        self._forget()
        optimizer, params = self.model.optimizer, self.params or {}
        if not isinstance(optimizer._rates[0], Variable):
            raise ValueError(
                f"LearningRateFinder: the learning rate of {optimizer.name} is a schedule; compile "
                "with a number as learning_rate"
            )
        total = params["epochs"] * params["steps"] if params.get("steps") else STEPS
        self._rates = np.geomspace(
            self.min_learning_rate, self.max_learning_rate, max(self.steps or total, 2)
        )
        variables = [*self.model.variables, *optimizer.variables]
        self._before = [(variable, np.array(variable)) for variable in variables]

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set the learning rate of this step."""
        self.model.reset_metrics()  # so that the logs have this batch's loss
        self.rates.append(float(self._rates[len(self.rates)]))
        self.model.optimizer.learning_rate = self.rates[-1]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Record the loss."""
        loss = (logs or {})["loss"]
        self.losses.append(loss)
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        self.smoothed.append(self._average / (1 - self.smoothing ** len(self.losses)))
        worse = not self.smoothed[-1] <= self.divergence * min(self.smoothed)
        if worse or len(self.rates) == len(self._rates):
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Restore the weights, the optimizer and its learning rate."""
        for variable, value in self._before:
            variable.assign(value)
        del self._before

    @property
    def suggestion(self) -> float:
        """The learning rate at which the smoothed loss falls fastest."""
        if len(self.smoothed) < 2:
            raise ValueError(NO_RATE)
        losses = np.array(self.smoothed)
        slopes = np.gradient(losses, np.log(self.rates[: len(losses)]))
        return self.rates[int(np.nanargmin(slopes))]

    def plot(self) -> Any:
        """Plot the loss by learning rate; needs matplotlib.

        Returns:
            The matplotlib figure.
        """
        suggestion = self.suggestion
        rates = self.rates[: len(self.losses)]
        curves = {"each batch": (rates, self.losses), "smoothed": (rates, self.smoothed)}
        figure = plot_curves({"loss": curves}, "learning rate", log_x=True)
        panel = figure.axes[0]
        label = f"steepest: {suggestion:.2g}"
        panel.axvline(suggestion, linestyle="--", color="gray", label=label)
        lowest = int(np.nanargmin(self.smoothed))
        panel.set_ylim(min(0.0, self.smoothed[lowest]), 1.2 * max(self.smoothed[: lowest + 1]))
        panel.legend()
        return figure
