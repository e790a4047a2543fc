"""The training record that `fit` returns."""

from typing import Any

from hornbook.training.callback import Callback
from hornbook.training.curves import plot_curves
from hornbook.training.loop import due


class History(Callback):
    """Records each epoch's logs: `epoch` lists their numbers, `history` a list of floats per name.

    Every `fit` returns one; `model.history` is the latest. Completed epochs are kept when training
    is interrupted.

    Example:
        >>> history = keras.callbacks.History()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.on_epoch_end(1, {"loss": 0.25})
        >>> history.epoch, history.history
        ([0, 1], {'loss': [0.5, 0.25]})
    """

    backed_up = ("epoch", "history")

    def __init__(self):
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def set_model(self, model: Any) -> None:
        """Set the model, and become its `history`."""
        super().set_model(model)
        model.history = self

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self) -> Any:
        """Plot every recorded value over the epochs: one panel each, training and validation in it.

        Needs matplotlib. In a notebook the figure is shown.

        Returns:
            The matplotlib figure.

        Raises:
            ImportError: without matplotlib.
            ValueError: if no epoch has been recorded.
        """
        if not self.epoch:
            raise ValueError("History.plot: there is no epoch yet; call fit first")
        panels: dict[str, dict[str, tuple]] = {}
        for name, values in self.history.items():
            epochs = [epoch + 1 for epoch in self.epoch[-len(values) :]]
            of, label = name.removeprefix("val_"), "training"
            if name != of:
                label, epochs = "validation", self._validated(len(values))
            panels.setdefault(of, {})[label] = (epochs, values)
        return plot_curves(panels, "epoch")

    def _validated(self, count: int) -> list[int]:
        """The numbers of the epochs that had a validation, from 1."""
        frequency = (self.params or {}).get("validation_freq", 1)
        every = [epoch + 1 for epoch in self.epoch if due(epoch, frequency)]
        return every[-count:] if len(every) >= count else list(range(1, count + 1))
