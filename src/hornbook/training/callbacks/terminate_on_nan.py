"""Stop training when the loss is NaN or infinite."""

import math

from hornbook.training.callback import Callback
from hornbook.training.progress import say


class TerminateOnNaN(Callback):
    """Stop training at the first batch with a NaN or infinite loss, and name the batch.

    The loop still runs many steps per dispatch, since a dispatch ends at a non-finite loss.

    Args:
        raise_error: whether to raise instead, so that `on_train_end` is not called.

    Raises:
        RuntimeError: at a NaN or infinite loss, with `raise_error`.

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
        """Remember the epoch."""
        self._epoch = epoch

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        place = f"Epoch {self._epoch + 1}, batch {batch} (counted from 0)"
        message = f"{place}: the loss is {loss}, training ends"
        if self.raise_error:
            raise RuntimeError(message)
        say(message)
        self.model.stop_training = True
