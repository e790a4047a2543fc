"""End training when the loss is lost."""

import math

from hornbook.training.callback import Callback
from hornbook.training.progress import say


class TerminateOnNaN(Callback):
    """End training at the first batch after which the loss is NaN or infinite, and name the batch.

    The loop still runs many steps at a time: it returns after a batch whose loss is not finite.

    Args:
        raise_error: whether to raise instead, so that `on_train_end` is not called.

    Raises:
        RuntimeError: at a NaN or infinite loss, if asked to.

    Example:
        >>> keras.callbacks.TerminateOnNaN(raise_error=True).on_batch_end(7, {"loss": np.nan})
        Traceback (most recent call last):
        ...
        RuntimeError: Epoch 1, batch 7 (counted from 0): the loss is nan, training ends
    """

    every_batch = False

    def __init__(self, raise_error: bool = False):
        self.raise_error = raise_error
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Know the epoch."""
        self._epoch = epoch

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        place = f"Epoch {self._epoch + 1}, batch {batch} (counted from 0)"
        message = f"{place}: the loss is {loss}, training ends"
        if self.raise_error:
            raise RuntimeError(message)
        say(message)
        self.model.stop_training = True
