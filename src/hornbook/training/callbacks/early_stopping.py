"""Stop training when a metric stops improving."""

from typing import Any

from hornbook.training.callbacks.monitor import Monitor
from hornbook.training.progress import say


class EarlyStopping(Monitor):
    """Stop training when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: a name in the logs.
        min_delta: smallest change that counts as an improvement.
        patience: epochs without improvement before training stops.
        verbose: 1 to print when it stops training.
        mode: `"min"`, `"max"` or `"auto"`: which direction is better; auto infers it from the name.
        baseline: only an epoch that also beats this counts as an improvement.
        restore_best_weights: whether to restore the weights of the best epoch when training ends:
            early, after the last epoch or by an interruption. They are restored whether or not that
            epoch beat the baseline.
        start_from_epoch: epochs before this one (counted from 0) are ignored.

    An epoch without the monitored value gives a warning and is not counted.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> stop = keras.callbacks.EarlyStopping(monitor="loss", patience=2, min_delta=1e9)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=9, verbose=0,
        ...                     callbacks=[stop])
        >>> len(history.epoch)
        3
    """

    backed_up = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Reset the state of an earlier run."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep the weights of a better epoch; stop when patience runs out."""
        value = self.read(epoch, logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improved(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improved(value, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.verbose:
                say(f"Epoch {epoch + 1}: early stopping")

    def on_train_end(self, logs: dict | None = None) -> None:
        """Restore the best weights, if asked to."""
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)
