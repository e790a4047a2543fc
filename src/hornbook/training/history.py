"""The training record that `fit` returns."""

from typing import Any

from hornbook.training.callback import Callback


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
