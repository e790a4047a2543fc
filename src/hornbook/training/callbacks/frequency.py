"""Do something after each epoch, or every so many batches."""

from typing import Any


def check_frequency(who: str, save_freq: Any) -> None:
    """Raise if a `save_freq` is neither `"epoch"` nor a number of batches.

    Args:
        who: the callback, named in the message.
        save_freq: the argument.
    """
    batches = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
    if save_freq != "epoch" and not batches:
        raise ValueError(
            f"{who}: save_freq={save_freq!r} is not known: pass 'epoch' or a number of batches"
        )


class Batches(list):
    """The batches since the last time, and the index of the last batch: a list of two numbers.

    Example:
        >>> count = Batches()
        >>> [count.due(batch, 2) for batch in (0, 1, 2, 0)]
        [False, True, False, True]
    """

    def __init__(self):
        super().__init__((0, -1))

    def due(self, batch: int, every: int) -> bool:
        """Count up to a batch, and return whether `every` batches have passed.

        Args:
            batch: its index in the epoch.
            every: number of batches.
        """
        since, last = self
        since += batch - last if batch > last else batch + 1
        self[:] = 0 if since >= every else since, batch
        return since >= every
